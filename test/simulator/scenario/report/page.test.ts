/** The page of a run in a real browser: it needs no network, is walked through with keys alone, stays small however long a trace is, and runs nothing of what it shows. Needs `npm run build`. */

import { readFileSync } from 'node:fs'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadCard } from '../../../../simulator/cards/icc.ts'
import { htmlReport } from '../../../../simulator/scenario/report/html.ts'
import type { ScenarioResult } from '../../../../simulator/scenario/result.ts'
import type { TraceEvent } from '../../../../src/trace/event.ts'
import { found, secretNumber } from '../../../canaries.ts'
import { noBrowser, Pages, violations } from './browser.ts'
import { discretionary, payment, runOf } from './payments.ts'

/** What has the focus, as a screen reader would say it. */
const focused = (page: Page): Promise<string> =>
  page.evaluate(
    '(one => [one.getAttribute("role") ?? one.localName, one.getAttribute("aria-label") ?? one.textContent.trim()].join(" ").slice(0, 120))(document.activeElement)',
  )

const run = <T>(page: Page, script: string): Promise<T> => page.evaluate(script)

/** Tab until something is reached that is called so; fails where the walk comes round without it. */
async function tabTo(page: Page, name: RegExp, most = 200): Promise<string> {
  const met: string[] = []
  for (let at = 0; at < most; at++) {
    await page.keyboard.press('Tab')
    const one = await focused(page)
    met.push(one)
    if (name.test(one)) return one
  }
  throw new Error(`no ${name} in: ${[...new Set(met)].join(' | ')}`)
}

const chosen = (page: Page) => page.locator('[role=option][aria-selected=true]').textContent()

