/** A page of a real bench in Chromium, an app that comes to it from outside, and what a person does with it. */

import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import type { BrowserContextOptions, Page } from 'playwright-core'
import { currency, httpAcquirer, open, type PaymentResult, pay } from '../../../../devices/index.ts'
import type { Bench } from '../../../../simulator/bench/options.ts'
import type { Opened, Pages } from '../../scenario/report/browser.ts'
import { type Ask, asking } from '../client.ts'

export interface AtCounter extends Opened {
  readonly ask: Ask
  /** `/api/sessions/s1` */
  readonly at: string
  readonly session: string
  /** A payment of a program outside, over TCP. */
  readonly pay: (amount?: bigint) => Promise<PaymentResult>
  readonly close: () => Promise<void>
}

/** A line between page and bench that can be cut, and mended. */
export async function between(port: number): Promise<{ readonly port: number; cut(): Promise<void>; mend(): Promise<void> }> {
  const open = new Set<Socket>()
  const server = createServer(page => {
    const there = connect(port, '127.0.0.1')
    for (const one of [page, there]) {
      open.add(one)
      one.on('error', () => one.destroy()).on('close', () => open.delete(one))
    }
    page.pipe(there).pipe(page)
  })
  const listen = (at: number) => new Promise<void>(resolve => server.listen(at, '127.0.0.1', resolve))
  await listen(0)
  const own = (server.address() as AddressInfo).port
  return {
    port: own,
    async cut() {
      const closed = new Promise<void>(resolve => server.close(() => resolve()))
      for (const one of open) one.destroy()
      await closed
    },
    mend: () => listen(own),
  }
}

let orders = 0

/** A session of its own, and a page on it. */
export async function atCounter(
  bench: Bench,
  pages: Pages,
  options: BrowserContextOptions = {},
  input: object = {},
  origin = bench.origin,
): Promise<AtCounter> {
  const ask = asking(bench)
  const { id } = (await ask('POST', '/api/sessions', { name: 'a test', ...input })).json
  const at = `/api/sessions/${id}`
  const opened = await pages.open(`${origin}/?session=${id}#token=${bench.token}`, { offline: false, locale: 'en-GB', ...options })
  opened.page.setDefaultTimeout(25_000) // so that a test says what it waits for
  await opened.page.locator('.line.live').waitFor()
  return {
    ...{ ...opened, ask, at, session: id },
    pay(amount = 2500_00n) {
      const paid = payFrom(ask, at, amount)
      paid.catch(() => {}) // a test that fails ends its session under it
      return paid
    },
    async close() {
      await opened.page.context().close()
      await ask('DELETE', at)
    },
  }
}

async function payFrom(ask: Ask, at: string, amount: bigint): Promise<PaymentResult> {
  const [{ uri }] = (await ask('GET', `${at}/readers`)).json
  const { url } = (await ask('GET', `${at}/bank`)).json
  const reader = await open(uri)
  try {
    return await pay(
      { number: `20260326_${++orders}`, amount, currency: currency('RUB') },
      { reader, acquirer: httpAcquirer(url), merchant: { name: 'Corner shop', id: '635459020000001', terminal: '63545902' } },
    )
  } finally {
    await reader.close()
  }
}

/** What the display of the first reader says, as a screen reader would. */
export const says = (page: Page) => page.locator('.says').first()

/** Until the display says it. */
export async function until(page: Page, words: RegExp): Promise<void> {
  await says(page).filter({ hasText: words }).waitFor({ state: 'attached' })
}

/** Takes the card of this profile into the hand. */
export async function hold(page: Page, words: string): Promise<void> {
  await page
    .getByRole('searchbox', { name: /Search|Поиск/ })
    .first()
    .fill(words)
  await page.locator('.item').first().click()
}

/** The card under the pointer, to where a place of the reader is drawn. */
export async function drag(page: Page, from: string, to: string): Promise<void> {
  const middle = async (selector: string) => {
    const box = (await page.locator(selector).first().boundingBox())!
    return [box.x + box.width / 2, box.y + box.height / 2] as const
  }
  const [x, y] = await middle(from)
  await page.mouse.move(x, y)
  await page.mouse.down()
  await page.mouse.move(x + 20, y + 20, { steps: 4 })
  const [left, top] = await middle(to)
  await page.mouse.move(left, top, { steps: 8 })
  await page.mouse.up()
}
