/** A bench for virtual cards: hand-made APDUs, the npm package `tlv` as reader and node:crypto as verifier. Nothing of our kernel is in it. */

import { constants, createHash, createPublicKey, publicEncrypt } from 'node:crypto'
import tlv from 'tlv'
import type { ContactSession, VirtualCard } from '../../../simulator/cards/icc.ts'
import type { IssuerAccount } from '../../../simulator/cards/issuer-view.ts'
import { testCaKeys } from '../../../simulator/keys.ts'
import { concat, equal, fromHex, fromText, fromUint, hex } from '../../../src/bytes.ts'
import { iccMasterKey } from '../../../src/crypto/cryptogram.ts'
import { cryptogramVersions, versionArpc, versionCommandMac, versionCryptogram } from '../../../src/crypto/cryptogram-version.ts'

export interface Reply {
  readonly data: Uint8Array
  readonly sw: string
}

/** Sends hex, fetches what T=0 keeps back. */
export async function send(card: ContactSession, command: string): Promise<Reply> {
  const bytes = fromHex(command)
  const reply = split(await card.transmit(bytes))
  if (reply.sw.startsWith('6C')) return send(card, hex(bytes.subarray(0, 4)) + reply.sw.slice(2))
  if (reply.sw.startsWith('61')) return send(card, `00C00000${reply.sw.slice(2)}`)
  return reply
}

function split(bytes: Uint8Array): Reply {
  return { data: bytes.subarray(0, -2), sw: hex(bytes.subarray(-2)) }
}

/** All primitive objects in `bytes`, by hex tag. */
export function leaves(bytes: Uint8Array): Map<string, Uint8Array> {
  const found = new Map<string, Uint8Array>()
  const walk = (objects: readonly tlv.TLV[]) => {
    for (const { tag, value } of objects)
      Array.isArray(value) ? walk(value) : found.set(tag.toString(16).toUpperCase(), new Uint8Array(value as Buffer))
  }
  walk(tlv.parseAll(Buffer.from(bytes)))
  return found
}

/** What the hand-made terminal puts into DOLs. */
export const terminalData: Readonly<Record<string, string>> = {
  '9F02': '000000250000',
  '9F03': '000000000000',
  '9F1A': '0643',
  '95': '8000048000',
  '5F2A': '0643',
  '9A': '261121',
  '9C': '00',
  '9F37': 'CAFE0001',
  '9F33': 'E0F8C8',
  '9F35': '22',
  '9F34': '020300',
  '9F45': 'DAC1',
  '9F4C': '0000000000000000',
  '8A': '3030',
  '91': '',
}

/** The values of a DOL, cut or filled with zeros on the right. */
export function dolValues(dol: Uint8Array, values: Readonly<Record<string, string>>): Uint8Array {
  const parts: Uint8Array[] = []
  for (let at = 0; at < dol.length; ) {
    const size = (dol[at] & 0x1f) === 0x1f ? 2 : 1
    const value = fromHex(values[hex(dol.subarray(at, at + size))] ?? '')
    const wanted = new Uint8Array(dol[at + size])
    wanted.set(value.subarray(0, wanted.length))
    parts.push(wanted)
    at += size + 1
  }
  return concat(...parts)
}

export interface Opened {
  readonly card: ContactSession
  /** FCI, GPO and record objects by hex tag. */
  readonly objects: Map<string, Uint8Array>
  /** Records that offline data authentication covers, as Book 3, 10.3 takes them. */
  readonly staticData: Uint8Array
  readonly pdolData: Uint8Array
}

const apdu = (head: string, data: Uint8Array, le = '00') => head + hex(fromUint(data.length, 1)) + hex(data) + le

/** SELECT, GET PROCESSING OPTIONS, READ RECORD by the AFL. */
export async function open(virtual: VirtualCard, aid: string, values = terminalData): Promise<Opened> {
  const card = virtual.contact()
  const objects = leaves((await send(card, apdu('00A40400', fromHex(aid)))).data)
  const pdolData = dolValues(objects.get('9F38') ?? new Uint8Array(), values)
  const options = await send(card, apdu('80A80000', concat(Uint8Array.of(0x83, pdolData.length), pdolData)))
  if (options.sw !== '9000') throw new Error(`GPO answered ${options.sw}`)
  const processing = leaves(options.data)
  const format1 = processing.get('80')
  objects.set('82', format1 ? format1.slice(0, 2) : processing.get('82')!)
  objects.set('94', format1 ? format1.slice(2) : processing.get('94')!)
  const covered: Uint8Array[] = []
  const afl = objects.get('94')!
  for (let at = 0; at < afl.length; at += 4) {
    const [sfi, first, last, signed] = afl.subarray(at, at + 4)
    for (let record = first; record <= last; record++) {
      const { data, sw } = await send(card, `00B2${hex(Uint8Array.of(record, sfi | 4))}00`)
      if (sw !== '9000') throw new Error(`record ${sfi >> 3}.${record} answered ${sw}`)
      for (const [tag, value] of leaves(data)) objects.set(tag, value)
      if (record - first < signed) covered.push(sfi >> 3 <= 10 ? data.subarray(data[1] === 0x81 ? 3 : 2) : data)
    }
  }
  return { card, objects, staticData: concat(...covered, objects.has('9F4A') ? objects.get('82')! : new Uint8Array()), pdolData }
}