describe.skipIf(noBrowser !== undefined)(`the page of a run${noBrowser ? `: ${noBrowser}` : ''}`, () => {
  const pages = new Pages()
  let cases: ScenarioResult[]
  let url: string

  beforeAll(async () => {
    const one = await payment({ card: 'mir-maestro', name: 'chip pays [qpos, 2500.00]', matrix: { reader: 'qpos', amount: '2500.00' } })
    const other = await payment({
      family: 'miura',
      card: 'visa-signature',
      name: 'chip pays [miura, 2500.00]',
      matrix: { reader: 'miura', amount: '2500.00' },
    })
    const expectations = [
      { path: 'expect.result', expected: 'declined', actual: 'approved', passed: false, explanation: ['TVR.3.3 was not expected'] },
    ]
    const { trace: _trace, ...rest } = one
    cases = [
      one,
      { ...other, status: 'failed', reason: 'expect.result: declined was expected', expectations },
      { ...rest, name: 'chip pays [bluepad, 2500.00]', reader: 'bluepad', status: 'skipped', reason: 'no PIN pad', expectations: [], screens: [] },
    ] // biome-ignore format: a table
    url = pages.write('run.html', htmlReport(runOf(cases)))
  })
  afterAll(() => pages.close())

  it('opens from a file without network, and asks for nothing else', async () => {
    const { page, requests, complaints } = await pages.open(url)
    expect(await page.title()).toBe('Report: scenarios')
    expect(await page.locator('.counts').textContent()).toMatch(/1\s*passed\s*1\s*failed\s*0\s*flaky\s*1\s*skipped/)
    expect(await page.locator('.failures').textContent()).toContain('expect.result: declined was expected')
    expect(await page.locator('.matrix thead').textContent()).toMatch(/qpos\s*miura\s*bluepad/)
    expect(requests).toEqual([url])
    expect(complaints).toEqual([])
    await page.context().close()
  })

  it('a bit of the TVR leads to the step that set it', async () => {
    const { page } = await pages.open(`${url}#/case/0`)
    const bit = page.locator('[data-bit="TVR.3.3"]')
    expect(await bit.textContent()).toMatch(/Online PIN entered[\s\S]*cardholderVerification: Book 3, 10\.5/)
    // Its lane is hidden: what is led to is shown all the same.
    await page.getByRole('checkbox', { name: 'Reader' }).uncheck()
    await bit.click()
    expect(await focused(page)).toBe('listbox Events')
    expect(await chosen(page)).toMatch(/kernel rule.*TVR onlinePinEntered/)
    expect(await page.getByRole('group', { name: 'Event', exact: true }).textContent()).toMatch(
      /cardholderVerification[\s\S]*TVR onlinePinEntered/,
    )
    const { events } = cases[0].trace!
    const place = Number(/event\/(\d+)$/.exec(page.url())?.[1])
    expect(events[place]).toMatchObject({ kind: 'kernel', effect: expect.arrayContaining(['TVR onlinePinEntered']) })
    await page.context().close()
  })

  it('commands and data objects are decoded, the receipt and the screens are there', async () => {
    const { page } = await pages.open(`${url}#/case/0`)
    const detail = page.getByRole('group', { name: 'Event', exact: true })
    const choose = async (text: string) => {
      await page.getByRole('searchbox').fill(text)
      await page.locator('[role=option]').first().click()
    }
    await choose('GET PROCESSING OPTIONS')
    expect(await detail.textContent()).toMatch(/82[\s\S]*Application Interchange Profile[\s\S]*94[\s\S]*Application File Locator/)
    await choose('GENERATE AC')
    // By the CDOL that the card gave: the amount in the data of the command.
    expect(await detail.textContent()).toMatch(/Amount, Authorised \(Numeric\)[\s\S]*2500\.00 RUB[\s\S]*9F27[\s\S]*9000 done/)
    expect(await page.locator('.paper').textContent()).toMatch(/CUSTOMER COPY[\s\S]*2500\.00 RUB/)
    const screens = page.locator('.film svg')
    expect(await screens.count()).toBe(cases[0].screens.length)
    expect((await screens.evaluateAll(all => all.map(one => one.getAttribute('aria-label')))).join('\n')).toContain('****')
    await page.context().close()
  })

  it('bytes of the line are told in the words of the family, folded away', async () => {
    const { page } = await pages.open(`${url}#/case/1`)
    await page.getByRole('searchbox').fill('link')
    await page.locator('[role=option]').first().click()
    const frame = page.getByRole('group', { name: 'Event', exact: true }).locator('details.frame')
    expect(await frame.locator('summary').textContent()).toBe('host: reset')
    expect(await frame.locator('pre').isVisible()).toBe(false)
    await frame.locator('summary').click()
    expect(await frame.locator('pre').textContent()).toMatch(/p1: 00/)
    await page.context().close()
  })

  it('a long path in the title is broken, not cut', async () => {
    const suite = `scenarios/${'a-long-name-'.repeat(12)}.yaml`
    const { page } = await pages.open(pages.write('long-title.html', htmlReport(runOf(cases, { suite }))), {
      viewport: { width: 480, height: 800 },
    })
    expect(await run(page, '(one => one.scrollWidth <= one.clientWidth)(document.querySelector("h1"))')).toBe(true)
    await page.context().close()
  })

  it('is walked through with keys alone', async () => {
    const { page } = await pages.open(url)
    expect(await tabTo(page, /To the content/, 1)).toMatch(/^a /)
    await tabTo(page, /^a passed: chip pays \[qpos/)
    await page.keyboard.press('Enter')
    await page.waitForSelector('.axis')
    expect(await focused(page)).toMatch(/^h1 .*chip pays \[qpos/)
    await tabTo(page, /^button .*Online PIN entered/)
    await page.keyboard.press('Enter')
    expect(await focused(page)).toBe('listbox Events')
    await page.keyboard.press('Home')
    const first = await chosen(page)
    await page.keyboard.press('ArrowDown')
    expect(await chosen(page)).not.toBe(first)
    await page.keyboard.press('End')
    expect(await chosen(page)).toMatch(/disconnected/)
    // On past the list, and round to the beginning: nothing holds the focus.
    await tabTo(page, /To the content/)
    await tabTo(page, /^slider/)
    await page.keyboard.press('ArrowLeft')
    expect(await page.getByRole('slider').getAttribute('aria-valuetext')).toMatch(/^Event \d+ of \d+, .*ms: /)
    await page.goBack()
    await page.waitForSelector('#matrix')
    await page.context().close()
  })

  it.each([
    ['en', 'light'],
    ['ru', 'dark'],
  ] as const)('axe finds nothing in %s, %s', { timeout: 240_000 }, async (language, colorScheme) => {
    const file = pages.write(`${language}.html`, htmlReport(runOf(cases), { language, against: runOf(cases.slice(1)) }))
    const { page } = await pages.open(file, { colorScheme })
    expect(await run(page, 'document.documentElement.lang')).toBe(language)
    expect(await violations(page)).toEqual([])
    await page.goto(`${file}#/case/1/event/30`)
    await page.waitForSelector('.axis')
    expect(await violations(page)).toEqual([])
    await page.context().close()
  })

  it('its language and its colours are whose who reads it', async () => {
    const { page } = await pages.open(url)
    const ground = () => run<string>(page, 'getComputedStyle(document.body).backgroundColor')
    const light = await ground()
    await page.getByLabel('Colours').selectOption('dark')
    expect(await ground()).not.toBe(light)
    await page.emulateMedia({ colorScheme: 'dark' })
    await page.getByLabel('Colours').selectOption('light')
    expect(await ground()).toBe(light)
    await page.getByLabel('Language').selectOption('ru')
    expect(await page.locator('h2').allInnerTexts()).toEqual(['Итог', 'Не пройдено', 'Матрица', 'Время шагов'])
    expect(await run(page, 'document.documentElement.lang')).toBe('ru')
    await page.context().close()
  })

  it('10,000 events scroll: the rows in the page are those that can be seen', async () => {
    const { header, events } = cases[0].trace!
    const many = Array.from(
      { length: 10_000 },
      (_, at): TraceEvent => ({ ...events.filter(({ kind }) => !kind.startsWith('span'))[at % 50], at }),
    )
    const long = { ...cases[0], trace: { header, events: [...many, { at: 10_000, from: 'person', kind: 'card', event: 'left' } as const] } }
    const html = htmlReport(runOf([long]))
    expect(html).toContain('data-form="deflate"') // it is large enough to be packed
    const { page } = await pages.open(pages.write('long.html', html))
    const rows = page.locator('[role=option]')
    const list = page.getByRole('listbox')
    expect(await list.evaluate(one => one.scrollHeight)).toBe(10_001 * 24)
    for (const part of [0, 0.31, 0.77, 1]) {
      await list.evaluate((one, at) => (one.scrollTop = one.scrollHeight * at), part)
      await run(page, 'new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))')
      expect(await rows.count()).toBeLessThan(80)
      const box = (await list.boundingBox())!
      const first = (await rows.first().boundingBox())!
      expect(first.y).toBeLessThanOrEqual(box.y + 2) // the rows are where the list is looked at
    }
    expect(await rows.last().textContent()).toMatch(/10000\.0card.*left/)
    await list.focus()
    await page.keyboard.press('Home')
    expect(await rows.first().getAttribute('aria-posinset')).toBe('1')
    expect(await run(page, 'document.querySelectorAll("main *").length')).toBeLessThan(6000)
    await page.context().close()
  })

  it('nothing that it shows runs in it', async () => {
    const bad = ['</script><script>globalThis.ran=1</script>', '<img src=x onerror="globalThis.ran=1">', '<!--<script>', '\u2028"&quot;\'`', 'javascript:globalThis.ran=1'] // biome-ignore format: a list
    const all = bad.join(' ')
    const { trace } = cases[0]
    const events: TraceEvent[] = [
      { at: 0, from: 'reader', kind: 'screen', lines: bad },
      { at: 1, from: 'driver', kind: 'message', way: 'out', type: all, content: { [all]: all } },
      { at: 2, from: 'card', kind: 'apdu', interface: 'contact', name: all, command: '00A40400', answer: '9000' },
      { at: 3, from: 'reader', kind: 'kernel', step: all, rule: all, inputs: { [all]: '00' }, effect: bad },
      { at: 4, from: 'app', kind: 'result', result: all, reason: all, content: { tags: { [all]: all }, receipt: { merchant: all } } },
    ]
    const hostile: ScenarioResult = {
      ...cases[0],
      ...{ name: all, file: all, tags: bad, matrix: { [all]: all }, reader: all, card: all, reason: all, status: 'failed' },
      ...{
        expectations: [{ path: all, expected: all, actual: bad, passed: false, explanation: bad }],
        fault: { code: all, message: all, details: {} },
      },
      trace: { header: { ...trace!.header, reader: { family: all, model: all } }, events },
    }
    for (const large of [false, true]) {
      const filler = { ...cases[0], reason: 'x'.repeat(large ? 1_100_000 : 1) }
      const html = htmlReport(runOf([hostile, filler], { suite: all }), {
        against: runOf([{ ...hostile, status: 'passed' }], { started: all }),
      })
      const { page, requests, complaints } = await pages.open(pages.write(`hostile-${large}.html`, html))
      expect(await page.locator('h1').textContent()).toContain(bad[0])
      await page.locator('.failures a').first().click()
      await page.waitForSelector('.axis')
      for (const option of await page.locator('[role=option]').all()) await option.click()
      expect(await page.locator('[role=option]').first().textContent()).toContain(bad[0])
      expect(await run(page, 'globalThis.ran')).toBeUndefined()
      expect(await page.locator('img, iframe, object, embed').count()).toBe(0)
      expect([requests.length, complaints]).toEqual([1, []])
      // Were something of it in the page as an element, the policy would still not let it run.
      await run(page, 'const one = document.createElement("script"); one.textContent = "globalThis.ran = 1"; document.body.append(one)')
      expect(await run(page, 'globalThis.ran')).toBeUndefined()
      await page.context().close()
    }
  })

  it('no card number, track or name is in the file', () => {
    const html = readFileSync(new URL(url), 'utf8')
    // That of mir-maestro has zeros where a masked one has them.
    const { pan, cardholder } = loadCard('visa-signature').plan
    expect(pan.slice(6, -4)).toMatch(/[1-9]/)
    const secrets = [secretNumber('PAN', pan), secretNumber('track', discretionary)]
    expect(found(secrets, html)).toEqual([])
    const hexOfName = Buffer.from(cardholder).toString('hex').toUpperCase()
    expect(html.includes(hexOfName)).toBe(false)
    expect(html).toContain(`${pan.slice(0, 6)}******${pan.slice(-4)}`)
  })
})
