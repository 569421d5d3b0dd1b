/** The faces as Chromium draws them, compared with golden pictures from afar: what letters look like is the machine's. `UPDATE_FACES=1` draws these anew: look at them. */

import { readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Face } from '../../../../simulator/bench/web/faces/face.ts'
import { faces } from '../../../../simulator/bench/web/faces/faces.ts'
import { noBrowser, Pages } from '../../scenario/report/browser.ts'
import { compare } from './apart.ts'
import { drawn, shownBy } from './face-drawn.ts'

const simulator = resolve(import.meta.dirname, '../../../../simulator')
const css = ['trace-view/tokens.css', 'bench/web/style/face.css'].map(file => readFileSync(join(simulator, file), 'utf8')).join('\n')
/** From which on somebody sees it: of all squares together, and of one. */
const [MEAN, WORST] = [0.015, 0.1]

describe.skipIf(noBrowser !== undefined)(`faces in Chromium${noBrowser ? `: ${noBrowser}` : ''}`, () => {
  const pages = new Pages()
  let page: Page
  beforeAll(async () => {
    page = (
      await pages.open('about:blank', { colorScheme: 'light', reducedMotion: 'reduce', viewport: { width: 480, height: 700 } }, 'html')
    ).page
  })
  afterAll(() => pages.close())

  /** Both of what the golden ones show, beside each other. */
  async function shot(face: Face): Promise<Uint8Array> {
    const each = await Promise.all(shownBy(face).map(([, shown]) => drawn(face, shown)))
    const style = `${css} body { margin: 0; background: #eef1f4 } main { display: flex; width: 440px } main > * { width: 220px }`
    await page.setContent(`<style>${style}</style><main>${each.map(svg => `<div>${svg}</div>`).join('')}</main>`)
    return page.locator('main').screenshot({ animations: 'disabled' })
  }

  it.each(Object.entries(faces) as [string, Face][])('%s looks as it did', async (name, face) => {
    const file = join(import.meta.dirname, 'golden', `${name}.png`)
    const now = await shot(face)
    if (process.env.UPDATE_FACES) writeFileSync(file, now)
    const { mean, worst } = await compare(page, now, readFileSync(file))
    expect(mean).toBeLessThan(MEAN)
    expect(worst).toBeLessThan(WORST)
  })

  it('it would be seen: a key that is gone, a display of another colour, another face', async () => {
    const face: Face = faces['qpos-mini']
    const before = await shot(face)
    const worst = async (other: Face) => (await compare(page, await shot(other), before)).worst
    expect(await worst({ ...face, keys: face.keys.filter(({ key }) => key !== 'enter') })).toBeGreaterThan(WORST)
    expect(await worst({ ...face, display: { ...face.display!, glass: 'blue' } })).toBeGreaterThan(WORST)
    expect(await worst({ ...face, shell: 'light' })).toBeGreaterThan(WORST)
  })
})
