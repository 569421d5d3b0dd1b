/** Offline data authentication: published chains, a card signed here with every field wrong in turn, and the bits that follow. */

import { describe, expect, it } from 'vitest'
import { concat, fromHex, hex } from '../../../src/bytes.ts'
import { rsaPublic } from '../../../src/crypto/rsa.ts'
import { caKeyChecksum, checkCaKey, findCaKey, parseCaKey } from '../../../src/emv/ca-keys.ts'
import type { CaPublicKey, TerminalConfig } from '../../../src/emv/config.ts'
import { authenticate } from '../../../src/emv/contact/authenticate.ts'
import { canRequestCda, verifyCda } from '../../../src/emv/oda/combined.ts'
import { recoverPinKey } from '../../../src/emv/oda/keys.ts'
import {
  dynamicHashHolds,
  isFailed,
  recover,
  recoverDynamicData,
  recoverIccKey,
  recoverIssuerKey,
  verifyStaticData,
} from '../../../src/emv/oda/signature.ts'
import { write } from '../../../src/tlv/ber.ts'
import published from '../../vectors/ca_public_keys.json' with { type: 'json' }
import emvpt from '../../vectors/emvpt_contact_test_card.json' with { type: 'json' }
import rsa from '../../vectors/oda_rsa.json' with { type: 'json' }
import { testConfig } from '../contact/kernel-fixture.ts'
import { application, bench, type Exchange, scriptedCard } from '../contact/scripted-card.ts'
import {
  aip,
  type CertificateFields,
  caKey,
  certify,
  decipher,
  keys,
  type OdaCard,
  odaCard,
  pan,
  records,
  sha1,
  signDynamic,
} from './oda-card.ts'

const { vectors } = rsa
const UN = fromHex('01234567')
const never = () => false

interface Setup {
  card?: OdaCard
  /** Objects by tag in hex, to change or, with undefined, to take away. */
  objects?: Record<string, string | undefined>
  capabilities?: string
  today?: string
  exchanges?: readonly Exchange[]
  oda?: Uint8Array[] | undefined
  ddol?: string
  config?: Partial<TerminalConfig>
}

function prepare({
  card = {},
  objects = {},
  capabilities = 'E0F8C8',
  today = '240615',
  exchanges = [],
  ddol,
  config = {},
  ...rest
}: Setup = {}) {
  const script = scriptedCard(exchanges)
  const at = bench(script, { caKeys: [caKey], capabilities: fromHex(capabilities), ...config })
  const { data } = at.kernel
  for (const [tag, value] of odaCard(card)) data.card.set(tag, value)
  for (const [tag, value] of Object.entries(objects)) {
    if (value === undefined) data.card.delete(Number.parseInt(tag, 16))
    else data.card.set(Number.parseInt(tag, 16), fromHex(value))
  }
  for (const [tag, value] of [
    [0x9f06, 'AFFFFFFFFF1234'],
    [0x9f33, capabilities],
    [0x9a, today],
    [0x9f37, '01234567'],
  ] as const)
    data.setTerminal(tag, fromHex(value))
  at.kernel.odaInput = 'oda' in rest ? rest.oda : [...records]
  at.kernel.settings = application('AFFFFFFFFF1234', ddol ? { ddol: fromHex(ddol) } : {})
  return { ...at, script, data }
}

const SDA = { card: { aip: 0x40 } }
const IA = '008800000401234567' // INTERNAL AUTHENTICATE of the Unpredictable Number
const number = fromHex('0411223344') // ICC Dynamic Number with its length
const answer = (data: Uint8Array, format: '80' | '77' = '80') =>
  `${hex(format === '80' ? write(0x80, data) : write(0x77, write(0x9f4b, data)))}9000`
const dda = (exchanges?: readonly Exchange[], more: Setup = {}) =>
  prepare({ ...more, card: { aip: 0x20, ...more.card }, exchanges: exchanges ?? [{ c: `${IA}00`, r: answer(signDynamic(number, UN)) }] })

/** Runs it to the end and says which bits are set. */
async function run(at: ReturnType<typeof prepare>) {
  const stop = await authenticate(at.kernel)
  at.script.done()
  return {
    stop,
    tvr: at.tvr(),
    tsi: at.tsi(),
    why: at.explained.findLast(({ effect }) => effect.some(it => /^TVR .*Failed$/.test(it)))?.rule,
  }
}

