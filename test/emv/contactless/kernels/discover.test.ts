/** Kernel 6, D-PAS: status words, the shape of the answer, verification with its fallbacks, and the order of decisions. */

import { describe, expect, it } from 'vitest'
import { concat, fromHex, hex } from '../../../../src/bytes.ts'
import { VirtualClock } from '../../../../src/clock.ts'
import { discoverKernel } from '../../../../src/emv/contactless/kernels/discover.ts'
import { UI } from '../../../../src/emv/contactless/outcome.ts'
import { write } from '../../../../src/tlv/ber.ts'
import { caKey, odaCard, pan, sha1, signDynamic } from '../../oda/oda-card.ts'
import { format2, objects, type ScriptedTap, scriptedTap, tapConfig } from '../scripted-tap.ts'

interface Wish extends Partial<ScriptedTap> {
  ttq?: string
  cpr?: string
  cid?: string
  gpo?: string
  more?: Record<string, string>
  iad?: string
}

const track = { '57': '6011973700000005D40122010000000000', '5A': '6011973700000005', '5F24': '401231' }

/** The TTQ's dynamic bits (byte 2 b8, b7) come from pre-processing: floor limit and CVM limit in `combination`. */
function pay({
  ttq = '36004000',
  cpr = '0000',
  cid = '80',
  gpo,
  more = {},
  iad = '0105000000000000000000',
  combination = {},
  ...wish
}: Wish = {}) {
  const signed = cid === '40' || (Number.parseInt(cpr.slice(0, 2), 16) & 0x20) !== 0
  const answer = format2({
    '82': '0100',
    '94': '08010100',
    '9F36': '0001',
    '9F10': iad,
    '9F27': cid,
    '9F71': cpr,
    ...(signed ? { '9F4B': '00'.repeat(64) } : { '9F26': '0102030405060708' }),
    ...more,
  })
  return scriptedTap(discoverKernel({ config: tapConfig }), {
    aid: 'A0000001523010',
    pdol: '9F66049F02069F3704',
    answers: { '80A8': gpo ?? answer, '00B2010C': format2({ ...track }, 0x70), '8418': '9000' },
    combination: { ttq: fromHex(ttq), ...combination },
    ...wish,
  })
}

const overCvm = { cvmRequiredLimit: 50n }

describe('GET PROCESSING OPTIONS', () => {
  it.each([
    ['6984', { status: 'tryAnotherInterface', uiOnOutcome: { message: UI.insertOrSwipe } }],
    ['6986', { status: 'tryAgain', start: 'B', fieldOff: 1300, uiOnOutcome: { message: UI.seePhone } }],
    ['6985', { status: 'selectNext', start: 'C' }],
    ['8006010008010100' + '9000', { status: 'selectNext' }],
  ])('%s', async (gpo, wanted) => {
    expect((await pay({ gpo })).outcome).toMatchObject(wanted)
  })

  it.each(['82', '9F36', '9F10', '9F27', '9F71', '9F26'])('without %s the next application is tried', async tag => {
    expect((await pay({ more: { [tag]: '' } })).outcome.status).toBe('selectNext')
  })

  it('a mag-stripe card leads to the next application', async () => {
    expect((await pay({ fci: { '9F7D': '01' } })).outcome.status).toBe('selectNext')
  })

  it('a cryptogram beside a signature is no answer', async () => {
    expect((await pay({ cid: '40', more: { '9F26': '0102030405060708' } })).outcome.status).toBe('selectNext')
  })
})

describe('verification', () => {
  it.each([
    // TTQ, CPR, over the CVM limit: CVM or where it leads
    ['36004000', '0000', false, 'none'],
    ['36004000', '8000', false, 'onlinePin'],
    ['32004000', '8002', false, 'signature'],
    ['32004000', '8001', false, 'none'],
    ['32004000', '8000', false, 'tryAnotherInterface'],
    ['22004000', '8000', false, 'endApplication'],
    ['36004000', '4000', false, 'signature'],
    ['34004000', '4001', false, 'none'],
    ['36004000', '0000', true, 'tryAnotherInterface'],
    ['36004000', '0001', true, 'none'],
    ['36000000', '1000', true, 'tryAnotherInterface'],
  ])('TTQ %s, requirement %s, above the limit %s: %s', async (ttq, cpr, above, wanted) => {
    const { outcome } = await pay({ ttq, cpr, combination: above ? overCvm : {} })
    expect(outcome.cvm ?? outcome.status).toBe(wanted)
  })

  it.each([
    ['0105000200000000000000', '1000', 'confirmationCode'],
    ['0105000300000000000000', '1000', 'endApplication'],
    ['0105000300000000000000', '1002', 'signature'],
    ['0105000000000000000000', '1001', 'none'],
  ])('a device with results %s and requirement %s: %s', async (iad, cpr, wanted) => {
    const { outcome } = await pay({ iad, cpr, combination: overCvm })
    expect(outcome.cvm ?? outcome.status).toBe(wanted)
  })
})

