/**
 * The guide's behaviour (seed 002), row by row and reader by reader: each scene is played through the command line, in both languages, and the row's own words are
 * looked for. docs/mpos-behaviour.md has the matrix of what was seen. `TAPDIP_DOCS=write` writes it.
 */

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { type Language, type MessageId, messageTexts } from '../../../src/messages/messages.ts'
import { shopMessages } from '../../../src/messages/shop.ts'
import { bluetooth } from '../../transport/bluetooth.ts'
import { everyFamily, type FamilyRow } from '../families.ts'
import { type Row, rows } from './mpos-rows.ts'
import { onTheAir, played, withoutReader } from './mpos-scenes.ts'
import { missing, reasonOf, type Seen } from './mpos-words.ts'

vi.setConfig({ testTimeout: 60_000 })

const root = join(import.meta.dirname, '../../..')
const languages = ['en', 'ru'] as const satisfies readonly Language[]

/** Played once, however many rows look at it. */
const plays = new Map<string, Promise<Seen>>()
function seen(scene: string, family: FamilyRow, lang: Language): Promise<Seen> {
  const key = `${scene} ${family.name} ${lang}`
  const play = plays.get(key) ?? played(scene, family, lang)
  plays.set(key, play)
  return play
}

/** Why a family does not show a row at the command line, or undefined. */
function reason(row: Row, family: FamilyRow): string | undefined {
  if (family.dialect === 'emv2') return 'its calls are an app’s: the command line has no line to it'
  if (Object.hasOwn(onTheAir, row.scene) && (family.family === 'miura' || family.family === 'idtech'))
    return 'no public Bluetooth LE service: named with `--reader`'
  return reasonOf(row, family)
}

const cells = new Map<string, string>()
async function cell(row: Row, family: FamilyRow): Promise<void> {
  const why = reason(row, family)
  for (const lang of languages) {
    if (why !== undefined && family.dialect === 'emv2') continue
    if (Object.hasOwn(onTheAir, row.scene) && (!bluetooth || why !== undefined)) continue
    const said = await seen(row.scene, family, lang)
    const lost = missing(row.words, said, lang)
    const { never = [] } = row
    expect(missing(never, said, lang), 'what must not be said').toEqual(never.map(([id]) => id))
    if (why === undefined) expect(lost, `${said.app}\n--- reader\n${said.reader}`).toEqual([])
    else expect(lost, 'a family that cannot does not').not.toEqual([])
  }
  cells.set(`${row.row} ${family.name}`, why === undefined ? 'seen' : why)
}

const without: FamilyRow = { name: 'without a reader', family: 'qpos' }
describe.each(everyFamily)('$name', family => {
  it.each(rows.filter(({ scene }) => !Object.hasOwn(withoutReader, scene)))('row $row ($scene)', row => cell(row, family))
})

describe('without a reader', () => {
  it.each(rows.filter(({ scene }) => Object.hasOwn(withoutReader, scene)))('row $row ($scene)', row => cell(row, without))
})

/** A sign of its own for each text, of the range for private use, before the first letter that stands in the table. */
const ids = Object.keys(messageTexts) as MessageId[]
const sign = (id: MessageId) => String.fromCharCode(0xe000 + ids.indexOf(id))
/** Drivers, payments and tills say theirs from a part of the table. */
const tables = [messageTexts, shopMessages] as readonly Partial<Record<MessageId, readonly [string, string]>>[]

/** Texts of the table as `change` makes them, while `work` is done. */
async function withTexts<T>(of: readonly MessageId[], change: (text: string, id: MessageId) => string, work: () => Promise<T>): Promise<T> {
  const before = tables.flatMap(table =>
    of.flatMap(id => (table[id] ? [[table as Record<MessageId, readonly [string, string]>, id, table[id]] as const] : [])),
  )
  for (const [table, id, [english, russian]] of before) table[id] = [change(english, id), change(russian, id)]
  try {
    return await work()
  } finally {
    for (const [table, id, texts] of before) table[id] = texts
  }
}

