/** Cardholder verification: every condition, every method, TVR, TSI and CVM Results exactly (EMV 4.4 Book 3, 10.5; Book 4, 6.3.4.5). */

import { describe, expect, it } from 'vitest'
import { fromHex, hex } from '../../../src/bytes.ts'
import { VirtualClock } from '../../../src/clock.ts'
import { verifyCardholder } from '../../../src/emv/contact/verify.ts'
import type { CvmName } from '../../../src/emv/outcome.ts'
import type { Kernel } from '../../../src/emv/steps/context.ts'
import type { PinEntry, PinRequest, Transaction } from '../../../src/emv/terminal.ts'
import emvpt from '../../vectors/emvpt_contact_test_card.json' with { type: 'json' }
import { kernelAt, type Scene, scriptCard, testConfig } from './kernel-fixture.ts'

const pinOf = (digits: string): PinEntry => ({ type: 'offlinePin', pin: Uint8Array.from(digits, Number) })
const block = { format: 0 as const, data: new Uint8Array(8).fill(0xbb), ksn: new Uint8Array(10) }

const withKey = { method: 'dda' as const, iccKey: iccKey() }

/** The ICC key of the public test card of emvpt. */
function iccKey() {
  const { modulus } = emvpt.keys['icc_1234560012345608_e_3_private_key.pem']
  return { modulus: fromHex(modulus), exponent: Uint8Array.of(3) }
}

interface Result {
  cvr: string
  tvr: string
  tsi: string
  cvm: CvmName
  stop: unknown
  requests: PinRequest[]
  messages: string[]
  rules: string[]
}

/** Runs a CVM List (after amounts X and Y) on a card that supports cardholder verification. */
async function run(
  rules: string,
  scene: Scene & { entries?: PinEntry[]; amounts?: string; aip?: string; oda?: Kernel['oda'] } = {},
): Promise<Result> {
  const card = scene.card as ReturnType<typeof scriptCard> | undefined
  const entries = [...(scene.entries ?? [])]
  const requests: PinRequest[] = []
  const messages: string[] = []
  const { kernel, tvr, tsi, explained } = kernelAt({
    ...scene,
    icc: { 82: scene.aip ?? '1000', '8E': `${scene.amounts ?? '0000000000000000'}${rules}`, '5A': '2200123456789012', ...scene.icc },
    terminal: {
      ...(scene.entries && {
        async enterPin(request: PinRequest) {
          requests.push(request)
          const entry = entries.shift()
          if (!entry) throw new Error('the PIN is asked once too often')
          return entry
        },
      }),
      display: message => void messages.push(message),
      ...scene.terminal,
    },
  })
  if (scene.oda) kernel.oda = scene.oda
  const stop = await verifyCardholder(kernel)
  expect(card?.rest() ?? []).toEqual([])
  expect(entries).toEqual([])
  return {
    cvr: hex(kernel.data.get(0x9f34)!),
    tvr: tvr(),
    tsi: tsi(),
    cvm: kernel.progress.cvm,
    stop,
    requests,
    messages,
    rules: explained.map(({ rule, effect }) => `${rule} → ${effect.join(', ')}`),
  }
}

const counter = (tries: string): [string, string] => ['80CA9F1700', `9F1701${tries}9000`]
const noCounter: [string, string] = ['80CA9F1700', '6A88']
const verify1234 = '00200080082412 34FFFFFFFFFF'.replace(' ', '')
const verify0000 = '0020008008240000FFFFFFFFFF'

const FAILED_TVR = '0000800000'
const DONE = '4000'

