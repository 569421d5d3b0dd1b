/** Every export and every member that an entry shows has a docstring, and the first names an example. */

import { expect, it } from 'vitest'
import { entries, firstNames, shown, withoutExample } from '../../scripts/docstrings.mjs'

it('all that the entries show has a docstring, and the first names have an example', { timeout: 120_000 }, () => {
  const all = shown()
  const known = ['open', 'pay', 'virtualCounter', 'DukptDevice', 'readTemplate']
  expect(all.filter(({ kind, name }) => kind === 'export' && known.includes(name))).toHaveLength(known.length)
  expect(all.length).toBeGreaterThan(2000)
  expect(Object.keys(entries())).toEqual(['.', './simulator', './bench', './tools', './emv', './payment', './receipt', './tlv'])
  expect(all.filter(({ documented }) => !documented).map(({ file, line, name }) => `${file}:${line} ${name}`)).toEqual([])
  expect(firstNames).toHaveLength(20)
  expect(withoutExample(all)).toEqual([])
})
