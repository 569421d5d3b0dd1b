/** A disk that is full, a file that somebody has written into, an address in the place of a file, a clock that somebody sets: nothing of a payment is lost. */

import { execFileSync } from 'node:child_process'
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statfsSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { startAcquirer } from '../../simulator/acquirer/host.ts'
import { loadCard } from '../../simulator/cards/icc.ts'
import { profiles } from '../../simulator/cards/profiles/index.ts'
import { VirtualClock } from '../../src/clock.ts'
import { currency } from '../../src/currency.ts'
import type { Fault } from '../../src/errors.ts'
import { httpAcquirer } from '../../src/payment/host/http.ts'
import type { Journal, JournalOptions, Repaired } from '../../src/payment/journal/journal.ts'
import { openJournal } from '../../src/payment/journal/open.ts'
import type { Intent } from '../../src/payment/journal/recorder.ts'
import { openDatabase } from '../../src/payment/journal/sqlite.ts'
import { openTill } from '../../src/payment/till/till.ts'
import { CounterReader } from '../devices/counter-reader.ts'

const merchant = { name: 'MobileTestMerchant', id: 'MTM', terminal: '63545902' }
const order = (number: string, amount = 150_00n) => ({ number, amount, currency: currency('RUB') })
const receipt = { merchant: 'M', terminal: '1', order: 'o', result: 'approved', amount: '150.00', currency: 'RUB', date: '26.03.2026 10:52', interface: 'chip', cvm: 'none', signatureLine: false } as const // biome-ignore format: a table
const intent = (key: string, number = key): Intent => ({
  ...{ key, order: order(number), merchant, method: 'reader', reader: 'PP1', amount: 150_00n, at: new Date(5000) },
})

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

function journalPath(): string {
  const path = mkdtempSync(join(tmpdir(), 'tapdip-disk-'))
  ends.push(() => rmSync(path, { recursive: true, force: true }))
  return join(path, 'journal.db')
}

async function journalAt(path: string, options: JournalOptions = {}): Promise<Journal> {
  const journal = await openJournal(path, options)
  ends.push(() => journal.close())
  return journal
}

const faultOf = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    error => error as Fault,
  )

/** Writes into the file as somebody would who has a shell. */
async function vandal(path: string, ...statements: readonly string[]): Promise<void> {
  const database = await openDatabase(path, { schema: '', application: 0x74646970, what: 'x' })
  for (const sql of statements) database.run(sql)
  database.close()
}

/** A disk of its own, which fills up and is emptied; undefined where none can be mounted. */
function smallDisk(): { readonly path: string; full(left: number): void; space(): void } | undefined {
  const path = mkdtempSync(join(tmpdir(), 'tapdip-full-'))
  ends.push(() => rmSync(path, { recursive: true, force: true }))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16m', 'tmpfs', path], { stdio: 'ignore' })
  } catch {
    return undefined
  }
  ends.push(() => execFileSync('umount', ['-l', path]))
  const ballast = join(path, 'ballast')
  return {
    path,
    /** @param left pages of 4 KiB */
    full(left) {
      const { bavail, bsize } = statfsSync(path)
      writeFileSync(ballast, new Uint8Array(Math.max(0, Math.floor((bavail * bsize) / 4096) - left) * 4096))
    },
    space: () => rmSync(ballast, { force: true }),
  }
}

const canMount = process.platform === 'linux' && process.getuid?.() === 0

