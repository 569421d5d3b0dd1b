/** Scenes of the guide played on the bench's page in Chromium: buttons are clicked, fields filled, a signature drawn; time is the session's own. */

import type { Page } from 'playwright-core'
import { questions } from '../../../../simulator/acquirer/host-rule.ts'
import type { startBench } from '../../../../simulator/bench/bench.ts'
import type { BenchReader } from '../../../../simulator/bench/counter/reader.ts'
import type { Session } from '../../../../simulator/bench/counter/session.ts'
import type { AppScreen } from '../../../../simulator/bench/schema/app.ts'
import type { Body } from '../../../../simulator/readers/body/body.ts'
import { instant } from '../../../../simulator/world.ts'
import type { Language } from '../../../../src/messages/messages.ts'
import type { Face, Setting } from './scenes.ts'

type Bench = Awaited<ReturnType<typeof startBench>>

/** Milliseconds of real time between two looks at what no page tells. */
const LOOK = 5
/** The most that a screen is waited for. */
const PATIENCE = 30_000

/** What a page's phone shows, and has shown. */
export interface PhonePage {
  readonly page: Page
  /** The session that it shows, and its screen. */
  shown: { readonly session: string; readonly n: number; readonly revision: number }
  /** A line each, from the beginning of the scene. */
  said: string[]
  /** Who waits for another screen. */
  hear: () => void
}

/** In the page: tells what the phone shows, whenever it changes. */
function listen(): void {
  const parts =
    'h3, h4, .lines li, .rows div, .items span, .choices .choice, label, .error, button, summary, pre.slip, .phone-notice b, .phone-notice span'
  let last = ''
  const look = () => {
    const phone = document.querySelector<HTMLElement>('.phone[data-n]')
    if (!phone) return
    const { n, revision } = phone.dataset
    const lines = [...phone.querySelectorAll<HTMLElement>(parts)].flatMap(one => (one.matches('.rows div') ? [...one.children].map(cell => cell.textContent).join(' ') : (one.textContent ?? '')).split('\n')) // biome-ignore format: a line
    const now = [n, revision, ...lines].join('\n')
    if (now === last) return
    last = now
    const session = new URLSearchParams(location.search).get('session')
    ;(globalThis as unknown as { phoneShows(...told: unknown[]): void }).phoneShows(session, Number(n), Number(revision), lines)
  }
  const begin = () => {
    new MutationObserver(look).observe(document.body, { subtree: true, childList: true, characterData: true, attributes: true })
    look()
  }
  if (document.body) begin()
  else addEventListener('DOMContentLoaded', begin)
}

const rest = (ms: number) => new Promise(resolve => setTimeout(resolve, ms))

/** Looks at each screen that is shown, while time stands still. */
export type Look = (page: Page, kind: AppScreen['kind']) => Promise<void>