describe('which method', () => {
  const choose = (first: number, capabilities: string) => prepare({ card: { aip: first }, capabilities })

  it.each([
    [0x00, 'E0F8C8'],
    [0x61, 'E0F800'],
    [0x1c, 'E0F8C8'],
    [0x40, 'E0F848'],
    [0x20, 'E0F888'],
    [0x01, 'E0F8C0'],
  ])('none for AIP %i and 9F33 %s', async (first, capabilities) => {
    expect(await run(choose(first, capabilities))).toMatchObject({ stop: undefined, tvr: ['odaNotPerformed'], tsi: [] })
  })

  it('the best that both have: CDA, DDA, SDA', async () => {
    const method = async (first: number, capabilities: string) => {
      const { kernel } = prepare({ card: { aip: first }, capabilities, exchanges: [{ c: `${IA}00`, r: answer(signDynamic(number, UN)) }] })
      await authenticate(kernel)
      return kernel.oda?.method
    }
    expect(await method(0x61, 'E0F8C8')).toBe('cda')
    expect(await method(0x61, 'E0F8C0')).toBe('dda')
    expect(await method(0x61, 'E0F880')).toBe('sda')
    expect(await method(0x41, 'E0F8C0')).toBe('sda')
  })

  it('XDA, where both have it, is a named fault and no silent pass', async () => {
    await expect(authenticate(choose(0xe1, 'E0F8CC').kernel)).rejects.toMatchObject({ code: 'unsupported', details: { feature: 'xda' } })
    expect((await run(choose(0xc0, 'E0F8C8'))).tsi).toEqual(['odaPerformed'])
  })
})

describe('SDA', () => {
  it('succeeds, and the Data Authentication Code is kept', async () => {
    const at = prepare(SDA)
    expect(await run(at)).toEqual({ stop: undefined, tvr: ['sdaSelected'], tsi: ['odaPerformed'], why: undefined })
    expect(hex(at.data.get(0x9f45)!)).toBe('DAC0')
    expect(hex(at.data.terminal.get(0x9f22)!)).toBe('92')
  })

  it.each(['8F', '90', '9F32', '93', '92'])('without %s ICC data are missing and SDA failed', async tag => {
    expect(await run(prepare({ ...SDA, objects: { [tag]: undefined } }))).toMatchObject({
      tvr: ['sdaFailed', 'iccDataMissing', 'sdaSelected'],
      tsi: ['odaPerformed'],
    })
  })

  it('an empty remainder is none (the 92 of length 0 of a public test card)', async () => {
    expect(await run(prepare({ ...SDA, objects: { '92': '' } }))).toMatchObject({ tvr: ['sdaFailed', 'iccDataMissing', 'sdaSelected'] })
  })

  const broken: [string, Setup, RegExp][] = [
    ['records that are no templates', { oda: undefined }, /10.3: a record/],
    ['other records', { oda: [...records, Uint8Array.of(1)] }, /5.4 step 7/],
    ['a tag list with more than the AIP', { card: { aip: 0x40, tagList: '8284' } }, /tag list/],
    ['a tag list with another tag', { card: { aip: 0x40, tagList: '84' } }, /tag list/],
    ['an empty tag list', { card: { aip: 0x40, tagList: '' } }, /tag list/],
    ['no tag list, though the AIP is signed', { objects: { '9F4A': undefined } }, /5.4 step 7/],
    ['another AIP', { objects: { '82': '5000' } }, /5.4 step 7/],
    ['an index the terminal has no key for', { objects: { '8F': '93' } }, /no CA key/],
    [
      'another RID',
      {
        config: {
          caKeys: [
            parseCaKey({ rid: 'A000000003', index: '92', modulus: hex(keys.ca.modulus), exponent: '03' }, { withoutChecksum: 'compute' }),
          ],
        },
      },
      /no CA key/,
    ],
    ['a CA key that has expired', { config: { caKeys: [{ ...caKey, expires: '240614' }] } }, /it has expired/],
    ['a shorter issuer certificate', { objects: { '90': '00'.repeat(175) } }, /5.3.* step 1/],
    ['a trailer other than BC', { card: { aip: 0x40, issuer: { trailer: 0xcc } } }, /step 2/],
    ['a header other than 6A', { card: { aip: 0x40, issuer: { header: 0x4a } } }, /step 3/],
    ['an issuer certificate of format 04', { card: { aip: 0x40, issuer: { format: 4 } } }, /step 4/],
    ['an issuer certificate hash', { card: { aip: 0x40, issuer: { hash: 1 } } }, /step 7/],
    ['an unknown hash algorithm', { card: { aip: 0x40, issuer: { hashIndicator: 2 } } }, /step 7/],
    ['an issuer identifier of another PAN', { card: { aip: 0x40, issuer: { holder: '123457FF' } } }, /step 8/],
    ['an issuer identifier of two digits', { card: { aip: 0x40, issuer: { holder: '12FFFFFF' } } }, /step 8/],
    ['an issuer identifier with a letter', { card: { aip: 0x40, issuer: { holder: '1234A6FF' } } }, /step 8/],
    ['an issuer certificate of last month', { card: { aip: 0x40, issuer: { expires: '0524' } } }, /step 9/],
    ['an issuer certificate of month 13', { card: { aip: 0x40, issuer: { expires: '1399' } } }, /step 9/],
    ['an issuer certificate of a year that is none', { card: { aip: 0x40, issuer: { expires: '124A' } } }, /step 9/],
    ['an issuer certificate of the last century', { card: { aip: 0x40, issuer: { expires: '1299' } } }, /step 9/],
    ['an unknown public key algorithm', { card: { aip: 0x40, issuer: { algorithm: 2 } } }, /step 11/],
    ['a length that the remainder does not fill', { card: { aip: 0x40, issuer: { length: 175 } } }, /remainder does not fit/],
    ['an exponent of another length', { card: { aip: 0x40, issuer: { exponentLength: 3 } } }, /exponent/],
    ['another exponent', { objects: { '9F32': '010001' } }, /step 7/],
    ['a signature of another length', { objects: { '93': '00'.repeat(128) } }, /5.4 step 1/],
    ['a signature with another trailer', { card: { aip: 0x40, ssad: { trailer: 0 } } }, /5.4 step 2/],
    ['a signature with another header', { card: { aip: 0x40, ssad: { header: 0x6b } } }, /5.4 step 3/],
    ['a signature of another format', { card: { aip: 0x40, ssad: { format: 5 } } }, /5.4 step 4/],
    ['a signature with a wrong hash', { card: { aip: 0x40, ssad: { hash: 0x80 } } }, /5.4 step 7/],
    ['a signature of unknown hash algorithm', { card: { aip: 0x40, ssad: { hashIndicator: 0 } } }, /5.4 step 7/],
  ]
  it.each(broken)('fails with %s', async (_, setup, rule) => {
    const result = await run(prepare({ ...SDA, ...setup }))
    expect(result).toMatchObject({ stop: undefined, tvr: ['sdaFailed', 'sdaSelected'], tsi: ['odaPerformed'] })
    expect(result.why).toMatch(rule)
  })

  it('the explanation has the objects that were looked at, without the PAN', async () => {
    const at = prepare({ ...SDA, config: { caKeys: [] } })
    await run(at)
    const { inputs } = at.explained.find(({ effect }) => effect.includes('TVR sdaFailed'))!
    expect([...inputs.keys()]).toEqual([0x8f, 0x90, 0x92, 0x9f32, 0x93, 0x9f4a, 0x82])
    expect(inputs.get(0x8f)).toEqual(Uint8Array.of(0x92))
  })

  it('a certificate is good to the last day of its month', async () => {
    expect((await run(prepare({ ...SDA, today: '251231' }))).tvr).toEqual(['sdaSelected'])
    expect((await run(prepare({ ...SDA, today: '260101' }))).tvr).toContain('sdaFailed')
    for (const expires of ['0125', '0924', '1024', '0624'])
      expect((await run(prepare({ card: { aip: 0x40, issuer: { expires } } }))).tvr).toEqual(['sdaSelected'])
  })

  it('an identifier of three to eight digits is compared digit by digit', async () => {
    for (const holder of ['123FFFFF', '1234FFFF', '12345600'])
      expect((await run(prepare({ card: { aip: 0x40, issuer: { holder } } }))).tvr).toEqual(['sdaSelected'])
  })

  it('a revoked certificate fails, by RID, index and serial number together', async () => {
    const entry = { rid: caKey.rid, index: 0x92, serial: fromHex('000001') }
    const result = await run(prepare({ ...SDA, config: { revoked: [entry] } }))
    expect(result.tvr).toEqual(['sdaFailed', 'sdaSelected'])
    expect(result.why).toMatch(/step 10/)
    for (const other of [
      { ...entry, rid: fromHex('A000000003') },
      { ...entry, index: 1 },
      { ...entry, serial: fromHex('000002') },
    ])
      expect((await run(prepare({ ...SDA, config: { revoked: [other] } }))).tvr).toEqual(['sdaSelected'])
  })

  it('a CA key with a wrong checksum is a fault of the configuration', async () => {
    const bad = { ...caKey, checksum: new Uint8Array(20) }
    await expect(authenticate(prepare({ ...SDA, config: { caKeys: [bad] } }).kernel)).rejects.toMatchObject({ code: 'bad-key' })
  })
})

