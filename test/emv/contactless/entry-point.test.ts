/** Entry Point against 164 type-approval cases of EMV Contactless Books A and B (v2.5), with the stub kernel they ask for. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { fromBcd, fromHex, hex, toBcd, uint } from '../../../src/bytes.ts'
import type { Currency } from '../../../src/currency.ts'
import type { Card } from '../../../src/emv/card.ts'
import type { Combination } from '../../../src/emv/contactless/combination.ts'
import { type ContactlessKernel, EntryPoint, type Field } from '../../../src/emv/contactless/entry.ts'
import {
  type ContactlessOutcome,
  type OnlineResponse,
  type OutcomeStatus,
  type StartPoint,
  UI,
  type UiRequest,
  type UiStatus,
} from '../../../src/emv/contactless/outcome.ts'
import type { Transaction, TransactionType } from '../../../src/emv/terminal.ts'
import { read } from '../../../src/tlv/ber.ts'
import { parseDol } from '../../../src/tlv/dol.ts'

interface Ui {
  msg: string
  status: number
  hold_time: number
  lang_pref: string
  value_qualifier: number
  value: string
  currency: string
}
type Event =
  | { ev: 'field_on' | 'start' | 'restart' | 'txn_end' }
  | { ev: 'field_off'; hold_time: number }
  | { ev: 'ui'; ui: Ui }
  | { ev: 'apdu'; c: string; r: string; rc: number }
  | { ev: 'select'; df_name: string }
  | { ev: 'gpo'; pdol_values_tlv: string }
  | { ev: 'assert'; tag: string; expect: string; mask?: string }
  | {
      ev: 'outcome'
      outcome: number
      start: number
      online_response_type: number
      removal_timeout: number
      ui_on_outcome?: Ui
      ui_on_restart?: Ui
    }
interface Case {
  test: string
  title: string
  termsetting: string
  ltsetting: string
  lt_mode: number
  transactions: { type: number; amount_authorized: number; amount_other: number; currency: string }[]
  reference_events: Event[]
}
interface TerminalSetting {
  autorun: { transaction_type: string; amount_authorized: number } | null
  combination_sets: { transaction_types: string[]; combinations: [string, string][]; config: Record<string, number | boolean | string> }[]
}
const vectors = JSON.parse(readFileSync(join(import.meta.dirname, '../../vectors/entry_point_book_ab_libpay.json'), 'utf8')) as {
  terminal_settings: Record<string, TerminalSetting>
  cases: Case[]
}

const types: Record<string, TransactionType> = { '00': 'purchase', '09': 'cashback', '01': 'cash', '20': 'refund' }
const typeByIndex: TransactionType[] = ['purchase', 'cashback', 'cash', 'refund']
const typeCodes: Record<TransactionType, number> = { purchase: 0x00, cashback: 0x09, cash: 0x01, refund: 0x20 }
/** The cases leave the currency at 0000: amounts are whole units. */
const currency: Currency = { alpha: 'XXX', numeric: 0, exponent: 0 }
const uiStatuses: UiStatus[] = ['notReady', 'idle', 'readyToRead', 'processing', 'cardReadSuccessfully', 'processingError']
const starts: Record<number, StartPoint> = { 10: 'A', 11: 'B', 12: 'C', 13: 'D' }
const statuses: Record<number, OutcomeStatus> = {
  1: 'selectNext',
  2: 'tryAgain',
  3: 'approved',
  4: 'declined',
  5: 'onlineRequest',
  6: 'tryAnotherInterface',
  7: 'endApplication',
}

function combinationsOf({ combination_sets }: TerminalSetting): Combination[] {
  return combination_sets.flatMap(({ transaction_types, combinations, config }) =>
    combinations.map(([aid, kernel]) => {
      const amount = (name: string) => (config[name] === undefined ? undefined : BigInt(config[name] as number))
      return {
        aid: fromHex(aid),
        kernel: fromHex(kernel),
        types: transaction_types.map(type => types[type]),
        statusCheck: config.status_check_support as boolean | undefined,
        zeroAmountAllowed: config.zero_amount_allowed as boolean | undefined,
        extendedSelection: config.extended_selection_support as boolean | undefined,
        transactionLimit: amount('reader_contactless_transaction_limit'),
        floorLimit: amount('reader_contactless_floor_limit'),
        terminalFloorLimit: amount('terminal_floor_limit'),
        cvmRequiredLimit: amount('reader_cvm_required_limit'),
        ttq: config.ttq === undefined ? undefined : fromHex(config.ttq as string),
      }
    }),
  )
}

/** UI request as the stub kernel's card wrote it: message, status, hold (ms), language, value. */
function uiOf(bytes: Uint8Array): UiRequest {
  const language = bytes.subarray(4, 6).every(byte => byte === 0) ? '' : String.fromCharCode(...bytes.subarray(4, 6))
  const qualifier = ([undefined, 'amount', 'balance'] as const)[bytes[6]]
  const value = qualifier && { qualifier, amount: fromBcd(bytes.subarray(7, 13))!, currency: Number(hex(bytes.subarray(13, 15))) }
  return { message: bytes[0], status: uiStatuses[bytes[1] - 1], hold: uint(bytes.subarray(2, 4)), language, value }
}