export function onPage(bench: Bench, phone: PhonePage, lang: Language, family = 'qpos', look: Look = async () => {}): Face {
  const { page } = phone
  let session!: Session
  let body: Body | undefined
  let people = 0
  const screen = (): AppScreen => session.apps.state('a1').screen
  /** The page shows what the app shows now. */
  const isShown = (): boolean => {
    const { n, revision } = screen()
    const { shown } = phone
    return shown.session === session.id && (shown.n > n || (shown.n === n && shown.revision >= revision))
  }
  const shown = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const end = (how: () => void) => {
        clearTimeout(late)
        phone.hear = () => {}
        how()
      }
      const late = setTimeout(() => end(() => reject(new Error(`the page never showed ${JSON.stringify(screen())}`))), PATIENCE)
      phone.hear = () => void (isShown() && end(resolve))
      phone.hear()
    })
  /** Time is moved, a timer at a time, until it is so; while the page draws it stands still. */
  const until = async (is: () => boolean, what: string): Promise<void> => {
    for (const began = Date.now(); ; ) {
      if (!isShown()) await shown()
      await look(page, screen().kind)
      if (!isShown()) continue
      if (is()) return
      if (Date.now() - began > PATIENCE) throw new Error(`${what} never came; the screen is ${JSON.stringify(screen(), null, 1)}`)
      else {
        const next = session.virtual!.untilNext
        if (next === undefined) await rest(LOOK)
        else await session.advance(next)
      }
    }
  }
  const said = () => phone.said.join('\n')
  const personOf = (person: Setting['person'], card: string) => {
    if (!person) return undefined
    const { card: _profile, pins = ['1234'], present, choose, pullAt } = person
    return {
      ...{ card, pins: [...pins], pace: { ...instant } },
      ...(present !== undefined && { present: present as 'dip' }),
      ...(choose !== undefined && { choose }),
      ...(pullAt !== undefined && { pullAt }),
    }
  }
  const profileOf = (person: Setting['person']) => (typeof person?.card === 'string' ? person.card : 'mir-maestro')

  return {
    lang,
    async open({ person, atPhone, pairing, rules = [], battery, knobs = [], location, search, alone, resultTime = 0 }) {
      const reader = {
        ...{ id: 'r1', family, language: lang, listen: 'none', resultTime, knobs: ['latency 20', ...knobs] },
        ...(battery !== undefined && { battery }),
        ...(pairing && { pairing }),
        ...(person && { person: personOf(person, 'c1') }),
      }
      const { wallet = [] } = atPhone ?? {}
      const field = {
        ...{ id: 'r2', family: 'softpos', language: lang },
        person: { present: 'tap', ...personOf(atPhone, 'c1'), wallet: wallet.map((_, at) => `w${at}`) },
      }
      const held = { id: 'c1', profile: profileOf(atPhone ?? person), ...(atPhone?.phone && { phone: 'locked' }) }
      const counter = {
        ...{ tapdip: 'counter', version: 1, cards: [held, ...wallet.map((profile, at) => ({ id: `w${at}`, profile }))] },
        bank: { rules: [...rules], mode: { answer: 'auto', on: [...questions], delay: 300 } },
        readers: [...(alone ? [] : [reader]), ...(atPhone ? [field] : [])],
        apps: [{ language: lang, ...(location && { location }), ...(!search && !alone && { reader: 'r1' }) }],
      }
      session = await bench.sessions.open({ ttl: 0, clock: 'virtual', language: lang, counter: counter as never })
      body = atPhone ? session.phones[0].body : alone ? undefined : (session.reader('r1') as BenchReader).reader.body
      phone.said = []
      await page.goto(`${bench.origin}/?session=${session.id}`, { waitUntil: 'commit' })
      await shown()
    },
    async until(wanted, action) {
      const kinds = [wanted].flat()
      const offers = ({ kind, actions, choices = [] }: AppScreen) =>
        action === undefined ||
        kind !== kinds.at(-1) ||
        [...actions.filter(({ disabled }) => !disabled), ...choices].some(({ id }) => id === action)
      await until(
        () => kinds.includes(screen().kind) && !screen().answered && offers(screen()),
        `${kinds.join(', ')} with ${action ?? 'anything'}`,
      )
      return screen()
    },
    async press(action, { fields = {}, strokes = [] } = {}) {
      const { n, revision } = screen()
      for (const [name, value] of Object.entries(fields)) {
        const field = page.locator(`.phone [data-field="${name}"]`)
        const known = await field.evaluate((one: HTMLInputElement) => {
          one.closest('details')?.setAttribute('open', '')
          return one.value
        })
        if (known !== value) await field.fill(value)
      }
      const box = strokes.length > 0 ? await page.locator('.phone .pad').boundingBox() : null
      for (const [[x, y], ...further] of strokes) {
        await page.mouse.move(box!.x + x, box!.y + y)
        await page.mouse.down()
        for (const [toX, toY] of further) await page.mouse.move(box!.x + toX, box!.y + toY, { steps: 3 })
        await page.mouse.up()
      }
      if (action !== 'typed') {
        const [x, y] = await page.locator(`.phone [data-action="${action}"]`).evaluate(one => {
          one.scrollIntoView({ block: 'nearest' })
          const { left, top, width, height } = one.getBoundingClientRect()
          return [left + width / 2, top + height / 2]
        })
        await page.mouse.click(x, y)
      }
      // Time stands still while the answer is on its way.
      for (const began = Date.now(); screen().n === n && screen().revision === revision; await rest(LOOK))
        if (Date.now() - began > PATIENCE) throw new Error(`nobody heard ${action} on ${JSON.stringify(screen(), null, 1)}`)
    },
    async untilSaid(words) {
      await until(() => said().includes(words), `'${words}'`)
    },
    async next(person) {
      const { id } = session.shelf.add({ profile: profileOf(person) as 'mir' }, { id: `next${++people}` })
      session.reader('r1').setPerson(personOf(person ?? {}, id) as never)
    },
    async phone({ network, location }) {
      const [ofNetwork, ofLocation] = [page.locator('.phone-settings input').nth(0), page.locator('.phone-settings input').nth(1)]
      if (network) await ofNetwork.setChecked(network === 'on')
      if (location) await ofLocation.setChecked(location === 'on')
      if (network) await until(() => session.apps.state('a1').network === network, `network ${network}`)
    },
    async knob(line) {
      session.reader('r1').knob(line)
    },
    async kill(after) {
      await session.settle(session.apps.restart('a1', 'kill', after))
    },
    async cut() {
      await session.removeReader('r1')
    },
    async payQr(code) {
      session.bank.host.payQr(code)
    },
    async approved() {
      return session.bank.host.orders.filter(({ state }) => state === 'Approved').length
    },
    async rest() {
      await until(() => body!.screen.message === 'reader.idle', 'the end at the reader')
    },
    async seen() {
      await shown()
      const lines = body?.screens.map(one => one.lines.join(' ')) ?? []
      return { app: said(), reader: lines.filter((line, at) => line !== lines[at - 1]).join('\n') }
    },
    async close() {
      await page.goto('about:blank') // nobody asks for what is not there any more
      if (session) await bench.sessions.remove(session.id)
    },
  }
}

/** A page of the bench, with its token, that tells what its phone shows. */
export async function phonePage(page: Page, bench: Bench): Promise<PhonePage> {
  const phone: PhonePage = { page, shown: { session: '', n: -1, revision: -1 }, said: [], hear() {} }
  await page.exposeFunction('phoneShows', (session: string, n: number, revision: number, lines: readonly string[]) => {
    if (session !== phone.shown.session) phone.said = []
    phone.shown = { session, n, revision }
    phone.said.push(...lines)
    phone.hear()
  })
  await page.addInitScript(listen)
  await page.addInitScript(token => {
    if (location.protocol === 'http:') sessionStorage.setItem('tapdip-token', token)
  }, bench.token)
  return phone
}