/** The first letter that is no name of what is put in. */
const FIRST = /(?<=^(?:[^\p{L}{]|\{\w+\})*)\p{L}/u
const unsigned = ({ app, reader }: Seen, id?: MessageId): Seen => {
  const [changed, rest] = [id === undefined ? undefined : new RegExp(`${sign(id)}.`, 'gu'), /[\ue000-\uf8ff]/g]
  const clean = (text: string) => (changed ? text.replace(changed, '¤') : text).replace(rest, '')
  return { app: clean(app), reader: clean(reader) }
}

const qpos = everyFamily[0]
const bluepad = everyFamily.find(({ name }) => name === 'bluepad mped')!
const mutated = rows.filter(({ scene }) => bluetooth || !Object.hasOwn(onTheAir, scene))
const playedBy = ({ row, scene }: Row) => (Object.hasOwn(withoutReader, scene) ? without : row.startsWith('38') ? bluepad : qpos)

describe('a text that changes', () => {
  it('fails exactly the rows that show it: every text of the table, in the scenes as they were played with each text signed', async () => {
    const wrong: string[] = []
    const signed = new Map<string, Seen>()
    await withTexts(
      ids,
      (text, id) => text.replace(FIRST, letter => `${sign(id)}${letter}`),
      async () => {
        for (const row of mutated) {
          const key = `${row.scene} ${playedBy(row).name}`
          if (!signed.has(key)) signed.set(key, await played(row.scene, playedBy(row), 'ru'))
        }
      },
    )
    for (const row of mutated) {
      const said = signed.get(`${row.scene} ${playedBy(row).name}`)!
      const all = said.app + said.reader
      for (const id of ids.filter(one => all.includes(sign(one)) || row.words.some(([own]) => own === one))) {
        const lost = missing(row.words, unsigned(said, id), 'ru')
        const shown = row.words.some(([own]) => own === id)
        if (lost.join() !== (shown ? id : '')) wrong.push(`row ${row.row}, ${id} changed: ${lost.join() || 'nothing'} is missed`)
      }
    }
    expect(wrong).toEqual([])
  }, 180_000)

  it.each([
    ['app.signature', ['19', '20']],
    ['reader.wrongPin', ['26']],
    ['app.presentCard', ['17', '18']],
  ] as const)('%s, changed in the table itself, fails rows %j', async (id, failing) => {
    const scenes = ['signature', 'cross', 'pin', 'stripe']
    const failed = await withTexts(
      [id],
      text => text.replace(FIRST, '¤'),
      async () => {
        const found: string[] = []
        for (const scene of scenes) {
          const said = await played(scene, qpos, 'ru')
          for (const row of rows) if (row.scene === scene && missing(row.words, said, 'ru').length > 0) found.push(row.row)
        }
        return found
      },
    )
    expect(failed.sort()).toEqual([...failing].sort())
  })
})

const page = join(root, 'docs/mpos-behaviour.md')

it('docs/mpos-behaviour.md has the matrix of what was seen', () => {
  const reasons: string[] = []
  const note = (why: string) => {
    if (!reasons.includes(why)) reasons.push(why)
    return `– ${reasons.indexOf(why) + 1}`
  }
  const head = `| Row | Words | ${everyFamily.map(({ name }) => name).join(' | ')} |`
  const lines = rows.map(row => {
    const bare = (text: string) => text.replace(/^(\^|> |: )/, '').trim()
    const own = row.words.map(([, english, russian]) => [...new Set([english, russian].map(bare))].join(' / ')).join('<br>')
    const cell = (name: string) => {
      const found = cells.get(`${row.row} ${name}`) ?? 'not played'
      return found === 'seen' ? found : note(found)
    }
    const alone = Object.hasOwn(withoutReader, row.scene)
    return `| ${row.row} | ${own} | ${everyFamily.map(({ name }) => (alone ? cell(without.name) : cell(name))).join(' | ')} |`
  })
  const table = [head, head.replace(/[^|]+/g, '---'), ...lines, '', ...reasons.map((why, at) => `${at + 1}. ${why}`)].join('\n')
  const text = readFileSync(page, 'utf8')
  const [before, , after = '\n'] = text.split(/<!-- matrix: .*? -->\n|<!-- end of the matrix -->/)
  const made = `${before}<!-- matrix: made by test/devices/commands/mpos-behaviour.test.ts -->\n${table}\n<!-- end of the matrix -->${after}`
  if (process.env.TAPDIP_DOCS === 'write') writeFileSync(page, made)
  else if (bluetooth) expect(text).toBe(made)
})

/** The page's first table: what a row is, and which other tests drive it. */
const described = [
  ...readFileSync(page, 'utf8')
    .split('<!-- matrix')[0]
    .matchAll(/^\| (\d+) \|[^|]+\|[^|]+\|(.*)\|$/gm),
].map(([, row, shown]) => ({ row, shown: shown.trim() }))

it('each case of the guide has a row, and each row of the matrix is one of them', () => {
  expect(described.map(({ row }) => Number(row))).toEqual(Array.from({ length: 47 }, (_, at) => at + 1))
  const inMatrix = new Set(rows.map(({ row }) => row.replace(/\D/g, '')))
  expect(described.map(({ row }) => row).filter(row => !inMatrix.has(row))).toEqual(Object.keys(elsewhere))
})

/** Rows that no command shows, and why: the tests that the page names drive them. */
const elsewhere = {
  13: 'pairing is the radio’s own: the command says no word of it where it succeeds',
  34: 'it is what is asked, not what is said: rows 35 and 36 have the words',
  40: 'a field of a PC/SC service, or a phone’s own: no line to it from a test’s command',
  41: 'the same',
}

it.each(described)('row $row is driven by the tests that it names', ({ shown }) => {
  for (const one of shown.split('<br>')) {
    const [, file, title] = /^`(test\/[\w/-]+\.test\.ts)`: (.+)$/.exec(one) ?? []
    expect(file, one).toBeDefined()
    const text = readFileSync(join(root, file), 'utf8')
    expect(
      [`'${title}'`, `"${title}"`, `\`${title}\``].some(quoted => text.includes(quoted)),
      `${file} has no test '${title}'`,
    ).toBe(true)
  }
})