export interface Cryptogram {
  readonly sw: string
  /** 9F27, 9F36, 9F26, 9F10 and 9F4B where there. */
  readonly objects: Map<string, Uint8Array>
  readonly data: Uint8Array
  readonly dolData: Uint8Array
}

/** GENERATE AC with CDOL1 (`first`) or CDOL2. */
export async function generate(opened: Opened, p1: string, which: '8C' | '8D', values = terminalData): Promise<Cryptogram> {
  const dolData = dolValues(opened.objects.get(which)!, values)
  const { data, sw } = await send(opened.card, apdu(`80AE${p1}00`, dolData))
  const objects = leaves(data)
  const format1 = objects.get('80')
  if (format1)
    for (const [tag, from, to] of [
      ['9F27', 0, 1],
      ['9F36', 1, 3],
      ['9F26', 3, 11],
      ['9F10', 11, undefined],
    ] as const)
      objects.set(tag, format1.slice(from, to))
  return { sw, objects, data, dolData }
}

/** The card's master keys as `src/crypto` derives them: independent of the card's own. */
export function cardKeys({ masterKeys, pan, psn, version }: IssuerAccount) {
  const derive = (key: Uint8Array) => iccMasterKey(key, pan, psn, cryptogramVersions[version].option)
  return { ac: derive(masterKeys.ac), mac: derive(masterKeys.smi), encipherment: derive(masterKeys.smc) }
}

/** The cryptogram that `src/crypto` expects for what the terminal sent and the card answered. */
export function expectedAc(account: IssuerAccount, opened: Opened, answer: Cryptogram, values = terminalData): string {
  const tags = new Map(Object.entries(values).map(([tag, value]) => [Number.parseInt(tag, 16), fromHex(value)]))
  tags.set(0x82, opened.objects.get('82')!)
  tags.set(0x9f36, answer.objects.get('9F36')!)
  const issuerData = account.issuerData(answer.objects.get('9F10')!)
  return hex(versionCryptogram(cryptogramVersions[account.version], cardKeys(account), tags, issuerData))
}

export function sessionOf(arqc: Cryptogram) {
  return { atc: arqc.objects.get('9F36')!, cryptogram: arqc.objects.get('9F26')!, unpredictable: fromHex(terminalData['9F37']) }
}

/** 91 that approves: ARPC with response code 00, or with a Card Status Update. */
export function approval(account: IssuerAccount, arqc: Cryptogram, csu = '00800000'): string {
  const version = cryptogramVersions[account.version]
  const response = version.arpc === 1 ? fromText('00') : fromHex(csu)
  const arpc = versionArpc(version, cardKeys(account), sessionOf(arqc), response)
  return hex(concat(arpc, response))
}

/** A script command with its MAC. */
export function secured(account: IssuerAccount, arqc: Cryptogram, head: string, data = ''): string {
  const header = fromHex(head + hex(Uint8Array.of(data.length / 2 + 8)))
  const mac = versionCommandMac(cryptogramVersions[account.version], cardKeys(account), sessionOf(arqc), header, fromHex(data))
  return hex(header) + data + hex(mac)
}

function recover(modulus: Uint8Array, exponent: Uint8Array, signature: Uint8Array): Uint8Array {
  const jwk = { kty: 'RSA', n: Buffer.from(modulus).toString('base64url'), e: Buffer.from(exponent).toString('base64url') }
  const key = createPublicKey({ key: jwk, format: 'jwk' })
  return new Uint8Array(publicEncrypt({ key, padding: constants.RSA_NO_PADDING }, signature))
}

const sha1 = (...parts: Uint8Array[]) =>
  new Uint8Array(
    createHash('sha1')
      .update(concat(...parts))
      .digest(),
  )

/** Opens a signature and checks header, trailer and hash. @throws Error that names what is wrong */
export function opened(modulus: Uint8Array, exponent: Uint8Array, signature: Uint8Array, ...also: Uint8Array[]): Uint8Array {
  if (signature.length !== modulus.length) throw new Error('length')
  const plain = recover(modulus, exponent, signature)
  if (plain[0] !== 0x6a || plain.at(-1) !== 0xbc) throw new Error('header or trailer')
  const hash = plain.subarray(-21, -1)
  if (!equal(hash, sha1(plain.subarray(1, -21), ...also))) throw new Error('hash')
  return plain
}

