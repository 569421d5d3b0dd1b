/** Runs whose events are gathered by hand from a payment over a virtual counter: what a report is made of, whoever writes traces. */

import { open } from '../../../devices/index.ts'
import { loadCard, type VirtualCard } from '../../../simulator/cards/icc.ts'
import { type CounterOptions, virtualCounter } from '../../../simulator/counter.ts'
import type { CaseStatus, Expectation, RunReport, ScenarioResult, SeenScreen } from '../../../simulator/scenario/result.ts'
import { hex } from '../../../src/bytes.ts'
import { currency } from '../../../src/currency.ts'
import type { Card } from '../../../src/emv/card.ts'
import { explanationJson } from '../../../src/emv/explain/print.ts'
import { httpAcquirer } from '../../../src/payment/host/http.ts'
import { pay, paymentJson } from '../../../src/payment/pay/payment.ts'
import type { Json, Tracer } from '../../../src/trace/event.ts'
import { traceEvents } from '../../../src/trace/writer.ts'
import { traced } from '../../../src/transport/trace.ts'

const names: Readonly<Record<string, string>> = {
  A4: 'SELECT', A8: 'GET PROCESSING OPTIONS', B2: 'READ RECORD', AE: 'GENERATE AC', 88: 'INTERNAL AUTHENTICATE', CA: 'GET DATA', 82: 'EXTERNAL AUTHENTICATE', 20: 'VERIFY', 84: 'GET CHALLENGE',
} // biome-ignore format: a table

function heard(card: VirtualCard, tracer: Tracer): VirtualCard {
  const listen = <T extends Card>(session: T): T => {
    const transmit = session.transmit.bind(session)
    session.transmit = async (command, options) => {
      const answer = await transmit(command, options)
      const ins = hex(command.subarray(1, 2))
      tracer.tell('card', {
        kind: 'apdu',
        interface: session.interface,
        name: names[ins] ?? ins,
        command: hex(command),
        answer: hex(answer),
      })
      return answer
    }
    return session
  }
  const [contact, contactless] = [card.contact.bind(card), card.contactless.bind(card)]
  card.contact = options => listen(contact(options))
  card.contactless = options => listen(contactless(options))
  return card
}

export interface HandOptions {
  readonly family?: string
  readonly card?: string
  readonly pins?: readonly string[]
  readonly amount?: bigint
  readonly present?: 'dip' | 'tap'
  readonly name?: string
  readonly matrix?: Readonly<Record<string, string>>
  readonly status?: CaseStatus
  readonly rules?: CounterOptions['rules']
  readonly expectations?: readonly Expectation[]
}

/** One payment as a case, with everything that happened. */
export async function caseByHand(options: HandOptions = {}): Promise<ScenarioResult> {
  const { family = 'qpos', card = 'mir-maestro', pins = ['1234'], amount = 250_000n, present = 'dip' } = options
  const tracer = traceEvents({ header: { card, reader: { family } } })
  const now = () => tracer.events.at(-1)?.at ?? 0
  let step: string | undefined
  let endStep = () => {}
  const inStep = (name: string) => {
    if (step === name) return
    endStep()
    step = name
    endStep = tracer.span('step', name, 'reader')
  }
  const screens: SeenScreen[] = []
  const counter = await virtualCounter({
    ...{ family, present, pins, card: heard(loadCard(card), tracer), ...(options.rules && { rules: options.rules }) },
    explain: entry => {
      inStep(entry.step)
      tracer.tell('reader', { kind: 'kernel', ...explanationJson(entry) })
    },
    onHost: event =>
      tracer.tell('host', { kind: 'host', what: 'decision', name: event.type, content: JSON.parse(JSON.stringify(event, (_, value) => (typeof value === 'bigint' ? String(value) : value))) }), // biome-ignore format: one line
  })
  counter.reader.body.on(event => {
    if (event.type === 'display') {
      const { lines, message } = event.screen
      screens.push({ at: now(), lines, ...(message && { message }) })
      tracer.tell('reader', { kind: 'screen', lines, ...(message && { message }) })
    } else if (event.type === 'card') tracer.tell('person', { kind: 'card', event: event.event })
    else if (event.type === 'sound') tracer.tell('reader', { kind: 'sound', sound: event.sound })
    else if (event.type === 'light') tracer.tell('reader', { kind: 'light', light: event.light })
  })
  const link = traced(counter.link(), {
    write: line => {
      const { out, in: received, end } = JSON.parse(line)
      if (out !== undefined) tracer.tell('link', { kind: 'link', way: 'out', length: out })
      else if (received !== undefined) tracer.tell('link', { kind: 'link', way: 'in', length: received })
      else if (end) tracer.tell('link', { kind: 'link', end })
    },
  })
  const endPayment = tracer.span('payment', '1')
  const reader = await open(link, { family })
  const order = { number: '1', amount, currency: currency('RUB') }
  tracer.tell('app', { kind: 'app', what: 'ask', name: 'pay', content: { order: '1', amount: String(amount), currency: 'RUB' } })
  const merchant = { name: 'Corner shop', id: '635459020000001', terminal: '63545902' }
  const payment = paymentJson(await pay(order, { reader, acquirer: httpAcquirer(counter.acquirer.url), merchant }))
  const result = JSON.parse(JSON.stringify(payment)) as Json & { receipt: Json }
  endStep()
  tracer.tell('app', { kind: 'result', result: payment.result, ...(payment.reason && { reason: payment.reason }), content: result })
  endPayment()
  await reader.close()
  await counter.close()
  tracer.close()
  const duration = now()
  return {
    name: options.name ?? `${card} pays ${amount}`,
    ...{ file: 'scenarios/contact/mir.yaml', line: 3, tags: ['contact'], matrix: options.matrix ?? {}, reader: family, card },
    ...{ status: options.status ?? 'passed', duration, virtualDuration: duration, attempts: 1, seed: 7 },
    expectations: options.expectations ?? [{ path: 'expect.result', expected: 'approved', actual: payment.result, passed: payment.result === 'approved' }],
    ...{ trace: { header: tracer.header, events: tracer.events }, screens, steps: [{ step: 'pay', result, receipt: result.receipt, exit: 0 }], receipt: result.receipt, result },
  } // biome-ignore format: short
}

export function runOf(results: readonly ScenarioResult[], more: Partial<RunReport> = {}): RunReport {
  const versions = { tapdip: '0.1.0', node: process.version, platform: process.platform }
  return {
    ...{ tapdip: 'run', format: 1, suite: 'scenarios', seed: 7, started: '2026-11-29T10:00:00.000Z', duration: 4200, versions, results },
    ...more,
  }
}
