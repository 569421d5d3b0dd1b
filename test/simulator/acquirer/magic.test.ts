/** Magic amounts: every row of the table over both lines of the host, rules that win over it, and docs/acquirer.md, which has the table. `TAPDIP_DOCS=write` writes it. */

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { type AcquirerOptions, deskFetch, startAcquirer } from '../../../simulator/acquirer/host.ts'
import type { HostRule } from '../../../simulator/acquirer/host-rule.ts'
import { startIsoLine } from '../../../simulator/acquirer/iso8583/host.ts'
import { MAGIC_DELAY, MAGIC_SILENCE, type MagicAmount, magicAmounts, magicOf } from '../../../simulator/acquirer/magic.ts'
import { loadCard } from '../../../simulator/cards/icc.ts'
import { runCard } from '../../../simulator/commands/run.ts'
import { type Clock, VirtualClock } from '../../../src/clock.ts'
import type { HostAnswer } from '../../../src/payment/acquirer.ts'
import { httpAcquirer } from '../../../src/payment/host/http.ts'
import { iso8583Acquirer } from '../../../src/payment/host/iso8583/client.ts'
import { connect } from '../../../src/transport/connect.ts'
import { cardMessage } from '../../payment/host/host-bench.ts'

const stops: (() => unknown)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop()
})

async function started(options: AcquirerOptions = {}) {
  const host = await startAcquirer({ magicAmounts: true, ...options })
  stops.push(() => host.close())
  return host
}

/** A client that waits, and one that soon has enough of a silent host. */
const SOON = { timeout: 1000 }
const lines = {
  HTTP: async (options?: AcquirerOptions) => {
    const { url } = await started(options)
    return { client: httpAcquirer(url), hasty: httpAcquirer(url, SOON) }
  },
  'ISO 8583': async (options?: AcquirerOptions) => {
    const line = await startIsoLine((await started(options)).desk)
    stops.push(() => line.close())
    const clientOf = (more?: typeof SOON) => {
      const client = iso8583Acquirer({ connect: how => connect(`tcp://127.0.0.1:${line.port}`, how), ...more })
      stops.push(() => client.close())
      return client
    }
    return { client: clientOf(), hasty: clientOf(SOON) }
  },
}

/** A payment of 1.`digits`, which the card has signed nothing of: a rule passes that over. */
const believe: HostRule = { do: 'believe' }
const paying = (digits: string, key = `key-${digits}`) =>
  cardMessage(key, { amount: 100n + BigInt(digits), order: { number: key, amount: 100n + BigInt(digits), currency: { alpha: 'RUB', numeric: 643, exponent: 2 } } }) // biome-ignore format: one line
/** What `authorise` gives, or the code of its fault. */
const said = (answer: Promise<HostAnswer>) => answer.catch((fault: { code: string }) => fault.code)

describe.each(Object.entries(lines))('over %s', (_, line) => {
  it.each(magicAmounts.filter(({ does }) => does === 'decline'))('1.$digits is declined with it', async ({ digits, says }) => {
    const { client } = await line()
    expect(await client.authorise(await paying(digits))).toMatchObject({ state: 'declined', response: { code: digits }, reason: says })
  })

  it('1.01 wants a voice call, of 1.10 a half is approved', async () => {
    const { client } = await line({ rules: [believe] })
    expect(await client.authorise(await paying('01'))).toMatchObject({ state: 'referral', response: { code: '01' } })
    expect(await client.authorise(await paying('10'))).toMatchObject({ state: 'approved', approvedAmount: 55n, response: { code: '10' } })
  })

  it('1.97 is not answered, and its state is told; of 1.99 nothing is told', async () => {
    const { client, hasty } = await line({ rules: [believe] })
    expect(await said(hasty.authorise(await paying('97')))).toBe('host-no-answer')
    expect(await client.status('key-97')).toMatchObject({ state: 'approved' })
    expect(await said(hasty.authorise(await paying('99')))).toBe('host-no-answer')
    expect(await said(hasty.status('key-99'))).toBe('host-no-answer')
    await expect(hasty.reverse('key-99', 'noAnswer')).rejects.toMatchObject({ code: 'host-no-answer' })
    expect(await client.status('key-97')).toMatchObject({ state: 'approved' })
  })

  it('an amount that the table does not know is decided as always, and every one without the option', async () => {
    const { client } = await line({ rules: [believe] })
    expect(magicOf(100n)).toBeUndefined()
    expect(await client.authorise(await paying('00'))).toMatchObject({ state: 'approved', response: { code: '00' } })
    const { client: plain } = await line({ rules: [believe], magicAmounts: false })
    expect(await plain.authorise(await paying('51'))).toMatchObject({ state: 'approved', response: { code: '00' } })
  })

  it('a rule that decides wins over the amount, one that does not goes with it', async () => {
    const { client } = await line({ rules: [{ do: 'decline', code: '62', reason: 'by rule', when: { order: 'key-51' } }, believe] })
    expect(await client.authorise(await paying('51'))).toMatchObject({ response: { code: '62' }, reason: 'by rule' })
    expect(await client.authorise(await paying('51', 'another'))).toMatchObject({ response: { code: '51' } })
    const { client: part } = await line({ rules: [{ do: 'partial', amount: 7 }, believe] })
    expect(await part.authorise(await paying('05'))).toMatchObject({ state: 'approved', approvedAmount: 7n })
    const { client: silent, hasty } = await line({ rules: [{ do: 'silence', times: 1 }] })
    expect(await said(hasty.authorise(await paying('05')))).toBe('host-no-answer')
    expect(await silent.authorise(await paying('05', 'next'))).toMatchObject({ response: { code: '05' } })
  })
})

