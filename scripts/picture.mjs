// The pictures of README and docs/bench.md: the bench in a browser, while a payment is made on its page. Needs `npm run build`, and Chromium.
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { chromium } from 'playwright-core'
import { startBench } from '../dist/simulator/bench/bench.js'

const docs = join(fileURLToPath(new URL('..', import.meta.url)), 'docs')
const executablePath = process.env.TAPDIP_CHROMIUM ?? '/usr/bin/chromium'

/** What the display says now is there. */
const says = (page, words) => page.locator('.says').first().filter({ hasText: words }).waitFor({ state: 'attached' })
/** A button of the app. */
const tap = (page, name) => page.locator('.phone').getByRole('button', { name }).first().click()

/** The card goes in, a PIN is wrong; the second is being typed. */
async function whileThePinIsTyped(page) {
  await page.locator('.item').first().click()
  await tap(page, 'Pay')
  await tap(page, 'Card reader')
  await tap(page, 'CONNECT')
  await says(page, /Present card/)
  await page.locator('.hand button').first().click()
  await tap(page, 'MIR')
  for (const words of [/ENTER PIN/, /WRONG PIN/]) {
    await says(page, words)
    await page.locator('.device .body').focus()
    await page.keyboard.type('9999')
    if (words.source === 'ENTER PIN') await page.keyboard.press('Enter')
  }
  await says(page, /WRONG PIN! ENTER PIN: \*{4}/)
  // The note of its last key has gone.
  await page.evaluate('Promise.all(document.getAnimations().map(one => one.finished))')
}

/** Pictures by name, as PNG: `bench` (the README’s), `bench-dark` and `bench-small`. */
export async function drawBench() {
  const bench = await startBench({ session: false })
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'], timeout: 120_000 })
  const open = async options => {
    const context = await browser.newContext({ locale: 'en-GB', reducedMotion: 'reduce', ...options })
    const page = await context.newPage()
    const { id } = await bench.sessions.open({ name: 'Corner shop', seed: 1 })
    await page.goto(`${bench.origin}/?session=${id}#token=${bench.token}`)
    await page.locator('.line.live').waitFor()
    return page
  }
  try {
    const page = await open({ viewport: { width: 1280, height: 745 } })
    await whileThePinIsTyped(page)
    const shots = { bench: await page.screenshot() }
    await page.emulateMedia({ colorScheme: 'dark' })
    await page.setViewportSize({ width: 1280, height: 1300 })
    await page.getByRole('searchbox', { name: 'Filter' }).fill('GENERATE AC')
    await page.locator('[role=option]').first().click()
    await page.getByRole('group', { name: 'Event', exact: true }).getByText('9F27').first().waitFor()
    shots['bench-dark'] = await page.locator('#trace-panel').screenshot()
    const small = await open({ viewport: { width: 360, height: 740 } })
    await small.locator('#readers').scrollIntoViewIfNeeded()
    await small.locator('.places a').nth(1).click()
    shots['bench-small'] = await small.screenshot()
    return shots
  } finally {
    await browser.close()
    await bench.close()
  }
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { writeFileSync } = await import('node:fs')
  for (const [name, picture] of Object.entries(await drawBench())) writeFileSync(join(docs, `${name}.png`), picture)
}
