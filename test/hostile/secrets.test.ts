/** Somebody reads everything that a payment leaves behind: results, events, journal, recordings, explanations, the acquirer's book. No card, track, PIN or key is in it. */

import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { open } from '../../devices/index.ts'
import { names } from '../../simulator/acquirer/names.ts'
import { issuerView } from '../../simulator/cards/issuer-view.ts'
import { testPinAesDukpt } from '../../simulator/keys.ts'
import { type CardProfile, profiles, startAcquirer, testPinDukpt, virtualCounter } from '../../simulator/world.ts'
import { fromHex } from '../../src/bytes.ts'
import { currency } from '../../src/currency.ts'
import type { Fault } from '../../src/errors.ts'
import { explanationJson, httpAcquirer } from '../../src/index.ts'
import { openJournal } from '../../src/payment/journal/open.ts'
import { openDatabase } from '../../src/payment/journal/sqlite.ts'
import { pay } from '../../src/payment/pay/payment.ts'
import { openTill } from '../../src/payment/till/till.ts'
import { openTrace } from '../../src/trace/writer.ts'
import { traced } from '../../src/transport/trace.ts'
import { faces, found, secretBytes, secretNumber } from '../canaries.ts'
import { everyFamily } from '../devices/families.ts'

const merchant = { name: 'MobileTestMerchant', id: '635459020000001', terminal: '63545902' }
const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'tapdip-secrets-'))
  ends.push(() => rmSync(path, { recursive: true, force: true }))
  return path
}

const everyFile = (path: string) => Buffer.concat(readdirSync(path).map(name => readFileSync(join(path, name)))).toString('latin1')

const readers = everyFamily
  .filter(({ dialect }) => dialect !== 'emv2') // a port of calls, without bytes
  .map(({ family, dialect }) => [family, dialect] as const)

/** With digits that stand nowhere else; a PIN has 4 to 12 (ISO 9564-1). */
const pin = '730916482755'
const pan = '2200707364918254'

it.each(readers)('%s %s: by chip, tap and swipe', async (family, dialect) => {
  const path = folder()
  const card: CardProfile = { ...profiles['mir-maestro'], pan, pin: { ...profiles['mir-maestro'].pin!, digits: pin } }
  const canaries = [
    secretNumber('PAN', pan),
    secretNumber('the middle of the PAN', pan.slice(6, -4)),
    secretBytes('PIN key', testPinDukpt.bdk),
    secretBytes('PIN key of AES', testPinAesDukpt.bdk),
    secretNumber('PIN', pin),
  ]
  const heard: string[] = []
  const write = (line: string) => heard.push(line)
  const tracer = openTrace({ write })
  const counter = await virtualCounter({
    ...{ family, ...(dialect && { dialect }), card, pins: [pin], resultTime: 0, tracer, host: { accounts: [...issuerView(card)] } },
    explain: entry => heard.push(faces(entry), JSON.stringify(explanationJson(entry))),
    onHost: event => heard.push(faces(event)),
  })
  ends.push(() => counter.close())
  const reader = await open(counter.link(), {
    family,
    ...(dialect && { dialect }),
    tracer,
    trace: (link, { redaction }) => traced(link, { write, redaction }),
  })
  ends.push(() => reader.close())
  const journal = await openJournal(join(path, 'journal.db'), { key: new Uint8Array(32).fill(9) })
  const host = httpAcquirer(counter.acquirer.url)
  const asked: unknown[] = []
  const acquirer: typeof host = {
    ...host,
    authorise(message, options) {
      asked.push(message)
      return host.authorise(message, options)
    },
  }
  const till = openTill({ journal, merchant, acquirer, tracer, background: false, onNotice: notice => heard.push(faces(notice)) })
  for (const present of ['dip', 'tap', 'swipe'] as const) {
    counter.next({ card, present, pins: [pin] })
    const order = { number: present, amount: 100_00n, currency: currency('RUB') }
    const paid = await till
      .payOrder(order, { reader, prompts: { onEvent: event => heard.push(faces(event)) } })
      .catch(fault => fault as Fault)
    heard.push(faces(paid))
    // The bytes are there for who asks by tag.
    if (present === 'dip' && !(paid instanceof Error) && 'payment' in paid && (family === 'bluepad' || family === 'miura'))
      expect(paid.payment.outcome.tags.get(0x9f26)).toHaveLength(8)
  }
  heard.push(faces(asked), faces(journal.orders()))
  expect(asked.length).toBeGreaterThan(0)
  await till.close()
  await journal.close()
  heard.push(everyFile(path))
  for (const kind of ['apdu', 'message', 'kernel', 'journal', 'result']) expect(heard.join('\n')).toContain(`"kind":"${kind}"`)
  expect(found(canaries, heard.join('\n'))).toEqual([])
  expect(heard.join('\n')).toContain(pan.slice(-4)) // it was looked at: what may be shown is there
})

