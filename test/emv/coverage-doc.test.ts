/** What the pages of proof name is there: files, tests, vectors, functions. */

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'

const root = resolve(import.meta.dirname, '../..')
const files = ['src', 'devices', 'simulator', 'test', 'bench']
  .flatMap(folder => readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map(name => `${folder}/${name}`))
  .filter(name => /\.(ts|mjs|json)$/.test(name))
const names = new Set(files.map(name => basename(name)))
const vectors = new Set(files.filter(name => name.startsWith('test/vectors/')).map(name => basename(name, '.json')))
const sources = files.filter(name => /^(src|simulator|devices)\/.*\.ts$/.test(name)).map(name => readFileSync(join(root, name), 'utf8'))

/** What stands in backticks, with the line it stands in. */
function quoted(page: string): { text: string; line: number }[] {
  const lines = readFileSync(join(root, page), 'utf8')
    .replace(/```[\s\S]*?```/g, block => block.replace(/[^\n]/g, ''))
    .split('\n')
  return lines.flatMap((line, at) => [...line.matchAll(/`([^`]+)`/g)].map(([, text]) => ({ text, line: at + 1 })))
}

/** Why this is not there; undefined when it is, or names nothing of ours. */
function missing(text: string): string | undefined {
  if (/^[\w./-]+\.(ts|mjs|json|md)$/.test(text)) {
    if (text.includes('/'))
      return existsSync(join(root, text)) || existsSync(join(root, 'docs', text)) || text.startsWith('shared/') ? undefined : 'no such file'
    return names.has(text) || existsSync(join(root, text)) ? undefined : 'no file of this name'
  }
  if (/^src\/[\w/]+$/.test(text)) return existsSync(join(root, text)) ? undefined : 'no such folder'
  if (/^[a-z0-9]+(_[a-z0-9]+)+$/.test(text)) return vectors.has(text) ? undefined : 'no such vectors'
  if (/^[a-z][A-Za-z]+$/.test(text) && /[A-Z]/.test(text))
    return sources.some(source => new RegExp(`\\b${text}\\b`).test(source)) ? undefined : 'named nowhere'
  return undefined
}

describe.each(['docs/emv-coverage.md', 'docs/quality.md'])('%s', page => {
  it('names only what is there', () => {
    expect(quoted(page).flatMap(({ text, line }) => (missing(text) ? [`line ${line}: ${text}: ${missing(text)}`] : []))).toEqual([])
  })

  it('names enough for the check to mean something', () => {
    expect(quoted(page).filter(({ text }) => /\.test\.ts$/.test(text)).length).toBeGreaterThan(20)
  })
})

describe('docs/emv-coverage.md', () => {
  const rows = readFileSync(join(root, 'docs/emv-coverage.md'), 'utf8')
    .split('## Contactless')[0]
    .split('\n')
    .filter(line => /^\| (?!Section|-)/.test(line))
    .map(line => line.split(/(?<!\\)\|/).map(cell => cell.trim()))

  it('says of each section where it is, or that it is not there', () => {
    const unsaid = rows.filter(
      ([, , where]) => !/`|not there|not software|informative|of the reader|Books 1 and 2|the terminal's/.test(where),
    )
    expect(unsaid.map(([, section]) => section)).toEqual([])
    expect(rows.length).toBeGreaterThan(80)
  })

  it('names a test or vectors for each section that is there', () => {
    const bare = rows.filter(
      ([, , where, shown]) => !/test|`\w+`/.test(shown) && !/not there|not software|informative|vendor|Books 1 and 2/.test(where),
    )
    expect(bare.map(([, section]) => section)).toEqual([])
  })
})

describe('the check', () => {
  it('bites', () => {
    for (const gone of ['src/emv/gone.ts', 'gone.test.ts', 'emvutils_gone', 'goneFunction', 'src/gone'])
      expect(missing(gone), gone).toBeDefined()
    for (const there of ['src/emv/contact/kernel.ts', 'kernel.test.ts', 'emvutils_gpo', 'parseFci', 'unsupported'])
      expect(missing(there), there).toBeUndefined()
  })
})
