// The picture of the README: a virtual reader while a PIN is typed, and the receipt that it came to. Both are drawn from a payment that is made here.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { currency, httpAcquirer, layout, open, pay, slipRows } from 'tapdip'
import { virtualCounter } from 'tapdip/simulator'

const KEYS = ['1', '2', '3', '4', '5', '6', '7', '8', '9', '✕', '0', '↵']
/** What is another in each run, as it is drawn. */
const FIXED = { rrn: '608510520001', authorisationCode: 'X26085', date: '26.03.2026 10:52' }

async function payment() {
  const counter = await virtualCounter({ card: 'mir', pins: ['1234'] })
  const reader = await open(counter.link(), { family: 'qpos' })
  try {
    const { receipt } = await pay(
      { number: '20260326_1', amount: 250_000n, currency: currency('RUB') },
      {
        reader,
        acquirer: httpAcquirer(counter.acquirer.url),
        merchant: { name: 'Corner shop', id: '635459020000001', terminal: '63545902' },
      },
    )
    const screen = counter.reader.body.screens.findLast(({ lines }) => lines.join('').includes('****'))
    return { screen, receipt: { ...receipt, ...FIXED }, name: `${reader.info.model} · ${counter.reader.family}` }
  } finally {
    await reader.close()
    await counter.close()
  }
}

const escaped = text => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
const box = (x, y, width, height, style, r = 6) => `<rect x="${x}" y="${y}" width="${width}" height="${height}" rx="${r}" ${style}/>`
const words = (x, y, size, text, style = '') =>
  `<text x="${x}" y="${y}" font-size="${size}" xml:space="preserve" ${style}>${escaped(text)}</text>`

/** The picture as SVG: the same in each run. */
export async function drawCounter() {
  const { screen, receipt, name } = await payment()
  const slip = layout(slipRows(receipt), 32)
  const [top, left] = [24, 330]
  const height = Math.max(420, slip.length * 16 + 2 * top + 36)
  const centred = 'text-anchor="middle"'
  const keypad = KEYS.map((key, at) => {
    const [x, y] = [70 + (at % 3) * 58, 196 + Math.floor(at / 3) * 40]
    const fill = { '✕': '#b3443c', '↵': '#3c8a57' }[key] ?? '#4a525c'
    return box(x, y, 48, 30, `fill="${fill}"`) + words(x + 24, y + 21, 15, key, `fill="#fff" ${centred}`)
  })
  const shown = screen.lines.map((line, at) => words(154, 100 + at * 22, 15, line, `fill="#1c2b1f" ${centred}`))
  const parts = [
    box(94, 350, 120, 64, 'fill="#2f6fb3"', 8),
    box(40, top, 228, 348, 'fill="#2b3036"', 22),
    words(154, 52, 12, name, `fill="#aab2bb" ${centred}`),
    box(60, 66, 188, 104, 'fill="#c7d8b8"'),
    ...shown,
    ...keypad,
    box(left, top, 300, height - 2 * top, 'fill="#fff" stroke="#c9ccd1"', 2),
    ...slip.map((line, at) => words(left + 22, top + 30 + at * 16, 13, line, 'fill="#222"')),
  ]
  const head = `<svg xmlns="http://www.w3.org/2000/svg" width="660" height="${height}" viewBox="0 0 660 ${height}" role="img"`
  const title = '<title>A virtual card reader while the PIN is typed, and the receipt of the payment</title>'
  const ground = box(0, 0, 660, height, 'fill="#eef0f3"', 12)
  return `${head} font-family="ui-monospace, Menlo, Consolas, monospace">\n${[title, ground, ...parts].join('\n')}\n</svg>\n`
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href)
  writeFileSync(join(fileURLToPath(new URL('..', import.meta.url)), 'docs/counter.svg'), await drawCounter())