/**
 * The eight 2ED.012 cases come from test document v2.4a, where a null kernel identifier means any kernel; v2.5 takes the RID's default.
 * What that changes: the kernel, and with it the combination whose TTQ is sent.
 */
const byV25: Record<string, { kernel: string; ttq: string }> = {
  '2ED.012.00 termsetting2': { kernel: '03', ttq: '28000000' },
  '2ED.012.02 termsetting3': { kernel: '02', ttq: '00000000' }, // the combination has none
  '2ED.012.04 termsetting2': { kernel: '05', ttq: '84008000' }, // B2b7 cleared: 2 is below the limit of 20
  '2ED.012.06 termsetting2': { kernel: '04', ttq: '84008000' },
  '2ED.012.06 termsetting3': { kernel: '04', ttq: '84C08000' }, // autorun: no pre-processing, as configured
}

/** Runs one case and gives back what a laboratory's tools would have seen. */
async function run(example: Case): Promise<Event[]> {
  const setting = vectors.terminal_settings[example.termsetting]
  const script = [...example.reference_events]
  const seen: Event[] = []
  const uiEvent = (request: UiRequest): Ui => ({
    msg: hex(Uint8Array.of(request.message)),
    status: uiStatuses.indexOf(request.status) + 1,
    hold_time: request.hold ?? 0,
    lang_pref: request.language ?? '',
    value_qualifier: [undefined, 'amount', 'balance'].indexOf(request.value?.qualifier),
    value: hex(toBcd(request.value?.amount ?? 0n, 6)),
    currency: String(request.value?.currency ?? 0).padStart(4, '0'),
  })
  const ui = (request: UiRequest) => seen.push({ ev: 'ui', ui: uiEvent(request) })
  /** The recorded answer to the next command; the order of recorded answers is the card. */
  const card: Card = {
    interface: 'contactless',
    atr: new Uint8Array(),
    async transmit(apdu) {
      const next = script.findIndex(event => event.ev === 'apdu')
      const recorded = next < 0 ? undefined : (script.splice(0, next + 1).at(-1) as Extract<Event, { ev: 'apdu' }>)
      seen.push({ ev: 'apdu', c: hex(apdu), r: recorded?.r ?? '6F00', rc: 0 })
      return fromHex(recorded?.r ?? '6F00')
    },
  }
  const field: Field = {
    async activate({ onCollision }) {
      seen.push({ ev: 'field_on' })
      if (example.lt_mode > 0) onCollision('several')
      if (example.lt_mode === 1) onCollision('none')
      return card
    },
    async off({ hold = 0 } = {}) {
      seen.push({ ev: 'field_off', hold_time: hold })
    },
  }
  /** The outcome as the stub kernel's card gave it: 0 is N/A, which no kernel may return. */
  let raw: number | undefined
  const stub: ContactlessKernel = async activation => {
    const { prepared, transaction, onlineResponse, restart, start, sw, fci } = activation
    const indicators =
      (prepared.floorLimitExceeded ? 0x80 : 0) |
      (prepared.notAllowed ? 0x40 : 0) |
      (prepared.cvmLimitExceeded ? 0x20 : 0) |
      (prepared.statusCheckRequested ? 0x10 : 0) |
      (prepared.zeroAmount ? 0x08 : 0)
    const recordedUn = script
      .flatMap(event => (event.ev === 'gpo' ? read(fromHex(event.pdol_values_tlv), {}) : []))
      .find(({ tag }) => tag === 0x9f37)
    const script71 = (tag: number) => onlineResponse?.scripts?.map(one => read(one)[0]).find(one => one.tag === tag)?.value
    const values = new Map<number, Uint8Array | undefined>([
      [0xd1, Uint8Array.of(indicators, restart ? 0x80 : 0)],
      [0xd2, Uint8Array.of('ABCD'.indexOf(start) + 10)],
      [0xd3, Uint8Array.of(sw >> 8, sw & 0xff)],
      [0x9f66, prepared.ttq],
      [0x9f02, toBcd(transaction.amount, 6)],
      [0x9f03, toBcd(transaction.otherAmount ?? 0n, 6)],
      [0x9c, Uint8Array.of(typeCodes[transaction.type ?? 'purchase'])],
      [0x9f37, recordedUn?.value],
      [0x9f2a, prepared.combination.kernel],
      [0x6f, read(activation.response)[0].value],
      [0x91, onlineResponse?.issuerAuthenticationData],
      [0x71, script71(0x71)],
      [0x72, script71(0x72)],
    ])
    const pdol = parseDol(fci.objects.get(0x9f38) ?? new Uint8Array())
    const data = pdol.flatMap(({ tag, length }) => Array.from({ length }, (_, i) => values.get(tag)?.[i] ?? 0))
    const answer = await card.transmit(Uint8Array.of(0x80, 0xa8, 0x00, 0x00, ...(data.length > 0 ? [data.length] : []), ...data, 0x00))
    const objects = new Map(read(read(answer.subarray(0, -2))[0].value).map(({ tag, value }) => [tag, value]))
    const parameters = objects.get(0xd4)!
    raw = parameters[0]
    const issuer = [0x91, 0x71, 0x72].filter(tag => objects.has(tag))
    const outcome: ContactlessOutcome = {
      status: statuses[raw] ?? 'endApplication',
      start: starts[parameters[1]],
      onlineResponse: ([undefined, 'emvData', 'any'] as const)[parameters[2]],
      uiOnOutcome: objects.has(0xd5) ? uiOf(objects.get(0xd5)!) : undefined,
      uiOnRestart: objects.has(0xd6) ? uiOf(objects.get(0xd6)!) : undefined,
      fieldOff: uint(parameters.subarray(6, 8)) === 0xffff ? undefined : uint(parameters.subarray(6, 8)),
      removalTimeout: uint(parameters.subarray(8, 10)),
      dataRecord: new Map(issuer.map(tag => [tag, objects.get(tag)!])),
    }
    return outcome
  }

  const transactions: (Transaction & { at?: Date })[] = setting.autorun
    ? [{ type: types[setting.autorun.transaction_type], amount: BigInt(setting.autorun.amount_authorized), currency }]
    : example.transactions.map(({ type, amount_authorized, amount_other }) => ({
        type: typeByIndex[type],
        amount: BigInt(amount_authorized),
        otherAmount: BigInt(amount_other),
        currency,
      }))
  for (const transaction of transactions) {
    // What a terminal does between transactions: an autorun reader polls, another one welcomes.
    if (setting.autorun) {
      seen.push({ ev: 'field_on' })
      ui({ message: UI.presentCard, status: 'readyToRead' })
    } else {
      await field.off()
      ui({ message: UI.welcome, status: 'idle' })
    }
    seen.push({ ev: 'start' })
    const entry = new EntryPoint(
      { combinations: combinationsOf(setting), kernel: () => stub, field, ui },
      transaction,
      new AbortController().signal,
    )
    let outcome = await entry.run(setting.autorun ? 'B' : 'A')
    const report = (outcome: ContactlessOutcome) => {
      const internal = Number(Object.entries(statuses).find(([, status]) => status === outcome.status)![0])
      seen.push({
        ev: 'outcome',
        outcome: raw === 0 ? 0 : internal,
        start: outcome.start ? 'ABCD'.indexOf(outcome.start) + 10 : 0,
        online_response_type: [undefined, 'emvData', 'any'].indexOf(outcome.onlineResponse),
        removal_timeout: outcome.removalTimeout ?? 0,
        ...(outcome.uiOnOutcome && { ui_on_outcome: uiEvent(outcome.uiOnOutcome) }),
        ...(outcome.uiOnRestart && { ui_on_restart: uiEvent(outcome.uiOnRestart) }),
      })
    }
    report(outcome)
    while (outcome.status === 'onlineRequest' && outcome.start) {
      // The laboratory's host answers with what the kernel put into the data record.
      const record = outcome.dataRecord!
      const response: OnlineResponse = {
        issuerAuthenticationData: record.get(0x91),
        scripts: [0x71, 0x72].flatMap(tag => (record.has(tag) ? [Uint8Array.of(tag, record.get(tag)!.length, ...record.get(tag)!)] : [])),
      }
      if (record.size === 0) ui({ message: UI.cardReadOk, status: 'cardReadSuccessfully' })
      seen.push({ ev: 'restart' })
      outcome = await entry.run(outcome.start, { outcome, response })
      report(outcome)
    }
    await field.off()
    seen.push({ ev: 'txn_end' })
  }
  return seen
}