describe('CVM List', () => {
  it('is not processed where the card does not support cardholder verification', async () => {
    expect(await run('1F00', { aip: 'EF00' })).toMatchObject({ cvr: '3F0000', tvr: '0000000000', tsi: '0000', cvm: 'none' })
  })

  it('that is missing, or has no rule, is missing data', async () => {
    expect(await run('')).toMatchObject({ cvr: '3F0000', tvr: '2000000000', tsi: '0000' })
    const { kernel, tvr, tsi } = kernelAt({ icc: { 82: '1000' } })
    expect(await verifyCardholder(kernel)).toBeUndefined()
    expect([hex(kernel.data.get(0x9f34)!), tvr(), tsi()]).toEqual(['3F0000', '2000000000', '0000'])
  })

  it.each(['1F', '1F001E'])('with a rule cut in two (%s) terminates', async rules => {
    expect((await run(rules)).stop).toEqual({ result: 'declined', reason: 'cardError' })
  })

  it('without any rule whose condition holds fails', async () => {
    expect(await run('1E011F04')).toMatchObject({ cvr: '3F0001', tvr: FAILED_TVR, tsi: DONE, cvm: 'none' })
  })
})

describe('conditions', () => {
  const atm = testConfig({ terminalType: 0x14, capabilities: '60D8C8' })
  const kiosk = testConfig({ terminalType: 0x25, capabilities: '60D8C8' })
  type Case = [condition: string, holds: boolean, transaction: Partial<Transaction>, config?: ReturnType<typeof testConfig>]
  const cases: Case[] = [
    ['00', true, {}],
    ['01', true, { type: 'cash' }, atm],
    ['01', false, { type: 'cash' }],
    ['01', false, { type: 'purchase' }, kiosk],
    ['02', true, {}],
    ['02', true, { type: 'refund' }],
    ['02', false, { type: 'cash' }],
    ['02', false, { type: 'cash' }, atm],
    ['02', false, { type: 'cashback', otherAmount: 1n }],
    ['03', true, {}],
    ['03', false, {}, testConfig({ capabilities: '60F0C8' })],
    ['04', true, { type: 'cash' }],
    ['04', false, { type: 'cash' }, atm],
    ['04', false, {}],
    ['05', true, { type: 'cashback', otherAmount: 1n }],
    ['05', false, {}],
    ['06', true, { amount: 999n }],
    ['06', false, { amount: 1000n }],
    ['07', true, { amount: 1001n }],
    ['07', false, { amount: 1000n }],
    ['08', true, { amount: 1999n }],
    ['08', false, { amount: 2000n }],
    ['09', true, { amount: 2001n }],
    ['09', false, { amount: 2000n }],
    ['0A', false, {}],
    ['80', false, {}],
  ]
  it.each(cases)('%s holds: %s for %o', async (condition, holds, transaction, config) => {
    const scene = { transaction, amounts: '000003E8000007D0', icc: { '9F42': '0643' }, ...(config && { config }) }
    const result = await run(`1F${condition}`, scene)
    expect(result).toMatchObject(
      holds ? { cvr: `1F${condition}02`, tvr: '0000000000', tsi: DONE } : { cvr: '3F0001', tvr: FAILED_TVR, tsi: DONE },
    )
  })

  it.each(['06', '07', '08', '09'])('%s needs the application currency', async condition => {
    for (const icc of [{}, { '9F42': '0978' }]) {
      for (const amount of [1n, 5000n]) {
        const result = await run(`1F${condition}`, {
          transaction: { amount },
          amounts: '000003E8000007D0',
          icc: icc as Record<string, string>,
        })
        expect(result.cvr).toBe('3F0001')
      }
    }
  })
})

