/** A payment over a virtual reader whose line is recorded, and the same payment over its recording: on a virtual clock, in every family and dialect that has bytes. */

import { families, type OpenOptions, open } from '../../devices/index.ts'
import { issuerView } from '../../simulator/cards/issuer-view.ts'
import { type CardProfile, profiles, virtualCounter } from '../../simulator/world.ts'
import { VirtualClock } from '../../src/clock.ts'
import { currency } from '../../src/currency.ts'
import type { Acquirer, HostAnswer } from '../../src/payment/acquirer.ts'
import type { AppPrompts } from '../../src/payment/pay/options.ts'
import { type PaymentResult, pay } from '../../src/payment/pay/payment.ts'
import { receiptLines } from '../../src/payment/receipt/receipt.ts'
import { playback } from '../../src/recording/playback.ts'
import type { Tracer } from '../../src/trace/event.ts'
import type { Link } from '../../src/transport/link.ts'
import { pipe } from '../../src/transport/pipe.ts'
import { parseTrace, type Trace } from '../../src/transport/replay.ts'
import { traced } from '../../src/transport/trace.ts'
import { deskAcquirer } from '../simulator/acquirer/desk-acquirer.ts'
import { everyFamily } from './families.ts'

/** `signed`: a chip that wants a signature. `again`: the issuer finds the first PIN wrong, and the card is asked for once more. */
export const presentations = ['dip', 'tap', 'swipe', 'signed', 'again'] as const
export type Presentation = (typeof presentations)[number]

/** Digits that stand nowhere else. */
export const pin = '730916482755'
export const wrongPin = '847205619384'
export const pan = '2200707364918254'
export const signerPan = '4276380073649183'
export const surname = 'ZHUKOVA'
export const card: CardProfile = {
  ...profiles['mir-maestro'],
  cardholder: `${surname}/MARFA`,
  pan,
  pin: { ...profiles['mir-maestro'].pin!, digits: pin },
}

/** A stripe that pays by itself, without a chip beside it. */
export const stripe: CardProfile = { ...card, serviceCode: '121' }

const signer: CardProfile = { ...profiles['visa-signature'], cardholder: `${surname}/MARFA`, pan: signerPan }

const held: Readonly<
  Record<Presentation, { readonly card: CardProfile; readonly how: 'dip' | 'tap' | 'swipe'; readonly pins: readonly string[] }>
> = {
  dip: { card, how: 'dip', pins: [pin] },
  tap: { card, how: 'tap', pins: [pin] },
  swipe: { card: stripe, how: 'swipe', pins: [pin] },
  signed: { card: signer, how: 'dip', pins: [] },
  again: { card, how: 'dip', pins: [wrongPin, pin] },
}

/** Families and dialects with bytes. */
export const lines = everyFamily.filter(({ dialect }) => dialect !== 'emv2')

export interface Line {
  readonly family: string
  readonly dialect?: string
}

export interface Recorded {
  readonly text: string
  readonly trace: Trace
  readonly result: PaymentResult
  /** Every screen of the app: what it was told, asked and answered, in that order. */
  readonly events: readonly unknown[]
  readonly answers: readonly unknown[]
  /** What passed the line, as it was. */
  readonly bytes: { readonly out: readonly Uint8Array[]; readonly in: readonly Uint8Array[] }
}

const merchant = { name: 'MobileTestMerchant', id: '635459020000001', terminal: '63545902' }
export const START = Date.UTC(2026, 2, 26, 10, 52)

export async function record(
  line: Line,
  present: Presentation,
  mtu = Number.POSITIVE_INFINITY,
  profile: CardProfile = held[present].card,
  tracer?: Tracer,
): Promise<Recorded> {
  const clock = new VirtualClock(START)
  const { how, pins } = held[present]
  const counter = await virtualCounter({
    ...{ clock, ...line, card: profile, present: how, pins, resultTime: 0, host: { accounts: [...issuerView(profile)] } },
  })
  try {
    const [host, device] = pipe({ clock, mtu, ...(mtu < 1000 && { chunk: mtu }) })
    const served = counter.reader.serve(device)
    const bytes = { out: [] as Uint8Array[], in: [] as Uint8Array[] }
    const written: string[] = []
    const answers: unknown[] = []
    const acquirer = keeping(deskAcquirer(counter.acquirer.desk), answers)
    const trace: OpenOptions['trace'] = (link, { redaction }, dialect) =>
      traced(watched(link, bytes), { write: one => written.push(one), redaction, clock, reader: { family: line.family, dialect } })
    const { result, events } = await paid(clock, host, line, acquirer, { trace, ...(tracer && { tracer }) })
    await clock.settle(served)
    const text = written.join('\n')
    return { text, trace: parseTrace(text), result, events, answers, bytes }
  } finally {
    await counter.close()
  }
}

export interface ReplayHow {
  readonly start?: number
  readonly amount?: bigint
  readonly mtu?: number
  readonly paced?: boolean
}

