/** What a person with other eyes, another width or another light finds wrong with a screen of the app: by axe, and by words that do not fit. */

import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { screenKind } from '../../../../simulator/bench/schema/app.ts'
import type { Language } from '../../../../src/messages/messages.ts'
import { violations } from '../../scenario/report/browser.ts'
import { elsewhere } from './elsewhere.ts'
import type { Look } from './on-page.ts'

const themes = ['light', 'dark'] as const
const widths = [360, 1280] as const

export const looksAt = screenKind.options.filter(kind => !Object.hasOwn(elsewhere, kind))

/** In the page: words that are cut off, and what stands out of the phone. */
const cut = `(() => {
  const phone = document.querySelector('.phone')
  const edge = phone.getBoundingClientRect()
  const name = one => one.tagName + '.' + one.className + ' ' + one.textContent.trim().slice(0, 60)
  const shown = [...phone.querySelectorAll('*')].filter(one => one.getClientRects().length > 0 && !one.closest('.unseen, svg, .slip'))
  const out = shown.filter(one => {
    const { left, right } = one.getBoundingClientRect()
    return left < edge.left - 1 || right > edge.right + 1
  })
  const clipped = shown.filter(one => one.scrollWidth > one.clientWidth + 1 && one.clientWidth > 0 && !['visible', 'auto'].includes(getComputedStyle(one).overflowX) && one.tagName !== 'INPUT')
  const wide = document.documentElement.scrollWidth > innerWidth ? ['the page is ' + document.documentElement.scrollWidth + ' wide'] : []
  return [...out.map(one => 'out: ' + name(one)), ...clipped.map(one => 'clipped: ' + name(one)), ...wide]
})()`

/** Each kind of screen once in each language. `SCREENS=<folder>` keeps pictures, to be looked at. */
export class Looks {
  readonly found = new Map<string, string[]>()

  eyes(lang: Language): Look {
    return async (page, kind) => {
      const key = `${kind} ${lang}`
      if (this.found.has(key)) return
      const found: string[] = []
      this.found.set(key, found)
      const size = page.viewportSize()!
      for (const theme of themes) {
        await page.emulateMedia({ colorScheme: theme })
        const rules = theme === 'dark' ? ['color-contrast'] : undefined
        found.push(...(await violations(page, '.phone-place', rules)).map(one => `${theme}: ${one}`))
        for (const width of widths) {
          // Layout does not know of colours.
          if (theme === 'dark' && !process.env.SCREENS) continue
          await page.setViewportSize({ width, height: size.height })
          found.push(...(await page.evaluate<string[]>(cut)).map(one => `${width}: ${one}`))
          if (process.env.SCREENS) await this.#keep(page, `${kind}-${lang}-${width}-${theme}`)
        }
      }
      await page.setViewportSize(size)
    }
  }

  async #keep(page: Page, name: string): Promise<void> {
    await page.locator('.phone-place').screenshot({ path: join(process.env.SCREENS!, `${name}.png`) })
  }
}