describe('methods without a PIN', () => {
  it.each([
    ['1F00', '1F0002', 'none'],
    ['1E00', '1E0000', 'signature'],
    ['5E03', '5E0300', 'signature'],
  ] as const)('%s', async (rules, cvr, cvm) => {
    expect(await run(rules)).toMatchObject({ cvr, cvm, tvr: '0000000000', tsi: DONE, stop: undefined })
  })

  it.each(['0000', '4000', '0003'])('Fail CVM (%s) fails, whatever follows', async rule => {
    expect(await run(`${rule}1F00`)).toMatchObject({ cvr: `${rule}01`, tvr: FAILED_TVR, tsi: DONE, cvm: 'none' })
  })

  it.each([
    ['2000', '3F0001', '0000C00000'], // payment system's own
    ['7F00', '3F0001', '0000C00000'],
    ['54001F00', '1F0002', '0000400000'],
    ['14001F00', '3F0001', '0000C00000'],
    ['14031F00', '1F0002', '0000000000'], // only if supported
  ])('codes that are not recognised: %s', async (rules, cvr, tvr) => {
    expect(await run(rules)).toMatchObject({ cvr, tvr, tsi: DONE })
  })

  it.each(['06', '07', '08', '09', '0A', '0B', '0C', '0D', '0E', '0F'])(
    'biometric %s: the terminal has no sensor, and knows the code',
    async code => {
      const further = hex(Uint8Array.of(0x40 | Number.parseInt(code, 16)))
      expect(await run(`${code}00`)).toMatchObject({ cvr: '3F0001', tvr: '0000800200', tsi: DONE })
      expect(await run(`${code}001F00`)).toMatchObject({ cvr: '3F0001', tvr: '0000800200', tsi: DONE })
      expect(await run(`${further}001F00`)).toMatchObject({ cvr: '1F0002', tvr: '0000000200', tsi: DONE })
      expect(await run(`${code}031F00`)).toMatchObject({ cvr: '1F0002', tvr: '0000000000', tsi: DONE }) // only if supported
      expect(await run(`${code}03`)).toMatchObject({ cvr: '3F0001', tvr: '0000800000', tsi: DONE })
    },
  )

  it.each([
    ['1E00', '60D8C8', '3F0001', FAILED_TVR], // signature
    ['5E001F00', '60D8C8', '1F0002', '0000000000'],
    ['1F00', '60F0C8', '3F0001', FAILED_TVR], // no CVM
    ['0100', '6068C8', '3F0001', '0000900000'], // no offline PIN at all: PIN pad missing
    ['0400', '60A8C8', '3F0001', FAILED_TVR], // plaintext only: the other offline PIN is no missing PIN pad
    ['0200', '60B8C8', '3F0001', '0000900000'], // no online PIN
    ['42001F00', '60B8C8', '1F0002', '0000100000'],
    ['42031F00', '60B8C8', '1F0002', '0000000000'],
    ['43001F00', '6018C8', '1F0002', '0000000000'], // enciphered PIN is there, signature is not
  ])('what the terminal does not support: %s with 9F33 %s', async (rules, capabilities, cvr, tvr) => {
    expect(await run(rules, { config: testConfig({ capabilities }) })).toMatchObject({ cvr, tvr, tsi: DONE })
  })
})

