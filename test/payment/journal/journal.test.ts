/** The journal: what it keeps of a payment, who may go on with it, and how a payment ends when it cannot be written down. */

import { execFileSync } from 'node:child_process'
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { type AcquirerHost, type AcquirerOptions, type HostEvent, startAcquirer } from '../../../simulator/acquirer/host.ts'
import { loadCard } from '../../../simulator/cards/icc.ts'
import type { CardProfile } from '../../../simulator/cards/profile/profile.ts'
import { profiles } from '../../../simulator/cards/profiles/index.ts'
import { VirtualClock } from '../../../src/clock.ts'
import { currency } from '../../../src/currency.ts'
import { Fault } from '../../../src/errors.ts'
import type { AuthorisationMessage, HostAnswer } from '../../../src/payment/acquirer.ts'
import { httpAcquirer } from '../../../src/payment/host/http.ts'
import type { Journal, JournalOptions } from '../../../src/payment/journal/journal.ts'
import { openJournal } from '../../../src/payment/journal/open.ts'
import type { Intent, PaymentStep, Recorder } from '../../../src/payment/journal/recorder.ts'
import { openDatabase } from '../../../src/payment/journal/sqlite.ts'
import { type PayOptions, pay } from '../../../src/payment/pay/payment.ts'
import { CounterReader, type CounterReaderOptions } from '../../devices/counter-reader.ts'

const RUB = currency('RUB')
const merchant = { name: 'MobileTestMerchant', id: 'MTM', terminal: '63545902' }
const order = (number = '20230914_120719_302', amount = 150_00n) => ({ number, amount, currency: RUB })
const visa = profiles['visa-signature'].pan
const secret = new Uint8Array(32).fill(7)
const receipt = { merchant: 'M', terminal: '1', order: 'o', result: 'approved', amount: '150.00', currency: 'RUB', date: '26.03.2026 10:52', interface: 'chip', cvm: 'none', signatureLine: false } as const // biome-ignore format: a table

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

function directory(): string {
  const path = mkdtempSync(join(tmpdir(), 'tapdip-journal-'))
  ends.push(() => rmSync(path, { recursive: true, force: true }))
  return path
}

async function journalAt(path = join(directory(), 'journal.db'), options: JournalOptions = {}): Promise<Journal> {
  const journal = await openJournal(path, options)
  ends.push(() => journal.close())
  return journal
}

/** For hosts that are not there. */
const short = { statusTime: 200, reversalTime: 200 }

const intent = (key: string, number?: string): Intent => ({
  key,
  order: order(number),
  merchant,
  method: 'reader',
  reader: 'PP1',
  amount: 150_00n,
  at: new Date(5000),
})

interface Counter {
  readonly host: AcquirerHost
  readonly reader: CounterReader
  readonly seen: HostEvent[]
  pay(journal: Recorder, options?: Partial<PayOptions>): ReturnType<typeof pay>
}

async function counter(
  profile: string | CardProfile,
  reader: Omit<CounterReaderOptions, 'card'> = {},
  host: AcquirerOptions = {},
): Promise<Counter> {
  const seen: HostEvent[] = []
  const acquirer = await startAcquirer({ ...host, onEvent: event => seen.push(event) })
  ends.push(() => acquirer.close())
  const device = new CounterReader({ card: loadCard(profile), ...reader })
  return {
    host: acquirer,
    reader: device,
    seen,
    pay: (journal, options) =>
      pay(order(), {
        ...{
          reader: device,
          acquirer: httpAcquirer(acquirer.url, { timeout: 2000 }),
          merchant,
          journal,
          newKey: () => 'the-key',
          statusTime: 10_000,
          reversalTime: 10_000,
        },
        ...options,
      }),
  }
}

/** Everything on disk, the write-ahead log included. */
const onDisk = (path: string) => Buffer.concat(readdirSync(join(path, '..')).map(name => readFileSync(join(path, '..', name))))

