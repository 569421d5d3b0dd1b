/** The page of the bench on a real bench, in a real browser: a person pays by chip and by tap, with the pointer and with keys alone. Needs `npm run build`. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startBench } from '../../../../simulator/bench/bench.ts'
import { noBrowser, Pages, violations } from '../../scenario/report/browser.ts'
import { atCounter, between, drag, hold, says, until } from './counter.ts'

/** In the page: what a field asks for before anything is typed, where there is no room for it. */
const cutHints = `[...document.querySelectorAll('input[placeholder]')].filter(one => one.getClientRects().length > 0).flatMap(one => {
  const { font, paddingLeft, paddingRight } = getComputedStyle(one)
  const pen = document.createElement('canvas').getContext('2d')
  pen.font = font
  const room = one.clientWidth - parseFloat(paddingLeft) - parseFloat(paddingRight)
  const wide = pen.measureText(one.placeholder).width
  return wide > room ? [one.placeholder + ': ' + Math.round(wide) + ' of ' + Math.round(room)] : []
})`

describe.skipIf(noBrowser !== undefined)(`the page of the bench${noBrowser ? `: ${noBrowser}` : ''}`, () => {
  const pages = new Pages()
  let bench: Awaited<ReturnType<typeof startBench>>
  beforeAll(async () => {
    bench = await startBench({ session: false })
  })
  afterAll(async () => {
    await pages.close()
    await bench.close()
  })

  it('by chip with a wrong PIN and then the right one: the card is dragged in, keys are clicked and typed, nothing on the page jumps', async () => {
    const { page, pay, complaints, requests, close, ask, at } = await atCounter(bench, pages)
    await hold(page, 'offline-pin')
    await page.getByRole('button', { name: 'Show the PIN' }).click()
    expect(await page.locator('.pin').textContent()).toBe('PIN 1234')
    await page.locator('.pin').click()
    const places = () =>
      page.evaluate<string>(
        'JSON.stringify([...document.querySelectorAll("main section[id], #trace-panel, .device, .device .body, .hand")].map(one => one.getBoundingClientRect()))',
      )
    const before = await places()
    const paying = pay()
    await until(page, /Present card/)
    await drag(page, '.item', '[data-target=slot] .mouth')
    await until(page, /Select application|ENTER PIN/)
    for (const key of '9999') await page.locator(`[data-key="${key}"]`).click()
    await until(page, /ENTER PIN: \*\*\*\*/)
    expect(await places()).toBe(before)
    await page.locator('[data-key=enter]').click()
    await until(page, /WRONG PIN/)
    // The face has the focus since its keys were clicked.
    await page.keyboard.type('987')
    await until(page, /WRONG PIN! ENTER PIN: \*\*\*$/)
    await page.keyboard.press('Backspace')
    await until(page, /WRONG PIN! ENTER PIN:$/)
    await page.keyboard.type('1234')
    await page.keyboard.press('Enter')
    await until(page, /REMOVE CARD/)
    expect(await places()).toBe(before)
    await drag(page, '[data-target=slot] .hint', '[data-shelf] h2')
    expect(await paying).toMatchObject({ result: 'approved', interface: 'chip', cvm: 'offlinePin' })
    await until(page, /WELCOME/)
    expect((await ask('GET', `${at}/cards`)).json.every((card: { place: unknown }) => card.place === null)).toBe(true)
    expect(complaints).toEqual([])
    expect(requests.filter(one => !one.startsWith(bench.origin) && !one.startsWith('data:'))).toEqual([])
    const { id } = (await ask('GET', `${at}/cards`)).json.find((card: { profile: string }) => card.profile === 'offline-pin')
    const { pan } = JSON.parse((await ask('GET', `${at}/cards/${id}/profile`)).json.text)
    expect(pan).toMatch(/^\d{16}$/)
    expect((await page.content()).replaceAll(' ', '')).not.toContain(pan)
    await close()
  })

  it('by tap, with keys alone: the card is found, held to the reader, and taken away', async () => {
    const { page, pay, complaints, close } = await atCounter(bench, pages)
    const focused = () => page.evaluate<string>('document.activeElement.textContent')
    const tab = async (name: RegExp) => {
      for (let at = 0; at < 60; at++) {
        await page.keyboard.press('Tab')
        if (name.test(await focused())) return
      }
      throw new Error(`no ${name}`)
    }
    const paying = pay(500_00n)
    await until(page, /Present card/)
    await page.getByRole('searchbox', { name: 'Search' }).focus()
    await page.keyboard.type('mastercard cda')
    await tab(/chip · tap/)
    await page.keyboard.press('Shift+T') // held there
    expect(await paying).toMatchObject({ result: 'approved', interface: 'tap' })
    await page.keyboard.press('p')
    await until(page, /WELCOME/)
    expect(await page.locator('.at-field').count()).toBe(0)
    expect(complaints).toEqual([])
    await close()
  })

  it('a stripe is drawn through the edge in passing', async () => {
    const { page, pay, close } = await atCounter(bench, pages)
    await hold(page, 'stripe-only')
    const paying = pay()
    await until(page, /Present card/)
    await drag(page, '.item', '[data-target=swipe] .groove')
    await until(page, /PIN|Processing|REMOVE|APPROVED/)
    if (/PIN/.test((await says(page).textContent())!)) await page.locator('.device .body').press('Enter')
    expect((await paying).interface).toBe('swipe')
    await close()
  })

  it('the bank answers by hand: a request waits, is declined with a code, and the reader says so', async () => {
    const { page, pay, close } = await atCounter(bench, pages)
    await page.getByRole('radio', { name: 'by hand' }).check()
    await hold(page, 'mastercard')
    const paying = pay(500_00n)
    await until(page, /Present card/)
    await page.locator('.hand button', { hasText: 'Tap' }).click()
    const request = page.locator('.request.held')
    await request.waitFor()
    expect(await page.locator('.held-count').textContent()).toBe('Waiting for you: 1')
    await request.getByText('Decoded').click()
    await request.getByText('Amount, Authorised').waitFor()
    await request.getByRole('combobox', { name: 'Code of the decline' }).selectOption('51')
    await request.getByRole('button', { name: 'Decline' }).click()
    expect(await paying).toMatchObject({ result: 'declined', responseCode: '51' })
    expect(await page.locator('.request .verdict').first().textContent()).toBe('51')
    await close()
  })

  it('a profile is checked while it is typed, as a form and as text, and the card is another then', async () => {
    const { page, close, ask, at } = await atCounter(bench, pages)
    await hold(page, 'visa-signature')
    await page.getByRole('button', { name: 'Edit', exact: true }).click()
    const label = page.getByLabel('applications.0.label', { exact: true })
    await label.fill('A LABEL THAT IS TOO LONG')
    await page.locator('.problems .bad', { hasText: 'applications.0.label' }).waitFor()
    expect(await page.getByRole('button', { name: 'Save' }).isDisabled()).toBe(true)
    await label.fill('MY VISA')
    await page.getByText('Nothing is wrong with it.').waitFor()
    await page.getByRole('radio', { name: 'Text' }).check()
    const text = page.getByRole('textbox', { name: 'Text' })
    expect(await text.inputValue()).toContain('"MY VISA"')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.locator('.in-hand', { hasText: 'MY VISA' }).waitFor()
    const cards = (await ask('GET', `${at}/cards`)).json as { label: string; changed: boolean }[]
    expect(cards.find(one => one.label === 'MY VISA')).toBeDefined()
    await close()
  })

  it('knobs turn, and several readers stand beside each other', async () => {
    const { page, close, ask, at } = await atCounter(bench, pages)
    await page.getByRole('button', { name: 'Add a reader' }).click()
    await page.getByRole('button', { name: 'BluePad-50' }).click()
    await page.locator('.device', { hasText: 'BluePad-50' }).waitFor()
    const bluepad = page.locator('.device', { hasText: 'BluePad-50' })
    await bluepad.getByRole('button', { name: 'Knobs' }).click()
    await bluepad.getByLabel('Charger').check()
    await bluepad.getByText(/other knobs/).click()
    await bluepad.getByRole('textbox', { name: /^latency/ }).fill('200')
    await bluepad.getByRole('textbox', { name: /^latency/ }).press('Enter')
    await bluepad.locator('.set', { hasText: '200' }).waitFor()
    await bluepad.getByLabel('Power', { exact: true }).uncheck()
    await bluepad.locator('.says', { hasText: 'Switched off' }).waitFor({ state: 'attached' })
    const [, state] = (await ask('GET', `${at}/readers`)).json
    expect(state).toMatchObject({ family: 'bluepad', on: false, battery: { charging: true }, knobs: { latency: '200' } })
    // What is refused is said, in the words of the server.
    await bluepad.getByRole('textbox', { name: /^latency/ }).fill('a lot')
    await bluepad.getByRole('textbox', { name: /^latency/ }).press('Enter')
    await page.locator('.notice.bad', { hasText: /latency|a lot|0/ }).waitFor()
    await bluepad.getByRole('button', { name: 'Remove this reader' }).click()
    await bluepad.waitFor({ state: 'detached' })
    await close()
  })

  it('a moment of the trace sets the screen back; what was chosen is decoded; now is now again', async () => {
    const { page, pay, close, ask, at } = await atCounter(bench, pages)
    await hold(page, 'mastercard')
    const paying = pay(500_00n)
    await until(page, /Present card/)
    await page.locator('.hand button', { hasText: 'Tap' }).click()
    await paying
    // The hand takes it away by itself.
    await page.locator('.hand button', { hasText: 'Tap' }).waitFor()
    await until(page, /WELCOME/)
    await page.getByRole('searchbox', { name: 'Filter' }).fill('Present card')
    await page.locator('[role=option]', { hasText: 'Present card' }).first().click()
    await page.locator('.device.past').waitFor()
    expect(await says(page).textContent()).toMatch(/Present card/)
    await page.getByRole('searchbox', { name: 'Filter' }).fill('GENERATE AC')
    await page.locator('[role=option]').first().click()
    await page.getByRole('group', { name: 'Event', exact: true }).getByText('Cryptogram Information Data').waitFor()
    await page.getByRole('button', { name: '● now' }).click()
    await page.locator('.device.past').waitFor({ state: 'detached' })
    // Its own file beside it: the same events, and nothing that is no trace.
    const other = page.getByLabel('Put a trace beside it')
    await other.setInputFiles({ name: 'no.jsonl', mimeType: 'text/plain', buffer: Buffer.from('{"a":1}\n') })
    await page.locator('.notice.bad').waitFor()
    const trace = (await ask('GET', `${at}/trace`)).text
    await other.setInputFiles({ name: 'yesterday.jsonl', mimeType: 'text/plain', buffer: Buffer.from(trace) })
    await page.getByRole('region', { name: 'yesterday.jsonl' }).locator('[role=option]', { hasText: 'Present card' }).first().waitFor()
    expect(await violations(page)).toEqual([])
    expect(await says(page).textContent()).toMatch(/WELCOME/)
    await close()
  })

  it('a line that breaks comes back, and what happened meanwhile is there', async () => {
    const line = await between(bench.port)
    const { page, close, ask, at } = await atCounter(bench, pages, {}, {}, `http://127.0.0.1:${line.port}`)
    await line.cut()
    await page.locator('.line.lost').waitFor()
    const [{ id }] = (await ask('GET', `${at}/readers`)).json
    await ask('POST', `${at}/readers/${id}/battery`, { percent: 7 })
    await line.mend()
    await page.locator('.line.live').waitFor()
    await page.locator('.battery.low', { hasText: '7 %' }).waitFor()
    await close()
    await line.cut()
  })

  it('several pages on one counter, one of which loses its line: none misses an event, and all show the last', async () => {
    const line = await between(bench.port)
    const one = await atCounter(bench, pages, {}, {}, `http://127.0.0.1:${line.port}`)
    const others = await Promise.all(
      [1, 2].map(async () => {
        const { page } = await pages.open(`${bench.origin}/?session=${one.session}#token=${bench.token}`, {
          offline: false,
          locale: 'en-GB',
        })
        await page.locator('.line.live').waitFor()
        return page
      }),
    )
    const session = bench.sessions.session(one.session)
    const tracer = session.tracer('r1')
    const told = (count: number) => {
      for (let at = 0; at < count; at++) tracer.tell('reader', { kind: 'reader', event: 'measured', content: { at } })
    }
    told(300)
    await line.cut()
    told(300)
    await one.page.locator('.line.lost').waitFor()
    await line.mend()
    await one.page.locator('.line.live').waitFor()
    told(300)
    const traced = session.happenings.after(0, Number.POSITIVE_INFINITY).filter(event => !event.includes('"kind":"bench"')).length
    for (const page of [one.page, ...others]) {
      await page.locator('#trace-panel').scrollIntoViewIfNeeded()
      await page.locator('.trace-panel output', { hasText: `${traced} of ${traced}` }).waitFor()
      await page.locator('[role=option]', { hasText: '{"at":299}' }).last().waitFor()
    }
    for (const page of others) await page.context().close()
    await one.close()
    await line.cut()
  })

  it('a phone with two cards: put into one on the shelf, held to the reader, and one of them pays when it comes alone', async () => {
    const { page, pay, close, complaints, ask, at } = await atCounter(bench, pages)
    const other = (await ask('GET', `${at}/cards`)).json.find((card: { profile: string }) => card.profile === 'mir').id
    await hold(page, 'dda')
    await page.getByRole('checkbox', { name: 'In a phone' }).check()
    await page.getByRole('combobox', { name: 'Held with' }).selectOption(other)
    const paying = pay(500_00n)
    await until(page, /Present card/)
    await page.locator('.hand button', { hasText: 'Tap' }).click()
    await until(page, /ONE CARD ONLY/)
    expect(await page.locator('.at-field').count()).toBe(2)
    await page.locator('.hand button', { hasText: 'Take away' }).click()
    await page.getByRole('combobox', { name: 'Held with' }).selectOption('')
    await page.locator('.hand button', { hasText: 'Tap' }).click()
    expect(await paying).toMatchObject({ result: 'approved', interface: 'tap' })
    expect(complaints).toEqual([])
    await close()
  })

  it('without a token the page says what to do, and in the language of the browser', async () => {
    const { page } = await pages.open(bench.origin, { offline: false, locale: 'ru-RU' }, '#page')
    await page.getByText('В адресе нет действительного токена').waitFor()
    await page.context().close()
  })

  it.each([
    ['light', 1280, 'en-GB'],
    ['dark', 1280, 'ru-RU'],
    ['light', 360, 'ru-RU'],
    ['dark', 2560, 'en-GB'],
  ] as const)('axe finds nothing: %s, %i pixels, %s', async (colorScheme, width, locale) => {
    const { page, pay, close, complaints } = await atCounter(bench, pages, { colorScheme, locale, viewport: { width, height: 800 } })
    pay(500_00n)
    await until(page, /Present card|Предъявите/)
    expect(await violations(page)).toEqual([])
    expect(await page.evaluate(cutHints)).toEqual([])
    await page.locator('.device header button.quiet').click()
    await page.locator('.hand button').first().click()
    await page.locator('.more-knobs summary').click()
    await page.locator('.knob').first().waitFor()
    await page.locator('.in-hand summary').click()
    expect(await violations(page)).toEqual([])
    await page.locator('.device header button.quiet').click()
    await page.locator('.hand button.away').click()
    await page.locator('.hand button.away').waitFor({ state: 'detached' })
    await page.locator('.in-hand .bar button').nth(1).click()
    await page.locator('.editor .field').first().waitFor()
    expect(await violations(page)).toEqual([])
    expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true)
    expect(complaints).toEqual([])
    await close()
  })
})
