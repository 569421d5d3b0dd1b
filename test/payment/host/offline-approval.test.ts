/** What a chip approves offline is told to the host afterwards, with its certificate, over both clients: taken once, though the line fails. The world is virtual, reader and kernel are real. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { open } from '../../../devices/index.ts'
import { startIsoLine } from '../../../simulator/acquirer/iso8583/host.ts'
import type { HostEvent, HostRule } from '../../../simulator/world.ts'
import { profiles, virtualConfig, virtualCounter } from '../../../simulator/world.ts'
import { currency } from '../../../src/currency.ts'
import type { TerminalConfig } from '../../../src/emv/config.ts'
import { httpAcquirer } from '../../../src/payment/host/http.ts'
import { iso8583Acquirer } from '../../../src/payment/host/iso8583/client.ts'
import { isoDialects } from '../../../src/payment/host/iso8583/dialect.ts'
import { openJournal } from '../../../src/payment/journal/open.ts'
import { openTill } from '../../../src/payment/till/till.ts'
import { connect } from '../../../src/transport/connect.ts'

const merchant = { name: 'MobileTestMerchant', id: 'MTM', terminal: '63545902' }
const full = 100_000_000n
const order = { number: 'O1', amount: 5_00n, currency: currency('RUB') }
const { pan } = profiles['offline-approve']

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

const never = new Uint8Array(5)
const base = virtualConfig()
const config: TerminalConfig = {
  ...base,
  applications: base.applications.map(one => ({ ...one, tacDenial: never, tacOnline: never, tacDefault: never, floorLimit: 1_000_000n })),
}

/** Our own messages, and those of hosts that know nothing of our keys: as characters, and as bytes. */
const clients = ['http', 'tapdip', 'ascii', 'bcd']

async function shop(client: string, rules: readonly HostRule[] = []) {
  const seen: HostEvent[] = []
  const counter = await virtualCounter({ card: 'offline-approve', config, rules, resultTime: 0, onHost: event => seen.push(event) })
  ends.push(() => counter.close())
  const { acquirer: host } = counter
  const acquirer = client === 'http' ? httpAcquirer(host.url, { timeout: 10_000 }) : await iso(client)
  const directory = mkdtempSync(join(tmpdir(), 'tapdip-offline-'))
  const journal = await openJournal(join(directory, 'journal.db'), { key: new Uint8Array(32) })
  ends.push(
    () => rmSync(directory, { recursive: true, force: true }),
    () => journal.close(),
  )
  const reader = await open(counter.link(), { family: 'qpos' })
  ends.push(() => reader.close())
  const till = openTill({ journal, acquirer, merchant, background: false })
  return { till, host, seen, paid: (how: { reversalTime?: number } = {}) => till.payOrder(order, { method: 'reader', reader, ...how }) }

  async function iso(name: string) {
    const dialect = isoDialects[name as keyof typeof isoDialects]
    const line = await startIsoLine(host.desk, { dialect })
    const one = iso8583Acquirer({ connect: how => connect(`tcp://127.0.0.1:${line.port}`, how), timeout: 10_000, dialect })
    ends.push(
      () => line.close(),
      () => one.close(),
    )
    return one
  }
}

describe.each(clients)('over %s', client => {
  it('approved without the host, which hears of it once, with what the card has signed', async () => {
    const { paid, host, seen, till } = await shop(client)
    expect(await paid()).toMatchObject({ result: 'approved', payment: { result: 'approved', advice: 'done' } })
    expect(seen.filter(({ type }) => type === 'authorisation')).toEqual([])
    expect(seen.filter(({ type }) => type === 'advice')).toMatchObject([{ code: '00', arqc: 'right', amount: 5_00n }])
    expect(host.balance(pan)).toBe(full - 5_00n)
    expect(till.orders()).toMatchObject([{ state: 'Approved', entries: [{ open: false }] }])
    expect(await till.recover()).toEqual([])
  })

  it.each([
    ['dropRequest', 1],
    ['dropAnswer', 3],
  ] as const)('%s, %i times: it is due, and told until the host has answered', async (what, times) => {
    const { paid, host, seen, till } = await shop(client, [{ do: what, on: ['advice'], times }])
    expect(await paid({ reversalTime: 50 })).toMatchObject({ result: 'approved', payment: { advice: 'pending' } })
    for (let round = 0; round < 5 && till.orders()[0].entries[0].open; round++) await till.recover()
    expect(till.orders()).toMatchObject([{ state: 'Approved', entries: [{ open: false }] }])
    expect(seen.filter(({ type }) => type === 'advice')).toHaveLength(1)
    expect(host.balance(pan)).toBe(full - 5_00n)
  })
})
