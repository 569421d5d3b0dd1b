/** What the entries show is what api/*.md says: a change of it is seen, and meant. Needs `npm run build`. */

import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, it } from 'vitest'
import { reports } from '../../scripts/api.mjs'

const root = resolve(import.meta.dirname, '../..')

it('what each entry shows is what its report says; else `npm run api -- --write`', { timeout: 240_000 }, () => {
  const now = reports()
  for (const [file, text] of now) expect(text, file).toBe(readFileSync(join(root, file), 'utf8'))
  expect(
    readdirSync(join(root, 'api'))
      .map(name => `api/${name}`)
      .sort(),
  ).toEqual([...now.keys()].sort())
  expect(now.get('api/payment.md')).toContain('export function openTill(options: TillOptions): Till;')
})