describe('the journal', () => {
  it('has every step of a payment on disk before it is taken, and the slip at the end', async () => {
    const { pay, host } = await counter('visa-signature')
    const path = join(directory(), 'journal.db')
    const journal = await journalAt(path)
    const other = await journalAt(path) // another process would see the same
    const stages: string[] = []
    const spying: Recorder = {
      keepsCards: true,
      async record(step) {
        await journal.record(step)
        stages.push(`${step.stage} ${other.entry('the-key')?.stage}`)
      },
    }
    const result = await pay(spying)
    expect(result.result).toBe('approved')
    expect(stages).toEqual(['begun begun', 'asking asking', 'answered answered', 'card card', 'ended ended'])
    const record = other.order(merchant, order().number)!
    expect(record).toMatchObject({ ...order(), state: 'Approved', offline: false, billNumber: host.order(order().number)!.billNumber })
    expect(record.entries).toMatchObject([
      {
        key: 'the-key',
        kind: 'payment',
        method: 'reader',
        result: 'approved',
        card: 'approved',
        open: false,
        receipt: result.receipt,
        answer: { response: { code: '00' } },
      },
    ])
    expect(journal.open(merchant)).toEqual([])
    expect(journal.history('the-key').map(({ stage }) => stage)).toEqual(['begun', 'asking', 'answered', 'card', 'ended'])
  })

  it('survives being closed, and gives back what was put in', async () => {
    const path = join(directory(), 'journal.db')
    const first = await journalAt(path)
    const items = [{ id: '1', name: 'Компактный фотик', quantity: 2000n, price: 91_00n, amount: 150_00n, vat: 20 }]
    const full = { ...order(), items, email: 'mail@assist.ru', comment: 'second floor', commission: '0%' }
    first.record({ stage: 'begun', ...intent('a'), order: full })
    await first.close()
    expect(() => first.entry('a')).toThrowError(
      expect.objectContaining({ code: 'journal', details: expect.objectContaining({ reason: 'closed' }) }),
    )
    const second = await journalAt(path)
    expect(second.order(merchant, order().number)).toMatchObject({ ...full, state: 'In Process', merchant })
    expect(second.open(merchant)).toMatchObject([{ key: 'a', stage: 'begun', reader: 'PP1', open: true, at: new Date(5000) }])
    expect(second.orders({ since: new Date(Date.now() + 1000) })).toEqual([])
    expect(second.orders({ states: ['Approved'] })).toEqual([])
    expect(second.orders({ merchant: { ...merchant, id: 'other' } })).toEqual([])
    expect(second.orders()).toHaveLength(1)
  })

  it('an order that is paid or being paid is not begun again', async () => {
    const journal = await journalAt()
    journal.record({ stage: 'begun', ...intent('a') })
    const again = () => journal.record({ stage: 'begun', ...intent('b') })
    expect(again).toThrowError(
      expect.objectContaining({ code: 'busy', details: expect.objectContaining({ state: 'in-process', key: 'a' }) }),
    )
    journal.record({ stage: 'ended', key: 'a', result: 'declined', receipt })
    journal.record({ stage: 'begun', ...intent('c') })
    journal.record({ stage: 'ended', key: 'c', result: 'approved', receipt })
    expect(again).toThrowError(expect.objectContaining({ code: 'busy', details: expect.objectContaining({ state: 'already-paid' }) }))
    expect(journal.entry('b')).toBeUndefined()
    journal.record({ stage: 'begun', ...intent('d', 'another order') })
  })

  it('no card number, track, name or PIN block is on disk in clear, with and without a key', async () => {
    const [application] = profiles['offline-pin'].applications
    const offline: CardProfile = { ...profiles['offline-pin'], applications: [{ ...application, risk: { policy: 'approve' } }] }
    for (const key of [secret, undefined]) {
      const path = join(directory(), 'journal.db')
      const journal = await journalAt(path, key && { key })
      const online = await counter('mir-maestro', { cvm: 'onlinePin' })
      await online.pay(journal, { newKey: () => 'online' })
      const away = await counter(offline, { cvm: 'offlinePin', offline: true })
      await away.host.close()
      await away.pay(journal, { ...short, newKey: () => 'offline' }).catch(() => {}) // the same order: refused
      await pay(order('offline'), {
        reader: away.reader,
        acquirer: httpAcquirer(away.host.url),
        merchant,
        journal,
        statusTime: 50,
        reversalTime: 50,
      })
      const disk = onDisk(path)
      expect(disk.length).toBeGreaterThan(4096)
      for (const profile of [profiles['mir-maestro'], offline]) {
        expect(disk.includes(profile.pan)).toBe(false)
        expect(disk.includes(Buffer.from(profile.pan.padEnd(profile.pan.length + (profile.pan.length % 2), 'F'), 'hex'))).toBe(false)
        expect(disk.includes(`${profile.pan.slice(0, 6)}******${profile.pan.slice(-4)}`)).toBe(true)
      }
      expect(disk.includes('5F20')).toBe(false)
      expect(disk.includes('pinBlock')).toBe(false)
    }
  })

  it('keeps what an advice needs under the app’s key, opens it for its own payment only', async () => {
    const path = join(directory(), 'journal.db')
    const journal = await journalAt(path, { key: secret })
    expect(journal.keepsCards).toBe(true)
    const tags = new Map([[0x5a, Uint8Array.of(0x47, 0x61)]])
    const facts = { key: 'a', order: order(), merchant, type: 'purchase', amount: 1n, currency: RUB, at: new Date(7000) } as const
    const message: AuthorisationMessage = { ...facts, interface: 'chip', cvm: 'none', tags }
    journal.record({ stage: 'begun', ...intent('a') })
    journal.record({ stage: 'advising', key: 'a', message })
    journal.record({ stage: 'ended', key: 'a', result: 'approved', receipt, due: 'advice' })
    expect(journal.sealed('a')).toEqual(message)
    expect(journal.order(merchant, order().number)).toMatchObject({ state: 'Approved', offline: true })
    const other = await journalAt(path, { key: new Uint8Array(32) })
    expect(() => other.sealed('a')).toThrowError(expect.objectContaining({ code: 'bad-key' }))
    const database = await openDatabase(path, { schema: '', application: 0x74646970, what: 'test' })
    ends.push(() => database.close())
    journal.record({ stage: 'begun', ...intent('b', 'other') })
    database.run("UPDATE entries SET sealed = (SELECT sealed FROM entries WHERE key = 'a') WHERE key = 'b'")
    expect(() => journal.sealed('b')).toThrowError(expect.objectContaining({ code: 'bad-key' }))
    expect(journal.claim('a')).toBe(true)
    journal.record({ stage: 'ended', key: 'a', result: 'approved', receipt })
    expect(journal.sealed('a')).toBeUndefined() // told: forgotten
    await expect(openJournal(join(directory(), 'j'), { key: new Uint8Array(16) })).rejects.toMatchObject({ code: 'bad-key' })
  })

  it('a card number in the host’s own words is masked', async () => {
    const journal = await journalAt()
    journal.record({ stage: 'begun', ...intent('a') })
    journal.record({
      stage: 'answered',
      key: 'a',
      answer: { state: 'declined', reason: `card ${visa} is stolen`, response: { type: 'declined', code: '43' } },
    })
    expect(journal.entry('a')!.answer!.reason).toBe(`card ${visa.slice(0, 6)}******${visa.slice(-4)} is stolen`)
  })
})

