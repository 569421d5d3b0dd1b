/** The table of rules behind each bit: it says what the kernel does, for every card. */

import { describe, expect, it } from 'vitest'
import { loadCard } from '../../../simulator/cards/icc.ts'
import { type ProfileName, profiles } from '../../../simulator/cards/profiles/index.ts'
import { hosts, runCard } from '../../../simulator/commands/run.ts'
import { testRevoked } from '../../../simulator/keys.ts'
import { fromHex, hex } from '../../../src/bytes.ts'
import { TSI, TVR } from '../../../src/emv/data.ts'
import { type BitRule, bitEffect, setBits, tsiRules, tvrRules } from '../../../src/emv/explain/bit-rules.ts'
import type { Explanation } from '../../../src/emv/explain/explain.ts'
import { explanationsOf } from '../../../src/reader/kernel-trace.ts'
import { traceEvents } from '../../../src/trace/writer.ts'
import { mpos, pay } from '../contact/kernel-bench.ts'

const names = (Object.keys(profiles) as ProfileName[]).filter(name => loadCard(name).plan.chip === 'works')

/** Objects that come only after the rules that look at them. */
const later = new Set([0x9f34, 0x9f4b])

/** Effects that set a bit, with the rules that the table has for it. */
function bitsOf({ effect }: Explanation) {
  return effect.flatMap(one => {
    const [field, name] = one.split(' ')
    if (!/^(TVR|TSI) \w+$/.test(one)) return []
    const table: Record<string, readonly BitRule[]> = field === 'TVR' ? tvrRules : tsiRules
    return [{ one, rules: table[name] }]
  })
}

describe('the table', () => {
  it.each(names)('has the rule of every bit that %s sets, with its inputs', async name => {
    const profile = profiles[name]
    const config = mpos({ revoked: testRevoked } as never, {
      floorLimit: 300_000n,
      velocityChecking: true,
      randomSelection: { threshold: 0n, targetPercentage: 99, maximumPercentage: 99 },
    })
    const runs = await Promise.all([
      pay({ profile, card: loadCard(profile) }),
      pay({ profile, card: loadCard(profile), pins: ['0000', 'bypass'], host: { type: 'approved', arpc: 'wrong' } }),
      pay({
        profile,
        card: loadCard(profile),
        config,
        transaction: { amount: 100n, forceOnline: true },
        options: { exceptionFile: () => true },
      }),
    ])
    for (const { explained, outcome } of runs)
      for (const entry of explained)
        for (const { one, rules } of bitsOf(entry)) {
          const found = rules.filter(
            ({ paragraph, inputs }) =>
              entry.rule.startsWith(paragraph) &&
              [...entry.inputs.keys()].every(tag => inputs.includes(tag)) &&
              // What is there of the inputs is shown, at least one of several alternatives.
              (entry.inputs.size > 0 || !inputs.some(tag => outcome.tags.has(tag) && !later.has(tag))),
          )
          expect(found, `${one} by ${entry.rule} looking at ${[...entry.inputs.keys()].map(tag => tag.toString(16))}`).not.toEqual([])
        }
  })

  it('has a rule for every bit there is', () => {
    expect(Object.keys(tvrRules)).toEqual(Object.keys(TVR))
    expect(Object.keys(tsiRules)).toEqual(Object.keys(TSI))
    for (const rules of [...Object.values(tvrRules), ...Object.values(tsiRules)]) expect(rules.length).toBeGreaterThan(0)
  })
})

describe('a value without a trace', () => {
  it('is taken apart bit by bit, first byte and highest bit first', () => {
    const bits = setBits('TVR', fromHex('0080048000'))
    expect(bits.map(({ byte, bit, name }) => [byte, bit, name])).toEqual([
      [2, 8, 'versionsDiffer'],
      [3, 3, 'onlinePinEntered'],
      [4, 8, 'floorLimitExceeded'],
    ])
    expect(bits[2].meaning).toBe('Transaction exceeds floor limit')
    expect(bits[2].rules.map(({ paragraph }) => paragraph)).toEqual(['Book 3, 10.6.1'])
  })

  it('says of reserved bits that they are', () => {
    expect(setBits('TVR', fromHex('0004000000'))).toEqual([{ byte: 2, bit: 3, name: undefined, meaning: undefined, rules: [] }])
    expect(setBits('TSI', fromHex('0000'))).toEqual([])
  })

  it('every bit by its place and by its name', () => {
    for (const [field, table] of [['TVR', TVR], ['TSI', TSI]] as const) // biome-ignore format: a table
      for (const [name, { byte, bit }] of Object.entries(table)) {
        expect(bitEffect(`${field}.${byte}.${bit}`)).toBe(`${field} ${name}`)
        expect(bitEffect(`${field.toLowerCase()}.${name.toUpperCase()}`)).toBe(`${field} ${name}`)
      }
    expect(bitEffect('TVR.1.1')).toBeUndefined()
    expect(bitEffect('AIP.1.1')).toBeUndefined()
  })
})

describe('a card in the kernel without a reader', () => {
  it.each([
    ['approve', 'approved', undefined, '00'],
    ['decline', 'declined', 'hostDeclined', '05'],
    ['unreachable', 'declined', 'unableToGoOnline', 'Z3'],
  ] as const)('host: %s', async (host, result, reason, code) => {
    const trace = traceEvents()
    const outcome = await runCard(loadCard('mir-maestro'), { host, tracer: trace })
    expect([outcome.result, outcome.reason, Buffer.from(outcome.tags.get(0x8a)!).toString()]).toEqual([result, reason, code])
    expect(explanationsOf(trace.events).length).toBeGreaterThan(15)
  })

  it('pays in euro, with the PIN that is given', async () => {
    const outcome = await runCard(loadCard('offline-pin'), { config: 'eurMpos', amount: '12.34', pin: '9999' })
    expect(hex(outcome.tags.get(0x9f02)!)).toBe('000000001234')
    expect(hex(outcome.tags.get(0x5f2a)!)).toBe('0978')
    expect(outcome.cvm).not.toBe('offlinePin')
    expect(hosts).toContain('approve')
  })
})
