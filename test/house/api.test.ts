/** What the entries show is what api/*.md says: a change of it is seen, and meant. Needs `npm run build`. */

import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, it } from 'vitest'
import { reports } from '../../scripts/api.mjs'

/** Names that public signatures have and no entry exports, each for a reason. */
const hidden = {
  'lists whose members a type names, and that type is exported':
    'cryptogramNames cvmConditions cvmMethods cvms door interfaces keys odaDefects pinKeyKinds presentations questions scriptCommands table tapBrandNames testRsaKeys types uiMessages usage usages',
  'what kernels hand to each other; an app passes it on':
    'AmexLimits Asked Combination Fci Kernel KernelEnvironment LimitSet PreProcessed RuleName Torn',
  'parts of the simulator that are reached by what holds them':
    'ApplicationState BleAdvertised CardPlan ContactSession Controller Desk Firmware KernelTrace Operation TapSession Versions',
  'what options have in common: their fields are shown where they are inherited': 'ChassisOptions DeskOptions VirtualReaderOptions',
  'words of a scenario in TypeScript: editors complete them': 'Bit Check OneOrMore OrText Over PaymentStage ReaderText ScenarioPart',
  'made of types that are exported': 'Loose TvrBit',
}

const root = resolve(import.meta.dirname, '../..')

it('what each entry shows is what its report says; else `npm run api -- --write`', { timeout: 240_000 }, () => {
  const forgotten = new Map<string, string[]>()
  const now = reports((entry, name) => forgotten.set(name, [...(forgotten.get(name) ?? []), entry]))
  for (const [file, text] of now) expect(text, file).toBe(readFileSync(join(root, file), 'utf8'))
  expect(
    readdirSync(join(root, 'api'))
      .map(name => `api/${name}`)
      .sort(),
  ).toEqual([...now.keys()].sort())
  const exported = [...now.values()].flatMap(text =>
    [...text.matchAll(/^export (?:declare )?(?:abstract )?\w+ (\w+)/gm)].map(([, name]) => name),
  )
  const shown = new Set(exported)
  expect(shown).toContain('FallbackRules')
  const unseen = [...forgotten.keys()].filter(name => !shown.has(name.replace(/_\d+$/, '')))
  const expected = Object.values(hidden).flatMap(names => names.split(' '))
  expect(unseen.sort(), 'export them, or say in this test why not').toEqual(expected.sort())
  expect(now.get('api/payment.md')).toContain('export function openTill(options: TillOptions): Till;')
})
