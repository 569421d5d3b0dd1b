/** The field of `--method softpos`: a PC/SC reader's antenna with the kernel on this machine, never the card reader that was used last. */

import { Fault, isFault } from '../../src/errors.ts'
import type { Reader } from '../../src/reader/reader.ts'
import { parseUri } from '../../src/transport/uri.ts'
import { type OpenOptions, open } from '../index.ts'
import type { Console } from './console.ts'

export interface FieldWish {
  /** `--reader`: `pcsc:`, `pcsc:ACR1252`; the first field that the PC/SC service has when left out. */
  readonly uri: string | undefined
  readonly screen: Console
  readonly signal: AbortSignal
  readonly open: Omit<OpenOptions, 'signal'>
  /** Names of the readers of the PC/SC service, and how one is opened; the service's own when left out. */
  readonly list?: () => Promise<readonly string[]>
  readonly opener?: (uri: string, options: OpenOptions) => Promise<Reader>
}

/** What antennas are called; readers with two slots name each. */
const ANTENNA = /contactless|picc|nfc|\bcl\b|acr122|acr1252/i
const WHAT = 'a PC/SC reader with an antenna'

/** @throws Fault `bad-argument` for a reader that is no field, `not-found` where there is none, then as `open` */
export async function connectField({ uri, screen, signal, list = names, opener = open, open: options }: FieldWish): Promise<Reader> {
  if (uri !== undefined && parseUri(uri).scheme !== 'pcsc')
    throw new Fault('bad-argument', `--reader is '${uri}': SoftPOS takes a field of its own, ${WHAT} (pcsc:<name>)`, { field: 'reader' })
  const where = uri ?? (await found(list))
  screen.say('app.connecting', { reader: decodeURIComponent(where.slice('pcsc:'.length)) || where })
  const reader = await opener(where, { ...options, signal })
  screen.say('app.connected', { reader: reader.info.model ?? where })
  return reader
}

async function found(list: () => Promise<readonly string[]>): Promise<string> {
  const all = await list().catch((error: unknown) => {
    if (!isFault(error, 'link-failed', 'missing-library', 'not-found')) throw error
    throw none(error.message, error)
  })
  // The slot for a secure module of the reader's own is none for customers.
  const slots = all.filter(one => !/\bSAM\b/i.test(one))
  const [name] = [...slots.filter(one => ANTENNA.test(one)), ...slots]
  if (name === undefined) throw none('the PC/SC service has no reader')
  return `pcsc:${encodeURIComponent(name)}`
}

function none(why: string, cause?: unknown): Fault {
  return new Fault('not-found', `there is no field for SoftPOS: ${WHAT} is needed (${why})`, { what: 'field' }, { cause })
}

async function names(): Promise<readonly string[]> {
  const { listPcscReaders } = await import('../../src/transport/pcsc.ts')
  return listPcscReaders()
}