it('the canaries sing: each form of a card number is found where it stands', () => {
  const pan = '4000001234567899'
  const canaries = [secretNumber('PAN', pan)]
  const bcd = Buffer.from(pan, 'hex')
  for (const text of [pan, `x${pan}y`, bcd.toString('hex'), bcd.toString('hex').toUpperCase().replace(/(..)/g, '$1 '), `${[...bcd]}`, [...bcd].join(', '), Buffer.from(pan).toString('base64'), Buffer.concat([Buffer.from('a'), Buffer.from(pan)]).toString('base64'), Buffer.concat([Buffer.from('ab'), bcd, Buffer.from('c')]).toString('base64'), faces({ tags: new Map([[0x5a, new Uint8Array(bcd)]]) })]) // biome-ignore format: a list
    expect(found(canaries, text), text).not.toEqual([])
  expect(found(canaries, '400000******7899')).toEqual([])
})

describe('the acquirer’s book on disk', () => {
  const { pan } = profiles['visa-signature']
  const balance = 100_000_000n - 100_00n

  async function paidBook(): Promise<string> {
    const path = join(folder(), 'acquirer.db')
    const counter = await virtualCounter({ card: 'visa-signature', host: { state: path }, resultTime: 0 })
    const reader = await open(counter.link(), { family: 'qpos' })
    const acquirer = httpAcquirer(counter.acquirer.url)
    const order = { number: 'o', amount: 100_00n, currency: currency('RUB') }
    expect(await pay(order, { reader, acquirer, merchant })).toMatchObject({ result: 'approved' })
    await reader.close()
    await counter.close()
    return path
  }

  /** Every card number that begins and ends as the file shows. */
  function* tries(): Iterable<string> {
    for (let middle = 0; middle < 1_000_000; middle++) yield `${pan.slice(0, 6)}${String(middle).padStart(6, '0')}${pan.slice(-4)}`
  }

  it('tells no card number to who tries them all, and knows its cards again', async () => {
    const path = await paidBook()
    const book = readFileSync(path, 'latin1')
    expect(book).toContain(`${pan.slice(0, 6)}******${pan.slice(-4)}`)
    const words = new Set(book.match(/[0-9a-f]{24,64}/g))
    let hits = 0
    for (const number of tries())
      for (const text of [number, `tapdip-sim ${number}`]) {
        const digest = createHash('sha256').update(text).digest('hex')
        if (words.has(digest) || words.has(digest.slice(0, 24))) hits++
      }
    expect(hits).toBe(0)
    const host = await startAcquirer({ state: path })
    expect(host.balance(pan)).toBe(balance)
    await host.close()
  }, 60_000)

  it('without its key, with another’s, with one that is none: refused by name, nothing changed', async () => {
    const path = await paidBook()
    const key = readFileSync(`${path}.key`, 'utf8')
    const refused = () => startAcquirer({ state: path }).catch(fault => fault as Fault)
    renameSync(`${path}.key`, `${path}.away`)
    expect(await refused()).toMatchObject({ code: 'bad-key', details: { path: `${path}.key` } })
    expect(existsSync(`${path}.key`)).toBe(false)
    writeFileSync(`${path}.key`, 'hello')
    expect(await refused()).toMatchObject({ code: 'bad-key' })
    writeFileSync(`${path}.key`, '00'.repeat(32))
    expect(await refused()).toMatchObject({ code: 'bad-key', message: expect.stringContaining('another state') })
    writeFileSync(`${path}.key`, key)
    const host = await startAcquirer({ state: path })
    expect(host.balance(pan)).toBe(balance)
    await host.close()
  })

  it('a book of before is taken over: its cards are known, by names under a key', async () => {
    const path = await paidBook()
    const database = await openDatabase(path, { schema: '', application: 0x74646163, what: 'x' })
    const named = names(fromHex(readFileSync(`${path}.key`, 'utf8').trim()))
    const unkeyed = createHash('sha256').update(`tapdip-sim ${pan}`).digest('hex').slice(0, 24)
    const unkeyedIn = (text: unknown) => String(text).replaceAll(named.card(pan), unkeyed)
    for (const { id, body } of database.all('SELECT * FROM accounts'))
      database.run('UPDATE accounts SET id = ?, body = ? WHERE id = ?', unkeyedIn(id), unkeyedIn(body), id)
    for (const { number, body } of database.all('SELECT * FROM orders'))
      database.run('UPDATE orders SET body = ? WHERE number = ?', unkeyedIn(body), number)
    database.run('DROP TABLE names')
    database.close()
    rmSync(`${path}.key`)
    expect(readFileSync(path, 'latin1')).toContain(unkeyed)
    const host = await startAcquirer({ state: path })
    expect(host.balance(pan)).toBe(balance)
    await host.close()
    const again = await openDatabase(path, { schema: '', application: 0x74646163, what: 'x' })
    expect(JSON.stringify([again.all('SELECT * FROM accounts'), again.all('SELECT * FROM orders')])).not.toContain(unkeyed)
    again.close()
  })
})
