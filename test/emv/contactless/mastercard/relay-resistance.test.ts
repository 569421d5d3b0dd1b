/** Relay resistance: a card that answers in time, too fast, too late, and with times that do not fit the reader's. */

import { describe, expect, it } from 'vitest'
import { fromHex, hex } from '../../../../src/bytes.ts'
import { sleep, VirtualClock } from '../../../../src/clock.ts'
import { currency } from '../../../../src/currency.ts'
import type { Card } from '../../../../src/emv/card.ts'
import { mastercardDefaults } from '../../../../src/emv/contactless/mastercard/data.ts'
import { resistRelay } from '../../../../src/emv/contactless/mastercard/relay-resistance.ts'
import { russianMpos } from '../../../../src/emv/profiles.ts'
import { newKernel } from '../../../../src/emv/steps/start.ts'

const config = russianMpos({ merchantId: 'M1', terminalId: 'T1', merchantName: 'SHOP', acquirerId: '400000', ifdSerial: 'SN1' })

/**
 * Defaults: expected transmission 0012 + 0018 (1.8 and 2.4 ms), grace 2 and 5 ms, accuracy 30 ms, mismatch 50 %. `delays`: ms of each answer;
 * `times`: minimum, maximum and transmission time as the card says them, units of 100 µs.
 */
async function exchange(delays: number[], times = '006400C80018', answer?: string, settings: Record<number, string> = {}) {
  const clock = new VirtualClock()
  const sent: string[] = []
  const card: Card = {
    interface: 'contactless',
    atr: new Uint8Array(),
    async transmit(apdu) {
      const delay = delays[Math.min(sent.length, delays.length - 1)]
      sent.push(hex(apdu))
      await sleep(delay, clock)
      return fromHex(answer ?? `800A01020304${times}9000`)
    },
  }
  let count = 0
  const kernel = newKernel(
    card,
    { amount: 1n, currency: currency('RUB') },
    config,
    { selectApplication: async () => 0, authorise: async () => ({ type: 'unableToGoOnline' }) },
    {
      clock,
      random: length => new Uint8Array(length).fill(++count),
    },
  )
  for (const [tag, value] of mastercardDefaults) kernel.data.terminal.set(tag, value)
  for (const [tag, value] of Object.entries(settings)) kernel.data.terminal.set(Number(tag), fromHex(value))
  const result = await clock.settle(resistRelay(kernel)).catch(error => error.code as string)
  const tvr = kernel.data.terminal.get(0x95)![4]
  return { result, sent, limits: (tvr & 0x04) !== 0, thresholds: (tvr & 0x08) !== 0, un: hex(kernel.data.terminal.get(0x9f37)!), kernel }
}

describe('relay resistance', () => {
  // The card says 10 to 20 ms; the reader takes off its own 1.8 ms and 2.4 ms, and grants 2 ms below and 5 ms above.
  it('a card within its own times passes at the first exchange', async () => {
    const { result, sent, limits, thresholds, un, kernel } = await exchange([15])
    expect([result, limits, thresholds]).toEqual(['ok', false, false])
    expect(sent).toHaveLength(1)
    expect(sent[0]).toBe(`80EA000004${un}00`)
    expect(hex(kernel.data.terminal.get(0xdf8306)!)).toBe('006C') // 15 - 1.8 - 2.4 = 10.8 ms
  })

  it('one that is faster than it can be is no card', async () => {
    expect(await exchange([12])).toMatchObject({ result: 'cardDataError' }) // 7.8 ms, below 10 - 2
    expect(await exchange([13])).toMatchObject({ result: 'ok' }) // 8.8 ms
  })

  it('one that is late gets two more exchanges, each with a new number', async () => {
    const late = await exchange([40])
    expect(late).toMatchObject({ result: 'ok', limits: true })
    expect(late.sent).toHaveLength(3)
    expect(new Set(late.sent).size).toBe(3)
    expect(late.sent.at(-1)).toContain(late.un)
    const recovered = await exchange([40, 15])
    expect(recovered).toMatchObject({ result: 'ok', limits: false })
    expect(recovered.sent).toHaveLength(2)
  })

  it('the limit is the maximum with its grace: 29 ms on the line are still in time, 30 are not', async () => {
    expect((await exchange([29])).limits).toBe(false) // 24.8
    expect((await exchange([30])).limits).toBe(true) // 25.8
  })

  it('thresholds: far from the minimum, or transmission times that do not match', async () => {
    expect((await exchange([29], '006400C80018', undefined, { 14647606: '0064' })).thresholds).toBe(true) // 14.8 over the minimum, 10 allowed
    expect((await exchange([15], '006400C80030')).thresholds).toBe(false) // 24 of 48: exactly half
    expect((await exchange([15], '006400C80031')).thresholds).toBe(true)
    expect((await exchange([15], '006400C8000B')).thresholds).toBe(true)
  })

  it('an answer of another form is the card’s error', async () => {
    expect((await exchange([15], '', '8009010203040064009000009000')).result).toMatch(/cardDataError|tlv/)
    expect((await exchange([15], '', '6700')).result).toBe('apdu')
  })
})