describe('DDA', () => {
  it.each(['80', '77'] as const)('succeeds with a response of format %s', async format => {
    const at = dda([{ c: `${IA}00`, r: answer(signDynamic(number, UN), format) }])
    expect(await run(at)).toEqual({ stop: undefined, tvr: [], tsi: ['odaPerformed'], why: undefined })
    expect(hex(at.data.get(0x9f4c)!)).toBe('11223344')
  })

  it('dynamic data may fill the whole signature', async () => {
    const all = concat(number, new Uint8Array(keys.icc.modulus.length - 25 - number.length).fill(0x5a))
    expect(await run(dda([{ c: `${IA}00`, r: answer(signDynamic(all, UN)) }]))).toMatchObject({ tvr: [] })
  })

  it('the default DDOL serves a card without one', async () => {
    expect(await run(dda(undefined, { objects: { '9F49': undefined }, ddol: '9F3704' }))).toMatchObject({ tvr: [] })
  })

  const unasked: [string, Setup, RegExp][] = [
    ['no DDOL anywhere', { objects: { '9F49': undefined } }, /no DDOL/],
    ['a DDOL without 9F37', { objects: { '9F49': '9F0206' } }, /Unpredictable Number/],
    ['a default DDOL without 9F37', { objects: { '9F49': undefined }, ddol: '9F0206' }, /Unpredictable Number/],
    ['records that are no templates', { oda: undefined }, /10.3/],
    ['other records', { oda: [] }, /6.4 step 7/],
    ['a tag list with more than the AIP', { card: { tagList: '8282' } }, /tag list/],
    ['no CA key', { config: { caKeys: [] } }, /no CA key/],
    ['an issuer certificate that has expired', { card: { issuer: { expires: '0524' } } }, /5.3.* step 9/],
    ['a shorter ICC certificate', { objects: { '9F46': '00'.repeat(128) } }, /6.4 step 1/],
    ['an ICC certificate with another trailer', { card: { icc: { trailer: 0xbb } } }, /6.4 step 2/],
    ['an ICC certificate with another header', { card: { icc: { header: 0x60 } } }, /6.4 step 3/],
    ['an ICC certificate of format 02', { card: { icc: { format: 2 } } }, /6.4 step 4/],
    ['an ICC certificate hash', { card: { icc: { hash: 1 } } }, /6.4 step 7/],
    ['an ICC certificate for another PAN', { card: { icc: { holder: '1234560012345616FFFF' } } }, /6.4 step 8/],
    ['an ICC certificate for a longer PAN', { card: { icc: { holder: '12345600123456081FFF' } } }, /6.4 step 8/],
    ['an ICC certificate of last month', { card: { icc: { expires: '0524' } } }, /6.4 step 9/],
    ['an ICC key of unknown algorithm', { card: { icc: { algorithm: 0 } } }, /6.4 step 10/],
    ['an ICC key remainder it has no use for, but not signed', { objects: { '9F48': '00' } }, /6.4 step 7/],
  ]
  it.each(unasked)('fails before the card is asked, with %s', async (_, setup, rule) => {
    const result = await run(dda([], setup))
    expect(result).toMatchObject({ stop: undefined, tvr: ['ddaFailed'], tsi: ['odaPerformed'] })
    expect(result.why).toMatch(rule)
  })

  it.each(['8F', '90', '92', '9F32', '9F46', '9F47'])('without %s ICC data are missing and DDA failed', async tag => {
    expect(await run(dda([], { objects: { [tag]: undefined } }))).toMatchObject({
      tvr: ['iccDataMissing', 'ddaFailed'],
      tsi: ['odaPerformed'],
    })
  })

  it('a remainder of the ICC key that is needed and not there', async () => {
    // 128 bytes fit in a certificate of 176: a longer key is said to be in it.
    expect(await run(dda([], { card: { icc: { length: 140 } }, objects: { '9F48': undefined } }))).toMatchObject({
      tvr: ['iccDataMissing', 'ddaFailed'],
    })
  })

  const signed: [string, Uint8Array, RegExp][] = [
    ['another number', signDynamic(number, fromHex('01234568')), /step 7/],
    ['another length', new Uint8Array(127), /step 1/],
    ['another trailer', signDynamic(number, UN, { trailer: 0xbd }), /step 2/],
    ['another header', signDynamic(number, UN, { header: 0x7a }), /step 3/],
    ['format 03', signDynamic(number, UN, { format: 3 }), /step 4/],
    ['an unknown hash algorithm', signDynamic(number, UN, { hashIndicator: 3 }), /step 7/],
    ['a wrong hash', signDynamic(number, UN, { hash: 1 }), /step 7/],
    ['dynamic data longer than the block', signDynamic(number, UN, { length: 200 }), /longer than the signature/],
    ['no dynamic number', signDynamic(new Uint8Array(0), UN), /2 to 8/],
    ['a dynamic number of one byte', signDynamic(fromHex('01AA'), UN), /2 to 8/],
    ['a dynamic number of nine bytes', signDynamic(fromHex('09112233445566778899'), UN), /2 to 8/],
    ['a dynamic number cut short', signDynamic(fromHex('081122'), UN), /2 to 8/],
    ['nothing', new Uint8Array(0), /step 1/],
  ]
  it.each(signed)('fails with a signature with %s', async (_, signature, rule) => {
    const result = await run(dda([{ c: `${IA}00`, r: answer(signature) }]))
    expect(result).toMatchObject({ stop: undefined, tvr: ['ddaFailed'], tsi: ['odaPerformed'] })
    expect(result.why).toMatch(rule)
  })

  it.each([
    '6985',
    '6A81',
    '9000',
    '77009000',
    '7704DF0101009000',
    '7006801234569000',
    '80059F9000',
    '77109F4B0101 9F4B0101 9F4C0401020304 9000',
  ])('the answer %s ends the transaction', async r => {
    const { stop } = await run(dda([{ c: `${IA}00`, r: r.replaceAll(' ', '') }]))
    expect(stop).toEqual({ result: 'declined', reason: 'cardError' })
  })

  it('the explanation has the objects that were looked at', async () => {
    const at = dda([{ c: `${IA}00`, r: answer(signDynamic(number, fromHex('00000000'))) }])
    await run(at)
    const { inputs } = at.explained.find(({ effect }) => effect.includes('TVR ddaFailed'))!
    expect([...inputs.keys()]).toEqual([0x8f, 0x90, 0x92, 0x9f32, 0x9f46, 0x9f47, 0x9f48, 0x9f49, 0x9f4a, 0x9f4b, 0x9f37])
  })

  it('a malformed DDOL ends the transaction (Book 3, 7.5)', async () => {
    expect((await run(dda([], { objects: { '9F49': '9F37' } }))).stop).toEqual({ result: 'declined', reason: 'cardError' })
  })
})

