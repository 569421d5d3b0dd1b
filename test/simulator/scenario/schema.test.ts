/** Scenario files: what is taken, and how what is not is refused: by file, line, path, what is allowed and what was meant. */

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { jsonSchema } from '../../../simulator/scenario/json-schema.ts'
import { seedOf } from '../../../simulator/scenario/matrix.ts'
import { problems } from '../../../simulator/scenario/problems.ts'
import { scenarioSchema } from '../../../simulator/scenario/schema.ts'
import { isFault } from '../../../src/errors.ts'
import { faultMessage } from '../../../src/messages/messages.ts'
import { casesOfText, refusal } from './bench.ts'

const root = join(import.meta.dirname, '../../..')

/** The text, the line of the refusal, and what it says. */
const wrong: readonly (readonly [string, string, number, RegExp])[] = [
  ['a misspelt field', 'name: x\nraeder: qpos', 2, /case\.yaml:2:1: raeder: there is no field 'raeder'; did you mean 'reader'\?/],
  ['a misspelt reader', 'name: x\nreader: qops', 2, /reader is 'qops'; did you mean 'qpos'\?.*miura/],
  ['a misspelt card', 'name: x\ncard: mir-maestr', 2, /card is 'mir-maestr'; did you mean 'mir-maestro'\?/],
  ['a misspelt bit', 'name: x\nexpect:\n  bits: [TVR.expierd]', 3, /expect\.bits\.0 is 'TVR\.expierd'; did you mean 'TVR\.expired'\?/],
  ['a misspelt message', 'name: x\nexpect:\n  screens: [reader.entrePin]', 3, /did you mean 'reader\.enterPin'\?/],
  ['a misspelt step', 'name: x\nsteps:\n  - pya: {}', 3, /steps\.0\.pya: there is no field 'pya'; did you mean 'pay'\?/],
  ['a misspelt field of a step', 'name: x\nsteps:\n  - pay: { amuont: 1 }', 3, /steps\.0\.pay\.amuont.*did you mean 'amount'\?/],
  ['a misspelt deed', 'name: x\nfaults:\n  - { at: pin, do: pul }', 3, /faults\.0\.do is 'pul'; did you mean 'pull'\?/],
  ['a misspelt moment', 'name: x\nfaults:\n  - { at: { recrod: 3 }, do: pull }', 3, /faults\.0\.at\.recrod.*did you mean 'record'\?/],
  [
    'a misspelt host rule',
    "name: x\nhost:\n  - { do: declin, code: '05', reason: no }",
    3,
    /host\.0\.do is 'declin'; did you mean 'decline'\?/,
  ],
  ['a misspelt reason', 'name: x\nexpect:\n  reason: cardRemvoed', 3, /did you mean 'cardRemoved'\?/],
  ['a PIN without quotes', 'name: x\nperson:\n  pins: [0123]', 3, /person\.pins\.0 is '0123', it takes a text; put it in quotes: "0123"/],
  ['a tag without quotes', 'name: x\nexpect:\n  tags: { 95: 0000008000 }', 3, /expect\.tags\.95 is '0000008000'.*in quotes: "0000008000"/],
  ['no name', 'card: mir', 1, /name must be there/],
  ['no list', 'name: x\nsteps: 3', 2, /steps is '3', it takes a list/],
  ['an amount with too many digits', 'name: x\namount: "1.00000"', 2, /amount is '1\.00000'/],
  ['no YAML', 'name: [x', 1, /case\.yaml:1:/],
  ['an amount below zero', 'name: x\namount: -3', 2, /amount is '-3'; it takes 0 or more|amount is '-3', it takes 0 or more/],
  ['a currency that is gone', 'name: x\ncurrency: RUR', 2, /currency is 'RUR'; did you mean 'RUB'\?/],
  ['a name where it is true, false or a word', 'name: x\napp:\n  sign: Testov', 3, /app\.sign is 'Testov'.*true or false, nobody/],
  ['an exit code that no command has', 'name: x\nexpect:\n  exit: 99', 3, /expect\.exit is '99'.*0, 1, 2, 10, 11, 12/],
  ['no steps', 'name: x\nsteps: []', 2, /steps is '\[\]', it takes at least 1 of them/],
  ['the same field twice', 'name: x\nname: y', 2, /unique/],
  ['an empty file', '', 1, /it takes an object/],
  ['a regular expression that is none', 'name: x\nscreen:\n  - { says: "/(/", press: enter }', 3, /Invalid regular expression/],
  ['a screen rule that does nothing', 'name: x\nscreen:\n  - { says: PIN }', 3, /press, or do/],
  ['an axis whose values the field has not', 'name: x\nmatrix:\n  reader: [qpos, qops]', 3, /in x \[qops\]: 'qops', it takes/],
  [
    'a variant of no case',
    'name: x\nmatrix: { reader: [qpos] }\nvariants: [{ where: { reader: miura }, skip: no }]',
    3,
    /no case of the matrix is meant/,
  ],
  ['a matrix that grew', `name: x\nmatrix:\n${'abcde'.split('').map(axis => `  ${axis}: { ${Array.from({ length: 9 }, (_, at) => `v${at}: {}`).join(', ')} }`).join('\n')}`, 3, /59049 cases; at most/], // biome-ignore format: one line
]

