/** Every code of a Fault, every reason and every bit of the TVR has a scenario that ends in it at each reader that can, or a row that says where it is tested. */

import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { elsewhere, gaps, provokeCodes, provokeKinds, recipeFile, recipeOf } from '../../../simulator/scenario/provoke.ts'
import { runCase } from '../../../simulator/scenario/run.ts'
import { readerNames } from '../../../simulator/scenario/schema-world.ts'

const root = join(import.meta.dirname, '../../..')
const folder = join(root, 'scenarios')
const recipes = provokeCodes.map(one => recipeOf(one, folder))
/** Each family with each of its dialects: a family that has some is none of its own. */
const readers = readerNames.filter(name => !readerNames.some(other => other.startsWith(`${name} `)))

describe('provoke', () => {
  it('has a scenario for every code, and says something of every reader', () => {
    expect(gaps(recipes, readers)).toEqual([])
    expect(recipes.length).toBe(30 + 28 + 28)
  })

  it('misses a recipe that is taken out, a reader that is passed over, and a row too many', () => {
    for (const lost of recipes) expect(gaps(recipes.filter(one => one !== lost), readers)).toEqual([`${lost.code} is not in the list`]) // biome-ignore format: one line
    const [whole] = recipes.filter(({ can }) => can.length === readers.length)
    const others = recipes.filter(one => one !== whole)
    expect(gaps([...others, { ...whole, can: [] }], readers)).toEqual([`no scenario ends in ${whole.code}`])
    expect(gaps([...others, { ...whole, can: whole.can.slice(1) }], readers)).toEqual([`${whole.code}: nothing is said of ${readers.find(name => name === whole.can[0].matrix.reader)}`]) // biome-ignore format: one line
    expect(gaps([...others, { ...whole, elsewhere: elsewhere.tlv }], readers)).toEqual([`${whole.code} has a scenario, and a row that says that it has none`]) // biome-ignore format: one line
  })

  it('misses a scenario whose file is gone', () => {
    const copy = mkdtempSync(join(tmpdir(), 'tapdip-provoke-'))
    try {
      cpSync(join(folder, 'provoke'), join(copy, 'provoke'), { recursive: true })
      for (const code of ['TVR.pinNotEntered', 'cardRemoved', 'busy']) {
        const file = recipeFile(provokeCodes.find(one => one.code === code)!, copy)
        const text = readFileSync(file)
        rmSync(file)
        expect(gaps(provokeCodes.map(one => recipeOf(one, copy)), readers)).toEqual([`no scenario ends in ${code}`]) // biome-ignore format: one line
        writeFileSync(file, text)
      }
      expect(gaps(provokeCodes.map(one => recipeOf(one, copy)), readers)).toEqual([]) // biome-ignore format: one line
    } finally {
      rmSync(copy, { recursive: true, force: true })
    }
  })

  it('has no file that no code belongs to, and each expects its own', () => {
    const files = provokeKinds.flatMap(kind => readdirSync(join(folder, 'provoke', kind)).map(name => join(folder, 'provoke', kind, name)))
    expect(files.sort()).toEqual(recipes.flatMap(({ file }) => file ?? []).sort())
    for (const { kind, code, can, cannot } of recipes)
      for (const { plan } of [...can, ...cannot]) {
        const { fault, reason, bits } = plan.expect ?? {}
        expect(kind === 'tvr' ? bits : kind === 'fault' ? fault : reason, code).toEqual(kind === 'tvr' ? [code] : code)
      }
  })

  it.each(Object.entries(elsewhere))('%s is tested elsewhere', (code, { test }) => {
    expect(provokeCodes.map(one => one.code)).toContain(code)
    expect(existsSync(recipeFile(provokeCodes.find(one => one.code === code)!, folder))).toBe(false)
    expect(readFileSync(join(root, test), 'utf8')).toContain(code.replace('TVR.', ''))
  })

  it.each(recipes.filter(({ can }) => can.length > 0))('$code', async ({ can, cannot }) => {
    for (const one of can) expect([readerName(one.matrix), (await runCase(one)).reason]).toEqual([readerName(one.matrix), undefined])
    // What is skipped is skipped for a reason: it would not end so.
    for (const one of cannot) {
      const { status } = await runCase({ ...one, plan: { ...one.plan, skip: undefined } })
      expect([readerName(one.matrix), status]).toEqual([readerName(one.matrix), 'failed'])
    }
  })
})

const readerName = ({ reader }: Readonly<Record<string, string>>) => reader