describe.skipIf(!canMount)('a disk that is full, and then is not (mounting one needs root)', () => {
  it('a payment that could not be written down is brought to its end by the same process once there is space', async () => {
    const disk = smallDisk()!
    const host = await startAcquirer()
    ends.push(() => host.close())
    const became = new Set<string>()
    const card = loadCard('visa-signature')
    // Every place at which a payment's steps may stop fitting.
    for (let pages = 10; pages < 30; pages++) {
      const journal = await journalAt(join(disk.path, `journal ${pages}`))
      const reader = new CounterReader({ card })
      const till = openTill({ journal, merchant, acquirer: httpAcquirer(host.url, { timeout: 2000 }), background: false })
      const number = `full ${pages}`
      const before = host.balance(profiles['visa-signature'].pan)!
      disk.full(pages)
      const paid = await till.payOrder(order(number), { reader }).catch(error => error as Fault)
      if (paid instanceof Error) expect(paid).toMatchObject({ code: 'journal', details: { reason: 'full' } })
      // While it is full, nothing is lost by trying.
      await till.recover().catch(error => expect(error).toMatchObject({ code: 'journal', details: { reason: 'full' } }))
      disk.space()
      for (const one of await till.recover()) expect(one.became).not.toBe('busy')
      expect(journal.open(merchant)).toEqual([])
      const approved = !(paid instanceof Error) && paid.result === 'approved'
      const state = journal.order(merchant, number)?.state
      expect(state === 'Approved').toBe(approved)
      expect(state).not.toBe('In Process')
      expect(host.balance(profiles['visa-signature'].pan)).toBe(approved ? before - 150_00n : before)
      became.add(paid instanceof Error ? 'refused' : paid.result)
      await till.close()
      await journal.close()
      rmSync(join(disk.path, `journal ${pages}`))
    }
    expect([...became].sort()).toEqual(['approved', 'cancelled', 'refused'])
  })

  it('property: whatever fails to be written, a payment is never in the hands of nobody', async () => {
    const disk = smallDisk()!
    let run = 0
    await fc.assert(
      fc.asyncProperty(fc.array(fc.constantFrom('begin', 'claim', 'release', 'full', 'space'), { maxLength: 30 }), async steps => {
        const path = join(disk.path, `journal ${run++}`)
        const clock = new VirtualClock()
        const journal = await openJournal(path, { clock })
        const keys: string[] = []
        for (const step of steps) {
          try {
            if (step === 'full') disk.full(1)
            else if (step === 'space') disk.space()
            else if (step === 'begin') {
              const key = `k${keys.length} ${'x'.repeat(2000)}`
              journal.record({ stage: 'begun', ...intent(key, `o${keys.length}`) })
              keys.push(key)
            } else if (step === 'claim') for (const key of keys) journal.claim(key)
            else for (const key of keys) journal.release(key)
          } catch (error) {
            expect(error).toMatchObject({ code: 'journal', details: { reason: 'full' } })
          }
        }
        disk.space()
        for (const key of keys) journal.release(key)
        for (const key of keys) expect(journal.claim(key)).toBe(true)
        for (const key of keys) journal.release(key)
        expect(clock.pending).toBe(0)
        await journal.close()
        rmSync(path)
      }),
      { numRuns: 40 },
    )
  })

  it('a till in the background goes on by itself when there is space again', async () => {
    const disk = smallDisk()!
    const clock = new VirtualClock()
    const journal = await journalAt(join(disk.path, 'journal'), { clock })
    journal.record({ stage: 'begun', ...intent('k', 'o') })
    journal.release('k')
    const faults: Fault[] = []
    const host = await startAcquirer()
    ends.push(() => host.close())
    disk.full(0)
    const till = openTill({ journal, merchant, clock, acquirer: httpAcquirer(host.url), onFault: fault => faults.push(fault) })
    await clock.advance(1000)
    expect(faults[0]).toMatchObject({ code: 'journal', details: { reason: 'full' } })
    expect(journal.open(merchant)).toHaveLength(1)
    disk.space()
    await clock.advance(31_000)
    expect(journal.open(merchant)).toEqual([])
    await till.close()
  })
})

