/** How far two pictures are apart, as somebody sees it who looks from afar: letters are drawn a little differently on each machine. */

import type { Page } from 'playwright-core'

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
  if (here.width !== there.width || here.height !== there.height) return { mean: 1, worst: 1 }
  const each = Array.from(here.data, (value, at) => Math.abs(value - there.data[at]) / 255)
  const squares = Array.from({ length: each.length / 4 }, (_, at) => (each[4 * at] + each[4 * at + 1] + each[4 * at + 2]) / 3)
  return { mean: squares.reduce((sum, one) => sum + one, 0) / squares.length, worst: Math.max(...squares) }
}`

/** `mean` and `worst` of the squares of 16 pixels, 0 to 1. Two PNG; the page is any. */
export function compare(page: Page, one: Uint8Array, other: Uint8Array): Promise<{ readonly mean: number; readonly worst: number }> {
  return page.evaluate(`(${apart})(${JSON.stringify([one, other].map(bytes => Buffer.from(bytes).toString('base64')))})`)
}
