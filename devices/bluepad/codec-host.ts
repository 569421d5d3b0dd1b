/**
 * OUR OWN, and no vendor's: what a virtual BluePad says to a host that lives in the app, and hears from it. A real reader sends an HTTP request whose body only its
 * own gateway can read; this one names a host that cannot exist, and by that name alone the driver knows it.
 */

import { concat, fromText, text } from '../../src/bytes.ts'
import { Fault } from '../../src/errors.ts'
import { read, write } from '../../src/tlv/ber.ts'

/** In the domain that is reserved never to be one (RFC 2606): no real reader asks for it. */
export const APP_HOST = 'authorise.tapdip.invalid'
/** Element of the init answer's XML: the reader understands the elements below. Nothing of them is sent to one that does not say so. */
export const EXTENSIONS = 'TapdipExtensions'
/** Elements of a request: interfaces that may be used, blank between them; the merchant forces the payment online. */
export const requestElements = {
  interfaces: 'TapdipInterfaces',
  forceOnline: 'TapdipForceOnline',
  /** When a chip cannot be read: how often the card is asked for again, then what stands in for it: `2 swipe tap`. */
  fallback: 'TapdipChipFallback',
  /** Labels or payment systems that come first on the reader's list, `|` between them. */
  prefer: 'TapdipPrefer',
} as const
/** Elements of an event. A chip was not read: what is asked for now, and how often it is asked again after that: `chip 1`, `swipe 0`. */
export const eventElements = { ask: 'TapdipAsk' } as const
/** Elements of an answer: why it ended so, a fault code, data objects as hex, whether the stripe may be read instead, what the reader must be given. */
export const answerElements = {
  reason: 'TapdipReason',
  fault: 'TapdipFault',
  data: 'TapdipData',
  fallback: 'TapdipFallback',
  cvm: 'TapdipCvm',
  needs: 'TapdipNeeds',
} as const

const interfaces = ['chip', 'tap', 'swipe'] as const
export const cvms = ['none', 'onlinePin', 'offlinePin', 'signature', 'device'] as const
const results = ['unableToGoOnline', 'approved', 'declined', 'referral'] as const

/** What the reader asks its host. */
export interface HostQuestion {
  /** How the card was read, where the reader tells. */
  readonly interface?: (typeof interfaces)[number] | undefined
  /** How the cardholder was verified, where the reader tells. */
  readonly cvm?: (typeof cvms)[number] | undefined
  /** Data objects of card and terminal, by tag. */
  readonly tags: ReadonlyMap<number, Uint8Array>
  /** The PIN, enciphered in the reader. */
  readonly pinBlock?: {
    /** ISO 9564-1. */
    readonly format: 0 | 3 | 4
    /** 8 bytes; 16 of format 4. */
    readonly data: Uint8Array
    /** Key serial number of DUKPT. */
    readonly ksn: Uint8Array
  }
}

/** What the host answers. */
export type HostReply =
  | {
      /** It could not be reached. */
      readonly type: 'unableToGoOnline'
    }
  | {
      /** What it decided. */
      readonly type: 'approved' | 'declined' | 'referral'
      /** ISO 8583, field 39. */
      readonly code: string
      /** For the card: 91. */
      readonly issuerAuthenticationData?: Uint8Array
      /** For the card: templates 71 and 72, whole. */
      readonly scripts?: readonly Uint8Array[]
      /** For the slip: ISO 8583, field 38. */
      readonly authorisationCode?: string
      /** For the slip: ISO 8583, field 37. */
      readonly rrn?: string
    }

/** In the private class, beside the project's own tags for swipes. */
const own = {
  interface: 0xdfd110,
  cvm: 0xdfd111,
  pinFormat: 0xdfd112,
  pinBlock: 0xdfd113,
  pinKsn: 0xdfd114,
  result: 0xdfd115,
  rrn: 0xdfd116,
} as const
const ARC = 0x8a
const IAD = 0x91
const AUTHORISATION_CODE = 0x89
const scriptTags = [0x71, 0x72]

