/** The pictures of README and docs/bench.md are of the page as it is: drawn anew, and compared as somebody would who looks from afar (letters and times differ). Needs `npm run build`. */

import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { chromium } from 'playwright-core'
import { expect, it } from 'vitest'
import { executablePath, noBrowser } from '../../scenario/report/browser.ts'
import { compare } from './apart.ts'

const docs = resolve(import.meta.dirname, '../../../../docs')

it.skipIf(noBrowser !== undefined)(
  `the pictures are those that scripts/picture.mjs makes${noBrowser ? `: ${noBrowser}` : ''}`,
  async () => {
    const { drawBench } = (await import('../../../../scripts/picture.mjs' as string)) as {
      drawBench(): Promise<Record<string, Uint8Array>>
    }
    const drawn = await drawBench()
    const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'], timeout: 120_000 })
    try {
      const page = await browser.newPage()
      const apart = async (one: Uint8Array, other: Uint8Array) => (await compare(page, one, other)).mean
      expect(Object.keys(drawn)).toEqual(['bench', 'bench-dark', 'bench-small'])
      for (const [name, picture] of Object.entries(drawn))
        expect(await apart(picture, readFileSync(join(docs, `${name}.png`))), `docs/${name}.png`).toBeLessThan(0.03)
      // It would be seen: what is another picture is further away.
      expect(await apart(drawn.bench, drawn['bench-small'])).toBeGreaterThan(0.03)
    } finally {
      await browser.close()
    }
  },
)
