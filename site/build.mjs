// The documentation as a static site: README, docs/ and the reference of every entry become pages, VitePress makes the site of them. `--serve` shows it.
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, posix } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { makeReference } from './reference.mjs'

const site = dirname(fileURLToPath(import.meta.url))
const root = join(site, '..')
const pages = join(site, 'pages')
const resolve = createRequire(join(site, 'package.json')).resolve
const read = file => readFileSync(join(root, file), 'utf8')

function write(file, text) {
  mkdirSync(dirname(join(pages, file)), { recursive: true })
  writeFileSync(join(pages, file), text)
}

/** Where a page of the repository is on the site; undefined for what is none. */
function route(file) {
  if (file === 'README.md') return 'index.md'
  if (/^(CHANGELOG|CONTRIBUTING|SECURITY)\.md$/.test(file)) return file.toLowerCase()
  return /^docs\/.*\.md$/.test(file) ? file.slice('docs/'.length) : undefined
}

/** Prose only: what stands between backticks is left as it is. */
function outsideCode(text, change) {
  return text
    .split(/(^ *```[\s\S]*?^ *```|`[^`\n]*`)/m)
    .map((part, at) => (at % 2 ? part : change(part)))
    .join('')
}

/** Links as they are on the site; one to a file that is no page keeps its words. Comments are for whoever writes. */
function forSite(file, text) {
  const link = (whole, mark, words, target) => {
    if (/^[a-z]+:/.test(target) || target.startsWith('#')) return whole
    const [path, anchor] = target.split('#')
    const to = posix.join(posix.dirname(file), path)
    if (mark === '!') {
      mkdirSync(join(pages, 'public'), { recursive: true })
      cpSync(join(root, to), join(pages, 'public', posix.basename(to)))
      return `![${words}](/${posix.basename(to)})`
    }
    const page = route(to)
    return page ? `[${words}](/${page}${anchor ? `#${anchor}` : ''})` : words
  }
  const links = part => part.replace(/(!?)\[((?:[^\][]|\[[^\]]*\])*)\]\(([^)\s]+)\)/g, link)
  // A link's words may hold code: the link is looked at first, and only where it is not in a fence.
  return text
    .split(/(^ *```[\s\S]*?^ *```)/m)
    .map((part, at) => (at % 2 ? part : outsideCode(links(part), prose => prose.replace(/<!--[\s\S]*?-->\n?/g, ''))))
    .join('')
}

function copyPages() {
  const found = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' }).map(name => `docs/${name.replaceAll('\\', '/')}`)
  const files = ['README.md', 'CHANGELOG.md', 'CONTRIBUTING.md', 'SECURITY.md', ...found].filter(route)
  for (const file of files) write(route(file), forSite(file, read(file)))
}

/** One module for each entry of the package, under the name by which it is imported. */
function entries() {
  const { name, exports } = JSON.parse(read('package.json'))
  const typed = Object.entries(exports).filter(([, { types }]) => types !== undefined)
  return typed.map(([entry, { types }]) => ({ name: posix.join(name, entry), source: types.replace(/^\.\/dist\/(.*)\.d\.ts$/, '$1.ts') }))
}

rmSync(pages, { recursive: true, force: true })
copyPages()
makeReference({ root, site, out: join(pages, 'reference'), entries: entries() })
write('.vitepress/config.mjs', "export { default } from '../../config.mjs'\n")
const { build, serve } = await import(pathToFileURL(resolve('vitepress')).href)
rmSync(join(site, 'dist'), { recursive: true, force: true })
await build(pages)
if (!existsSync(join(site, 'dist/index.html'))) throw new Error('no site was made')
if (process.argv.includes('--serve')) await serve({ root: pages, port: 4173 })