export function encodeQuestion({ interface: by, cvm, tags, pinBlock }: HostQuestion): Uint8Array {
  const body = concat(
    ...(by ? [write(own.interface, Uint8Array.of(interfaces.indexOf(by)))] : []),
    ...(cvm ? [write(own.cvm, Uint8Array.of(cvms.indexOf(cvm)))] : []),
    ...(pinBlock
      ? [write(own.pinFormat, Uint8Array.of(pinBlock.format)), write(own.pinBlock, pinBlock.data), write(own.pinKsn, pinBlock.ksn)]
      : []),
    ...[...tags].map(([tag, value]) => write(tag, value)),
  )
  const head = [
    'POST /authorisation HTTP/1.1',
    `Host: ${APP_HOST}`,
    'Content-Type: application/octet-stream',
    `Content-Length: ${body.length}`,
  ]
  return http(head, body)
}

/** @throws Fault `protocol` */
export function decodeQuestion(request: Uint8Array): HostQuestion {
  const tags = objects(request)
  const take = (tag: number) => {
    const value = tags.get(tag)
    tags.delete(tag)
    return value
  }
  const by = interfaces[take(own.interface)?.[0] ?? -1]
  const cvm = cvms[take(own.cvm)?.[0] ?? -1]
  const [format, data, ksn] = [take(own.pinFormat)?.[0], take(own.pinBlock), take(own.pinKsn)]
  const known = format === 0 || format === 3 || format === 4
  return { ...(by && { interface: by }), ...(cvm && { cvm }), tags, ...(known && data && ksn && { pinBlock: { format, data, ksn } }) }
}

export function encodeReply(reply: HostReply): Uint8Array {
  const result = write(own.result, Uint8Array.of(results.indexOf(reply.type)))
  if (reply.type === 'unableToGoOnline') return http(['HTTP/1.1 200 OK'], result)
  const { code, issuerAuthenticationData, scripts = [], authorisationCode, rrn } = reply
  const body = concat(
    result,
    write(ARC, fromText(code)),
    ...(issuerAuthenticationData ? [write(IAD, issuerAuthenticationData)] : []),
    ...(authorisationCode ? [write(AUTHORISATION_CODE, fromText(authorisationCode))] : []),
    ...(rrn ? [write(own.rrn, fromText(rrn))] : []),
    ...scripts,
  )
  return http(['HTTP/1.1 200 OK'], body)
}

/** @throws Fault `protocol` */
export function decodeReply(response: Uint8Array): HostReply {
  const body = bodyOf(response)
  const tags = objects(response)
  const type = results[tags.get(own.result)?.[0] ?? -1]
  if (!type) throw new Fault('protocol', 'the answer of the host says no result')
  if (type === 'unableToGoOnline') return { type }
  const [code, iad, authorisationCode, rrn] = [ARC, IAD, AUTHORISATION_CODE, own.rrn].map(tag => tags.get(tag))
  if (code?.length !== 2) throw new Fault('protocol', 'the answer of the host has no response code')
  // Scripts go on as they came, template and all.
  const scripts = read(body)
    .filter(({ tag }) => scriptTags.includes(tag))
    .map(({ tag, value }) => write(tag, value))
  return {
    type,
    code: text(code),
    ...(iad && { issuerAuthenticationData: iad }),
    ...(scripts.length > 0 && { scripts }),
    ...(authorisationCode && { authorisationCode: text(authorisationCode) }),
    ...(rrn && { rrn: text(rrn) }),
  }
}

function http(head: readonly string[], body: Uint8Array): Uint8Array {
  return concat(fromText(`${head.join('\r\n')}\r\n\r\n`), body)
}

function bodyOf(message: Uint8Array): Uint8Array {
  const at = text(message).indexOf('\r\n\r\n')
  if (at < 0) throw new Fault('protocol', 'the message for the host has no end of its head')
  return message.subarray(at + 4)
}

function objects(message: Uint8Array): Map<number, Uint8Array> {
  try {
    return new Map(read(bodyOf(message)).map(({ tag, value }) => [tag, value.slice()]))
  } catch (cause) {
    throw new Fault('protocol', 'the message for the host is no TLV', {}, { cause })
  }
}
