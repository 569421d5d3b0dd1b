/** Online PINs under AES DUKPT, in PIN blocks of ISO 9564 format 4: through every family with a PIN pad, to a host that checks them. */

import { spawnSync } from 'node:child_process'
import { join, resolve } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { open, openEmv2 } from '../../devices/index.ts'
import { magtekTags, objects } from '../../devices/magtek/codec.ts'
import { startIsoLine } from '../../simulator/acquirer/iso8583/host.ts'
import { openSealed } from '../../simulator/acquirer/sealed.ts'
import { issuerView } from '../../simulator/cards/issuer-view.ts'
import { profiles } from '../../simulator/cards/profiles/index.ts'
import {
  type CounterOptions,
  instant,
  testPinAesDukpt,
  testPinDukpt,
  virtualCounter,
  virtualEmv2,
  virtualFamilies,
  virtualReader,
} from '../../simulator/world.ts'
import { hex } from '../../src/bytes.ts'
import { decryptCbc } from '../../src/crypto/des.ts'
import { dataKey, initialKey, transactionKey } from '../../src/crypto/dukpt.ts'
import { openPinBlock } from '../../src/crypto/key-tools.ts'
import { currency } from '../../src/currency.ts'
import type { PinBlock } from '../../src/emv/terminal.ts'
import { isFault } from '../../src/errors.ts'
import type { Acquirer, AuthorisationMessage } from '../../src/payment/acquirer.ts'
import { iso8583Acquirer } from '../../src/payment/host/iso8583/client.ts'
import { pay } from '../../src/payment/pay/payment.ts'
import { connect } from '../../src/transport/connect.ts'
import { deskAcquirer } from '../simulator/acquirer/desk-acquirer.ts'

const families = [
  ['qpos', { family: 'qpos' }],
  ['bluepad', { family: 'bluepad' }],
  ['miura', { family: 'miura' }],
  ['magtek mms', { family: 'magtek', dialect: 'mms' }],
] as const
const without = [
  ['magtek v5', { family: 'magtek', dialect: 'v5' }, /pinKeys: readers of family magtek \(v5\) have no PIN pad.*qpos, magtek \(mms\)/],
  ['magtek, whose first language is v5', { family: 'magtek' }, /family magtek \(v5\)/],
  ['idtech', { family: 'idtech' }, /pinKeys: readers of family idtech have no PIN pad/],
] as const

const merchant = { name: 'MobileTestMerchant', id: '635459020000001', terminal: '63545902' }
const signature = { strokes: [[{ x: 0, y: 0 }, { x: 5, y: 5 }]] } // biome-ignore format: two points
const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

interface Made extends CounterOptions {
  readonly by?: (counter: Awaited<ReturnType<typeof virtualCounter>>) => Promise<Acquirer>
}

/** Pays once; what the host was asked, and what it made of the PIN. */
async function sell({ by, ...options }: Made) {
  const seen: string[] = []
  const asked: AuthorisationMessage[] = []
  const counter = await virtualCounter({
    ...{ pace: instant, resultTime: 0, pinKeys: 'aes-128', ...options },
    onHost: event => void ('pin' in event && event.pin && seen.push(event.pin)),
  })
  ends.push(() => counter.close())
  const { family = 'qpos', dialect } = options
  const reader = await open(counter.link(), { family, ...(dialect && { dialect }) })
  ends.push(() => reader.close())
  const host = await (by?.(counter) ?? deskAcquirer(counter.acquirer.desk))
  const acquirer: Acquirer = {
    ...host,
    authorise(message, signal) {
      asked.push(message)
      return host.authorise(message, signal)
    },
  }
  const order = { number: 'pin_keys_1', amount: 350_000n, currency: currency('RUB') }
  const outcome = await pay(order, {
    ...{ reader, acquirer, merchant },
    prompts: { tryAgain: async () => true, selectApplication: async () => 0, captureSignature: async () => signature },
  })
  return { outcome, asked, seen, counter, reader }
}

/** A MagTek's is inside what only the acquirer opens. */
function blocksOf(asked: readonly AuthorisationMessage[]): PinBlock[] {
  return asked.flatMap(message => openSealed(message, testPinDukpt.bdk).pinBlock ?? [])
}

function pinIn({ data, ksn }: PinBlock, pan: string): string {
  return openPinBlock(testPinAesDukpt.bdk, ksn, data, pan, 4).join('')
}

