/** The reader of a command: the one named, else the last one, else one that is found nearby and agreed to. */

import { asFault, Fault, isFault, throwIfAborted } from '../../src/errors.ts'
import { faultMessage, message } from '../../src/messages/messages.ts'
import type { Reader } from '../../src/reader/reader.ts'
import { type ConnectionState, ReaderConnection, type RememberedReader } from '../../src/reader/reconnect.ts'
import { oneOf } from '../../src/refusal.ts'
import { parseUri } from '../../src/transport/uri.ts'
import { discover, type FoundReader } from '../discover.ts'
import { type Assumption, assumptions, type OpenOptions, open } from '../index.ts'
import { fileMemory } from '../memory.ts'
import type { Console } from './console.ts'

export interface ReaderWish {
  /** `--reader`. */
  readonly uri: string | undefined
  readonly screen: Console
  readonly signal: AbortSignal
  readonly open: Omit<OpenOptions, 'signal'>
  /** False: it does not become the last reader. */
  readonly remember?: boolean
}

/** The head of the guide's payment screen: what comes under it is what reader and host tell. */
export function sayPayment(screen: Console): void {
  screen.print(message('screen.payment', screen.language))
  screen.print(message('screen.details', screen.language))
}

/** `--app`, where the list is not the app's: said before the card is asked for. */
export function sayWhoChooses({ info }: Reader, label: string | undefined, screen: Console): void {
  if (label !== undefined && info.applicationSelection === 'reader') screen.say('app.chosenElsewhere', { label })
}

/** `--assume`, as often as it is given. @throws Fault `bad-argument` for a name that is none */
export function assumption(name: string, before: readonly Assumption[] = []): readonly Assumption[] {
  return [...before, oneOf('--assume', name, assumptions)]
}

/** For the help. */
export const ASSUME = `what nobody has seen on a reader may be used: ${assumptions.join(', ')}; may be repeated`
export const APP =
  'the payment system to pay with, by its label or name; another one is never charged. Asked for when left out and a card offers several'

/** Milliseconds: for the last reader to come back, for a search, and for more readers after the first one found. */
const LAST_TIME = 20_000
const SEARCH_TIME = 10_000
const MOMENT = 1000

/** A connection whose reader is ready; it connects again by itself until it is closed. */
export interface Connected {
  readonly connection: ReaderConnection
  readonly reader: Reader
}

/**
 * Connects, and remembers the reader for the next time.
 * @throws Fault what `open` throws for a reader that was named; `not-found` when none was found or none was wanted; `aborted`
 */
export async function connectReader(wish: ReaderWish): Promise<Connected> {
  const { screen, uri } = wish
  if (uri !== undefined) parseUri(uri)
  const memory = wish.remember === false || uri?.startsWith('replay:') ? undefined : fileMemory()
  const connection = new ReaderConnection({
    open: (uri, { signal: inner }) => open(uri, { ...wish.open, signal: inner }),
    memory,
  })
  try {
    const reader = await choose(wish, connection, (await memory?.load()) ?? undefined)
    screen.say('app.connected', { reader: [reader.info.model, reader.info.serial].filter(Boolean).join(' ') || reader.info.family })
    return { connection, reader }
  } catch (error) {
    await connection.close()
    throw error
  }
}

async function choose(wish: ReaderWish, connection: ReaderConnection, last: RememberedReader | undefined): Promise<Reader> {
  const { screen, uri, signal } = wish
  if (uri !== undefined) {
    screen.say('app.connecting', { reader: uri })
    const reader = await unlessAnother(wish, connection, inner => firstAttempt(connection, uri, inner))
    if (reader) return reader
  } else if (last) {
    const called = last.name ?? last.serial
    screen.say('app.connectingLast', { reader: called ?? last.uri })
    const states = connection.states[Symbol.asyncIterator]()
    const told = tellGone(states, called === undefined ? last.uri : `${called} (${last.uri})`, screen)
    try {
      const reader = await unlessAnother(wish, connection, async inner => {
        await connection.use(last.uri)
        return connection.ready({ timeout: LAST_TIME, signal: inner })
      })
      if (reader) return reader
    } catch (error) {
      if (signal.aborted) throw error
      screen.print(`! ${faultMessage(asFault(error), screen.language)}`)
      await connection.release()
    } finally {
      await states.return?.()
      await told
    }
  }
  for (;;) {
    const chosen = await search(wish)
    screen.say('app.connecting', { reader: chosen.name ?? chosen.uri })
    try {
      const reader = await unlessAnother(wish, connection, inner => firstAttempt(connection, chosen.uri, inner, chosen.name))
      if (reader) return reader
    } catch (error) {
      if (signal.aborted || isFault(error, 'bad-argument', 'bad-config')) throw error
      screen.print(`! ${faultMessage(asFault(error), screen.language)}`)
    }
  }
}

