/** What a scenario expects, compared with what was: each line of `expect` becomes one Expectation with its path. */

import { fromHex, hex } from '../../src/bytes.ts'
import { currency, formatAmount, parseAmount } from '../../src/currency.ts'
import { isSet, TSI, TVR } from '../../src/emv/data.ts'
import { setBits, tsiRules, tvrRules } from '../../src/emv/explain/bit-rules.ts'
import type { Explanation } from '../../src/emv/explain/explain.ts'
import type { Fault } from '../../src/errors.ts'
import type { HostOrder } from '../../src/payment/acquirer.ts'
import type { OrderRecord } from '../../src/payment/journal/journal.ts'
import type { PaymentResult } from '../../src/payment/pay/payment.ts'
import type { Json } from '../../src/trace/event.ts'
import type { ShownScreen } from '../../src/trace/views.ts'
import type { HostEvent } from '../acquirer/events.ts'
import { showsScreen } from './moments.ts'
import type { Expectation } from './result.ts'
import type { ExpectPlan } from './schema.ts'

/** All that can be looked at, after a step or in the end. */
export interface Seen {
  readonly result?: string | undefined
  readonly payment?: PaymentResult | undefined
  readonly receipt?: Readonly<Record<string, unknown>> | undefined
  readonly fault?: Fault | undefined
  /** Left out where the app was killed: what is killed exits with nothing of its own. */
  readonly exit?: number | undefined
  readonly screens: readonly ShownScreen[]
  readonly stages: readonly string[]
  readonly host: readonly HostEvent[]
  readonly hostOrder?: HostOrder | undefined
  readonly journalOrder?: OrderRecord | undefined
  readonly firmware?: string | undefined
  readonly explained: readonly Explanation[]
  readonly elapsed: number
  readonly currency: string
  /** Everything that is shown, printed or traced, as text. */
  readonly text: () => string
}

type Look = (path: string, expected: Json, actual: Json, passed: boolean, explanation?: readonly string[]) => void

/** One Expectation for each thing that is expected. */
export function compare(expected: ExpectPlan, seen: Seen, under = 'expect'): Expectation[] {
  const found: Expectation[] = []
  const look: Look = (path, expected, actual, passed, explanation) => {
    found.push({
      path: `${under}.${path}`,
      expected,
      actual,
      passed,
      ...(!passed && explanation && explanation.length > 0 && { explanation }),
    })
  }
  ofResult(expected, seen, look)
  for (const [tag, mask] of Object.entries(expected.tags ?? {})) ofTag(tag, mask, seen, look)
  for (const [at, bit] of (expected.bits ?? []).entries()) ofBit(`bits.${at}`, bit, seen, look)
  if (expected.screens) inOrder('screens', expected.screens, seen.screens, showsScreen, ({ message, lines }) => (message ? `${message}: ${lines.join(' | ')}` : lines.join(' | ')), look) // biome-ignore format: one line
  if (expected.stages)
    inOrder(
      'stages',
      expected.stages,
      seen.stages,
      (wanted, stage) => wanted === stage,
      stage => stage,
      look,
    )
  for (const [name, wanted] of Object.entries(expected.receipt ?? {})) ofField(`receipt.${name}`, wanted, seen.receipt?.[name], look)
  if (expected.host) ofHost(expected.host, seen, look)
  if (expected.order === null) look('order', null, seen.hostOrder?.state ?? null, seen.hostOrder === undefined)
  else if (expected.order) ofOrder(expected.order, seen, look)
  if (expected.journal) ofJournal(expected.journal, seen, look)
  if (expected.firmware !== undefined) look('firmware', expected.firmware, seen.firmware ?? null, expected.firmware === seen.firmware)
  if (expected.within !== undefined) look('within', expected.within, Math.round(seen.elapsed), seen.elapsed <= expected.within)
  if (expected.never) ofNever(expected.never, seen, look)
  return found
}

function ofResult(expected: ExpectPlan, seen: Seen, look: Look): void {
  const { payment, fault } = seen
  const help = fault && expected.fault === undefined ? [`fault ${fault.code}: ${fault.message}`] : undefined
  const words: Readonly<Record<string, Json>> = {
    result: seen.result ?? null,
    reason: payment ? (payment.reason ?? 'none') : (seen.journalOrder?.entries.at(-1)?.reason ?? null),
    fault: fault?.code ?? 'none',
    exit: seen.exit ?? 'none',
    interface: payment ? (payment.interface ?? 'none') : null,
    cvm: payment ? (payment.cvm ?? 'untold') : null,
    application: payment?.application?.label ?? null,
    responseCode: payment?.responseCode ?? null,
    attempts: payment?.attempts ?? null,
    online: payment ? payment.outcome.online : null,
    reversal: payment ? (payment.reversal ?? 'none') : null,
    advice: payment ? (payment.advice ?? 'none') : null,
  }
  for (const [name, actual] of Object.entries(words)) {
    const wanted = expected[name as keyof ExpectPlan] as Json | readonly Json[] | undefined
    if (wanted === undefined) continue
    const passed = [wanted].flat().includes(actual as never)
    look(name, wanted, actual, passed, passed ? undefined : [...(help ?? []), ...whyNot(name, payment)])
  }
}