describe('decisions', () => {
  it.each([
    ['80', '36004000', '0000', 'onlineRequest'],
    ['80', '3E004000', '0000', 'declined'],
    ['80', '3E004000', '0080', 'tryAnotherInterface'],
    ['80', '2E004000', '0080', 'declined'],
    ['00', '36004000', '0000', 'declined'],
    // A TC whose signature is wrong
    ['40', '36004000', '0000', 'declined'],
    ['40', '36004000', '0040', 'onlineRequest'],
    ['40', '36004000', '0020', 'tryAnotherInterface'],
    ['40', '26004000', '0020', 'declined'],
    ['40', '3E004000', '00C0', 'tryAnotherInterface'],
  ])('CID %s, TTQ %s, requirement %s: %s', async (cid, ttq, cpr, status) => {
    expect((await pay({ cid, ttq, cpr })).outcome.status).toBe(status)
  })

  it('an expired card as its requirement says', async () => {
    const expired = async (cpr: string) =>
      (
        await pay({
          cpr,
          answers: {
            '80A8': format2({
              '82': '0100',
              '94': '08010100',
              '9F36': '0001',
              '9F10': '0105000000000000000000',
              '9F27': '80',
              '9F71': cpr,
              '9F26': '0102030405060708',
            }),
            '00B2010C': format2({ ...track, '5F24': '200131' }, 0x70),
          },
        })
      ).outcome.status
    expect(await expired('0004')).toBe('declined')
    expect(await expired('0008')).toBe('onlineRequest')
  })
})

describe('where the card is used', () => {
  // Verification results byte 2: b5 at home, b4 abroad; the usage is for home only.
  const home = { '9F07': 'AB80' }
  const at = (results: string, usage = home, more = {}) =>
    pay({
      answers: {
        '80A8': format2({
          '82': '0100', '94': '08010100', '9F36': '0001', '9F10': `010500${results}00000000000000`, '9F27': '80', '9F71': '0000',
          '9F26': '0102030405060708',
        }),
        '00B2010C': format2({ ...track, ...usage, ...more }, 0x70),
      },
    }) // biome-ignore format: a table

  it.each([
    ['10', 'onlineRequest'],
    ['08', 'declined'],
    ['00', 'onlineRequest'],
  ])('is what its results %s say: %s', async (results, status) => {
    expect((await at(results)).outcome.status).toBe(status)
  })

  it('whatever country it names', async () => {
    const { outcome } = await at('10', home, { '5F28': '0840' })
    expect(outcome.status).toBe('onlineRequest')
    expect((await at('08', home, { '5F28': '0643' })).outcome.status).toBe('declined')
  })
})