export async function replayed(line: Line, { trace, answers }: Pick<Recorded, 'trace' | 'answers'>, how: ReplayHow = {}) {
  const { start = START, amount, mtu, paced } = how
  const clock = new VirtualClock(start)
  const family = families.find(one => one.name === line.family)!
  const { uri, service } = trace
  const dissector = family.dissector!({ uri, service, dialect: line.dialect })
  const link = playback(trace, { dissector, clock, mtu, ...(paced && { pace: clock }) })
  const told = await paid(clock, link, line, giving(answers), {}, amount)
  return { ...told, finished: link.finished, clock }
}

/** What `play` does with the line to a virtual reader with the same card and person at it as in `record`. */
export async function appAgain<T>(line: Line, present: Presentation, play: (link: Link, clock: VirtualClock) => Promise<T>): Promise<T> {
  const clock = new VirtualClock(START)
  const { card, how, pins } = held[present]
  const counter = await virtualCounter({ ...{ clock, ...line, card, present: how, pins, resultTime: 0 } })
  try {
    const [host, device] = pipe({ clock })
    const served = counter.reader.serve(device)
    const told = await clock.settle(play(host, clock))
    await host.close()
    await clock.settle(served)
    return told
  } finally {
    await counter.close()
  }
}

/** One payment, and the end of the connection. */
export async function paid(clock: VirtualClock, link: Link, line: Line, acquirer: Acquirer, how: OpenOptions, amount = 250_000n) {
  const reader = await clock.settle(open(link, { ...line, clock, ...how }))
  const events: unknown[] = []
  const prompts = watching(events)
  try {
    const result = await clock.settle(pay(goods(amount), { reader, acquirer, merchant, clock, prompts }))
    return { result, events }
  } finally {
    await clock.settle(reader.close())
  }
}

/** One payment in real time, over a link or a URI. */
export async function payOver(
  line: Line,
  { link, uri, ...how }: { readonly link?: Link; readonly uri?: string } & Pick<OpenOptions, 'bluetooth'>,
  acquirer: Acquirer,
  trace: NonNullable<OpenOptions['trace']>,
) {
  const reader = await open(link ?? uri!, { ...line, ...how, trace })
  const events: unknown[] = []
  try {
    const result = await pay(goods(250_000n), { reader, acquirer, merchant, prompts: watching(events) })
    return { result, events }
  } finally {
    await reader.close()
  }
}

const goods = (amount: bigint) => ({ number: '20260326_105200_001', amount, currency: currency('RUB') })

/** An app that answers every question in one way, and notes question, answer and what it is told. */
function watching(events: unknown[]): AppPrompts {
  return {
    async selectApplication(candidates) {
      events.push({ asked: 'application', offered: candidates, answered: 0 })
      return 0
    },
    async captureSignature({ amount }) {
      events.push({ asked: 'signature', amount })
      return { strokes: [Array.from({ length: 12 }, (_, step) => ({ x: step * 4, y: step % 2 === 0 ? 0 : 20 }))] }
    },
    async tryAgain(why, attempt) {
      events.push({ asked: why, attempt, answered: true })
      return true
    },
    onEvent: event => void events.push(event),
  }
}

function watched(link: Link, bytes: { out: Uint8Array[]; in: Uint8Array[] }): Link {
  return {
    ...{ uri: link.uri, mtu: link.mtu },
    send(chunk) {
      bytes.out.push(chunk.slice())
      return link.send(chunk)
    },
    incoming: (async function* () {
      for await (const chunk of link.incoming) {
        bytes.in.push(chunk.slice())
        yield chunk
      }
    })(),
    close: () => link.close(),
  }
}

export function keeping(acquirer: Acquirer, answers: unknown[]): Acquirer {
  const kept = async <T>(answer: Promise<T>) => {
    const given = await answer
    answers.push(given)
    return given
  }
  return {
    authorise: (...asked) => kept(acquirer.authorise(...asked)),
    advise: (...asked) => kept(acquirer.advise(...asked)),
    status: (...asked) => kept(acquirer.status(...asked)),
    reverse: (...asked) => kept(acquirer.reverse(...asked)),
  }
}

/** A host that says what it said, of whatever it is asked now. */
export function giving(answers: readonly unknown[]): Acquirer {
  const left = [...answers]
  const next = (key: string) => {
    const answer = left.shift()
    const about = answer && { ...(answer as HostAnswer), about: { ...(answer as HostAnswer).about, key } }
    return Promise.resolve(about as never)
  }
  return {
    authorise: message => next(message.key),
    advise: message => next(message.key),
    status: key => next(key),
    reverse: key => next(key),
  }
}

/** What of a payment a cashier has in hand, the slip as it is printed too: all but key, time, and the cardholder's name. */
export function outcome({ result, reason, interface: by, cvm, application, receipt }: PaymentResult) {
  const { date, cardholder, ...slip } = receipt
  const printed = (['en', 'ru'] as const).map(language => receiptLines({ ...slip, date: '' }, language))
  return { result, reason, by, cvm, application, slip, printed }
}
