/** What an MMS reader may be asked: requests with numbers of their own, one at a time, and what a refusal means. */

import { Fault } from '../../../src/errors.ts'
import type { Conversation } from '../../../src/reader/conversation.ts'
import { encodeGetProperty, type MmsMessage, mmsCommands, mmsDetails, mmsSummaries, propertyOf, propertyText } from '../codec.ts'

export type MmsLine = Conversation<MmsMessage, MmsMessage>

export interface MmsAsk {
  readonly timeout?: number | undefined
  readonly signal?: AbortSignal | undefined
  readonly onSent?: ((done: number, total: number) => void) | undefined
}

/** Milliseconds for a response to an image of firmware. */
const RESPONSE = 5000
/** Milliseconds for any other, before the request is sent again: a reader answers "started" at once to what takes longer, and refuses to begin or be told a thing twice. */
const PROMPT = 500
const REPEATS = 5

const names: Readonly<Record<number, string>> = Object.fromEntries(Object.entries(mmsCommands).map(([name, id]) => [id, name]))

/** The next message reference, so that a late response is nobody's. */
export class References {
  #last = 0

  next(): number {
    this.#last = (this.#last % 0xff) + 1
    return this.#last
  }
}

/** The response, whatever it says. @throws Fault `timeout`, `aborted`, `link-closed` */
export function request(line: MmsLine, references: References, id: number, payload: Uint8Array, options: MmsAsk = {}): Promise<MmsMessage> {
  const reference = references.next()
  const message: MmsMessage = { type: 'request', from: 'host', reference, id, payload }
  return line.ask(message, {
    ...(isSmall(id) ? { timeout: options.timeout ?? PROMPT, retries: REPEATS } : { timeout: options.timeout ?? RESPONSE }),
    signal: options.signal,
    onSent: options.onSent,
    accept: answer => answer.type === 'response' && answer.id === id && answer.reference === reference,
  })
}

function isSmall(id: number): boolean {
  return id !== mmsCommands.loadFirmware && id !== mmsCommands.commitFirmware
}

/** The response to a request that the reader took. @throws Fault as `refusalOf` says, `timeout`, `aborted`, `link-closed` */
export async function ask(line: MmsLine, references: References, id: number, payload: Uint8Array, options?: MmsAsk): Promise<MmsMessage> {
  const response = await request(line, references, id, payload, options)
  if ((response.status?.summary ?? mmsSummaries.failed) < mmsSummaries.notStarted) return response
  throw refusalOf(response)
}

/** The vendor's names of the details that are told apart here (D100005000, Table 12). */
const details: Readonly<Record<number, string>> = {
  [mmsDetails.tampered]: 'TAMPERED',
  [mmsDetails.badMessage]: 'BAD_MESSAGE',
  [mmsDetails.offline]: 'OFFLINE',
  [mmsDetails.badParameter]: 'BAD_PARAMETER',
  [mmsDetails.imageFailure]: 'IMAGE_FAILURE',
  [mmsDetails.locked]: 'DEVICE_LOCKED',
  [mmsDetails.noTransaction]: 'NO_TRANSACTION',
  [mmsDetails.cannotCancel]: 'CANNOT_CANCEL',
  [mmsDetails.inProgress]: 'IN_PROGRESS',
  [mmsDetails.lowBattery]: 'LOW_BATTERY',
}

/** The fault behind a response that refuses: `low-battery`, `tampered`, `busy`, `unsupported`, `update-required`, `bad-argument`, `reader-error`, with details.code. */
export function refusalOf({ id, status }: MmsMessage): Fault {
  const detail = status?.detail ?? 0
  const code = details[detail] ?? detail.toString(16).toUpperCase().padStart(6, '0')
  const what = names[id] ?? id.toString(16)
  switch (detail) {
    case mmsDetails.lowBattery:
      return new Fault('low-battery', `the reader refuses ${what}: its battery is at 5 % or less`, { code })
    case mmsDetails.tampered:
      return new Fault('tampered', `the reader says that it was opened (${what})`, { code })
    case mmsDetails.imageFailure:
      if (id === mmsCommands.start)
        return new Fault('update-required', 'the reader takes an update only: its firmware is too old, or not whole', {
          needs: 'firmware',
          code,
        })
      return new Fault('bad-argument', `the reader refuses the firmware image (${code})`, { field: 'image', code })
    case mmsDetails.inProgress:
      return new Fault('busy', `the reader is busy with something else (${what})`, { code })
    case mmsDetails.badParameter:
    case mmsDetails.badMessage:
      return new Fault('unsupported', `the reader does not know ${what}, or not with these values (${code})`, { feature: what, code })
    default:
      return new Fault('reader-error', `the reader answered ${what} with ${code}`, { code })
  }
}

/** A property as text. @throws Fault as `ask`, `protocol` */
export async function property(line: MmsLine, references: References, path: readonly number[], options?: MmsAsk): Promise<string> {
  const answer = await ask(line, references, mmsCommands.getProperty, encodeGetProperty(path), options)
  return propertyText(propertyOf(answer.payload, path))
}