describe('CDA', () => {
  const pdol = fromHex('0643')
  const cdol1 = fromHex('000000010000')
  const cdol2 = fromHex('5931')
  const AC = fromHex('1122334455667788')
  /** A GENERATE AC response with a signature over it. */
  function response(
    change: { cid?: number; signedCid?: number; sent?: Uint8Array[]; un?: Uint8Array; hash?: number; short?: boolean; more?: string } = {},
  ) {
    const { cid = 0x80, signedCid = cid, sent = [pdol, cdol1], un = UN, hash = 0 } = change
    const others = [write(0x9f27, Uint8Array.of(cid)), write(0x9f36, fromHex('0001')), write(0x9f10, fromHex('06010A03A4A002'))]
    const code = sha1(...sent, ...others)
    code[0] ^= hash
    const dynamic = concat(number, Uint8Array.of(signedCid), AC, change.short ? code.subarray(1) : code, fromHex(change.more ?? ''))
    const signature = signDynamic(dynamic, un)
    return concat(others[0], others[1], write(0x9f4b, signature), others[2])
  }
  const ready = async (setup: Setup = {}) => {
    const at = prepare(setup)
    return { ...at, bits: await run(at) }
  }

  it('keys are recovered first; then CDA may be asked for, and is not performed yet', async () => {
    const { kernel, bits } = await ready()
    expect(bits).toMatchObject({ tvr: [], tsi: [] })
    expect(canRequestCda(kernel)).toBe(true)
    expect(kernel.oda).toMatchObject({ method: 'cda', iccKey: { modulus: keys.icc.modulus } })
  })

  it('a chain that fails is failed CDA before terminal action analysis', async () => {
    const { kernel, bits } = await ready({ config: { caKeys: [] } })
    expect({ tvr: bits.tvr, tsi: bits.tsi, ask: canRequestCda(kernel) }).toEqual({ tvr: ['cdaFailed'], tsi: ['odaPerformed'], ask: false })
    expect((await ready({ objects: { '9F46': undefined } })).bits.tvr).toEqual(['iccDataMissing', 'cdaFailed'])
    expect((await ready({ oda: undefined })).bits.tvr).toEqual(['cdaFailed'])
    expect(canRequestCda((await ready({ card: { aip: 0x40 } })).kernel)).toBe(false)
  })

  it('a signature over everything that was sent and returned', async () => {
    for (const [template, sent] of [
      [response(), [pdol, cdol1]],
      [response({ more: 'DF0102AABB' }), [pdol, cdol1]],
      [response({ sent: [pdol, cdol1, cdol2] }), [pdol, cdol1, cdol2]],
    ] as const) {
      const at = await ready()
      expect(verifyCda(at.kernel, template, sent)).toMatchObject({ verified: true, cid: 0x80 })
      expect(hex(at.data.get(0x9f26)!)).toBe(hex(AC))
      expect(hex(at.data.get(0x9f4c)!)).toBe('11223344')
      expect(at.tsi()).toEqual(['odaPerformed'])
      expect(at.tvr()).toEqual([])
    }
  })

  const broken: [string, Uint8Array, number | undefined, RegExp][] = [
    ['other data sent', response({ sent: [pdol, cdol2] }), 0x80, /step 12/],
    ['a wrong transaction data hash', response({ hash: 1 }), 0x80, /step 12/],
    ['another Unpredictable Number', response({ un: fromHex('00000000') }), 0x80, /step 9/],
    ['another CID in clear', response({ signedCid: 0x40 }), 0x40, /step 6/],
    ['no signature', write(0x9f27, Uint8Array.of(0x80)), undefined, /no Signed Dynamic/],
    ['a response of format 1', new Uint8Array(0), undefined, /no Signed Dynamic/],
    ['a signature cut short', write(0x9f4b, new Uint8Array(100)), undefined, /step 1/],
    ['dynamic data without a whole hash', response({ short: true }), undefined, /step 5/],
  ]
  it.each(broken)('fails with %s', async (_, template, cid, rule) => {
    const at = await ready()
    expect(verifyCda(at.kernel, template, [pdol, cdol1])).toEqual({ verified: false, cid })
    expect({ tvr: at.tvr(), tsi: at.tsi() }).toEqual({ tvr: ['cdaFailed'], tsi: ['odaPerformed'] })
    const why = at.explained.findLast(({ effect }) => effect.includes('TVR cdaFailed'))!
    expect(why.rule).toMatch(rule)
    const signature = at.data.card.has(0x9f4b) ? [0x9f4b] : []
    expect([...why.inputs.keys()]).toEqual([0x8f, 0x90, 0x92, 0x9f32, 0x9f46, 0x9f47, 0x9f48, 0x9f4a, ...signature, 0x9f37])
    expect(signature.length === 0).toBe(/no Signed/.test(why.rule))
    expect(at.data.card.has(0x9f26)).toBe(false)
    expect(canRequestCda(at.kernel)).toBe(false)
  })
})