it('forgets what is old and closed, and nothing that is open', async () => {
  const clock = new VirtualClock()
  const journal = await journalAt(undefined, { clock })
  for (const key of ['closed', 'open']) journal.record({ stage: 'begun', ...intent(key, key) })
  journal.record({ stage: 'ended', key: 'closed', result: 'approved', receipt })
  journal.record({ stage: 'ended', key: 'open', result: 'approved', receipt, due: 'advice' })
  await clock.advance(86_400_000)
  journal.record({ stage: 'begun', ...intent('new', 'new') })
  expect(journal.forget(new Date(clock.now() - 1000))).toBe(1)
  expect(journal.orders().map(({ number }) => number)).toEqual(['new', 'open'])
  expect(journal.history('closed')).toEqual([])
  expect(journal.history('open')).toHaveLength(2)
  expect(journal.forget(new Date(clock.now() - 1000))).toBe(0)
})

describe('two processes on one journal', () => {
  it('a payment belongs to who began it while they show that they live, then to who takes it', async () => {
    const path = join(directory(), 'journal.db')
    const clock = new VirtualClock()
    const a = await journalAt(path, { clock, leaseTime: 30_000 })
    const b = await journalAt(path, { clock, leaseTime: 30_000 })
    a.record({ stage: 'begun', ...intent('k') })
    await clock.advance(120_000)
    expect(b.claim('k')).toBe(false) // a beats
    expect(a.claim('k')).toBe(false) // and is at it already
    a.release('k')
    expect(clock.pending).toBe(0)
    expect(b.claim('k')).toBe(true)
    expect(a.claim('k')).toBe(false)
    expect(() => a.record({ stage: 'answered', key: 'k', answer: { state: 'inProcess' } })).toThrowError(
      expect.objectContaining({ code: 'journal', details: expect.objectContaining({ reason: 'taken-over' }) }),
    )
    b.release('k', new Date(clock.now() + 5000))
    expect(a.entry('k')).toMatchObject({ tries: 1, nextTry: new Date(clock.now() + 5000) })
    await a.close()
    await b.close()
    expect(clock.pending).toBe(0)
  })

  it('what a process held when it was closed is free at once', async () => {
    const path = join(directory(), 'journal.db')
    const a = await journalAt(path)
    a.record({ stage: 'begun', ...intent('k') })
    const b = await journalAt(path)
    expect(b.claim('k')).toBe(false)
    await a.close()
    expect(b.claim('k')).toBe(true)
  })

  it('only one of them begins an order', async () => {
    const path = join(directory(), 'journal.db')
    const journals = await Promise.all([journalAt(path), journalAt(path), journalAt(path)])
    const began = journals.filter((journal, index) => {
      try {
        journal.record({ stage: 'begun', ...intent(`k${index}`) })
        return true
      } catch {
        return false
      }
    })
    expect(began).toHaveLength(1)
  })
})

