/** Runs whose events are gathered by hand from a payment over a virtual counter: what a report is made of, whoever writes traces. */

import { open } from '../../../devices/index.ts'
import { loadCard, type VirtualCard } from '../../../simulator/cards/icc.ts'
import { virtualCounter } from '../../../simulator/counter.ts'
import type { CaseStatus, Expectation, RunReport, ScenarioResult, SeenScreen } from '../../../simulator/scenario/result.ts'
import { hex } from '../../../src/bytes.ts'
import { currency } from '../../../src/currency.ts'
import type { Card } from '../../../src/emv/card.ts'
import { explanationJson } from '../../../src/emv/explain/print.ts'
import { maskPan } from '../../../src/mask.ts'
import { httpAcquirer } from '../../../src/payment/host/http.ts'
import { pay, paymentJson } from '../../../src/payment/pay/payment.ts'
import { walk } from '../../../src/tlv/ber.ts'
import { isSensitive } from '../../../src/tlv/tags.ts'
import {
  type Json,
  TRACE_FORMAT,
  type TraceContent,
  type TraceEvent,
  type TraceHeader,
  type TraceSource,
} from '../../../src/trace/event.ts'
import { traced } from '../../../src/transport/trace.ts'

const names: Readonly<Record<string, string>> = {
  A4: 'SELECT', A8: 'GET PROCESSING OPTIONS', B2: 'READ RECORD', AE: 'GENERATE AC', 88: 'INTERNAL AUTHENTICATE', CA: 'GET DATA', 82: 'EXTERNAL AUTHENTICATE', 20: 'VERIFY', 84: 'GET CHALLENGE',
} // biome-ignore format: a table

/** Sensitive values of TLV as stars; of a PAN the first six and last four digits stay. */
function starred(answer: Uint8Array): string {
  let digits = hex(answer)
  try {
    for (const { tag, value, valueOffset } of walk(answer.subarray(0, -2)))
      if (isSensitive(tag) && value.length > 0 && (tag & 0x20) === 0) {
        const shown = tag === 0x5a ? maskPan(hex(value)).padEnd(value.length * 2, '*') : '*'.repeat(value.length * 2)
        digits = digits.slice(0, valueOffset * 2) + shown + digits.slice((valueOffset + value.length) * 2)
      }
  } catch {
    // no TLV
  }
  return digits
}

function heard(card: VirtualCard, tell: (from: TraceSource, content: TraceContent) => void): VirtualCard {
  const listen = <T extends Card>(session: T): T => {
    const transmit = session.transmit.bind(session)
    session.transmit = async (command, options) => {
      const answer = await transmit(command, options)
      const ins = hex(command.subarray(1, 2))
      tell('card', { kind: 'apdu', interface: session.interface, name: names[ins] ?? ins, command: hex(command), answer: starred(answer) })
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
  readonly expectations?: readonly Expectation[]
}

/** One payment as a case, with everything that happened. */
export async function caseByHand(options: HandOptions = {}): Promise<ScenarioResult> {
  const { family = 'qpos', card = 'mir-maestro', pins = ['1234'], amount = 250_000n, present = 'dip' } = options
  const start = performance.now()
  const events: TraceEvent[] = []
  const tell = (from: TraceSource, content: TraceContent) => {
    events.push({ at: performance.now() - start, from, ...content })
  }
  let step: { id: number; name: string } | undefined
  let spans = 1
  const inStep = (name: string) => {
    if (step?.name === name) return
    if (step) tell('reader', { kind: 'spanEnd', id: step.id })
    step = { id: ++spans, name }
    tell('reader', { kind: 'span', id: step.id, parent: 1, level: 'step', name })
  }
  const screens: SeenScreen[] = []
  const counter = await virtualCounter({
    ...{ family, present, pins, card: heard(loadCard(card), tell) },
    explain: entry => {
      inStep(entry.step)
      tell('reader', { kind: 'kernel', ...explanationJson(entry) })
    },
    onHost: event =>
      tell('host', { kind: 'host', what: 'decision', name: event.type, content: JSON.parse(JSON.stringify(event, (_, value) => (typeof value === 'bigint' ? String(value) : value))) }), // biome-ignore format: one line
  })
  counter.reader.body.on(event => {
    if (event.type === 'display') {
      const { lines, message } = event.screen
      screens.push({ at: performance.now() - start, lines, ...(message && { message }) })
      tell('reader', { kind: 'screen', lines, ...(message && { message }) })
    } else if (event.type === 'card') tell('person', { kind: 'card', event: event.event })
    else if (event.type === 'sound') tell('reader', { kind: 'sound', sound: event.sound })
    else if (event.type === 'light') tell('reader', { kind: 'light', light: event.light })
  })
  const link = traced(counter.link(), {
    write: line => {
      const { out, in: received, end } = JSON.parse(line)
      if (out !== undefined) tell('link', { kind: 'link', way: 'out', length: out })
      else if (received !== undefined) tell('link', { kind: 'link', way: 'in', length: received })
      else if (end) tell('link', { kind: 'link', end })
    },
  })
  tell('app', { kind: 'span', id: 1, level: 'payment', name: 'pay' })
  const reader = await open(link, { family })
  const { model, serial, firmware } = reader.info
  const order = { number: '1', amount, currency: currency('RUB') }
  tell('app', { kind: 'app', what: 'ask', name: 'pay', content: { order: '1', amount: String(amount), currency: 'RUB' } })
  const merchant = { name: 'Corner shop', id: '635459020000001', terminal: '63545902' }
  const payment = paymentJson(await pay(order, { reader, acquirer: httpAcquirer(counter.acquirer.url), merchant }))
  const result = JSON.parse(JSON.stringify(payment)) as Json & { receipt: Json }
  if (step) tell('reader', { kind: 'spanEnd', id: step.id })
  tell('app', { kind: 'result', result: payment.result, ...(payment.reason && { reason: payment.reason }), content: result })
  tell('app', { kind: 'spanEnd', id: 1 })
  await reader.close()
  await counter.close()
  const header: TraceHeader = {
    ...{ tapdip: 'trace', version: TRACE_FORMAT, package: '0.1.0', start: '2026-11-29T10:00:00.000Z', clock: 'system', card, masked: ['pan', 'track', 'name'] },
    reader: { family, ...(model && { model }), ...(serial && { serial }), ...(firmware && { firmware }) },
  } // biome-ignore format: short
  const duration = performance.now() - start
  return {
    name: options.name ?? `${card} pays ${amount}`,
    ...{ file: 'scenarios/contact/mir.yaml', line: 3, tags: ['contact'], matrix: options.matrix ?? {}, reader: family, card },
    ...{ status: options.status ?? 'passed', duration, virtualDuration: duration, attempts: 1, seed: 7 },
    expectations: options.expectations ?? [{ path: 'expect.result', expected: 'approved', actual: payment.result, passed: payment.result === 'approved' }],
    ...{ trace: { header, events }, screens, steps: [{ step: 'pay', result, receipt: result.receipt, exit: 0 }], receipt: result.receipt, result },
  } // biome-ignore format: short
}

export function runOf(results: readonly ScenarioResult[], more: Partial<RunReport> = {}): RunReport {
  const versions = { tapdip: '0.1.0', node: process.version, platform: process.platform }
  return {
    ...{ tapdip: 'run', format: 1, suite: 'scenarios', seed: 7, started: '2026-11-29T10:00:00.000Z', duration: 4200, versions, results },
    ...more,
  }
}