describe('plaintext offline PIN', () => {
  it.each([
    ['0100', '010002', 'offlinePin'],
    ['0300', '030000', 'signature'],
  ] as const)('rule %s, right at once', async (rules, cvr, cvm) => {
    const card = scriptCard([counter('03'), [verify1234, '9000']])
    const result = await run(rules, { card, entries: [pinOf('1234')] })
    expect(result).toMatchObject({ cvr, cvm, tvr: '0000000000', tsi: DONE })
    expect(result.requests).toEqual([{ type: 'offline', again: false, triesLeft: 3 }])
    expect(result.messages).toEqual(['reader.enterPin', 'reader.pinOk'])
  })

  it('wrong twice, then right on the last try', async () => {
    const card = scriptCard([counter('03'), [verify0000, '63C2'], [verify0000, '63C1'], [verify1234, '9000']])
    const result = await run('0100', { card, entries: [pinOf('0000'), pinOf('0000'), pinOf('1234')] })
    expect(result).toMatchObject({ cvr: '010002', tvr: '0000000000' })
    expect(result.requests).toEqual([
      { type: 'offline', again: false, triesLeft: 3 },
      { type: 'offline', again: true, triesLeft: 2 },
      { type: 'offline', again: true, triesLeft: 1 },
    ])
    expect(result.messages).toEqual(['reader.enterPin', 'reader.wrongPin', 'reader.wrongPin', 'reader.lastPinTry', 'reader.pinOk'])
  })

  it('tells that a first try is the last one', async () => {
    const card = scriptCard([counter('01'), [verify1234, '9000']])
    expect((await run('0100', { card, entries: [pinOf('1234')] })).messages).toEqual(['reader.lastPinTry', 'reader.pinOk'])
  })

  it('works with a card that does not tell its tries', async () => {
    const card = scriptCard([noCounter, [verify1234, '9000']])
    expect((await run('0100', { card, entries: [pinOf('1234')] })).requests).toEqual([{ type: 'offline', again: false }])
  })

  it('asks for no PIN when none may be tried', async () => {
    const result = await run('0100', { card: scriptCard([counter('00')]), entries: [] })
    expect(result).toMatchObject({ cvr: '010001', tvr: '0000A00000', tsi: DONE, cvm: 'none', messages: ['reader.pinBlocked'] })
  })

  it.each(['6983', '6984', '63C0'])('%s means that the limit is exceeded', async sw => {
    const card = scriptCard([noCounter, [verify1234, sw]])
    expect(await run('0100', { card, entries: [pinOf('1234')] })).toMatchObject({ cvr: '010001', tvr: '0000A00000', tsi: DONE })
  })

  it('and the next rule may still succeed', async () => {
    const card = scriptCard([noCounter, [verify1234, '63C0']])
    expect(await run('41001E00', { card, entries: [pinOf('1234')] })).toMatchObject({ cvr: '1E0000', tvr: '0000200000', cvm: 'signature' })
  })

  it('the last method that was tried stays in the results when later ones are not', async () => {
    const card = scriptCard([noCounter, [verify1234, '63C0']])
    expect(await run('41001E04', { card, entries: [pinOf('1234')] })).toMatchObject({ cvr: '410001', tvr: '0000A00000' })
  })

  it('any other status terminates', async () => {
    const card = scriptCard([noCounter, [verify1234, '6A81']])
    expect((await run('41001F00', { card, entries: [pinOf('1234')] })).stop).toEqual({ result: 'declined', reason: 'cardError' })
  })

  it('takes 12 digits and wipes them', async () => {
    const entry = pinOf('123456789012')
    const card = scriptCard([noCounter, ['00200080082C123456789012FF', '9000']])
    await run('0100', { card, entries: [entry] })
    expect(entry).toEqual({ type: 'offlinePin', pin: new Uint8Array(12) })
  })

  it('refuses a PIN of 3 digits from the terminal, and wipes it', async () => {
    const entry = pinOf('123')
    await expect(run('0100', { card: scriptCard([noCounter]), entries: [entry] })).rejects.toMatchObject({ code: 'bad-argument' })
    expect(entry).toEqual({ type: 'offlinePin', pin: new Uint8Array(3) })
  })
})

describe('enciphered offline PIN', () => {
  const { challenge, pin } = emvpt.verified
  const published = emvpt.exchanges.find(({ c }) => c.startsWith('00200088'))!.c
  const getChallenge: [string, string] = ['0084000000', `${challenge}9000`]
  const key = { oda: withKey }

  it('is enciphered as the public test card has it: PIN block, challenge, padding (Book 2, 7.2)', async () => {
    const card = scriptCard([counter('03'), getChallenge, [published, '9000']])
    expect(await run('0400', { card, ...key, entries: [pinOf(pin)] })).toMatchObject({
      cvr: '040002',
      tvr: '0000000000',
      tsi: DONE,
      cvm: 'offlinePin',
    })
  })

  it('with signature', async () => {
    const card = scriptCard([counter('03'), getChallenge, [published, '9000']])
    expect(await run('0500', { card, ...key, entries: [pinOf(pin)] })).toMatchObject({ cvr: '050000', cvm: 'signature' })
  })

  it('asks for a challenge for each try', async () => {
    const card = scriptCard([counter('03'), getChallenge, [published, '63C2'], getChallenge, [published, '9000']])
    expect((await run('0400', { card, ...key, entries: [pinOf(pin), pinOf(pin)] })).cvr).toBe('040002')
  })

  it.each(['6A81', '01020304050607' + '9000'])('fails when GET CHALLENGE answers %s, and wipes the PIN', async answer => {
    const entry = pinOf(pin)
    const card = scriptCard([counter('03'), ['0084000000', answer]])
    expect(await run('0400', { card, ...key, entries: [entry] })).toMatchObject({ cvr: '040001', tvr: FAILED_TVR, tsi: DONE, cvm: 'none' })
    expect(entry).toEqual({ type: 'offlinePin', pin: new Uint8Array(4) })
  })

  it('fails before PIN entry when there is no key', async () => {
    expect(await run('44001F00', { entries: [] })).toMatchObject({ cvr: '1F0002', tvr: '0000000000', requests: [] })
    expect(await run('0400', { entries: [] })).toMatchObject({ cvr: '040001', tvr: FAILED_TVR, requests: [] })
  })
})

