/** `npm run docs`: the site is built, without a dead link (VitePress fails on one), its search finds what it should, and it asks nobody else for anything. */

import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { beforeAll, describe, expect, it } from 'vitest'

const root = resolve(import.meta.dirname, '../..')
const dist = join(root, 'site/dist')

interface Found {
  readonly id: string
  readonly title: string
}

/** The search as the browser has it: the index of the built site, opened with VitePress' own fields. */
async function search(words: string): Promise<Found[]> {
  const chunks = join(dist, 'assets/chunks')
  const [file] = readdirSync(chunks).filter(name => name.startsWith('@localSearchIndexroot'))
  const { default: index } = (await import(pathToFileURL(join(chunks, file)).href)) as { default: string }
  const MiniSearch = createRequire(createRequire(join(root, 'site/package.json')).resolve('vitepress'))('minisearch')
  const options = { fields: ['title', 'titles', 'text'], storeFields: ['title', 'titles'] }
  return MiniSearch.loadJSON(index, options).search(words, { prefix: true, boost: { title: 4, text: 2, titles: 1 } })
}

describe('the site', () => {
  beforeAll(() => {
    execFileSync('npm', ['run', '--silent', 'docs'], { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] })
  }, 600_000)

  it('has every page, and the reference of every entry', () => {
    const docs = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.md'))
    for (const name of docs) expect(existsSync(join(dist, name.replace(/\.md$/, '.html'))), name).toBe(true)
    const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { exports: Record<string, { types?: string }> }
    const entries = Object.keys(exports).filter(entry => exports[entry].types)
    expect(entries.length).toBeGreaterThan(2)
    for (const entry of entries) expect(existsSync(join(dist, 'reference/tapdip', entry, 'index.html')), entry).toBe(true)
    expect(readFileSync(join(dist, 'reference/tapdip/payment.html'), 'utf8')).toMatch(/<h2 id="functions-pay"/)
    expect(existsSync(join(dist, 'bench.png'))).toBe(true)
  })

  it('shows no HTML as text in the reference, and each row of its tables has an anchor of its own', () => {
    const pages = readdirSync(join(dist, 'reference'), { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.html'))
    expect(pages.length).toBeGreaterThan(30)
    for (const page of pages) {
      const html = readFileSync(join(dist, 'reference', page), 'utf8')
      expect(html.includes('&lt;a id'), page).toBe(false)
      const anchors = [...html.matchAll(/<code id="([^"]+)"/g)].map(([, id]) => id)
      expect(
        anchors.filter((id, at) => anchors.indexOf(id) !== at),
        page,
      ).toEqual([])
      for (const [, id] of html.matchAll(/href="#([^"]+)"/g)) expect(html, `${page}#${id}`).toContain(` id="${id}"`)
    }
    const payments = readFileSync(join(dist, 'reference/tapdip/payment.html'), 'utf8')
    expect(payments).toMatch(/<td><code id="interfaces-order-amount"[^>]*>amount<\/code>/)
  })

  it('its search finds the battery, in the guide and in the reference', async () => {
    const found = await search('battery')
    expect(found.some(({ id }) => id.includes('start-app'))).toBe(true)
    expect(found.some(({ id }) => id.includes('/reference/'))).toBe(true)
    expect((await search('wrong PIN')).slice(0, 5).some(({ id }) => id.includes('tutorial'))).toBe(true)
    expect(await search('xyzzyplugh')).toEqual([])
  })

  it('loads nothing from anywhere else', () => {
    const pages = readdirSync(dist, { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.html'))
    expect(pages.length).toBeGreaterThan(30)
    for (const page of pages) {
      const html = readFileSync(join(dist, page), 'utf8')
      expect(
        [...html.matchAll(/<(?:script|link|img)[^>]*(?:src|href)="(?:https?:)?\/\/[^"]*"/g)].map(([tag]) => tag),
        page,
      ).toEqual([])
    }
  })
})