describe.each(families)('%s', (_name, row) => {
  it('by chip: a wrong PIN and then the right one, each in a format 4 block under the next key', async () => {
    const { outcome, asked, seen } = await sell({ ...row, card: 'mastercard', pins: ['4321', '1234'] })
    expect(outcome).toMatchObject({ result: 'approved', cvm: 'onlinePin', attempts: 2 })
    expect(seen).toEqual(['wrong', 'right'])
    const blocks = blocksOf(asked)
    expect(blocks.map(({ format, data, ksn }) => [format, data.length, hex(ksn)])).toEqual([
      [4, 16, expect.stringMatching(/^12345678[0-9A-F]{8}00000001$/)],
      [4, 16, expect.stringMatching(/^12345678[0-9A-F]{8}00000002$/)],
    ])
    expect(blocks.map(block => pinIn(block, profiles.mastercard.pan))).toEqual(['4321', '1234'])
  })

  it('by tap from 3000.00 on, and by a stripe that wants a PIN', async () => {
    const tapped = await sell({ ...row, card: 'mastercard', present: 'tap', pins: ['1234'] })
    expect(tapped.outcome).toMatchObject({ result: 'approved', interface: 'tap' })
    expect(tapped.seen).toEqual(['right'])
    expect(pinIn(blocksOf(tapped.asked)[0], profiles.mastercard.pan)).toBe('1234')
    const stripe = { ...profiles.mir, serviceCode: '120' } // no chip, PIN required
    const host = { accounts: issuerView(stripe) }
    const swiped = await sell({ ...row, card: stripe, present: 'swipe', pins: ['1234'], host })
    expect(swiped.outcome).toMatchObject({ result: 'approved', interface: 'swipe' })
    expect(swiped.seen).toEqual(['right'])
    expect(blocksOf(swiped.asked).map(({ format, ksn }) => [format, ksn.length])).toEqual([[4, 12]])
    const wrong = await sell({ ...row, card: stripe, present: 'swipe', pins: ['4321'], host })
    expect(wrong.outcome).toMatchObject({ result: 'declined', responseCode: '75' }) // tried three times
    expect(new Set(wrong.seen)).toEqual(new Set(['wrong']))
  })

  it('under the keys of another host it is wrong; triple DES stays what is used when nothing is said', async () => {
    const { outcome, seen } = await sell({ ...row, card: 'mastercard', pins: ['1234'], host: { pinAesBdk: testPinDukpt.bdk } })
    expect(outcome.result).toBe('declined')
    expect(new Set(seen)).toEqual(new Set(['wrong']))
    const usual = await sell({ ...row, pinKeys: 'tdes', card: 'mastercard', pins: ['1234'] })
    expect(usual.outcome.result).toBe('approved')
    expect(blocksOf(usual.asked).map(({ format, data, ksn }) => [format, data.length, ksn.length])).toEqual([[0, 8, 10]])
  })
})

it('a MagTek names format and encryption type: 04 and 97, DUKPT with AES-128, PIN', async () => {
  const { asked } = await sell({ family: 'magtek', dialect: 'mms', card: 'mastercard', pins: ['1234'] })
  const { tags } = asked[0]
  const ksn = tags.get(magtekTags.dataKsn)!
  expect(ksn).toHaveLength(10) // data stay under triple DES
  const key = dataKey(transactionKey(initialKey(testPinDukpt.bdk, ksn), ksn))
  const plain = decryptCbc(key, tags.get(magtekTags.sealed)!)
  const [{ value }] = objects(plain.subarray(0, plain.length - tags.get(magtekTags.padding)![0]))
  const f5 = new Map(objects(objects(value).find(({ tag }) => tag === 0xf5)!.value).map(one => [one.tag, hex(one.value)]))
  expect([f5.get(magtekTags.pinFormat), f5.get(magtekTags.pinEncryption), f5.get(magtekTags.pinKsn)]).toEqual([
    '04',
    '97',
    expect.stringMatching(/^12345678[0-9A-F]{8}00000001$/),
  ])
})

