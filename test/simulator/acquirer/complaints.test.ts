/** The table of complaints in docs/decisions.md: fifteen rows, each with tests that are there. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'

const root = join(import.meta.dirname, '../../..')
const page = readFileSync(join(root, 'docs/decisions.md'), 'utf8').split('## Fifteen complaints')[1].split('\n## ')[0]
const rows = [...page.matchAll(/^\| (\d+) \|(.+)\|\s*$/gm)].map(([, number, rest]) => ({
  number: Number(number),
  shown: rest.split('|').at(-1)!,
}))

it('has a row for each', () => {
  expect(rows.map(({ number }) => number)).toEqual(Array.from({ length: 15 }, (_, at) => at + 1))
})

it.each(rows)('complaint $number: its tests are there', ({ shown }) => {
  const tests = shown.split(';').map(one => /`(test\/[\w./-]+)`: ?(.*)$/.exec(one.trim()) ?? [])
  for (const [whole, file, title] of tests) {
    expect(whole, shown).toBeDefined()
    expect(readFileSync(join(root, file), 'utf8'), `${file}: ${title}`).toContain(title.trim())
  }
})