describe('a clock that somebody sets', () => {
  it.each([600_000, -600_000, 86_400_000, -86_400_000])('by %i ms takes no payment from a process that lives', async jump => {
    const path = journalPath()
    // Two processes: each with the wall clock of the machine, and time of its own.
    const [a, b] = [new VirtualClock(), new VirtualClock()]
    const first = await journalAt(path, { clock: a, leaseTime: 30_000 })
    const second = await journalAt(path, { clock: b, leaseTime: 30_000 })
    first.record({ stage: 'begun', ...intent('k') })
    await vandal(path, "UPDATE owners SET machine = 'another', pid = 1") // as from another machine, whose processes cannot be looked at
    expect(second.claim('k')).toBe(false)
    b.jump(jump)
    expect(second.claim('k')).toBe(false)
    for (let beat = 0; beat < 12; beat++) {
      await a.advance(10_000)
      await b.advance(10_000)
      if (beat === 5) b.jump(-jump)
      expect(second.claim('k')).toBe(false)
    }
    // It dies: its time is over when it was not heard of for the lease time.
    await b.advance(29_000)
    expect(second.claim('k')).toBe(false)
    await b.advance(2000)
    expect(second.claim('k')).toBe(true)
    second.release('k')
  })

  it('set back by a day, what is due is still tried again', async () => {
    const clock = new VirtualClock()
    const journal = await journalAt(journalPath(), { clock })
    journal.record({ stage: 'begun', ...intent('k', 'o') })
    journal.release('k', new Date(clock.now() + 5000))
    clock.jump(-86_400_000)
    const host = await startAcquirer()
    ends.push(() => host.close())
    const till = openTill({ journal, merchant, clock, acquirer: httpAcquirer(host.url) })
    await clock.advance(31_000)
    expect(journal.open(merchant)).toEqual([])
    await till.close()
  })
})