/** Of a payment that ended otherwise: what it says itself. */
function whyNot(name: string, payment: PaymentResult | undefined): string[] {
  if (!payment || (name !== 'result' && name !== 'reason')) return []
  const { result, reason, responseCode, hostReason } = payment
  return [[result, reason, responseCode && `code ${responseCode}`, hostReason].filter(Boolean).join(', ')]
}

/** Data objects that a result keeps back are not looked at: what is secret is in no report. */
function ofTag(tag: string, mask: string | null, { payment }: Seen, look: Look): void {
  const name = tag.toUpperCase()
  const actual = payment?.tags[name]
  if (mask === null) return void look(`tags.${name}`, null, actual ?? null, actual === undefined)
  const wanted = mask.replace(/\s/g, '').toUpperCase()
  const passed =
    actual !== undefined &&
    actual.length === wanted.length &&
    [...wanted].every((digit, at) => digit === 'X' || digit === '.' || digit === actual[at])
  const field = name === '95' ? 'TVR' : name === '9B' ? 'TSI' : undefined
  look(`tags.${name}`, wanted, actual ?? null, passed, field && actual !== undefined ? differentBits(field, wanted, actual) : undefined)
}

/** Each bit that is set and should not be, or the other way round, with its rules. */
function differentBits(field: 'TVR' | 'TSI', wanted: string, actual: string): string[] {
  if (!/^[0-9A-F]+$/.test(wanted) || wanted.length !== actual.length) return []
  const names = (value: string) => setBits(field, fromHex(value)).map(({ name, byte, bit }) => `${field}.${name ?? `${byte}.${bit}`}`)
  const [should, is] = [names(wanted), names(actual)]
  return [
    ...is.filter(one => !should.includes(one)).map(one => `${one} is set`),
    ...should.filter(one => !is.includes(one)).map(one => `${one} is not set`),
  ]
}

function ofBit(path: string, text: string, { payment, explained }: Seen, look: Look): void {
  const set = !text.startsWith('not ')
  const [field, name, bit] = text.replace(/^not /, '').split('.')
  const bits: Readonly<Record<string, { readonly byte: number; readonly bit: number }>> = field === 'TVR' ? TVR : TSI
  const place = bit === undefined ? bits[name] : { byte: Number(name), bit: Number(bit) }
  const own = bit === undefined ? name : Object.keys(bits).find(one => bits[one].byte === place.byte && bits[one].bit === place.bit)
  const value = payment?.tags[field === 'TVR' ? '95' : '9B']
  if (value === undefined) return void look(path, text, null, false, [`the payment has no ${field}`])
  const is = isSet(fromHex(value), place)
  const table = (field === 'TVR' ? tvrRules : tsiRules) as Readonly<
    Record<string, readonly { readonly paragraph: string; readonly when: string }[]>
  >
  const did = explained.filter(({ effect }) => effect.includes(`${field} ${own}`)).map(({ rule }) => `set by ${rule}`)
  const can = own === undefined ? [] : (table[own] ?? []).map(({ paragraph, when }) => `${paragraph}: ${when}`)
  look(path, text, `${is ? '' : 'not '}${field}.${own ?? `${place.byte}.${place.bit}`} (${field} ${value})`, is === set, is ? did : can)
}

/** `wanted` one after another among what was; the first that is missing is told. */
function inOrder<T>(
  path: string,
  wanted: readonly string[],
  were: readonly T[],
  is: (wanted: string, was: T) => boolean,
  tell: (was: T) => string,
  look: Look,
): void {
  let at = 0
  for (const was of were) if (at < wanted.length && is(wanted[at], was)) at++
  const told = were.map(tell)
  look(path, [...wanted], told, at === wanted.length, at < wanted.length ? [`not in this order, or not at all: ${wanted[at]}`] : undefined)
}

function ofField(path: string, wanted: string | null, actual: unknown, look: Look): void {
  const text = actual === undefined || actual === null ? null : String(actual)
  if (wanted === null) return void look(path, null, text, text === null)
  look(path, wanted, text, text !== null && fits(wanted, text))
}

