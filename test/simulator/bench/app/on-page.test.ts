/** Every row of the guide on the bench's page, in Debian's Chromium and in both languages: the same scenes and words as in this process. Needs `npm run build`. */

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startBench } from '../../../../simulator/bench/bench.ts'
import type { AppScreen } from '../../../../simulator/bench/schema/app.ts'
import type { Language } from '../../../../src/messages/messages.ts'
import { missing, type Seen } from '../../../devices/commands/mpos-words.ts'
import { root } from '../../../devices/commands/processes.ts'
import { noBrowser, type Opened, Pages } from '../../scenario/report/browser.ts'
import { elsewhere } from './elsewhere.ts'
import { onPage, type PhonePage, phonePage } from './on-page.ts'
import { played } from './scenes.ts'
import { Looks, looksAt } from './screen-look.ts'
import { screenReason, screenRows } from './screen-words.ts'

const built = existsSync(join(root, 'dist/simulator/bench/web/index.html'))

/** A row is shown by the first that can: a reader whose list is in the app, or one that shows it itself. */
const families = [
  { name: 'qpos', family: 'qpos' },
  { name: 'bluepad mped', family: 'bluepad' },
]
const rows = screenRows.map(row => ({ ...row, by: families.find(one => screenReason(row, one) === undefined)?.family }))

/** What stands for no time, because the bank of a session gives and takes back codes at once: in this process each screen is looked at. */
const tooQuick = ['app.sbpWait', 'app.sbpTakingBack']

/** Pages that play at once. */
const LANES = 3

it('every row of the guide is one of these', () => {
  const page = readFileSync(join(root, 'docs/mpos-behaviour.md'), 'utf8')
  const numbers = [...page.split('## What was seen')[0].matchAll(/^\| (\d+) \|/gm)].map(([, number]) => number)
  expect(numbers.length).toBe(47)
  expect(numbers.filter(number => !rows.some(({ row, by }) => Number.parseInt(row, 10) === Number(number) && by))).toEqual([])
})

describe.skipIf(noBrowser || !built)('on the page', () => {
  const pages = new Pages()
  const lanes: Opened[] = []
  const looks = new Looks()
  let bench: Awaited<ReturnType<typeof startBench>>
  const plays = new Map<string, { readonly scene: () => Promise<Seen>; readonly seen: Promise<Seen>; end(seen: Promise<Seen>): void }>()

  beforeAll(async () => {
    bench = await startBench({ session: false })
    let phones: PhonePage[] = []
    // Each scene once, however many rows look at it, in the order in which they do.
    for (const { scene, by } of rows)
      for (const lang of ['en', 'ru'] as const) {
        const key = `${scene} ${by} ${lang}`
        if (plays.has(key)) continue
        let end!: (seen: Promise<Seen>) => void
        const seen = new Promise<Seen>(resolve => {
          end = resolve
        })
        seen.catch(() => {}) // told by the rows
        plays.set(key, { scene: () => played(scene, onPage(bench, phones.pop()!, lang, by, looks.eyes(lang))), seen, end })
      }
    const options = { offline: false, reducedMotion: 'reduce', viewport: { width: 480, height: 760 } } as const
    for (let lane = 0; lane < LANES; lane++) lanes.push(await pages.open('about:blank', options, 'html'))
    const all = await Promise.all(lanes.map(({ page }) => phonePage(page, bench)))
    const waiting = [...plays.values()]
    for (const phone of all)
      void (async () => {
        for (let next = waiting.shift(); next; next = waiting.shift()) {
          phones = [phone]
          const play = next.scene()
          next.end(play)
          await play.catch(() => {})
        }
      })()
  }, 180_000)
  afterAll(async () => {
    await Promise.allSettled([...plays.values()].map(({ seen }) => seen))
    await pages.close()
    await bench?.close()
  }, 180_000)

  describe.each(['en', 'ru'] as const)('in %s', (lang: Language) => {
    it.each(rows)(
      'row $row ($scene)',
      async ({ row: _, scene, by, words, never = [] }) => {
        const said = await plays.get(`${scene} ${by} ${lang}`)!.seen
        expect(missing(never, said, lang), 'what must not be said').toEqual(never.map(([id]) => id))
        const shown = words.filter(([id]) => !tooQuick.includes(id))
        expect(missing(shown, said, lang), `${said.app}\n--- reader\n${said.reader}`).toEqual([])
      },
      180_000,
    )
  })

  it.each(looksAt.flatMap(kind => (['en', 'ru'] as const).map(lang => [kind, lang])))(
    'axe finds nothing, and no word is cut off: %s, %s',
    async (kind, lang) => {
      await Promise.allSettled([...plays.values()].map(({ seen }) => seen))
      expect(looks.found.get(`${kind} ${lang}`)).toEqual([])
    },
    180_000,
  )

  it.each(Object.entries(elsewhere).flatMap(([kind, screen]) => (['en', 'ru'] as const).map(lang => [kind, lang, screen] as const)))(
    'axe finds nothing, and no word is cut off, where no counter comes to: %s, %s',
    async (kind, lang, screen) => {
      await Promise.allSettled([...plays.values()].map(({ seen }) => seen))
      const [{ page }] = lanes
      const session = await bench.sessions.open({ ttl: 0, clock: 'virtual', language: lang })
      await page.goto(`${bench.origin}/?session=${session.id}`)
      await page.locator('.phone[data-n]').waitFor()
      const shown = { ...(await screen(lang)), n: 1000 }
      session.tell('app', 'a1', { ...session.apps.state('a1'), screen: shown })
      await page.locator('.phone[data-n="1000"]').waitFor()
      expect(await page.locator('.phone').textContent()).toContain(shown.title)
      await looks.eyes(lang)(page, kind as AppScreen['kind'])
      expect(looks.found.get(`${kind} ${lang}`)).toEqual([])
      await page.goto('about:blank')
      await bench.sessions.remove(session.id)
    },
    180_000,
  )

  it('the console has no error', () => {
    expect(lanes.flatMap(({ complaints }) => complaints)).toEqual([])
  })
})
