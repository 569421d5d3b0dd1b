/** docs/mpos-behaviour.md: each row names tests that are there, by their file and their whole title. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'

const root = join(import.meta.dirname, '..')
const page = readFileSync(join(root, 'docs/mpos-behaviour.md'), 'utf8')
const rows = [...page.matchAll(/^\| (\d+) \|[^|]+\|[^|]+\|(.*)\|$/gm)].map(([, number, shown]) => ({
  number: Number(number),
  shown: shown.trim(),
}))

it('has a row for each case of the guide', () => {
  expect(rows.map(({ number }) => number)).toEqual(Array.from({ length: rows.length }, (_, at) => at + 1))
  expect(rows.length).toBeGreaterThanOrEqual(40)
})

it.each(rows)('row $number is shown by its tests', ({ shown }) => {
  for (const one of shown.split('<br>')) {
    const [, file, title] = /^`([\w-]+\.test\.ts)`: (.+)$/.exec(one) ?? []
    expect(file, one).toBeDefined()
    const text = readFileSync(join(root, 'test', file), 'utf8')
    expect(
      [`'${title}'`, `"${title}"`, `\`${title}\``].some(quoted => text.includes(quoted)),
      `${file} has no test '${title}'`,
    ).toBe(true)
  }
})