describe('a file that fails', () => {
  const reasonOf = async (work: Promise<unknown>) => {
    const fault = await work.then(
      () => undefined,
      error => error as Fault,
    )
    expect(fault?.code).toBe('journal')
    return fault?.details.reason
  }

  it('no directory, a directory, no database, another database, a damaged one, a newer one: each is named', async () => {
    const path = directory()
    expect(await reasonOf(openJournal(join(path, 'none', 'journal.db')))).toBe('not-found')
    expect(await reasonOf(openJournal(path))).toBe('other')
    writeFileSync(join(path, 'text'), 'this is no database. '.repeat(500))
    expect(await reasonOf(openJournal(join(path, 'text')))).toBe('corrupt')
    const foreign = await openDatabase(join(path, 'foreign'), { schema: 'CREATE TABLE t (a)', application: 1, what: 'x' })
    foreign.close()
    expect(await reasonOf(openJournal(join(path, 'foreign')))).toBe('other')
    const journal = await journalAt(join(path, 'journal'))
    for (let count = 0; count < 50; count++) journal.record({ stage: 'begun', ...intent(`k${count}`, `order ${count}`) })
    await journal.close()
    const bytes = readFileSync(join(path, 'journal'))
    writeFileSync(join(path, 'damaged'), bytes.fill(0x41, 4096 * 2, 4096 * 4))
    expect(await reasonOf(openJournal(join(path, 'damaged')))).toBe('corrupt')
    truncateSync(join(path, 'journal'), 4096)
    expect(await reasonOf(openJournal(join(path, 'journal')))).toBe('corrupt')
    const newer = await openDatabase(join(path, 'newer'), { schema: 'CREATE TABLE t (a); ', application: 0x74646970, what: 'x' })
    newer.run('PRAGMA user_version = 99')
    newer.close()
    expect(await reasonOf(openJournal(join(path, 'newer')))).toBe('newer')
  })

  it.skipIf(process.getuid?.() !== 0)('a directory or file of somebody else’s: no permission', () => {
    const path = directory()
    chmodSync(path, 0o755)
    const module = join(import.meta.dirname, '../../../dist/src/payment/journal/open.js') // npm run build
    const attempt = () =>
      execFileSync(
        process.execPath,
        [
          '--input-type=module',
          '-e',
          `const { openJournal } = await import(${JSON.stringify(module)})
           await openJournal('/none/none').catch(() => {}) // all of it is loaded before the modules are out of sight
           process.setuid(65534)
           await openJournal(${JSON.stringify(join(path, 'journal.db'))}).catch(fault => console.log(fault.code, fault.details.reason))`,
        ],
        { encoding: 'utf8' },
      )
    expect(attempt()).toBe('journal no-permission\n')
    writeFileSync(join(path, 'journal.db'), '', { mode: 0o644 })
    expect(attempt()).toBe('journal no-permission\n')
  })

  it('a full disk: the payment is refused before the card is asked', async () => {
    const journal = await journalAt(undefined, { maxSize: 80_000 })
    const full = await fill(journal)
    expect(full).toMatchObject({ code: 'journal', details: { reason: 'full' }, message: expect.stringContaining('disk is full') })
    const { pay, reader, seen } = await counter('visa-signature')
    const before = journal.orders().length
    await expect(pay(journal)).rejects.toMatchObject({ code: 'journal', details: { reason: 'full' } })
    expect(reader.transactions).toBe(0)
    expect(seen).toEqual([])
    expect(journal.orders()).toHaveLength(before)
  })

  async function fill(journal: Journal): Promise<unknown> {
    for (let count = 0; count < 1000; count++) {
      try {
        journal.record({ stage: 'begun', ...intent(`full ${count}`, `full ${count}`) })
      } catch (error) {
        return error
      }
    }
    return undefined
  }

  /** A journal that fails from a stage on. */
  function failing(journal: Journal, stage: PaymentStep['stage'], reason = 'full'): Recorder {
    let failed = false
    return {
      keepsCards: journal.keepsCards,
      record(step) {
        if ((failed ||= step.stage === stage)) throw new Fault('journal', 'the payment journal: the disk is full', { reason })
        return journal.record(step)
      },
    }
  }

  it('full before the request leaves: nothing is sent, the fault is thrown, and the payment is in the journal as begun', async () => {
    const journal = await journalAt()
    const { pay, seen, host } = await counter('visa-signature')
    await expect(pay(failing(journal, 'asking'))).rejects.toMatchObject({ code: 'journal' })
    expect(seen).toEqual([])
    expect(host.balance(visa)).toBe(1_000_000_00n)
    expect(journal.open(merchant)).toMatchObject([{ key: 'the-key', stage: 'begun' }])
  })

  it.each([
    ['answered', 'asking'],
    ['card', 'answered'],
    ['ended', 'card'],
  ] as const)('full at %s: the approval is taken back, nobody is told that it is paid, the journal stands at %s', async (stage, before) => {
    const journal = await journalAt()
    const { pay, seen, host } = await counter('visa-signature')
    expect(await pay(failing(journal, stage))).toMatchObject({
      result: 'cancelled',
      reason: 'journalFailed',
      reversal: 'done',
      receipt: { result: 'cancelled' },
    })
    expect(seen.map(({ type }) => type)).toEqual(['authorisation', 'reversal'])
    expect(host.balance(visa)).toBe(1_000_000_00n)
    expect(journal.open(merchant)).toMatchObject([{ key: 'the-key', stage: before }])
  })

  it('full, and the host gone: unknown', async () => {
    const journal = await journalAt()
    const { pay, host } = await counter('visa-signature')
    const recorder = failing(journal, 'ended')
    const closing: Recorder = {
      ...recorder,
      record: step => (step.stage === 'ended' ? host.close().then(() => recorder.record(step)) : recorder.record(step)),
    }
    expect(await pay(closing, short)).toMatchObject({ result: 'unknown', reason: 'journalFailed', reversal: 'pending' })
  })

  it('taken over by another process while it slept: unknown, and nothing is undone', async () => {
    const journal = await journalAt()
    const { pay, seen } = await counter('visa-signature')
    expect(await pay(failing(journal, 'ended', 'taken-over'))).toMatchObject({ result: 'unknown', reason: 'journalFailed' })
    expect(seen.map(({ type }) => type)).toEqual(['authorisation'])
  })

  it('a declined payment that cannot be written down stays declined', async () => {
    const journal = await journalAt()
    const { pay, seen } = await counter('visa-signature', {}, { rules: [{ do: 'decline', code: '05', reason: 'no' }] })
    expect(await pay(failing(journal, 'ended'))).toMatchObject({ result: 'declined', reason: 'hostDeclined' })
    expect(seen.map(({ type }) => type)).toEqual(['authorisation'])
  })
})