const BEGINNING = new Date('2026-11-21T10:00:00Z')

describe('on a clock', () => {
  async function counter(rules: HostRule[] = []) {
    const clock = new VirtualClock(BEGINNING)
    const host = await started({ clock, rules: [believe, ...rules] })
    return { clock, client: httpAcquirer('http://127.0.0.1/', { clock: clock as Clock, fetch: deskFetch(host.desk) }) }
  }

  it('1.98 comes after the client has stopped waiting, and its state says so', async () => {
    const { clock, client } = await counter()
    expect(await clock.settle(said(client.authorise(await paying('98'))))).toBe('host-no-answer')
    expect(clock.now() - +BEGINNING).toBe(30_000)
    expect(await client.status('key-98')).toMatchObject({ state: 'inProcess' })
    await clock.advance(MAGIC_DELAY - 30_000)
    expect(await client.status('key-98')).toMatchObject({ state: 'approved' })
  })

  it('a rule that delays is the only one that does', async () => {
    const { clock, client } = await counter([{ do: 'delay', ms: 1000 }])
    expect(await clock.settle(said(client.authorise(await paying('98'))))).toMatchObject({ state: 'approved' })
    expect(clock.now() - +BEGINNING).toBe(1000)
  })

  it('1.99 is silent for its time, then answers', async () => {
    const { clock, client } = await counter()
    await clock.settle(said(client.authorise(await paying('99'))))
    await clock.advance(MAGIC_SILENCE - 30_000 - 1)
    expect(await clock.settle(said(client.status('key-99')))).toBe('host-no-answer')
    expect(await client.status('key-99')).toMatchObject({ state: 'approved' })
    await client.reverse('key-99', 'noAnswer')
    expect(await client.status('key-99')).toMatchObject({ state: 'reversed' })
  })
})

it('the kernel alone hears it too: a refusal, or that nobody can be reached', async () => {
  const run = async (amount: string, magic = true) => runCard(loadCard('mir'), { amount, magicAmounts: magic })
  expect(await run('1.51')).toMatchObject({ result: 'declined', reason: 'hostDeclined' })
  expect(await run('1.99')).toMatchObject({ result: 'declined', reason: 'unableToGoOnline' })
  expect(await run('1.97')).toMatchObject({ result: 'approved' })
  expect(await run('1.51', false)).toMatchObject({ result: 'approved' })
})

it('the page has the table', () => {
  const what = ({ digits, does }: MagicAmount) =>
    ({ decline: `declined, ${digits}`, refer: 'referral, 01', part: 'approved in part, 10', noAnswer: 'no answer', late: 'a late answer', unknown: 'unknown' })[does] // biome-ignore format: one line
  const rows = magicAmounts.map(one => `| \`.${one.digits}\` | ${what(one)} | ${one.says} |`)
  const table = ['| Amount ends in | The host | It says, or does |', '|---|---|---|', ...rows].join('\n')
  const file = join(import.meta.dirname, '../../../docs/acquirer.md')
  const page = readFileSync(file, 'utf8')
  const mark = '<!-- table of magic amounts: made by test/simulator/acquirer/magic.test.ts -->\n'
  const [before, rest] = page.split(mark)
  const made = `${before}${mark}${table}\n${rest.slice(rest.indexOf('<!-- end -->'))}`
  if (process.env.TAPDIP_DOCS === 'write') writeFileSync(file, made)
  else expect(page).toBe(made)
})