describe('a signed answer', () => {
  const un = '07070707'
  const ttq = '36004000'
  const pdolData = fromHex(`${ttq}000000000100${un}`)
  const certified = odaCard({ aip: 0x01 })
  const object = (tag: number) => ({ [tag.toString(16)]: hex(certified.get(tag)!) })
  const files: Record<string, string> = {
    '00B2010C': format2(object(0x5a), 0x70),
    '00B2020C': format2({ '5F24': '251231' }, 0x70),
    '00B20114': format2({ '57': `${pan}D25122010000000000` }, 0x70),
    '00B20214': format2(object(0x90), 0x70),
    '00B20314': format2({ ...object(0x8f), ...object(0x9f32), ...object(0x92), ...object(0x9f4a) }, 0x70),
    '00B20414': format2(object(0x9f46), 0x70),
    '00B20514': format2({ ...object(0x9f47), ...object(0x9f48) }, 0x70),
  }

  /** A TC inside the card's signature; `over` is the PDOL data that the card has signed. */
  function signedAnswer(over: Uint8Array, { cid = '40', cpr = '0000', iad = '0105000000000000000000' }: Wish): string {
    const rest = { '82': '0100', '94': '0801020210010500', '9F36': '0001', '9F10': iad, '9F27': cid, '9F71': cpr }
    const cryptogram = fromHex('1112131415161718')
    const number = fromHex('04AABBCCDD')
    const dynamic = concat(number, fromHex(cid), cryptogram, sha1(over, objects(rest)))
    return format2({ ...rest, '9F4B': hex(signDynamic(dynamic, fromHex(un))) })
  }

  /** The TTQ's dynamic bits are in what the card signs. */
  const verifiedData = fromHex(`36404000000000000100${un}`)
  const tap = (over: Uint8Array, answer: Wish = {}, { ttq: own = ttq, combination = {} }: Wish = {}) =>
    scriptedTap(
      discoverKernel({
        config: { ...tapConfig, caKeys: [caKey] },
        options: { clock: new VirtualClock(new Date('2024-05-01T12:00:00')), random: length => new Uint8Array(length).fill(7) },
      }),
      {
        aid: 'AFFFFFFFFF1234',
        pdol: '9F66049F02069F3704',
        answers: { ...files, '80A8': signedAnswer(over, answer) },
        combination: { ttq: fromHex(own), ...combination },
      },
    )

  it('approves offline, with the cryptogram out of the signature', async () => {
    const { outcome } = await tap(pdolData)
    expect(outcome).toMatchObject({ status: 'approved', cvm: 'none', uiOnOutcome: { message: UI.approved } })
    expect(hex(outcome.dataRecord!.get(0x9f26)!)).toBe('1112131415161718')
    expect(hex(outcome.dataRecord!.get(0x95)!)).toBe('0000000000')
  })

  it('of a loyalty transaction approves an AAC', async () => {
    const { outcome } = await tap(pdolData, { cid: '00', cpr: '2000' })
    expect(outcome).toMatchObject({ status: 'approved', cvm: 'none' })
    expect((await tap(pdolData, { cid: '00', cpr: '2000' }, { ttq: '3E004000' })).outcome.status).toBe('approved')
  })

  it('goes online where the reader wants an online cryptogram, is declined by a card that gives a TC then', async () => {
    expect((await tap(pdolData, {}, { combination: { floorLimit: 50n } })).outcome.status).toBe('declined')
  })

  it('from a device that verified its holder, above the CVM limit', async () => {
    const answer = { cpr: '1000', iad: '0105000200000000000000' }
    const { outcome } = await tap(verifiedData, answer, { ttq: '36004000', combination: { cvmRequiredLimit: 50n } })
    expect(outcome).toMatchObject({ status: 'approved', cvm: 'confirmationCode' })
  })

  it('over other terminal data is declined', async () => {
    const other = pdolData.slice()
    other[9] ^= 1
    const { outcome } = await tap(other)
    expect(outcome.status).toBe('declined')
    expect(hex(outcome.discretionaryData!.get(0x95)!)).toBe('0400000000')
  })
})

describe('issuer update', () => {
  it('asks for the card again where both sides can, and sends one script', async () => {
    expect((await pay({ ttq: '3600C000', cpr: '0010' })).outcome).toMatchObject({ start: 'B', onlineResponse: 'emvData' })
    expect((await pay({ ttq: '36004000', cpr: '0010' })).outcome.start).toBeUndefined()
    const script = write(0x71, [write(0x86, fromHex('8418000008AABBCCDDEEFF0011'))])
    expect((await pay({ restart: { scripts: [script] } })).sent).toEqual(['8418000008AABBCCDDEEFF0011'])
    expect((await pay({ restart: { scripts: [script, script] } })).sent).toEqual([])
  })

  it.each([
    ['9000', 0x71, '0000000000', '2000000000'],
    ['6300', 0x72, '0000000000', '2000000000'],
    ['6985', 0x72, '0000000020', '1100000000'],
    ['6982', 0x71, '0000000060', '1100000000'],
    ['6982', 0x72, '0000000060', '1100000000'],
  ])('a script answered %s in template %i is told so', async (sw, template, tvr, results) => {
    const script = write(template, [write(0x86, fromHex('8418000008AABBCCDDEEFF0011'))])
    const { outcome } = await pay({ restart: { scripts: [script] }, answers: { '8418': sw } })
    expect(outcome).toMatchObject({ status: 'endApplication' })
    expect(outcome.uiOnOutcome).toBeUndefined()
    expect([hex(outcome.discretionaryData!.get(0x95)!), hex(outcome.discretionaryData!.get(0x9f5b)!)]).toEqual([tvr, results])
  })
})