/** «Выбрать другой»: the key ends the attempt at once, whatever the reader is doing, and its link is let go; undefined then. @throws Fault as `work` */
async function unlessAnother(
  { screen, signal }: ReaderWish,
  connection: ReaderConnection,
  work: (signal: AbortSignal) => Promise<Reader>,
): Promise<Reader | undefined> {
  const other = new AbortController()
  if (screen.heard) screen.print(`  ${message('app.chooseOther', screen.language)}`)
  const deaf = screen.hear('o', () => other.abort())
  try {
    return await work(AbortSignal.any([signal, other.signal]))
  } catch (error) {
    if (!other.signal.aborted || signal.aborted) throw error
    await connection.release()
    return undefined
  } finally {
    deaf()
  }
}

/** Why the last reader is not there is told at its first attempt: the others follow in silence. */
async function tellGone(states: AsyncIterator<ConnectionState>, reader: string, screen: Console): Promise<void> {
  for (let next = await states.next(); !next.done; next = await states.next()) {
    if (next.value.type !== 'waiting') continue
    screen.say('app.lastGone', { reader, seconds: LAST_TIME / 1000, why: faultMessage(next.value.fault, screen.language) })
    return
  }
}

/** @throws Fault the one of the first attempt */
async function firstAttempt(connection: ReaderConnection, uri: string, signal: AbortSignal, name?: string): Promise<Reader> {
  await connection.use(uri, name)
  return connection.ready({ once: true, signal })
}

/** Found → connect, search again, or choose another; none → search again. @throws Fault `not-found` when nothing is wanted; `aborted` */
async function search({ screen, signal }: ReaderWish): Promise<FoundReader> {
  for (;;) {
    screen.say('app.searching')
    const found = await nearby(screen, signal)
    throwIfAborted(signal)
    if (found.length === 0) screen.say('app.noReaders')
    else screen.say('app.found', { reader: found[found.length - 1].name ?? found[found.length - 1].uri })
    const answer = await screen.ask(found.length === 0 ? 'app.searchAgainPrompt' : 'app.connectPrompt', signal)
    throwIfAborted(signal)
    if (answer === undefined || answer.trim() === 'x') throw new Fault('not-found', message('app.noReaders', screen.language))
    if (found.length === 0 || answer.trim() === 'r') continue
    const chosen = found[answer.trim() === '' ? found.length - 1 : Number(answer) - 1]
    if (chosen) return chosen
  }
}

/** The readers of known families, listed as they are found; a moment after the first it is enough. */
async function nearby(screen: Console, signal: AbortSignal): Promise<FoundReader[]> {
  const found: FoundReader[] = []
  const enough = new AbortController()
  let moment: ReturnType<typeof setTimeout> | undefined
  for await (const one of discover({ timeout: SEARCH_TIME, signal: AbortSignal.any([signal, enough.signal]) })) {
    if (one.type === 'unavailable' && !isFault(one.fault, 'missing-library')) screen.print(`! ${faultMessage(one.fault, screen.language)}`)
    if (one.type !== 'found' || one.reader.family === undefined || found.some(({ uri }) => uri === one.reader.uri)) continue
    const { name, uri, family, rssi } = one.reader
    found.push(one.reader)
    screen.print(`  ${found.length}. ${name ?? uri} (${family}${rssi === undefined ? '' : `, ${rssi} dBm`})`)
    moment ??= setTimeout(() => enough.abort(), MOMENT)
  }
  clearTimeout(moment)
  return found
}
