// The reference of every entry of the package: TypeDoc writes a page for each name, and those of one room of the house become one page.
import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, posix } from 'node:path'

/** Where a name is told of, by the file that declares it. */
const rooms = [
  [/^devices\//, 'readers', 'Readers: open, discover, families'],
  [/^src\/reader\//, 'reader', 'What a reader is, and staying connected'],
  [/^src\/payment\/till\//, 'till', 'The till: orders, cash, SBP'],
  [/^src\/payment\/journal\//, 'journal', 'The journal'],
  [/^src\/payment\/receipt\//, 'receipt', 'Receipts'],
  [/^src\/payment\/host\//, 'host', 'Clients of a host'],
  [/^src\/payment\//, 'payment', 'Payments and orders'],
  [/^src\/emv\/contactless\//, 'contactless', 'EMV by tap'],
  [/^src\/emv\//, 'emv', 'EMV: cards, kernel, configuration, outcomes'],
  [/^src\/transport\//, 'transport', 'Links'],
  [/^src\/(tlv|apdu)\//, 'tlv', 'TLV and APDUs'],
  [/^src\/crypto\//, 'crypto', 'Keys and cryptograms'],
  [/^src\/messages\//, 'messages', 'Messages'],
  [/^src\//, 'basics', 'Bytes, faults, clocks, money'],
  [/^simulator\/cards\//, 'cards', 'Virtual cards'],
  [/^simulator\/acquirer\//, 'acquirer', 'The virtual acquirer'],
  [/^simulator\/readers\//, 'virtual-readers', 'Virtual readers and people'],
  [/^simulator\//, 'counter', 'The virtual counter'],
]
const roomOf = source => rooms.find(([pattern]) => pattern.test(source))
/** Functions before types before constants, as an app meets them. */
const kinds = ['functions', 'classes', 'interfaces', 'type-aliases', 'variables', 'enumerations']
const shelf = entry => entry.replace(/\/index$/, '')

/** Writes the reference of `entries` (name and source file) to `out`. */
export function makeReference({ root, site, out, entries }) {
  const [sources, raw] = [join(out, '../entries'), join(out, '../raw')]
  const files = entries.map(({ name, source }) => {
    const [comment = ''] = /^\/\*\*[\s\S]*?\*\//.exec(readFileSync(join(root, source), 'utf8')) ?? []
    const file = join(sources, `${name}.ts`)
    const from = posix.relative(posix.dirname(file), join(root, source))
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, `${comment.replace(/\s*\*\/$/, '\n * @module\n */')}\nexport * from '${from}'\n`)
    return file
  })
  const typedoc = join(dirname(createRequire(join(site, 'package.json')).resolve('typedoc/package.json')), 'bin/typedoc')
  const args = [typedoc, '--options', join(site, 'typedoc.json'), '--out', raw, ...files.flatMap(file => ['--entryPoints', file])]
  const { status } = spawnSync(process.execPath, args, { cwd: site, stdio: 'inherit' })
  if (status !== 0) throw new Error('TypeDoc failed')
  gather(raw, out)
  for (const folder of [sources, raw]) rmSync(folder, { recursive: true, force: true })
}

function gather(raw, out) {
  const found = readdirSync(raw, { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.md'))
  const texts = new Map(found.map(name => [name, readFileSync(join(raw, name), 'utf8')]))
  /** Where the page of one name went: a page and a heading. */
  const places = new Map()
  const pages = new Map()
  for (const kind of kinds)
    for (const name of found.filter(one => one.split('/').at(-2) === kind).sort()) {
      const [, source] = /^Defined in: \[?(?:\.\.\/|tapdip\/)*([^\]:\s]+)/m.exec(texts.get(name)) ?? []
      const room = roomOf(source ?? 'src/')
      if (!room) throw new Error(`no room in site/reference.mjs for ${name}, of ${source}`)
      const page = posix.join(shelf(posix.dirname(posix.dirname(name))), `${room[1]}.md`)
      places.set(name, `${page}#${idOf(name)}`)
      const kept = pages.get(page) ?? { title: room[2], names: [] }
      kept.names.push(name)
      pages.set(page, kept)
    }
  for (const [page, { title, names }] of pages) {
    const parts = names.map(name => linked(page, name, rows(lowered(texts.get(name), idOf(name)), idOf(name)), places))
    write(out, page, `# ${title}\n\n${parts.join('\n\n')}\n`)
  }
  for (const name of found.filter(one => posix.basename(one) === 'index.md'))
    write(out, name, linked(name, name, plain(texts.get(name)), places))
}

/** With its kind: a function and a type may have one name in two spellings. */
const idOf = name => `${name.split('/').at(-2)}-${posix.basename(name, '.md')}`.toLowerCase()
const plain = text => text.replace(/^Defined in: .*\n\n?/gm, '')

/** Headings a step lower, the first with a name that links can have. */
function lowered(text, id) {
  let first = true
  return plain(text)
    .split(/(^```[\s\S]*?^```)/m)
    .map((part, at) =>
      at % 2
        ? part
        : part.replace(/^(#+) (.*)$/gm, (_, marks, title) => {
            const words = title.replace(/^(Function|Class|Interface|Type Alias|Variable|Enumeration|Abstract Class): /, '')
            const heading = `#${marks} ${words}${first ? ` {#${id}}` : ''}`
            first = false
            return heading
          }),
    )
    .join('')
}

const rowKinds = /^(property|type-parameter|enumeration-member)-/

/** The pages take no HTML: a row of a table gets its anchor as an attribute of the name in it, which is one of a kind on its page. */
function rows(text, id) {
  const taken = new Map()
  return text.replace(/<a id="([^"]+)"><\/a> (`[^`]+`|(?=\S))/g, (_, anchor, name) => {
    const count = taken.get(anchor) ?? 0
    taken.set(anchor, count + 1)
    return name && `${name}{#${id}-${anchor.replace(rowKinds, '')}${count ? `-${count + 1}` : ''}}`
  })
}

function linked(page, name, text, places) {
  return text.replace(/\]\((?!https?:)([^)#\s]+\.md)#?([^)]*)\)/g, (_, path, row) => {
    const target = posix.join(posix.dirname(name), path)
    const place = places.get(target) ?? target
    const [file, anchor] = place.split('#')
    const to = file === page ? '' : posix.relative(posix.dirname(page), file)
    const inside = anchor && rowKinds.test(row) ? `-${row.replace(rowKinds, '')}` : ''
    return `](${to}${anchor ? `#${anchor}${inside}` : ''})`
  })
}

function write(out, page, text) {
  mkdirSync(dirname(join(out, page)), { recursive: true })
  writeFileSync(join(out, page), text)
}