describe('online PIN', () => {
  it('gives a block for the host', async () => {
    const result = await run('0200', { entries: [{ type: 'onlinePin', block }] })
    expect(result).toMatchObject({ cvr: '020000', tvr: '0000040000', tsi: DONE, cvm: 'onlinePin' })
    expect(result.requests).toEqual([{ type: 'online', pan: '2200123456789012' }])
  })
})

describe('PIN entry that gives no PIN', () => {
  it.each([
    ['bypassed', '0100', '010001', '0000880000'],
    ['bypassed', '0200', '020001', '0000880000'],
    ['bypassed', '42001E00', '1E0000', '0000080000'],
    ['notWorking', '0100', '010001', '0000900000'],
    ['notWorking', '0200', '020001', '0000900000'],
  ] as const)('%s at %s', async (type, rules, cvr, tvr) => {
    const card = scriptCard(rules.startsWith('01') ? [noCounter] : [])
    expect(await run(rules, { card, entries: [{ type }] })).toMatchObject({ cvr, tvr, tsi: DONE })
  })

  it('a bypassed PIN is not asked for again by the next rule', async () => {
    const result = await run('420041001E00', { entries: [{ type: 'bypassed' }] })
    expect(result).toMatchObject({ cvr: '1E0000', tvr: '0000080000' })
    expect(result.requests).toHaveLength(1)
  })

  it('no enterPin is a missing PIN pad', async () => {
    expect(await run('42001F00')).toMatchObject({ cvr: '1F0002', tvr: '0000100000' })
  })

  it.each([
    ['cancelled', 'cardholderCancelled'],
    ['timeout', 'pinTimeout'],
  ] as const)('%s ends the transaction', async (type, reason) => {
    expect((await run('42001F00', { entries: [{ type }] })).stop).toEqual({ result: 'cancelled', reason })
  })

  it('a PIN pad that never answers ends it after the PIN time', async () => {
    const clock = new VirtualClock()
    const work = run('0200', { terminal: { enterPin: () => new Promise(() => {}) }, options: { clock, timeouts: { pin: 1000 } } })
    expect((await clock.settle(work)).stop).toEqual({ result: 'cancelled', reason: 'pinTimeout' })
    expect(clock.pending).toBe(0)
  })

  it.each([
    ['0200', pinOf('1234')],
    ['0100', { type: 'onlinePin', block }],
  ] as const)('the wrong kind of answer to %s is refused', async (rules, entry) => {
    await expect(run(rules, { card: scriptCard([noCounter]), entries: [entry as PinEntry] })).rejects.toMatchObject({
      code: 'bad-argument',
    })
  })
})

describe('explanation', () => {
  it('names every rule that was looked at, and no PIN', async () => {
    const card = scriptCard([noCounter, [verify1234, '63C0']])
    const { rules } = await run('1E0441001F00', { card, entries: [pinOf('1234')] })
    expect(rules).toEqual([
      'Book 3, 10.5: rule 1E04 → condition not satisfied',
      'Book 3, 10.5.1: VERIFY answers 63C0: no try is left → TVR pinTryLimitExceeded',
      'Book 3, 10.5: rule 4100 → plaintext PIN failed',
      'Book 3, 10.5: rule 1F00 → no CVM ok',
      'Book 3, 10.5: no CVM → TSI cardholderVerificationPerformed',
    ])
  })
})