describe('key for an enciphered PIN (Book 2, 7.1)', () => {
  const key = (setup: Setup = {}) => recoverPinKey(prepare({ card: { aip: 0x00 }, ...setup }).kernel)

  it('its own certificate, which signs no static data, comes first', () => {
    expect(key({ oda: undefined })!.modulus).toEqual(keys.icc.modulus)
    expect(key({ card: { pin: { expires: '0524' } } })).toBeUndefined() // no way back to the ICC key
  })

  it('else the ICC key, with its static data', () => {
    const without = { '9F2D': undefined }
    expect(key({ objects: without })!.modulus).toEqual(keys.icc.modulus)
    expect(key({ objects: without, oda: [] })).toBeUndefined()
    expect(key({ objects: { ...without, '9F46': undefined } })).toBeUndefined()
  })

  it('none from a revoked issuer, or one that nobody knows', () => {
    expect(key({ config: { revoked: [{ rid: caKey.rid, index: 0x92, serial: fromHex('000001') }] } })).toBeUndefined()
    expect(key({ config: { caKeys: [] } })).toBeUndefined()
  })

  it('sets no bit (Book 3, 7.5: data missing in CVM processing)', () => {
    const at = prepare({ objects: { '9F2D': undefined, '9F46': undefined } })
    expect(recoverPinKey(at.kernel)).toBeUndefined()
    expect(at.tvr()).toEqual([])
  })
})

