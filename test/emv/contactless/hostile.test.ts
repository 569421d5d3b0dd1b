/** Every contactless kernel against cards that answer anything: it always ends with an outcome, in a bounded number of commands, and throws nothing. */

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fromHex, hex } from '../../../src/bytes.ts'
import { VirtualClock } from '../../../src/clock.ts'
import type { ContactlessKernel } from '../../../src/emv/contactless/entry.ts'
import { amexKernel } from '../../../src/emv/contactless/kernels/amex.ts'
import { discoverKernel } from '../../../src/emv/contactless/kernels/discover.ts'
import { jcbKernel } from '../../../src/emv/contactless/kernels/jcb.ts'
import { mirKernel } from '../../../src/emv/contactless/kernels/mir.ts'
import { unionPayKernel } from '../../../src/emv/contactless/kernels/unionpay.ts'
import { visaKernel } from '../../../src/emv/contactless/kernels/visa.ts'
import { mastercardKernel } from '../../../src/emv/contactless/mastercard/mastercard.ts'
import { read, write } from '../../../src/tlv/ber.ts'
import { scriptedTap, tapConfig } from './scripted-tap.ts'

/** Failures of stripes wait: on this clock for no time. */
const clock = new VirtualClock(new Date('2026-03-26T12:00:00'))
const environment = { config: tapConfig, options: { clock } }
/** Nothing is denied for a missing signature, as the default codes would. */
const data = new Map([[0xdf8121, new Uint8Array(5)]])
/** Data storage for an operator, written; balances and envelopes read and written. */
const storage = new Map([
  ...data,
  ...Object.entries({
    '9F5C': '8199829983998499', DF810D: '02', DF60: '6060606060606060', DF62: '80', DF63: 'CAFE', DF8108: '80', DF8109: '1223344556677889', DF810A: 'E4',
    DF8104: '', DF8105: '', DF8112: '9F755F24', FF8102: '9F7601AA', FF8103: '9F7701BB',
  }).map(([tag, value]) => [Number.parseInt(tag, 16), fromHex(value)] as const),
]) // biome-ignore format: a table
const kernels: Record<string, () => ContactlessKernel> = {
  mastercard: () => mastercardKernel(environment, { data }),
  'mastercard stripes': () => mastercardKernel(environment, { data: new Map([...data, [0xdf811b, Uint8Array.of(0)]]) }),
  'mastercard storage': () => mastercardKernel(environment, { data: storage, exchange: async () => new Map() }),
  visa: () => visaKernel(environment),
  amex: () => amexKernel(environment),
  jcb: () => jcbKernel(environment),
  discover: () => discoverKernel(environment),
  unionpay: () => unionPayKernel(environment),
  mir: () => mirKernel(environment, { data }),
}
const statuses = ['approved', 'declined', 'onlineRequest', 'endApplication', 'selectNext', 'tryAnotherInterface', 'tryAgain']

/** What cards of all kernels answer when they are well; one and the same PAN everywhere. */
const good = {
  options: { '82': '2180', '94': '10010100', '9F36': '0001', '9F10': '06011203A00000', '9F26': '0102030405060708', '9F27': '80', '9F6C': '0000', '9F71': '0000' },
  file: {
    '57': '4761739001010010D40122010000000000', '5A': '4761739001010010', '5F24': '401231', '5F28': '0643', '5F34': '01', '8C': '9F020695059F3704',
    '8E': '000000000000000042031E031F03', '9F07': 'FF00', '9F0D': '0000000000', '9F0E': '0000000000', '9F0F': 'F000000000', '9F42': '0643', '9F4A': '82',
    '9F51': '9F3704', '9F69': '01AABBCCDD000000', '9F6B': '4761739001010010D40122010000000000', '9F65': '000E', '9F66': '0E70', '9F67': '03',
  },
  cryptogram: { '9F27': '80', '9F36': '0001', '9F26': '0102030405060708', '9F10': '06011203A00000', '9F50': '00' },
  checksum: { '9F61': 'A2C4', '9F36': '0001', DF4B: '000000' },
} // biome-ignore format: tables

