/** A phone as a terminal at the bench: its field, its screen with the PIN as stars, and what it is for others. */

import { afterEach, expect, it } from 'vitest'
import { openSession, type Session } from '../../../simulator/bench/counter/session.ts'
import { sessionInput } from '../../../simulator/bench/schema/session.ts'
import { isFault } from '../../../src/errors.ts'

let session: Session
afterEach(() => session.close())

const refused = (code: 'unsupported' | 'busy') => expect.toSatisfy(error => isFault(error, code))
const opened = (input: object) => openSession('s1', sessionInput.parse({ clock: 'virtual', ttl: 0, seed: 7, ...input }))

async function press(action: string, fields?: Record<string, string>): Promise<void> {
  const { screen } = session.apps.state('a1')
  session.apps.answer('a1', { screen: screen.n, action, ...(fields && { fields }) })
}
const until = (kind: 'order' | 'method' | 'payment' | 'result') =>
  session.settle(session.apps.until('a1', { kind, timeout: 60_000 }, new AbortController().signal))
const shows = (message: string) => session.settle(session.reader('r2').until({ message, timeout: 60_000 }, new AbortController().signal))

async function paying(amount: string): Promise<void> {
  await until('order')
  await press('pay', { amount })
  await until('method')
  await press('softpos')
  await until('payment')
}

it('stands there from its first use on: the card is held to it, a PIN is typed on its screen and seen as stars, and no event has it', async () => {
  session = await opened({ counter: { tapdip: 'counter', version: 1, cards: [{ profile: 'mastercard' }, { profile: 'mir' }] } })
  expect(session.readers.map(({ state }) => state.family)).toEqual(['qpos'])
  await paying('3000.00')
  expect(await shows('reader.presentCard')).toMatchObject({ family: 'softpos', model: 'SoftPOS', connected: 'app', light: 'waiting' })
  const [phone] = session.phones
  expect(phone.state.screen.lines).toEqual(['Present card.', '3000.00 RUB'])
  phone.tap('c1')
  expect(() => phone.tap('c1')).toThrow(refused('busy'))
  expect(await shows('reader.enterPin')).toMatchObject({ keypad: true, field: ['c1'] })
  phone.leave()
  phone.press(['1', '2', '3', '4'])
  await session.advance(0)
  expect(phone.state.screen.lines).toEqual(['ENTER PIN:', '****'])
  phone.press(['enter'])
  await until('result')
  expect(session.apps.state('a1').screen.lines[0].text).toBe('APPROVED')
  expect(session.bank.host.orders).toMatchObject([{ state: 'Approved' }])
  expect(await shows('reader.idle')).toMatchObject({ connected: 'none', light: 'off', keypad: false })
  expect(session.happenings.after(0, Number.POSITIVE_INFINITY).filter(line => /"1"[^}]*"2"[^}]*"3"[^}]*"4"|1234\b/.test(line))).toEqual([])
})

it('is a phone: it has no slot and no knobs; its counter comes back from a file; a scenario has none', async () => {
  session = await opened({ language: 'ru' })
  const phone = await session.addReader({ family: 'softpos' })
  for (const deed of [() => phone.insert('c1'), () => phone.swipe('c1'), () => phone.knob('latency 1'), () => phone.tamper()])
    expect(deed).toThrow(refused('unsupported'))
  expect(() => session.scenario('r2')).toThrow(refused('unsupported'))
  const { file } = session
  await session.close()
  session = await opened({ counter: file })
  expect(session.readers.map(({ id, state }) => [id, state.family, state.screen.lines[0]])).toEqual([
    ['r1', 'qpos', 'ДОБРО ПОЖАЛОВАТЬ'],
    ['r2', 'softpos', 'ДОБРО ПОЖАЛОВАТЬ'],
  ])
})

it('who looks first tells the language of what was given none; who comes later changes nothing', async () => {
  const counter = { tapdip: 'counter', version: 1, readers: [{ family: 'qpos' }, { family: 'miura', language: 'en' }] }
  session = await opened({ counter })
  session.speak('ru')
  session.speak('en')
  expect(session.readers.map(({ state }) => state.screen.lines[0])).toEqual(['ДОБРО ПОЖАЛОВАТЬ', 'WELCOME'])
  expect(session.apps.state('a1')).toMatchObject({ language: 'ru', screen: { title: 'ДАННЫЕ ЗАКАЗА' } })
  await session.close()
  session = await opened({ counter, language: 'en' })
  session.speak('ru')
  expect(session.apps.state('a1').language).toBe('en')
})