/** As it is, with `*` for anything, or a regular expression between slashes. */
function fits(wanted: string, text: string): boolean {
  if (/^\/.*\/[iu]*$/.test(wanted)) {
    const end = wanted.lastIndexOf('/')
    return new RegExp(wanted.slice(1, end), wanted.slice(end + 1)).test(text)
  }
  const parts = wanted.split('*').map(part => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${parts.join('.*')}$`, 's').test(text)
}

const counted = (event: HostEvent) => !['status', 'order', 'repeat', 'refused'].includes(event.type)

function ofHost(wanted: NonNullable<ExpectPlan['host']>, { host, currency: unit }: Seen, look: Look): void {
  const were = host.filter(counted)
  const told = were.map(event => eventFacts(event, unit))
  const passed =
    wanted.length === were.length &&
    wanted.every((one, at) => {
      if (typeof one === 'string') return were[at].type === one
      return Object.entries(one).every(([name, value]) => value === undefined || sameFact(name, value, told[at], unit))
    })
  look('host', wanted as unknown as Json, told as unknown as Json, passed)
}

function sameFact(name: string, value: unknown, facts: Readonly<Record<string, unknown>>, unit: string): boolean {
  return name === 'amount'
    ? facts.amount === formatAmount(parseAmount(String(value), currency(unit)), currency(unit))
    : facts[name] === value
}

/** What of an event can be expected; none of it is secret. */
function eventFacts(event: HostEvent, unit: string): Record<string, unknown> {
  const names = ['type', 'code', 'reason', 'cvm', 'interface', 'arqc', 'pin', 'how', 'why', 'charged', 'what']
  const facts = Object.entries(event).filter(([name, value]) => names.includes(name) && value !== undefined)
  return { ...Object.fromEntries(facts), ...('amount' in event && { amount: formatAmount(event.amount, currency(unit)) }) }
}

function ofOrder(wanted: NonNullable<ExpectPlan['order']>, { hostOrder, currency: unit }: Seen, look: Look): void {
  const { state, operations, ...sums } = wanted
  if (state !== undefined) look('order.state', state, hostOrder?.state ?? null, state === hostOrder?.state)
  for (const [name, value] of Object.entries(sums)) {
    if (value === undefined) continue
    const actual = hostOrder && formatAmount(hostOrder[name as 'held'], currency(unit))
    const amount = formatAmount(parseAmount(value, currency(unit)), currency(unit))
    look(`order.${name}`, amount, actual ?? null, amount === actual)
  }
  if (!operations) return
  const were = hostOrder?.operations.map(({ type }) => type) ?? []
  look('order.operations', operations, were, operations.join() === were.join())
}

function ofJournal({ state, open, entries }: NonNullable<ExpectPlan['journal']>, { journalOrder: order }: Seen, look: Look): void {
  if (state !== undefined) look('journal.state', state, order?.state ?? null, state === order?.state)
  const left = order?.entries.filter(one => one.open).length
  if (open !== undefined) look('journal.open', open, left ?? null, open === left)
  if (!entries) return
  const were = order?.entries.map(({ kind, result, stage }) => `${kind} ${result ?? stage}`) ?? []
  look('journal.entries', entries, were, entries.join() === were.join())
}

function ofNever({ screens = [], stages = [], host = [], text = [] }: NonNullable<ExpectPlan['never']>, seen: Seen, look: Look): void {
  for (const [at, pattern] of screens.entries()) {
    const shown = seen.screens.find(screen => showsScreen(pattern, screen))
    look(`never.screens.${at}`, pattern, shown ? shown.lines.join(' | ') : null, shown === undefined)
  }
  for (const [at, stage] of stages.entries()) look(`never.stages.${at}`, stage, [...seen.stages], !seen.stages.includes(stage))
  for (const [at, type] of host.entries()) {
    const were = seen.host.map(event => event.type as string)
    look(`never.host.${at}`, type, were, !were.includes(type))
  }
  if (text.length === 0) return
  const all = seen.text()
  for (const [at, one] of text.entries()) look(`never.text.${at}`, one, all.includes(one) ? 'it appears' : null, !all.includes(one))
}

/** What of a run must never hold a secret of the card, whether the scenario says so or not. Told by its name, never by itself. */
export function canaries(secrets: Readonly<Record<string, string | undefined>>, text: string): Expectation[] {
  return Object.entries(secrets).flatMap(([name, secret]) => {
    if (secret === undefined || secret.length < 12) return []
    if (/^\d{6}0+\d{4}$/.test(secret)) return [] // as a trace masks it: nothing of it is secret
    const forms = [secret, hex(new TextEncoder().encode(secret))]
    const found = forms.some(form => text.includes(form))
    return found ? [{ path: `secret.${name}`, expected: 'in no report', actual: 'in clear', passed: false }] : []
  })
}
