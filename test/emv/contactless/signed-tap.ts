/** Cards for the taps of a test that sign for real: certificates of the published test keys, CDA over what they were sent. */

import { concat, fromHex, hex } from '../../../src/bytes.ts'
import { VirtualClock } from '../../../src/clock.ts'
import { parseDol } from '../../../src/tlv/dol.ts'
import { caKey, odaCard, pan, sha1, signDynamic } from '../oda/oda-card.ts'
import { type Answer, format2, objects, tapConfig } from './scripted-tap.ts'

/** The AID whose RID the test CA key is of. */
export const signedAid = 'AFFFFFFFFF1234'

/** Before the certificates expire; the unpredictable number is 07070707. */
export function signedEnvironment(clock = new VirtualClock(new Date('2024-05-01T12:00:00'))) {
  return { config: { ...tapConfig, caKeys: [caKey] }, options: { clock, random: (length: number) => new Uint8Array(length).fill(7) } }
}
const un = fromHex('07070707')

/** AFL and records of a card whose certificate is over PAN, expiry and AIP; `more` are objects that nobody signs. */
export function certifiedFiles(aip: string, more: Readonly<Record<string, string>> = {}) {
  const [first, second] = fromHex(aip)
  const certified = odaCard({ aip: first, aip2: second })
  const object = (...tags: number[]) => Object.fromEntries(tags.map(tag => [tag.toString(16), hex(certified.get(tag)!)]))
  const track2 = { '57': `${pan}D25122010000000000` }
  return {
    afl: '0801020210010500',
    answers: {
      '00B2010C': format2(object(0x5a), 0x70),
      '00B2020C': format2({ '5F24': '251231' }, 0x70),
      '00B20114': format2({ ...track2, ...more }, 0x70),
      '00B20214': format2(object(0x90), 0x70),
      '00B20314': format2(object(0x8f, 0x9f32, 0x92, 0x9f4a), 0x70),
      '00B20414': format2(object(0x9f46), 0x70),
      '00B20514': format2(object(0x9f47, 0x9f48), 0x70),
    } as Record<string, string>,
  }
}

export interface SignedAnswer {
  readonly cid: string
  /** Objects of the answer besides CID, ATC and the signature. */
  readonly rest?: Readonly<Record<string, string>>
  /** What the card signs behind the transaction data hash: summaries of data storage, relay resistance. */
  readonly behind?: string
  /** Changes the signed hash. */
  readonly forged?: boolean
}

/** An answer with CDA over `sent` (the data of PDOL, CDOL1, …) and its own objects. */
export function sign(sent: readonly Uint8Array[], { cid, rest = {}, behind = '', forged }: SignedAnswer): string {
  const all = { '9F27': cid, '9F36': '0001', '9F10': '0A0B', ...rest }
  const hash = sha1(...sent, objects(all))
  if (forged) hash[0] ^= 1
  const cryptogram = fromHex('1112131415161718')
  const dynamic = concat(fromHex('04AABBCCDD'), fromHex(cid), cryptogram, hash, fromHex(behind))
  return format2({ ...all, '9F4B': hex(signDynamic(dynamic, un)) })
}

/** The data field of a command in hex; of GET PROCESSING OPTIONS what is in its template 83. */
export function dataOf(command: string): Uint8Array {
  const bytes = fromHex(command)
  const data = bytes.subarray(5, 5 + bytes[4])
  return bytes[1] === 0xa8 ? data.subarray(2) : data
}

/**
 * GET PROCESSING OPTIONS with AIP and AFL, and GENERATE AC signed over what both were sent. What GENERATE AC carries behind CDOL1 (DSDOL) is not signed.
 */
export function signingCard(
  aip: string,
  records: Readonly<Record<string, string>> & { readonly '8C': string },
  answer: SignedAnswer | ((p1: number) => SignedAnswer),
  gpo: Readonly<Record<string, string>> = {},
): Record<string, Answer> {
  const { afl, answers } = certifiedFiles(aip, records)
  const cdolLength = parseDol(fromHex(records['8C'])).reduce((sum, { length }) => sum + length, 0)
  let pdolData = new Uint8Array()
  return {
    ...answers,
    '80A8': command => {
      pdolData = dataOf(command).slice()
      return format2({ '82': aip, '94': afl, ...gpo })
    },
    '80AE': command => {
      const signed = typeof answer === 'function' ? answer(fromHex(command)[2]) : answer
      return sign([pdolData, dataOf(command).subarray(0, cdolLength)], signed)
    },
  }
}