describe('where a key ends in its certificate', () => {
  // The issuer key has 176 bytes: 134 are left for the ICC key. Of a certified key only the public half matters here.
  const today = fromHex('240615')
  const some = (size: number) => ({
    modulus: Uint8Array.from({ length: size }, (_, i) => (i * 29) | 0x81),
    exponent: Uint8Array.of(3),
    private: 0n,
  })
  const check = (size: number, fields: CertificateFields = {}, remainder?: string) => {
    const made = certify(keys.issuer, some(size), 'icc', [], fields)
    const parts = {
      certificate: made.certificate,
      remainder: remainder === undefined ? made.remainder : fromHex(remainder),
      exponent: Uint8Array.of(3),
    }
    return recoverIccKey(keys.issuer, parts, fromHex(pan), today, [])
  }

  it.each([64, 133, 134, 135, 176])('%i bytes', size => expect(check(size)).toMatchObject({ key: { modulus: some(size).modulus } }))

  it('a remainder that the key does not need is signed with it, and no part of it', () => {
    expect(check(134, { remainder: fromHex('AABB') })).toMatchObject({ key: { modulus: some(134).modulus } })
    expect(check(100, { remainder: fromHex('AABB') })).toMatchObject({ key: { modulus: some(100).modulus } })
  })

  it('a remainder too short or too long', () => {
    expect(check(135, { remainder: fromHex('AABB') })).toMatchObject({ failed: expect.stringContaining('does not fit') })
    expect(check(136, { remainder: fromHex('AA') })).toMatchObject({ failed: expect.stringContaining('does not fit') })
    expect(check(135, {}, '')).toMatchObject({ missing: true })
  })

  it('a signer too small to hold a certificate', () => {
    const tiny = { modulus: Uint8Array.of(0x81, ...new Uint8Array(24), 1), exponent: Uint8Array.of(3) }
    for (const size of [26, 25]) {
      const key = { ...tiny, modulus: tiny.modulus.subarray(26 - size) }
      expect(recover(key, new Uint8Array(size), 2, 'rule')).toHaveProperty('failed')
    }
  })
})

