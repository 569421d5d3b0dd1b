/** GENERATE AC, first and second: the data the card wants, the command, and the checks of its response (EMV 4.4 Book 3, 9 and 10.8; Book 2, 6.6). */

import { sha1 } from '@noble/hashes/legacy.js'
import { hex } from '../../bytes.ts'
import { isFault } from '../../errors.ts'
import { read, readFirst } from '../../tlv/ber.ts'
import { buildDol, parseDol } from '../../tlv/dol.ts'
import { canRequestCda, verifyCda } from '../oda/combined.ts'
import { belongsIn, FROM } from '../steps/card-data.ts'
import type { Kernel, Stop } from '../steps/context.ts'
import type { CryptogramType } from './decide.ts'

/** Reference control parameter, b8–b7, and the type in the Cryptogram Information Data (Book 3, 6.5.5). */
const TYPE = { AAC: 0x00, TC: 0x40, ARQC: 0x80 } as const satisfies Record<CryptogramType, number>
const types: readonly (CryptogramType | undefined)[] = ['AAC', 'TC', 'ARQC']
const CDA_REQUESTED = 0x10

/** Which cryptograms may answer which request (Book 3, 9.3 and 10.8): the card may lower what was asked, never raise it. */
const lower: Readonly<Record<CryptogramType, readonly CryptogramType[]>> = {
  TC: ['TC', 'ARQC', 'AAC'],
  ARQC: ['ARQC', 'AAC'],
  AAC: ['AAC'],
}

/** The cryptogram that the card gave, or how the transaction ends. */
export type Generated =
  | {
      readonly type: CryptogramType
      /** The combined signature was asked for and is wrong or missing. */
      readonly cdaFailed: boolean
    }
  | Stop

export const isStop = (it: Generated): it is Stop => 'result' in it

export async function generateAc(kernel: Kernel, which: 'first' | 'second', request: CryptogramType): Promise<Generated> {
  kernel.step = which === 'first' ? 'cardActionAnalysis' : 'completion'
  const { data } = kernel
  const list = data.card.get(which === 'first' ? 0x8c : 0x8d)!
  if (parseDol(list).some(({ tag }) => tag === 0x98)) data.setTerminal(0x98, transactionHash(kernel))
  const values = buildDol(list, tag => data.get(tag))
  // The signature is asked for with every TC and ARQC once CDA was selected and has not failed (Book 2, 6.6; CDA mode 1 of Book 4, 6.3.2.1).
  const cda = request !== 'AAC' && canRequestCda(kernel)
  const response = await kernel.exchange({
    cla: 0x80,
    ins: 0xae,
    p1: TYPE[request] | (cda ? CDA_REQUESTED : 0),
    p2: 0,
    data: values,
    le: 0,
  })
  if (response.sw !== 0x9000) return refuse(kernel, `the card answers ${hex(Uint8Array.of(response.sw >> 8, response.sw))}`)
  if (which === 'first') kernel.mark('cardRiskManagementPerformed', { rule: 'Book 3, 10.8: first GENERATE AC', inputs: [0x8c] })
  const objects = parseResponse(response.data)
  if (!objects) return refuse(kernel, 'the response is malformed or lacks CID, ATC or cryptogram')
  // What the records said, and data authentication may have signed, is not said again by a cryptogram's response.
  for (const [tag, value] of objects) if (!(belongsIn(tag, FROM.record) && data.card.has(tag))) data.card.set(tag, value)
  const cid = objects.get(0x9f27)![0]
  const type = types[cid >> 6]
  // A second GENERATE AC has no ARQC any more (Book 3, 9.3.2).
  if (!type || !lower[request].includes(type) || (which === 'second' && type === 'ARQC'))
    return refuse(kernel, `${type ?? 'a reserved type'} is no answer to ${request}`)
  kernel.progress.advice ||= (cid & 0x08) !== 0
  kernel.note({ rule: 'Book 3, 10.8: card action analysis', inputs: [0x9f27, 0x9f36, 0x9f10] }, () => [
    `${request} asked, ${type} given`,
    ...(cid & 0x08 ? ['advice required'] : []),
    ...(cid & 0x07 ? [`reason ${reasons[cid & 0x07] ?? 'reserved'}`] : []),
  ])
  kernel.cdolData.push(values)
  // A card that declines signs nothing (Book 2, 6.6.1).
  if (!cda || type === 'AAC') return objects.has(0x9f26) ? { type, cdaFailed: false } : refuse(kernel, 'the response lacks the cryptogram')
  const template = response.data[0] === 0x77 ? readFirst(response.data).value : new Uint8Array()
  const { verified, cid: signed } = verifyCda(kernel, template, [kernel.pdolData ?? new Uint8Array(), ...kernel.cdolData])
  // Where the signature tells another type than the response in clear, the signed one counts (Book 4, 6.3.2.1).
  return { type: (signed !== undefined && types[signed >> 6]) || type, cdaFailed: !verified }
}

/** Reason codes of the Cryptogram Information Data (Book 3, Table 15). */
const reasons: Readonly<Record<number, string>> = {
  1: 'service not allowed',
  2: 'PIN try limit exceeded',
  3: 'issuer authentication failed',
}

/**
 * The data objects of format 1 (80: CID, ATC, cryptogram, issuer application data) or format 2 (77: TLV), Book 3, 6.5.5.4; undefined where one is
 * missing or of a wrong length. In a signed response the cryptogram is inside the signature (9F4B).
 */
function parseResponse(bytes: Uint8Array): Map<number, Uint8Array> | undefined {
  const objects = new Map<number, Uint8Array>()
  try {
    const outer = readFirst(bytes)
    if (outer.tag === 0x80) {
      if (outer.value.length < 11 || outer.value.length > 43) return undefined
      objects.set(0x9f27, outer.value.slice(0, 1)).set(0x9f36, outer.value.slice(1, 3)).set(0x9f26, outer.value.slice(3, 11))
      if (outer.value.length > 11) objects.set(0x9f10, outer.value.slice(11))
    } else if (outer.tag === 0x77) {
      for (const { tag, value } of read(outer.value)) if (belongsIn(tag, FROM.response)) objects.set(tag, value.slice())
    } else return undefined
  } catch (error) {
    if (isFault(error, 'tlv')) return undefined
    throw error
  }
  const length = (tag: number) => objects.get(tag)?.length
  const iad = length(0x9f10)
  const cryptogram = length(0x9f26) === 8 || (length(0x9f26) === undefined && objects.has(0x9f4b))
  return length(0x9f27) === 1 && length(0x9f36) === 2 && cryptogram && (iad === undefined || iad <= 32) ? objects : undefined
}

/** TC Hash Value (98): SHA-1 over what the card's TDOL asks for, or the terminal's default one (Book 3, 9.2.2). */
function transactionHash(kernel: Kernel): Uint8Array {
  const { data, settings } = kernel
  const own = data.card.get(0x97)
  if (!own) kernel.raise('defaultTdolUsed', { rule: 'Book 3, 9.2.2: the card has no TDOL', inputs: [0x97] })
  return sha1(buildDol(own ?? settings?.tdol ?? new Uint8Array(), tag => data.get(tag)))
}

function refuse(kernel: Kernel, why: string): Stop {
  kernel.note({ rule: `Book 3, 9.3: ${why}`, inputs: [0x9f27] }, () => 'terminated')
  return { result: 'declined', reason: 'cardError' }
}
