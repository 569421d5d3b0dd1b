/** What a new user tries first, on the page as it is: a wrong PIN three times, a card that is pulled out too early, a flat battery, a bank that approves and says nothing, a card with two payment systems. Needs `npm run build`. */

import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startBench } from '../../../../simulator/bench/bench.ts'
import type { Bench } from '../../../../simulator/bench/options.ts'
import { noBrowser, Pages } from '../../scenario/report/browser.ts'
import { type AtCounter, atCounter, hold, says, until } from './counter.ts'

const counterWith = (family: string) => ({
  counter: {
    ...{ tapdip: 'counter', version: 1 },
    readers: [{ id: 'r1', family, listen: 'none' }],
    cards: [{ profile: 'mir-maestro' }, { profile: 'mastercard' }],
    apps: [{ reader: 'r1' }],
  },
})

/** An order of the app, up to the card. */
async function ordered(page: Page): Promise<void> {
  await page.locator('.phone [data-action=pay]').click()
  await page.locator('.phone [data-action=reader]').click()
  await until(page, /Present card/)
}

const app = (page: Page, words: RegExp) => page.locator('.phone', { hasText: words }).waitFor()
const typed = async (page: Page, pin: string) => {
  for (const key of [...pin, 'enter']) await page.locator(`[data-key="${key}"]`).click()
}
const doIt = (page: Page, name: string) => page.locator('.hand button', { hasText: name }).click()