it('a BluePad that is called and has no bytes', async () => {
  const counter = await virtualCounter({ family: 'bluepad', pinKeys: 'aes-128', card: 'mastercard', pins: ['1234'], resultTime: 0 })
  ends.push(() => counter.close())
  const reader = await openEmv2(virtualEmv2(counter.reader.firmware, counter.reader.serial))
  ends.push(() => reader.close())
  const acquirer = deskAcquirer(counter.acquirer.desk)
  const outcome = await pay({ number: 'emv2', amount: 350_000n, currency: currency('RUB') }, { reader, acquirer, merchant })
  expect(outcome).toMatchObject({ result: 'approved', cvm: 'onlinePin' })
})

it('over ISO 8583 the block travels whole: right and wrong', async () => {
  const by: Made['by'] = async ({ acquirer }) => {
    const line = await startIsoLine(acquirer.desk)
    const client = iso8583Acquirer({ connect: how => connect(`tcp://127.0.0.1:${line.port}`, how) })
    ends.push(
      () => line.close(),
      () => client.close(),
    )
    return client
  }
  const { outcome, seen } = await sell({ family: 'qpos', card: 'mastercard', pins: ['4321', '1234'], by })
  expect(outcome).toMatchObject({ result: 'approved', attempts: 2 })
  expect(seen).toEqual(['wrong', 'right'])
})

it('a QPOS that is given keys of triple DES has those from then on', async () => {
  const { counter } = await sell({ family: 'qpos', card: 'mastercard', pins: ['1234'] })
  const { firmware } = counter.reader
  expect(hex(firmware.nextPinKsn!)).toMatch(/^12345678[0-9A-F]{8}00000002$/)
  firmware.loadPinKey(initialKey(testPinDukpt.bdk, testPinDukpt.ksn), testPinDukpt.ksn)
  expect(hex(firmware.nextPinKsn!)).toBe('FFFF9876543210E00001')
})

describe('who has no PIN pad', () => {
  it('every family is here or above', () => {
    const named = Object.keys(virtualFamilies).flatMap(family => (family === 'magtek' ? ['magtek v5', 'magtek mms'] : [family]))
    const known = [...families.map(([name]) => name), ...without.map(([name]) => name).filter(name => !name.includes(','))]
    expect(known.sort()).toEqual(named.sort())
  })

  it.each(without)('%s is refused by name, and nothing is left running', async (_, row, said) => {
    expect(() => virtualReader({ ...row, pinKeys: 'aes-128' })).toThrow(said)
    const refusal = await virtualCounter({ ...row, pinKeys: 'aes-128' }).catch(error => error)
    expect(isFault(refusal, 'unsupported') && refusal.details).toMatchObject({ field: 'pinKeys', feature: 'aesPinKeys' })
    expect(virtualReader({ ...row, pinKeys: 'tdes' }).family).toBe(row.family)
  })

  it('keys of no kind at all', () => {
    expect(() => virtualReader({ pinKeys: 'aes' as 'aes-128' })).toThrow(/pinKeys.*tdes.*aes-128/)
  })
})

describe('at the command line (needs npm run build)', () => {
  const root = resolve(import.meta.dirname, '../..')
  const run = (program: string, ...args: string[]) =>
    spawnSync(process.execPath, [join(root, 'dist', program), ...args], { encoding: 'utf8', env: { ...process.env, LANG: 'C.UTF-8' } })

  it('tapdip keys pin opens what the reader has enciphered', async () => {
    const { asked } = await sell({ family: 'qpos', card: 'mastercard', pins: ['1234'] })
    const { ksn, data } = asked[0].pinBlock!
    const words = ['--bdk', 'test-aes', '--ksn', hex(ksn), '--block', hex(data), '--pan', profiles.mastercard.pan]
    expect(run('devices/cli.js', 'keys', 'pin', ...words)).toMatchObject({ status: 0, stdout: 'PIN: 1234\n' })
  })

  it('tapdip-sim serve --pin-keys: a family without a PIN pad is refused in both languages', () => {
    expect(run('simulator/cli.js', 'serve', 'idtech', '--pin-keys', 'aes-128').stderr).toMatch(
      /--pin-keys: readers of family idtech have no PIN pad/,
    )
    const russian = run('simulator/cli.js', 'serve', 'magtek', '--pin-keys', 'aes-128', '--lang', 'ru')
    expect(russian.stderr).toMatch(/--pin-keys: у картридеров семейства magtek \(v5\) нет клавиатуры ПИН/)
    expect([russian.status, russian.stdout]).toEqual([1, ''])
  })
})
