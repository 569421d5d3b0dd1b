/** A payment whose kernel runs in the app, over every raw slot: its commands, rules and end are in the trace, by chip and by tap, and nothing secret. */

import { afterEach, expect, it } from 'vitest'
import { issuerView } from '../../simulator/cards/issuer-view.ts'
import { type AcquirerHost, type CardProfile, profiles, startAcquirer } from '../../simulator/world.ts'
import { VirtualClock } from '../../src/clock.ts'
import { currency } from '../../src/currency.ts'
import { pay } from '../../src/payment/pay/payment.ts'
import { printTrace } from '../../src/trace/print.ts'
import { parseTraceLog } from '../../src/trace/read.ts'
import { openTrace } from '../../src/trace/writer.ts'
import { found, secretNumber } from '../canaries.ts'
import { hostReaders } from '../devices/host-readers.ts'
import { deskAcquirer } from '../simulator/acquirer/desk-acquirer.ts'

const pan = '2200707364918254'
const card: CardProfile = { ...profiles['mir-maestro'], pan }
const canaries = [secretNumber('PAN', pan), secretNumber('the middle of the PAN', pan.slice(6, -4))]

/** What each of them pays by. */
const ways: Readonly<Record<string, readonly ('dip' | 'tap')[]>> = {
  ...{ 'qpos, kernel in the app': ['tap'], 'idtech, kernel in the app': ['dip'] },
  ...{ softpos: ['tap'], pcsc: ['dip', 'tap'], vpcd: ['dip'] },
}
const rows = hostReaders.flatMap(row => ways[row.name].map(present => [row.name, present, row] as const))

let host: AcquirerHost | undefined
afterEach(() => host?.close())

it.each(rows)('%s, %s', async (_, present, row) => {
  const clock = new VirtualClock()
  const lines: string[] = []
  const tracer = openTrace({ write: line => lines.push(line), clock })
  host = await startAcquirer({ accounts: [...issuerView(card)] })
  const placed = await clock.settle(row.place({ clock, tracer, person: { card, present } }))
  const { reader } = placed
  const order = { number: 'raw', amount: 100_00n, currency: currency('RUB') }
  const merchant = { name: 'M', id: '1', terminal: '1' }
  const prompts = { selectApplication: async () => 0 }
  const paid = await clock.settle(pay(order, { reader, tracer, clock, merchant, prompts, acquirer: deskAcquirer(host.desk) }))
  await clock.settle(placed.close())
  tracer.close()
  expect(paid).toMatchObject({ result: 'approved' })
  const log = parseTraceLog(`${lines.join('\n')}\n`)
  const apdus = log.events.flatMap(one => (one.kind === 'apdu' ? [one] : []))
  const through = present === 'dip' ? 'contact' : 'contactless'
  expect(new Set(apdus.map(one => one.interface))).toEqual(new Set([through]))
  expect(apdus.map(({ name }) => name)).toEqual(expect.arrayContaining(['SELECT', 'GET PROCESSING OPTIONS', 'READ RECORD']))
  const rules = log.events.flatMap(one => (one.kind === 'kernel' ? [one] : []))
  expect(new Set(rules.map(({ from }) => from))).toEqual(new Set(['driver']))
  expect(rules.map(({ step }) => step)).toContain('cardActionAnalysis')
  expect(log.events.filter(({ kind }) => kind === 'result')).toMatchObject([{ result: 'approved' }])
  expect(printTrace(log)).toContain(`presentation ${present === 'dip' ? 'chip' : 'tap'}`)
  expect(lines.join('\n')).toContain('2200700000008254') // it was looked at: what may be shown is there
  expect(found(canaries, lines.join('\n'))).toEqual([])
})
