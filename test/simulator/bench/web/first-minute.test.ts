/** A new user at the bench: pays with the app on the page by chip, with a wrong PIN first, then by tap; and has a scenario of it, which runs. Needs `npm run build`. */

import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startBench } from '../../../../simulator/bench/bench.ts'
import type { Bench } from '../../../../simulator/bench/options.ts'
import { noBrowser, Pages } from '../../scenario/report/browser.ts'
import { type AtCounter, atCounter, until } from './counter.ts'

/** A button of the app. */
const tap = (page: Page, name: string | RegExp) => page.locator('.phone').getByRole('button', { name }).first().click()

describe.skipIf(noBrowser !== undefined)(`the first minute${noBrowser ? `: ${noBrowser}` : ''}`, () => {
  const pages = new Pages()
  let bench: Bench
  let counter: AtCounter
  let pin = ''
  beforeAll(async () => {
    bench = await startBench({ session: false })
    counter = await atCounter(bench, pages)
  })
  afterAll(async () => {
    await counter.close()
    await pages.close()
    await bench.close()
  })

  it('by chip with a wrong PIN', async () => {
    const { page } = counter
    // Nothing was chosen: the first card is in the hand, the app shows an order, the reader is there.
    await tap(page, 'Pay')
    await tap(page, 'Card reader')
    await tap(page, 'CONNECT')
    await until(page, /Present card/)
    await page.getByRole('button', { name: /^Insert/ }).click()
    await tap(page, 'MIR')
    await until(page, /^ENTER PIN/)
    await page.getByRole('button', { name: 'Show the PIN' }).click()
    pin = /\d+$/.exec((await page.locator('.pin', { hasText: /PIN \d/ }).textContent())!)![0]
    for (const key of [...pin].reverse()) await page.locator(`[data-key="${key}"]`).click()
    await page.locator('[data-key=enter]').click()
    await until(page, /WRONG PIN/)
    for (const key of pin) await page.locator(`[data-key="${key}"]`).click()
    await page.locator('[data-key=enter]').click()
    await until(page, /REMOVE CARD/)
    await page
      .getByRole('button', { name: /^Pull out/ })
      .first()
      .click()
    await page.locator('.phone').getByText('APPROVED').first().waitFor()
  })

  it('then by tap', async () => {
    const { page, ask, at } = counter
    await tap(page, 'New order')
    await tap(page, 'Pay')
    await tap(page, 'Card reader')
    await until(page, /Present card/)
    await page.getByRole('button', { name: /^Tap/ }).click()
    await until(page, /PIN|READ OK|APPROVED|Processing/)
    if (await page.locator('.reads').isVisible()) {
      await page.locator('.device .body').focus()
      await page.keyboard.type(pin)
      await page.keyboard.press('Enter')
    }
    await page.locator('.phone').getByText('APPROVED').first().waitFor()
    const { orders } = (await ask('GET', `${at}/bank`)).json
    expect(orders.map((one: { state: string }) => one.state)).toEqual(['Approved', 'Approved'])
  })

  it('what was done runs as a scenario', async () => {
    const { page, complaints } = counter
    await page.getByRole('button', { name: 'Record', exact: true }).click()
    const text = page.getByRole('textbox', { name: 'Scenario' })
    await expect.poll(() => text.inputValue(), { timeout: 20_000 }).toContain('mir-maestro')
    expect(await text.inputValue()).not.toContain(pin.repeat(2))
    await page.getByRole('button', { name: 'Run it' }).click()
    await page.locator('.record .problems li').first().waitFor()
    expect(await page.locator('.record .problems').textContent()).toMatch(/passed/)
    await page.getByRole('button', { name: 'Its trace, step by step' }).click()
    const run = page.getByRole('region', { name: /^What was done/ })
    await run.locator('[role=option]').first().waitFor()
    expect(await run.locator('.film').textContent()).toMatch(/WRONG PIN/)
    expect(complaints).toEqual([])
  })
})