describe('published chains', () => {
  const caOf = ({ ca }: (typeof vectors)[number]) => parseCaKey({ ...ca, checksum: ca.sha1 })
  const issuer = (vector: (typeof vectors)[number], change: Record<string, string> = {}, today = '120101', panHex = '') => {
    const tags: Record<string, string | undefined> = { ...vector.tags, ...change }
    const parts = { certificate: fromHex(tags['90']!), remainder: fromHex(tags['92'] ?? ''), exponent: fromHex(tags['9F32']!) }
    return recoverIssuerKey(caOf(vector), parts, fromHex(panHex || (tags['5A'] ?? '')), fromHex(today), never)
  }
  const [sda, full, cda] = vectors
  const good = (result: ReturnType<typeof issuer>) => {
    if (isFailed(result)) throw new Error(result.failed)
    return result.key
  }

  it(`${sda.id}: issuer key, signed static data, 9F45`, () => {
    const key = good(issuer(sda, {}, '091231', sda.iin_pan_for_check))
    expect(hex(key.modulus)).toBe(sda.expect.issuer_modulus)
    const result = verifyStaticData(key, fromHex(sda.tags['93']!), [fromHex(sda.static_data_to_authenticate!)])
    expect(result).toEqual({ code: fromHex(sda.expect['9F45']!) })
    expect(issuer(sda, {}, '100101', sda.iin_pan_for_check)).toMatchObject({ failed: expect.stringContaining('step 9') })
  })

  it(`${full.id}: issuer key, ICC key, dynamic signature, and each of them changed`, () => {
    const key = good(issuer(full, {}, '220506'))
    expect(hex(key.modulus)).toBe(full.expect.issuer_modulus)
    // The source has no records, so the hash of the ICC certificate cannot be made; what it recovers to can be compared.
    const certificate = recover(key, fromHex(full.tags['9F46']!), 0x04, '')
    if (isFailed(certificate)) throw new Error(certificate.failed)
    expect(hex(certificate.hash)).toBe(full.expect.icc_cert_hash)
    const iccKey = { modulus: concat(certificate.hashed.subarray(20), fromHex(full.tags['9F48']!)), exponent: fromHex(full.tags['9F47']!) }
    expect(hex(iccKey.modulus)).toBe(full.expect.icc_modulus)
    const dynamic = recoverDynamicData(iccKey, fromHex(full.tags['9F4B']!), '')
    if (isFailed(dynamic)) throw new Error(dynamic.failed)
    expect(dynamicHashHolds(dynamic, fromHex(full.terminal_dynamic_data!))).toBe(true)
    expect(hex(dynamic.number)).toBe(full.expect['9F4C'])
    const ssad = recover(key, fromHex(full.tags['93']!), 0x03, '')
    expect('hashed' in ssad && hex(ssad.hashed.subarray(2, 4))).toBe(full.expect['9F45'])
    const no = full.negative as Record<string, string>
    expect(issuer(full, { '90': no['90'] }, '220506')).toHaveProperty('failed')
    expect(issuer(full, { '9F32': no['9F32'] }, '220506')).toHaveProperty('failed')
    expect(issuer(full, {}, no['9A_issuer_valid'])).toHaveProperty('key')
    expect(issuer(full, {}, no['9A_expired'])).toHaveProperty('failed')
    expect(recover(key, fromHex(no['9F46']), 0x04, '')).toHaveProperty('failed')
    expect(recover(key, fromHex(no['93']), 0x03, '')).toHaveProperty('failed')
    expect(recover(iccKey, fromHex(no['9F4B']), 0x05, '')).toHaveProperty('failed')
  })

  it(`${cda.id}: cryptogram and transaction data hash in the signature`, () => {
    const key = good(issuer(cda))
    expect(hex(key.modulus)).toBe(cda.expect.issuer_modulus)
    const certificate = recover(key, fromHex(cda.tags['9F46']!), 0x04, '')
    if (isFailed(certificate)) throw new Error(certificate.failed)
    expect(hex(certificate.hash)).toBe(cda.expect.icc_cert_hash)
    const iccKey = { modulus: concat(certificate.hashed.subarray(20), fromHex(cda.tags['9F48']!)), exponent: fromHex(cda.tags['9F47']!) }
    expect(hex(iccKey.modulus)).toBe(cda.expect.icc_modulus)
    const dynamic = recoverDynamicData(iccKey, fromHex(cda.tags['9F4B']!), '')
    if (isFailed(dynamic)) throw new Error(dynamic.failed)
    expect(dynamicHashHolds(dynamic, fromHex(cda.terminal_dynamic_data!))).toBe(true)
    expect(hex(dynamic.number)).toBe(cda.expect['9F4C'])
    expect(hex(dynamic.rest)).toBe(`${cda.expect['9F27_in_sdad']}${cda.expect['9F26']}${cda.expect.transaction_data_hash}`)
    expect(recover(iccKey, fromHex((cda.negative as { '9F4B': string })['9F4B']), 0x05, '')).toHaveProperty('failed')
  })
})