describe('the file', () => {
  it.each(['http://127.0.0.1:1/db', 'https://host/db', 'libsql://host/db', 'ws://host', 'file:journal.db', ':memory:', '', 'a\0b'])(
    'is a file: %j is refused, and nothing is connected to',
    async path => {
      expect(await faultOf(openJournal(path))).toMatchObject({ code: 'bad-argument', details: { field: 'path' } })
    },
  )

  it('an address that answers is not asked', async () => {
    let asked = 0
    const server = createServer(socket => {
      asked++
      socket.destroy()
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    ends.push(() => server.close())
    const { port } = server.address() as { port: number }
    for (const scheme of ['http', 'libsql', 'ws']) await faultOf(openJournal(`${scheme}://127.0.0.1:${port}`))
    expect(asked).toBe(0)
  })

  it.skipIf(process.platform === 'win32')('is its owner’s alone, with log and index, and one of before is made so', async () => {
    const path = journalPath()
    const modes = () => Object.fromEntries(readdirSync(join(path, '..')).map(name => [name, statSync(join(path, '..', name)).mode & 0o777]))
    const journal = await journalAt(path)
    journal.record({ stage: 'begun', ...intent('k') })
    expect(modes()).toEqual({ 'journal.db': 0o600, 'journal.db-wal': 0o600, 'journal.db-shm': 0o600 })
    await journal.close()
    chmodSync(path, 0o644)
    const again = await journalAt(path)
    expect(again.claim('k')).toBe(true)
    again.record({ stage: 'ended', key: 'k', result: 'approved', receipt })
    expect(new Set(Object.values(modes()))).toEqual(new Set([0o600]))
  })

  it.skipIf(process.platform === 'win32')('a file of another kind, named by mistake, keeps its mode and its bytes', async () => {
    const path = journalPath()
    writeFileSync(path, '# a page, and no journal\n')
    chmodSync(path, 0o644)
    expect(await faultOf(openJournal(path))).toMatchObject({ code: 'journal' })
    expect([statSync(path).mode & 0o777, readFileSync(path, 'utf8')]).toEqual([0o644, '# a page, and no journal\n'])
  })
})

describe('rows that nobody can read', () => {
  async function shop(): Promise<string> {
    const path = journalPath()
    const journal = await journalAt(path)
    for (const key of ['paid', 'open', 'other']) journal.record({ stage: 'begun', ...intent(key) })
    journal.record({ stage: 'ended', key: 'paid', result: 'approved', receipt })
    journal.notify({ type: 'interrupted', order: 'paid', at: new Date(5000) })
    journal.notify({ type: 'reversed', order: 'open', at: new Date(5000) })
    await journal.close()
    return path
  }

  const damages: readonly (readonly [string, string, object])[] = [
    ['facts that are no JSON', "UPDATE entries SET facts = '{\"receipt\":' WHERE key = 'open'", { table: 'entries', name: 'open', column: 'facts' }],
    ['an answer of nobody', `UPDATE entries SET facts = '{"answer":{"state":7}}' WHERE key = 'open'`, { table: 'entries', name: 'open', column: 'facts' }],
    ['a stage that nobody knows', "UPDATE entries SET stage = 'sleeping' WHERE key = 'open'", { table: 'entries', name: 'open', column: 'stage' }],
    ['a kind that nobody knows', "UPDATE entries SET kind = 'gift' WHERE key = 'open'", { table: 'entries', name: 'open', column: 'kind' }],
    ['an end that nobody knows', "UPDATE entries SET due = 'never' WHERE key = 'open'", { table: 'entries', name: 'open', column: 'due' }],
    ['a payment of no order', "UPDATE entries SET number = 'nowhere' WHERE key = 'open'", { table: 'entries', name: 'open', column: 'number' }],
    ['an order that is no JSON', "UPDATE orders SET detail = 'x' WHERE number = 'open'", { table: 'orders', name: 'open', column: 'detail' }],
    ['an order of no currency', `UPDATE orders SET detail = '{"number":"open","amount":"1","currency":"QQQ"}' WHERE number = 'open'`, { table: 'orders', name: 'open', column: 'detail' }],
    ['an order of no merchant', "UPDATE orders SET shop = '[]' WHERE number = 'open'", { table: 'orders', name: 'open', column: 'shop' }],
    ['a state that nobody knows', "UPDATE orders SET state = 'Great' WHERE number = 'open'", { table: 'orders', name: 'open', column: 'state' }],
    ['a notice that is no JSON', "UPDATE notices SET notice = '?' WHERE id = 2", { table: 'notices', row: 2, column: 'notice' }],
    ['no table of notices', 'DROP TABLE notices', { table: 'notices' }],
    ['no column for what is kept enciphered', 'ALTER TABLE entries DROP COLUMN sealed', { table: 'entries', column: 'sealed' }],
  ] // biome-ignore format: a table

  it.each(damages)(
    '%s: told with file and row when the journal is opened, mended or set aside, and the others are there',
    async (title, sql, where) => {
      const path = await shop()
      await vandal(path, sql)
      const fault = await faultOf(openJournal(path))
      expect(fault).toMatchObject({ code: 'journal', details: { reason: 'damaged', path, ...where } })
      expect(fault!.message).toContain(path)
      const repaired: Repaired[] = []
      const journal = await journalAt(path, { onRepair: found => repaired.push(...found) })
      expect(repaired).toMatchObject([where])
      expect(journal.order(merchant, 'paid')).toMatchObject({ state: 'Approved', entries: [{ key: 'paid', result: 'approved', receipt }] })
      expect(journal.order(merchant, 'other')).toMatchObject({ state: 'In Process', entries: [{ key: 'other', stage: 'begun' }] })
      // What was paid, or may have been, is not paid again.
      for (const number of ['paid', title === 'a payment of no order' ? 'nowhere' : 'open'])
        expect(() => journal.record({ stage: 'begun', ...intent('again', number) })).toThrow(expect.objectContaining({ code: 'busy' }))
      // And the till goes on with what is left.
      const host = await startAcquirer()
      ends.push(() => host.close())
      const till = openTill({ journal, merchant, acquirer: httpAcquirer(host.url), background: false })
      await till.recover()
      expect(journal.open(merchant)).toEqual([])
      await till.close()
      await journal.close()
      await (await openJournal(path)).close() // whole again
    },
  )

  it('what is damaged while the journal is open is told by whoever reads it', async () => {
    const path = await shop()
    const journal = await journalAt(path)
    await vandal(path, "UPDATE entries SET stage = 'sleeping' WHERE key = 'open'")
    expect(() => journal.entry('open')).toThrow(expect.objectContaining({ code: 'journal', details: expect.objectContaining({ reason: 'damaged', path, table: 'entries', name: 'open' }) })) // biome-ignore format: one look
    expect(journal.entry('paid')).toMatchObject({ result: 'approved' })
  })
})