describe('what ends before the host was asked', () => {
  it('a reader that is lost: its fault is thrown, the payment is closed in the journal', async () => {
    const journal = await journalAt()
    const { pay } = await counter('visa-signature', { breaks: 'beforeHost' })
    await expect(pay(journal)).rejects.toMatchObject({ code: 'link-closed' })
    expect(journal.entry('the-key')).toMatchObject({ stage: 'ended', result: 'cancelled', reason: 'linkLost', open: false })
    expect(journal.order(merchant, order().number)?.state).toBe('Canceled')
  })
})

describe('an approval without the host', () => {
  const [application] = profiles['offline-pin'].applications
  const profile: CardProfile = { ...profiles['offline-pin'], applications: [{ ...application, risk: { policy: 'approve' } }] }

  it('is kept for the host, enciphered, when the app gives a key', async () => {
    const journal = await journalAt(undefined, { key: secret })
    const { pay, host } = await counter(profile, { cvm: 'offlinePin', offline: true })
    await host.close()
    expect(await pay(journal, short)).toMatchObject({ result: 'approved', advice: 'pending' })
    expect(journal.open(merchant)).toMatchObject([{ key: 'the-key', result: 'approved', due: 'advice' }])
    expect(journal.sealed('the-key')?.tags.get(0x9f27)?.[0]).toBe(0x40)
  })

  it('stands without a key when the host hears of it at once, and is no approval otherwise', async () => {
    const journal = await journalAt()
    const near = await counter(profile, { cvm: 'offlinePin', offline: true })
    expect(await near.pay(journal)).toMatchObject({ result: 'approved', advice: 'done' })
    const far = await counter(profile, { cvm: 'offlinePin', offline: true })
    await far.host.close()
    const other = await journalAt()
    expect(await far.pay(other, short)).toMatchObject({ result: 'unknown', reason: 'unableToGoOnline', reversal: 'pending' })
    expect(other.open(merchant)).toMatchObject([{ result: 'unknown', due: 'reversal', why: 'noAnswer' }])
  })
})

it('answers keep what a receipt needs', async () => {
  const journal = await journalAt()
  const answer: HostAnswer = {
    state: 'approved',
    billNumber: '5635',
    transaction: '77',
    orderState: 'Delayed',
    response: {
      type: 'approved',
      code: '00',
      rrn: '123456789012',
      authorisationCode: 'X12345',
      issuerAuthenticationData: new Uint8Array(8),
      scripts: [],
    },
  }
  journal.record({ stage: 'begun', ...intent('a') })
  journal.record({ stage: 'answered', key: 'a', answer })
  const { issuerAuthenticationData: _, scripts: __, ...kept } = answer.response!
  expect(journal.entry('a')!.answer).toEqual({ ...answer, response: kept })
})