/** The recorded events as this file sees them, with what v2.5 changes. */
function expected({ test, termsetting, reference_events }: Case): Event[] {
  const changed = byV25[`${test} ${termsetting}`]
  return reference_events
    .filter(({ ev }) => ev !== 'select' && ev !== 'gpo' && ev !== 'assert')
    .map((event): Event => {
      if (event.ev === 'apdu' && changed && event.c.startsWith('80A8'))
        return { ...event, c: `80A800000C${changed.ttq}${changed.kernel}0000000000000000` }
      if (event.ev !== 'outcome') return event
      const { outcome, start, online_response_type, removal_timeout, ui_on_outcome, ui_on_restart } = event
      return {
        ev: 'outcome',
        outcome,
        start,
        online_response_type,
        removal_timeout,
        ...(ui_on_outcome && { ui_on_outcome }),
        ...(ui_on_restart && { ui_on_restart }),
      }
    })
}

describe('Entry Point type approval', () => {
  it('has all 164 cases', () => {
    expect(vectors.cases).toHaveLength(164)
  })

  it.each(vectors.cases.map((example, index) => ({ name: `${index} ${example.test} ${example.title}`, example })))(
    '$name',
    async ({ example }) => {
      expect(await run(example)).toEqual(expected(example))
    },
  )
})
