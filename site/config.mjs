// What VitePress is told: the order of the pages, and a search that needs nobody else's server.
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const site = dirname(fileURLToPath(import.meta.url))
const pages = join(site, 'pages')

/** Every page has its place here; the build fails over one that has none. */
const shelves = {
  'Ways in': ['index', 'start-app', 'tutorial', 'start-rig', 'start-reader'],
  Guide: ['orders', 'acquirer', 'transports', 'browser', 'profiles', 'mpos-behaviour', 'conditions'],
  'Test bench': ['bench', 'scenarios', 'provoke', 'reports', 'trace', 'recordings', 'explain', 'simulator', 'cards', 'virtual-reader'],
  Readers: ['adding-a-reader', 'devices/*'],
  'How it is made': ['architecture', 'decisions', 'emv-coverage', 'quality', 'changelog', 'contributing', 'security'],
}

const names = (folder = '') =>
  readdirSync(join(pages, folder))
    .filter(name => name.endsWith('.md'))
    .map(name => folder + name.slice(0, -'.md'.length))
const title = page => /^# (.*)$/m.exec(readFileSync(join(pages, `${page}.md`), 'utf8'))?.[1].replaceAll('`', '') ?? page
const item = page => ({ text: page === 'index' ? 'Start here' : title(page), link: page === 'index' ? '/' : `/${page}` })

function sidebar() {
  const shelf = pattern => (pattern.endsWith('/*') ? names(pattern.slice(0, -1)) : [pattern])
  const placed = Object.entries(shelves).map(([text, patterns]) => ({ text, pages: patterns.flatMap(shelf) }))
  const known = new Set(placed.flatMap(({ pages: all }) => all))
  const homeless = [...names(), ...names('devices/')].filter(page => !known.has(page))
  if (homeless.length > 0) throw new Error(`no place in site/config.mjs: ${homeless.join(', ')}`)
  return placed.map(({ text, pages: all }) => ({ text, items: all.map(item) }))
}

/** Each entry of the package, and in it the rooms that its names come from. */
function reference(folder = 'reference/') {
  const inside = readdirSync(join(pages, folder), { withFileTypes: true })
  const below = inside.filter(one => one.isDirectory()).flatMap(({ name }) => reference(`${folder}${name}/`))
  const rooms = names(folder)
  if (folder === 'reference/' || rooms.length === 0) return below
  const text = folder.slice('reference/'.length, -1).replace('/namespaces', '')
  const items = rooms.filter(page => !page.endsWith('/index')).map(item)
  return [{ text, link: `/${folder}`, collapsed: text !== 'tapdip', items }, ...below]
}

export default {
  title: 'tapdip',
  description: 'A driver for card readers, an EMV terminal kernel, and a bench of virtual cards, readers and an acquirer.',
  outDir: join(site, 'dist'),
  cacheDir: join(pages, '.vitepress/cache'),
  cleanUrls: false,
  metaChunk: true,
  markdown: { html: false, languageAlias: { console: 'sh' } },
  themeConfig: {
    search: { provider: 'local' },
    outline: [2, 3],
    nav: [
      { text: 'Guide', link: '/' },
      { text: 'Reference', link: '/reference/' },
    ],
    sidebar: { '/reference/': reference(), '/': sidebar() },
  },
}