/** What the card of a slot, or of two tracks, has besides. */
const besides: Record<string, { readonly options?: Record<string, string>; readonly file?: Record<string, string>; readonly fci?: Record<string, string> }> = {
  'mastercard stripes': {
    options: { '82': '0000' },
    file: { '56': '42343736315E4F574E45525E343031323230313030303030303030', '9F62': '000000000E00', '9F63': '0000000E7000', '9F64': '03' },
  },
  'mastercard storage': {
    options: { '9F5F': '01', '9F7D': '0102030405060708', '9F7F': '99887766', '9F6F': '80' },
    file: { '9F5B': 'DF6008DF6108DF6201DF63A0' },
    fci: { '9F5D': '010600', '9F5E': '476173900101001001' },
  },
} // biome-ignore format: tables

/** Each object as it is, now and then left out, damaged, or of any other value. */
const damaged = (objects: Record<string, string>) =>
  fc
    .tuple(
      ...Object.entries(objects).map(([tag, value]) =>
        fc
          .oneof(
            { weight: 18, arbitrary: fc.constant(fromHex(value)) },
            { weight: 1, arbitrary: fc.constant(undefined) },
            { weight: 1, arbitrary: fc.uint8Array({ maxLength: 24 }) },
            { weight: 2, arbitrary: fc.uint8Array({ minLength: value.length / 2, maxLength: value.length / 2 }) },
          )
          .map(bytes => ({ tag: Number.parseInt(tag, 16), bytes })),
      ),
    )
    .map(all => all.flatMap(({ tag, bytes }) => (bytes ? [write(tag, bytes)] : [])))

const status = fc.oneof(
  { weight: 20, arbitrary: fc.constant('9000') },
  { weight: 1, arbitrary: fc.constantFrom('6984', '6985', '6986', '6A81', '6300') },
)
const noise = fc.tuple(fc.uint8Array({ maxLength: 60 }), status).map(([value, sw]) => hex(value) + sw)
const response = (template: number, objects: Record<string, string>) =>
  fc.oneof(
    { weight: 20, arbitrary: fc.tuple(damaged(objects), status).map(([values, sw]) => hex(write(template, values)) + sw) },
    { weight: 1, arbitrary: noise },
  )
/** These have the cryptogram in GET PROCESSING OPTIONS already; from the others it would come twice. */
const quick = ['visa', 'discover', 'unionpay']
const pdols: Record<string, string> = { jcb: '9F5201', amex: '9F3501' }

describe.each(Object.keys(kernels))('%s', name => {
  it('ends with an outcome whatever the card says', async () => {
    const seen = new Set<string>()
    const tap = fc.record({
      options: response(0x77, quick.includes(name) ? good.options : { '82': '2180', '94': '10010100', ...besides[name]?.options }),
      file: response(0x70, { ...good.file, ...besides[name]?.file }),
      fci: damaged(besides[name]?.fci ?? {}),
      cryptogram: response(0x77, good.cryptogram),
      checksum: response(0x77, { ...good.checksum, ...(besides[name]?.file && { '9F60': 'A2C4' }) }),
      data: fc.oneof(fc.constantFrom('9F50060000000123459000', '9F7503AABBCC9000', '9000', '6A88'), noise),
      amount: fc.oneof(fc.constantFrom(0n, 1n, 299_999n, 300_000n), fc.bigInt({ min: 0n, max: 999_999_999_999n })),
    })
    await fc.assert(
      fc.asyncProperty(tap, async ({ options, file, fci, cryptogram, checksum, data, amount }) => {
        const run = scriptedTap(kernels[name](), {
          aid: 'A0000000031010',
          pdol: pdols[name] ?? '9F66049F02069F3704',
          answers: { '80A8': options, '00B2': file, '80AE': cryptogram, '802A': checksum, '80CA': data, '80DA': '9000' },
          fci: Object.fromEntries(fci.flatMap(bytes => read(bytes)).map(({ tag, value }) => [tag.toString(16), hex(value)])),
          amount,
          combination: { ttq: fromHex('36004000') },
        })
        const { outcome, sent } = await clock.settle(run)
        expect(statuses).toContain(outcome.status)
        expect(sent.length).toBeLessThan(600)
        seen.add(outcome.status)
      }),
      { seed: 20260326, numRuns: 500 },
    )
    // The damage is light enough for many cards to come through.
    expect([...seen]).toContain('onlineRequest')
    expect(seen.size).toBeGreaterThanOrEqual(3)
  })
})