describe('CA keys', () => {
  const parse = (key: (typeof published.keys)[number], withoutChecksum?: 'compute') =>
    parseCaKey({ ...key, checksum: key.claimed_hash, expires: key.expiry }, withoutChecksum ? { withoutChecksum } : {})
  const usable = ({ modulus_bits, exponent }: (typeof published.keys)[number]) => modulus_bits <= 1984 && exponent !== '02'

  it('137 published checksums match, 7 do not and are refused, 84 keys have none and are refused unless asked to compute it', () => {
    const counts = { good: 0, unusable: 0, wrong: 0, none: 0 }
    for (const key of published.keys) {
      if (key.hash_matches === true && usable(key)) {
        expect(hex(caKeyChecksum(parse(key)))).toBe(key.sha1)
        counts.good++
      } else if (key.hash_matches === true) {
        expect(() => parse(key)).toThrow(/at most 248|exponent is 02/)
        counts.unusable++
      } else if (key.hash_matches === false) {
        expect(() => parse(key)).toThrow(expect.objectContaining({ code: 'bad-key' }))
        counts.wrong++
      } else {
        expect(() => parse(key)).toThrow(/has no checksum/)
        expect(hex(parse(key, 'compute').checksum)).toBe(key.sha1)
        counts.none++
      }
    }
    expect(counts).toEqual({ good: 133, unusable: 4, wrong: 7, none: 84 })
  })

  it('a fault names the key by RID and index', () => {
    const [key] = published.keys
    expect(() => parseCaKey({ ...key, checksum: '00'.repeat(20) })).toThrow(`CA key ${key.rid} ${key.index}: checksum does not match`)
    expect(() => parseCaKey({ ...key, rid: '00', checksum: key.sha1 })).toThrow('RID has 5 bytes')
    expect(() => checkCaKey({ ...parse(key), modulus: new Uint8Array(0) })).toThrow('bad'.length ? /modulus has 0 bytes/ : '')
  })

  it('a configuration with a bad key is refused, with its place', () => {
    const key = { rid: hex(caKey.rid), index: caKey.index, modulus: hex(caKey.modulus), exponent: '03', checksum: hex(caKey.checksum) }
    const change = { ...key, index: 0x93 }
    expect(testConfig({ caKeys: [key] }).caKeys).toHaveLength(1)
    expect(() => testConfig({ caKeys: [key, change] })).toThrow(/caKeys\.1: checksum does not match/)
    expect(() => testConfig({ caKeys: [{ ...key, exponent: '05' }] })).toThrow(/caKeys\.0: exponent is 05/)
  })

  it('is found by RID and index until its last day', () => {
    const find = (today: string, key: CaPublicKey = { ...caKey, expires: '251231' }) => findCaKey([key], caKey.rid, 0x92, fromHex(today))
    expect(find('251231')).toBeDefined()
    expect(find('260101')).toBeUndefined()
    expect(find('991231')).toBeDefined() // 1999
    expect(find('491231', caKey)).toBeDefined() // no last day
  })
})

describe('RSA', () => {
  it('undoes the private key, for sizes from 768 to 1984 bits and both exponents', () => {
    for (const key of [keys.icc, keys.issuer, keys.ca]) {
      const data = concat(Uint8Array.of(0x6a), new Uint8Array(key.modulus.length - 1).fill(0x5a))
      expect(rsaPublic(key, decipher(key, data))).toEqual(data)
    }
    // Not a real key: the arithmetic against BigInt's own, which needs no factors.
    for (const size of [96, 160, 248])
      for (const [exponent, e] of [
        ['03', 3n],
        ['010001', 65537n],
        ['000003', 3n],
      ] as const) {
        const modulus = Uint8Array.from({ length: size }, (_, i) => (i * 37 + 1) | (i === 0 || i === size - 1 ? 0x81 : 0))
        const data = Uint8Array.from({ length: size }, (_, i) => i * 11)
        let power = 1n
        const [n, base] = [modulus, data].map(bytes => BigInt(`0x${hex(bytes)}`))
        for (let i = 0n; i < e; i++) power = (power * base) % n
        expect(hex(rsaPublic({ modulus, exponent: fromHex(exponent) }, data))).toBe(
          power
            .toString(16)
            .toUpperCase()
            .padStart(size * 2, '0'),
        )
        if (size === 248 && e === 65537n) break
      }
  })

  it.each([
    ['02', 128, /exponent is 02/],
    ['03', 249, /249 bytes/],
    ['05', 128, /exponent/],
    ['', 128, /exponent/],
    ['00010001', 128, /exponent/],
  ])('refuses exponent "%s" with %i bytes', (exponent, size, rule) => {
    const modulus = new Uint8Array(size).fill(0xff)
    expect(() => rsaPublic({ modulus, exponent: fromHex(exponent) }, new Uint8Array(size))).toThrow(rule)
  })

  it('refuses data of another length, and moduli that are none', () => {
    expect(() => rsaPublic(keys.icc, new Uint8Array(4))).toThrow(expect.objectContaining({ code: 'bad-argument' }))
    for (const modulus of [new Uint8Array(8), Uint8Array.of(0x80, 0x02)])
      expect(() => rsaPublic({ modulus, exponent: Uint8Array.of(3) }, new Uint8Array(modulus.length))).toThrow(
        expect.objectContaining({ code: 'bad-key' }),
      )
  })
})

describe('the contact test card of emvpt', () => {
  it('its enciphered PIN block opens with its own key to what the source says', () => {
    const { verified, exchanges } = emvpt
    const data = fromHex(exchanges.find(({ c }) => c.startsWith('00200088'))!.c).subarray(5)
    const block = decipher(keys.icc, data)
    expect(hex(block.subarray(0, 17))).toBe(verified.encipheredPinPlaintextFirst17)
    expect(hex(rsaPublic(keys.icc, block))).toBe(hex(data))
  })
  it('its key pairs fit the objects signed here', () => {
    expect(hex(aip(0x61))).toBe('6100')
    expect(odaCard().get(0x5a)).toEqual(fromHex(pan))
  })
})
