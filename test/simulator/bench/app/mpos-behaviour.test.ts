/** The guide's behaviour (seed 002), row by row and reader by reader, on the screens of the bench's app: each scene is played in both languages, and the row's own words are looked for. */

import { describe, expect, it } from 'vitest'
import { type Language, type MessageId, messageTexts } from '../../../../src/messages/messages.ts'
import type { Row } from '../../../devices/commands/mpos-rows.ts'
import { missing, type Seen } from '../../../devices/commands/mpos-words.ts'
import { everyFamily, type FamilyRow } from '../../../devices/families.ts'
import { inProcess } from './in-process.ts'
import { atReader, played, withoutReader } from './scenes.ts'
import { screenReason, screenRows } from './screen-words.ts'

const languages = ['en', 'ru'] as const satisfies readonly Language[]

/** Played once, however many rows look at it. */
const plays = new Map<string, Promise<Seen>>()
function seen(scene: string, family: FamilyRow, lang: Language): Promise<Seen> {
  const key = `${scene} ${family.name} ${lang}`
  const play = plays.get(key) ?? played(scene, inProcess(family, lang))
  plays.set(key, play)
  return play
}

async function look(row: Row, family: FamilyRow): Promise<void> {
  const why = screenReason(row, family)
  for (const lang of languages) {
    const said = await seen(row.scene, family, lang)
    const lost = missing(row.words, said, lang)
    const { never = [] } = row
    expect(missing(never, said, lang), 'what must not be said').toEqual(never.map(([id]) => id))
    if (why === undefined) expect(lost, `${said.app}\n--- reader\n${said.reader}`).toEqual([])
    else expect(lost, 'a family that cannot does not').not.toEqual([])
  }
}

const families = everyFamily.filter(({ dialect }) => dialect !== 'emv2') // an app calls it: it has no line
const without: FamilyRow = { name: 'without a reader', family: 'qpos' }

it('every row is played, and every scene has a row', () => {
  const scenes = [...Object.keys(atReader), ...Object.keys(withoutReader)].sort()
  expect([...new Set(screenRows.map(({ scene }) => scene))].sort()).toEqual(scenes)
})

describe.each(families)('$name', family => {
  it.each(screenRows.filter(({ scene }) => !Object.hasOwn(withoutReader, scene)))('row $row ($scene)', row => look(row, family))
})

describe('without a reader', () => {
  it.each(screenRows.filter(({ scene }) => Object.hasOwn(withoutReader, scene)))('row $row ($scene)', row => look(row, without))
})

describe('a text that changes', () => {
  const mutable = messageTexts as Record<MessageId, readonly [string, string]>
  it.each([
    ['app.signature', ['19', '20']],
    ['button.searchAgain', ['10', '12']],
    ['app.locationNext', ['7']],
  ] as const)('%s fails rows %j', async (id, failing) => {
    const before = mutable[id]
    const scenes = new Set(screenRows.filter(({ words }) => words.some(([own]) => own === id)).map(({ scene }) => scene))
    mutable[id] = ['¤', '¤']
    try {
      const failed: string[] = []
      for (const scene of scenes) {
        const said = await played(scene, inProcess(without, 'ru'))
        for (const row of screenRows) if (row.scene === scene && missing(row.words, said, 'ru').length > 0) failed.push(row.row)
      }
      expect(failed.sort()).toEqual([...failing].sort())
    } finally {
      mutable[id] = before
    }
  })
})