export interface PublicKey {
  readonly modulus: Uint8Array
  readonly exponent: Uint8Array
  readonly certificate: Uint8Array
}

const none = new Uint8Array()

/** The issuer's public key out of 90, 92, 9F32 with the CA key that 8F names. */
export function issuerKey({ objects }: Opened): PublicKey {
  const aid = objects.get('84')!
  const ca = testCaKeys.find(({ rid, index }) => equal(rid, aid.subarray(0, 5)) && index === objects.get('8F')![0])
  if (!ca) throw new Error('no CA key')
  const exponent = objects.get('9F32')!
  const certificate = opened(ca.modulus, ca.exponent, objects.get('90')!, objects.get('92') ?? none, exponent)
  return { ...keyIn(certificate, 15, objects.get('92') ?? none), exponent, certificate }
}

/** The card's public key out of 9F46, 9F48, 9F47. */
export function iccKey(card: Opened): PublicKey {
  const { objects, staticData } = card
  const issuer = issuerKey(card)
  const [remainder, exponent] = [objects.get('9F48') ?? none, objects.get('9F47')!]
  const certificate = opened(issuer.modulus, issuer.exponent, objects.get('9F46')!, remainder, exponent, staticData)
  return { ...keyIn(certificate, 21, remainder), exponent, certificate }
}

/** The PIN encipherment key out of 9F2D, 9F2F, 9F2E. */
export function pinKey(card: Opened): PublicKey {
  const { objects } = card
  const issuer = issuerKey(card)
  const [remainder, exponent] = [objects.get('9F2F') ?? none, objects.get('9F2E')!]
  const certificate = opened(issuer.modulus, issuer.exponent, objects.get('9F2D')!, remainder, exponent)
  return { ...keyIn(certificate, 21, remainder), exponent, certificate }
}

/** The modulus of a certificate whose key begins at `at`; the key's length is two bytes before. */
function keyIn(certificate: Uint8Array, at: number, remainder: Uint8Array): { modulus: Uint8Array } {
  const length = certificate[at - 2]
  return { modulus: concat(certificate.slice(at, Math.min(at + length, certificate.length - 21)), remainder) }
}

/** Offline data authentication as far as the card's AIP goes: `ok`, or what failed. CDA is asked for with `p1` 90 and its answer given here. */
export async function authenticate(card: Opened, combined?: Cryptogram): Promise<string> {
  const { objects, staticData } = card
  const aip = objects.get('82')![0]
  const unpredictable = fromHex(terminalData['9F37'])
  try {
    if (objects.has('9F4A') && hex(objects.get('9F4A')!) !== '82') return 'tag list'
    if (combined) {
      const icc = iccKey(card)
      const plain = opened(icc.modulus, icc.exponent, combined.objects.get('9F4B')!, unpredictable)
      const dynamic = plain.subarray(4, 4 + plain[3])
      const number = dynamic[0]
      // Cryptogram Information Data, cryptogram, then the hash over DOL values and all of the answer but 9F4B.
      const rest = [0x9f27, 0x9f36, 0x9f10].map(
        tag => new Uint8Array(new tlv.TLV(tag, Buffer.from(combined.objects.get(hex(fromUint(tag, 2)))!)).encode()),
      )
      if (!equal(dynamic.subarray(-20), sha1(card.pdolData, combined.dolData, ...rest))) return 'transaction data hash'
      if (dynamic[1 + number] !== combined.objects.get('9F27')![0]) return 'cryptogram information data'
      combined.objects.set('9F26', dynamic.slice(2 + number, 10 + number))
      return 'ok'
    }
    if (aip & 0x20) {
      const icc = iccKey(card)
      const answer = leaves((await send(card.card, `0088000004${hex(unpredictable)}00`)).data)
      opened(icc.modulus, icc.exponent, answer.get('9F4B') ?? answer.get('80')!, unpredictable)
      return 'ok'
    }
    if (!(aip & 0x40)) return 'none'
    const issuer = issuerKey(card)
    const plain = opened(issuer.modulus, issuer.exponent, objects.get('93')!, staticData)
    return hex(plain.subarray(1, 5)) === '0301DAC1' ? 'ok' : 'data authentication code'
  } catch (error) {
    return (error as Error).message
  }
}

/** A plaintext or, under `key`, an enciphered VERIFY. */
export async function verifyPin(card: ContactSession, pin: string, key?: PublicKey): Promise<string> {
  const block = `2${pin.length.toString(16)}${pin}`.padEnd(16, 'F')
  if (!key) return (await send(card, `0020008008${block}`)).sw
  const challenge = (await send(card, '0084000000')).data
  const clear = concat(fromHex(`7F${block}`), challenge, new Uint8Array(key.modulus.length - 17).fill(0x5a))
  return (await send(card, apdu('00200088', recover(key.modulus, key.exponent, clear), ''))).sw
}
