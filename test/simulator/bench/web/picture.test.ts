/** The pictures of README and docs/bench.md are of the page as it is: drawn anew, and compared as somebody would who looks from afar (letters and times differ). Needs `npm run build`. */

import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { chromium } from 'playwright-core'
import { expect, it } from 'vitest'
import { executablePath, noBrowser } from '../../scenario/report/browser.ts'

const docs = resolve(import.meta.dirname, '../../../../docs')

/** How far two pictures are apart, 0 to 1: the mean over squares of 16 pixels. */
const apart = `async ([one, other]) => {
  const small = async data => {
    const image = new Image()
    image.src = 'data:image/png;base64,' + data
    await image.decode()
    const canvas = document.createElement('canvas')
    canvas.width = Math.round(image.width / 16)
    canvas.height = Math.round(image.height / 16)
    const context = canvas.getContext('2d')
    context.imageSmoothingQuality = 'high'
    context.drawImage(image, 0, 0, canvas.width, canvas.height)
    return { width: image.width, height: image.height, data: context.getImageData(0, 0, canvas.width, canvas.height).data }
  }
  const [here, there] = [await small(one), await small(other)]
  if (here.width !== there.width || here.height !== there.height) return 1
  return here.data.reduce((sum, value, at) => sum + Math.abs(value - there.data[at]), 0) / here.data.length / 255
}`

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
      const compare = (one: Uint8Array, other: Uint8Array) =>
        page.evaluate<number>(`(${apart})(${JSON.stringify([one, other].map(bytes => Buffer.from(bytes).toString('base64')))})`)
      expect(Object.keys(drawn)).toEqual(['bench', 'bench-dark', 'bench-small'])
      for (const [name, picture] of Object.entries(drawn))
        expect(await compare(picture, readFileSync(join(docs, `${name}.png`))), `docs/${name}.png`).toBeLessThan(0.03)
      // It would be seen: what is another picture is further away.
      expect(await compare(drawn.bench, drawn['bench-small'])).toBeGreaterThan(0.03)
    } finally {
      await browser.close()
    }
  },
)
