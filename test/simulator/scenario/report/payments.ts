/** Cases and runs of real payments over a virtual counter, each with its trace: what a report is made of, whoever has run them. */

import { open } from '../../../../devices/index.ts'
import { loadCard } from '../../../../simulator/cards/icc.ts'
import { type CounterOptions, virtualCounter } from '../../../../simulator/counter.ts'
import type { CaseStatus, Expectation, RunReport, ScenarioResult } from '../../../../simulator/scenario/result.ts'
import { profiles } from '../../../../simulator/world.ts'
import { currency } from '../../../../src/currency.ts'
import { httpAcquirer } from '../../../../src/payment/host/http.ts'
import { pay, paymentJson } from '../../../../src/payment/pay/payment.ts'
import type { Json } from '../../../../src/trace/event.ts'
import { traceEvents } from '../../../../src/trace/writer.ts'

export interface CaseOptions {
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

/** What a mask cannot make by itself: a masked track ends with zeros. */
export const discretionary = '7391846205'

/** One payment as a case, with everything that happened. */
export async function payment(options: CaseOptions = {}): Promise<ScenarioResult> {
  const { family = 'qpos', card = 'mir-maestro', pins = ['1234'], amount = 250_000n, present = 'dip', rules } = options
  const tracer = traceEvents({ header: { card, reader: { family } } })
  const counter = await virtualCounter({
    family,
    present,
    pins,
    card: loadCard({ ...profiles[card as keyof typeof profiles], discretionary }),
    tracer,
    resultTime: 0,
    ...(rules && { rules }),
  })
  const reader = await open(counter.link(), { family, tracer })
  const order = { number: '1', amount, currency: currency('RUB') }
  const merchant = { name: 'Corner shop', id: '635459020000001', terminal: '63545902' }
  const paid = paymentJson(await pay(order, { reader, tracer, acquirer: httpAcquirer(counter.acquirer.url), merchant }))
  const { screens } = counter.reader.body
  await reader.close()
  await counter.close()
  tracer.close()
  const { header, events } = tracer
  const result = JSON.parse(JSON.stringify(paid)) as Json & { receipt: Json }
  const duration = events.at(-1)?.at ?? 0
  const passed = paid.result === 'approved'
  return {
    name: options.name ?? `${card} pays ${amount}`,
    ...{ file: 'scenarios/contact/mir.yaml', line: 3, tags: ['contact'], matrix: options.matrix ?? {}, reader: family, card },
    ...{ status: options.status ?? 'passed', duration, virtualDuration: duration, attempts: 1, seed: 7 },
    expectations: options.expectations ?? [{ path: 'expect.result', expected: 'approved', actual: paid.result, passed }],
    trace: { header, events },
    screens: screens.map(({ at, lines, message }) => ({ at, lines, ...(message && { message }) })),
    ...{ steps: [{ step: 'pay', result, receipt: result.receipt, exit: 0 }], receipt: result.receipt, result },
  }
}

export function runOf(results: readonly ScenarioResult[], more: Partial<RunReport> = {}): RunReport {
  const versions = { tapdip: '0.1.0', node: process.version, platform: process.platform }
  return {
    ...{ tapdip: 'run', format: 1, suite: 'scenarios', seed: 7, started: '2026-11-29T10:00:00.000Z', duration: 4200, versions, results },
    ...more,
  }
}