describe('a scenario file', () => {
  it.each(wrong)('%s is refused at its line', (_, text, line, said) => {
    const fault = refusal(text)
    expect(fault.code).toBe('bad-config')
    expect(faultMessage(fault)).toMatch(said)
    if (fault.details.line !== undefined) expect(fault.details.line).toBe(line)
    expect(faultMessage(fault, 'ru')).toMatch(/^Конфигурация не принята/)
  })

  it.each([
    ['a value of a list', 'name: x\nmatrix:\n  reader: [qpos, qops]', [3, 18]],
    ['a value by its name', 'name: x\nmatrix:\n  how:\n    good: { amount: 1.00 }\n    bad: { expect: { result: aproved } }', [5, 30]],
    ['a variant', 'name: x\nmatrix: { reader: [qpos, miura] }\nvariants:\n  - where: { reader: miura }\n    amount: -3', [5, 13]],
    ['the defaults', 'defaults:\n  amount: -3\nscenarios:\n  - name: x\n    matrix: { reader: [qpos] }', [2, 11]],
  ] as const)('what is wrong in a case of a matrix is told where it is written: %s', (_, text, place) => {
    const { details, message } = refusal(text)
    expect([details.line, details.column]).toEqual(place)
    expect(message).toContain(`case.yaml:${place[0]}:${place[1]}`)
  })

  it('is YAML or JSON, one scenario or several with defaults', () => {
    const one = { name: 'x', card: 'mir', expect: { result: 'approved' } }
    expect(casesOfText(JSON.stringify(one)).map(({ name }) => name)).toEqual(['x'])
    const several = casesOfText('defaults: { reader: miura, tags: [a] }\nscenarios:\n  - name: x\n  - name: y\n    reader: qpos\n')
    expect(several.map(({ name, plan, line }) => [name, plan.reader, plan.tags, line])).toEqual([['x', 'miura', ['a'], 3], ['y', 'qpos', ['a'], 4]]) // biome-ignore format: one line
  })

  it('amounts are as they are written, tags are names, hex stays hex', () => {
    const [{ plan }] = casesOfText('name: x\namount: 3000.00\nexpect: { tags: { 95: "0000008000", 9F34: "1E....", 8A: null } }')
    expect(plan.amount).toBe('3000')
    expect(plan.expect?.tags).toEqual({ 95: '0000008000', '9F34': '1E....', '8A': null })
  })

  it('a matrix multiplies, names its cases, and variants change some', () => {
    const cases = casesOfText(`
name: x
matrix:
  reader: [qpos, miura]
  amount:
    low: { amount: 1.00 }
    high: { amount: 9000.00, expect: { cvm: onlinePin } }
variants:
  - { where: { reader: miura, amount: high }, skip: not yet }
expect: { result: approved }
`)
    expect(cases.map(({ name }) => name)).toEqual(['x [qpos, low]', 'x [qpos, high]', 'x [miura, low]', 'x [miura, high]'])
    expect(cases.map(({ plan }) => plan.skip)).toEqual([undefined, undefined, undefined, 'not yet'])
    expect(cases[1].plan.expect).toEqual({ cvm: 'onlinePin', result: 'approved' })
    expect(cases[1].matrix).toEqual({ reader: 'qpos', amount: 'high' })
  })

  it('whatever stands in it, it is taken or refused by name', () => {
    const keys = fc.constantFrom(
      'name',
      'reader',
      'card',
      'person',
      'steps',
      'expect',
      'faults',
      'matrix',
      'host',
      '__proto__',
      'toString',
      'x',
    )
    const value = fc.letrec(tie => ({
      any: fc.oneof({ depthSize: 'small' }, fc.jsonValue(), fc.constantFrom('qpos', 'mir', 'pull'), fc.dictionary(keys, tie('any'), { maxKeys: 4 }), fc.array(tie('any'), { maxLength: 3 })),
    })).any // biome-ignore format: a list
    fc.assert(
      fc.property(fc.dictionary(keys, value), written => {
        const found = problems(scenarioSchema, written)
        expect(found.length > 0).toBe(!scenarioSchema.safeParse(written).success)
        for (const { rule } of found) expect(rule).not.toMatch(/^$|^Too |^Invalid /)
        try {
          casesOfText(JSON.stringify(written))
        } catch (error) {
          expect(isFault(error, 'bad-config')).toBe(true)
        }
      }),
      { numRuns: 300, seed: 7 },
    )
  })

  it('no text makes the reader of files do anything but refuse it', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), text => {
        try {
          casesOfText(text)
        } catch (error) {
          expect(isFault(error, 'bad-config')).toBe(true)
        }
      }),
      { numRuns: 300, seed: 7 },
    )
    expect(isFault(refusal(`a: &a [x]\n${Array.from({ length: 12 }, (_, at) => `b${at}: &b${at} [${at === 0 ? '*a' : `*b${at - 1}`}, *a, *a, *a, *a, *a, *a, *a, *a]`).join('\n')}`))).toBe(true) // biome-ignore format: aliases that grow
  })

  it('the JSON Schema of the package is made of the same source. `TAPDIP_DOCS=write` writes it', () => {
    const file = join(root, 'scenarios/schema.json')
    if (process.env.TAPDIP_DOCS === 'write') writeFileSync(file, jsonSchema())
    expect(readFileSync(file, 'utf8')).toBe(jsonSchema())
    const { files } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
    expect(files).toContain('scenarios')
  })

  it('a seed is of the run and the name, whoever makes it', () => {
    expect(seedOf(1, 'x')).toBe(seedOf(1, 'x'))
    expect(new Set([seedOf(1, 'x'), seedOf(2, 'x'), seedOf(1, 'y')]).size).toBe(3)
  })
})