describe.skipIf(noBrowser !== undefined)(`five tasks of a new user${noBrowser ? `: ${noBrowser}` : ''}`, () => {
  const pages = new Pages()
  let bench: Bench
  beforeAll(async () => {
    bench = await startBench({ session: false })
  })
  afterAll(async () => {
    await pages.close()
    await bench.close()
  })

  describe('at a QPOS', () => {
    let at: AtCounter
    beforeAll(async () => {
      at = await atCounter(bench, pages, {}, counterWith('qpos'))
    })
    afterAll(() => at.close())

    it('the app shows the list of a card with two systems; three wrong PINs, and the card says who counts them and how they are forgotten', async () => {
      const { page } = at
      await hold(page, 'mir-maestro')
      await ordered(page)
      await doIt(page, 'Insert')
      await app(page, /Choose the payment system[\s\S]*MIR[\s\S]*Maestro/)
      await page.locator('.phone .choice', { hasText: 'MIR' }).click()
      for (let at = 0; at < 3; at++) {
        await until(page, at === 0 ? /^ENTER PIN:$/ : /WRONG PIN! ENTER PIN:$/)
        await typed(page, '9999')
      }
      await app(page, /DECLINED[\s\S]*75 too many wrong PINs/)
      await doIt(page, 'Pull out')
      await page.getByText('Counters and log').click()
      await page.getByText('Wrong PINs at the bank: 3').waitFor()
      await page.getByRole('button', { name: 'As a new card' }).click()
      await page.getByText('Wrong PINs at the bank: 3').waitFor({ state: 'detached' })
    })

    it('the card is pulled out while the bank is asked: declined, and what it has approved is taken back', async () => {
      const { page } = at
      await page.locator('.phone [data-action=home]').click()
      await page.getByRole('radio', { name: 'by hand' }).check()
      await ordered(page)
      await doIt(page, 'Insert')
      await page.locator('.phone .choice', { hasText: 'MIR' }).click()
      await until(page, /^ENTER PIN:$/)
      await typed(page, '1234')
      const held = page.locator('.request.held')
      await held.waitFor()
      await doIt(page, 'Pull out')
      await held.getByRole('button', { name: 'Approve' }).click()
      await app(page, /the card was removed[\s\S]*Cancelled/)
      await page.locator('.request', { hasText: 'reversal' }).waitFor()
      await page.getByRole('radio', { name: 'by itself' }).check()
    })

    it('a flat battery: a click on it leads to the charge; the app says what is wrong, and a reader that is off says so', async () => {
      const { page } = at
      await page.locator('.phone [data-action=home]').click()
      await page.locator('.battery').click()
      await page.getByRole('slider', { name: 'Charge' }).fill('3')
      await page.locator('.battery.low', { hasText: '3 %' }).waitFor()
      // The display is seen beside the knobs.
      const [display, panel] = [await page.locator('.display').first().boundingBox(), await page.locator('.panel').boundingBox()]
      expect(display!.y + display!.height).toBeLessThanOrEqual(panel!.y + 1)
      await page.locator('.phone [data-action=pay]').click()
      await page.locator('.phone [data-action=reader]').click()
      await app(page, /battery is too low[\s\S]*3 %/)
      await page.getByRole('slider', { name: 'Charge' }).fill('0')
      await page.locator('.status', { hasText: 'Switched off' }).waitFor()
      expect(at.complaints).toEqual([])
    })
  })

  it('a bank that approves and is not heard: asked again, paid, and charged once', async () => {
    const at = await atCounter(bench, pages, {}, { ...counterWith('qpos'), clock: 'virtual', seed: 3 })
    const { page, ask } = at
    const moved = (wanted: object) => ask('POST', `${at.at}/apps/a1/wait`, { timeout: 300_000, ...wanted })
    await page.getByRole('tab', { name: 'Rules' }).click()
    await page.getByRole('button', { name: 'Lose one answer' }).click()
    await page.locator('.count', { hasText: '1' }).waitFor()
    await page.locator('.phone [data-action=pay]').click()
    await moved({ kind: 'method' })
    await page.locator('.phone [data-action=reader]').click()
    await ask('POST', `${at.at}/readers/r1/wait`, { message: 'reader.presentCard' })
    await hold(page, 'mastercard')
    await doIt(page, 'Tap')
    await moved({ kind: 'result' })
    await app(page, /APPROVED/)
    await page.getByRole('tab', { name: 'Requests' }).click()
    await page.locator('.request', { hasText: 'asked for again: 1' }).waitFor()
    const { orders } = (await ask('GET', `${at.at}/bank`)).json
    expect(orders).toMatchObject([{ state: 'Approved', charged: '2500.00', operations: [{ transactions: [{ amount: '2500.00' }] }] }])
    await at.close()
  })

  it('at a BluePad the reader itself asks which system is to pay', async () => {
    const at = await atCounter(bench, pages, {}, counterWith('bluepad'))
    const { page } = at
    await hold(page, 'mir-maestro')
    await ordered(page)
    await doIt(page, 'Insert')
    await until(page, /Select application: 1 MIR 2 Maestro/)
    await app(page, /chooses the payment system on the reader/)
    await page.locator('[data-key="2"]').click()
    if (/Select/.test((await says(page).textContent())!)) await page.locator('[data-key=enter]').click()
    await until(page, /ENTER PIN/)
    await at.close()
  })

  it('by touch; sound when it is asked for; a phone that is locked; a counter from a file', async () => {
    const at = await atCounter(bench, pages, { hasTouch: true }, counterWith('qpos'))
    const { page, ask } = at
    await page.evaluate(
      'window.heard = 0; window.AudioContext = class extends AudioContext { createOscillator() { window.heard++; return super.createOscillator() } }',
    )
    await hold(page, 'mastercard')
    const cdp = await page.context().newCDPSession(page)
    const middle = async (selector: string) => {
      const box = (await page.locator(selector).first().boundingBox())!
      return { x: box.x + box.width / 2, y: box.y + box.height / 2 }
    }
    const [from, to] = [await middle('.in-hand .grab'), await middle('[data-target=slot] .mouth')]
    const touch = (type: string, points: object[]) => cdp.send('Input.dispatchTouchEvent' as never, { type, touchPoints: points } as never)
    await touch('touchStart', [from])
    for (let part = 1; part <= 4; part++)
      await touch('touchMove', [{ x: from.x + ((to.x - from.x) * part) / 4, y: from.y + ((to.y - from.y) * part) / 4 }])
    await touch('touchEnd', [])
    await page.locator('.hand button.away').waitFor()
    await doIt(page, 'Pull out')
    expect(await page.evaluate('window.heard')).toBe(0) // muted until somebody wants to hear it
    await page.getByRole('checkbox', { name: 'Sound' }).check()
    await page.getByLabel('In a phone').check()
    await page.getByLabel('locked').check()
    await page.locator('.item .ways', { hasText: '· locked' }).waitFor()
    await page.getByRole('button', { name: 'Unlock' }).click()
    await page.locator('.item .ways', { hasText: '· unlocked' }).waitFor()
    await ordered(page)
    await doIt(page, 'Tap')
    await app(page, /APPROVED/)
    await page.waitForFunction('window.heard > 0')
    const file = (await ask('GET', `${at.at}/file`)).text
    await page.locator('.menu summary').click()
    await page.locator('.menu input[type=file]').setInputFiles({ name: 'no.json', mimeType: 'application/json', buffer: Buffer.from('{}') })
    await page.locator('.notice.bad').waitFor()
    await page.locator('.menu input[type=file]').setInputFiles({ name: 'c.json', mimeType: 'application/json', buffer: Buffer.from(file) })
    await page.waitForURL(url => url.searchParams.get('session') !== at.session)
    await page.locator('.line.live').waitFor()
    await page.locator('.item .ways', { hasText: /· (un)?locked/ }).waitFor()
    await at.close()
  })
})
