/** 11 A 4: a reader that answers recorded frames in order, out of step, or of another payment, once or over and over. It holds no payment for longer than a silent one. */

import { expect, it } from 'vitest'
import { instant } from '../../simulator/world.ts'
import { hex } from '../../src/bytes.ts'
import { type Asked, bankAt, type Ended, honest, play, type Recording, record, rows } from './playback.ts'

const small: Asked = { ...honest, amount: 1000n }
/**
 * Milliseconds for which a reader may hold `pay` that says nothing any more, what ends it included. Where it waits for a person it may be silent longer: a Miura has said that it waits for a card, a
 * BluePad that its cardholder has something to do.
 */
const SILENT = 30_000
const patient: Readonly<Record<string, number>> = { miura: 90_000, bluepad: 130_000 }
/** The same for one that goes on talking: ten minutes a command. */
const TALKING = 630_000
/** How a payment may end that came to no result. */
const words = ['timeout', 'protocol', 'mismatch', 'reader-error', 'card-removed', 'card-error', 'unsupported', 'link-closed']

interface Playing {
  readonly name: string
  readonly groups: Recording
  /** Over and over, from the first group of the payment. */
  readonly loops?: boolean
}

/** Of so many places of a payment: all, or as many that lie evenly. */
function places(length: number): readonly number[] {
  const step = Math.max(1, Math.ceil(length / 8))
  return Array.from({ length }, (_, at) => at).filter(at => at % step === 0)
}

/** What may be made of the groups of one payment. */
function playings(own: Recording, foreign: Recording): readonly Playing[] {
  const nothing = (count: number): Recording => Array.from({ length: count }, () => [])
  const once: Playing[] = [
    { name: 'in order', groups: own },
    { name: 'backwards', groups: own.toReversed() },
    { name: 'of another amount', groups: foreign },
    { name: 'one early', groups: own.slice(1) },
    { name: 'two early', groups: own.slice(2) },
    { name: 'one late', groups: [...nothing(1), ...own] },
    { name: 'two late', groups: [...nothing(2), ...own] },
    { name: 'the first twice', groups: [...own.slice(0, 1), ...own] },
  ]
  return [
    ...once,
    { name: 'all at once', groups: [own.flat()] },
    ...once.slice(0, 6).map(one => ({ ...one, name: `${one.name}, over and over`, loops: true })),
    ...places(own.length).flatMap(at => [
      { name: `silent after ${at}`, groups: own.slice(0, at) },
      { name: `without ${at}`, groups: own.toSpliced(at, 1) },
      ...(own[at].length > 0 ? [{ name: `${at} for ever`, groups: [own[at]], loops: true }] : []),
    ]),
  ]
}
const wordOf = ({ result, fault }: Ended) => (result ? `${result.result} ${result.reason ?? ''}`.trim() : fault)

it.each(rows.map(row => [row.name, row] as const))(
  '%s',
  async (_name, row) => {
    const { recording, ended, opening } = await record(row)
    expect(ended.result?.result).toBe('approved')
    const foreign = await record(row, small)
    const before = recording.slice(0, opening)
    let approved = 0
    for (const { name, groups, loops } of playings(recording.slice(opening), foreign.recording.slice(foreign.opening))) {
      const { clock, bank } = await bankAt()
      const pay = () => play(row, [...before, ...groups], bank, clock, honest, loops ? opening : undefined)
      const ended = await pay()
      const told = `${name}: ${wordOf(ended)} after ${ended.took} ms, ${bank.charged} charged`
      expect(ended.took, told).toBeLessThanOrEqual(loops ? TALKING : (patient[row.family] ?? SILENT))
      if (ended.result) {
        expect(ended.result.reason, told).not.toBe('merchantCancelled')
        expect(bank.charged, told).toBe(ended.result.result === 'approved' ? honest.amount : 0n)
      } else {
        expect(words, told).toContain(ended.fault)
        expect(bank.charged, told).toBe(0n)
      }
      if (ended.result?.result !== 'approved') continue
      // The same frames once more: the money moves once.
      approved++
      const again = await pay()
      expect(wordOf(again), `${name}, twice`).not.toBe('approved')
      expect(bank.charged, `${name}, twice`).toBe(honest.amount)
    }
    expect(approved).toBeGreaterThan(0)
  },
  120_000,
)

it('a Miura that answers no question while it is at work is waited for as long as a person thinks, over the list and over the PIN', async () => {
  const row = rows.find(({ name }) => name === 'miura, chip')!
  const lost = (bytes: Uint8Array) => hex(bytes).startsWith('0100029F26')
  const { ended } = await record(row, honest, { pace: { ...instant, think: 25_000 }, lost })
  expect(ended.result?.result).toBe('approved')
  expect(ended.took).toBeGreaterThanOrEqual(50_000)
})
