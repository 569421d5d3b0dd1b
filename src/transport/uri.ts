/** Where a reader is: the URIs of links, taken apart. */

import * as door from '../door.ts'
import { Fault } from '../errors.ts'

/** `?family=qpos&baud=9600`, as it was written; each part takes what it knows. */
export type Query = Readonly<Record<string, string>>

/** A URI taken apart; `scheme` says which parts it has. */
export type Uri = {
  /** As it was written. */
  readonly uri: string
  /** Name and value of each part behind `?`. */
  readonly query: Query
} & (
  | {
      /** A socket. */
      readonly scheme: 'tcp'
      /** A name or an address; of IPv6 without brackets. */
      readonly host: string
      /** 1–65535. */
      readonly port: number
    }
  | {
      /** A serial port, or what looks like one. */
      readonly scheme: 'serial'
      /** `/dev/ttyACM0`, `COM3`. */
      readonly path: string
    }
  | {
      /** A USB device of the HID class. */
      readonly scheme: 'hid'
      /** USB vendor id. */
      readonly vendor: number
      /** USB product id. */
      readonly product: number
    }
  | {
      /** Bluetooth LE. */
      readonly scheme: 'ble'
      /** The advertised name or the address; empty: any reader. */
      readonly name: string
    }
  | {
      /** The PC/SC service. */
      readonly scheme: 'pcsc'
      /** The reader's name, or a part of it; empty: the first. */
      readonly name: string
    }
  | {
      /** The recording of a line. */
      readonly scheme: 'replay'
      /** Of its file. */
      readonly path: string
    }
)

export type Scheme = Uri['scheme']

/** The accepted forms, by scheme. */
export const uriForms: Readonly<Record<Scheme, string>> = {
  serial: 'serial:/dev/ttyACM0?baud=115200',
  tcp: 'tcp://127.0.0.1:9100',
  ble: 'ble:PP0918900518',
  hid: 'hid:0801:0019',
  pcsc: 'pcsc:',
  replay: 'replay:payment.jsonl',
}

/** Characters of a URI; the path of a port or of a file has at most 4096 of them. */
const LONGEST = 8192

/**
 * Takes a URI apart. Each form may carry a query, such as `?family=qpos`.
 * @throws Fault `bad-uri`, with the accepted forms in its message
 */
export function parseUri(uri: string): Uri {
  door.need('uri', uri, door.anyText)
  if (uri.length > LONGEST) throw badUri(`${uri.slice(0, 60)}…`, `it has ${uri.length} characters, the rule is at most ${LONGEST}`)
  const [, scheme, rest, search] = /^([a-z]+):([^?]*)(?:\?(.*))?$/s.exec(uri) ?? []
  if (scheme === undefined || !Object.hasOwn(uriForms, scheme)) throw badUri(uri, 'it begins with no known scheme')
  const query = parseQuery(uri, search ?? '')
  switch (scheme as Scheme) {
    case 'tcp': {
      const [, v6, name, digits] = /^\/\/(?:\[([0-9a-fA-F:.]+)\]|([^\s:/[\]@]+)):(\d{1,5})\/?$/.exec(rest) ?? []
      const port = Number(digits)
      if (!(port >= 1 && port <= 65535)) throw badUri(uri, 'a host and a port from 1 to 65535 follow tcp://')
      return { uri, scheme: 'tcp', host: v6 ?? name, port, query }
    }
    case 'serial': {
      const path = decode(uri, rest)
      if (path === '') throw badUri(uri, 'the path of the port is missing')
      return { uri, scheme: 'serial', path, query }
    }
    case 'hid': {
      const [, vendor, product] = /^([0-9a-fA-F]{4}):([0-9a-fA-F]{4})$/.exec(rest) ?? []
      if (vendor === undefined) throw badUri(uri, 'four hex digits of vendor and product follow hid:')
      return { uri, scheme: 'hid', vendor: Number.parseInt(vendor, 16), product: Number.parseInt(product, 16), query }
    }
    case 'replay': {
      const path = decode(uri, rest)
      if (path === '') throw badUri(uri, 'the path of the recording is missing')
      return { uri, scheme: 'replay', path, query }
    }
    case 'ble':
    case 'pcsc':
      return { uri, scheme: scheme as 'ble' | 'pcsc', name: decode(uri, rest), query }
  }
}

/** The number `name` of the query, or `otherwise`. @throws Fault `bad-uri` */
export function queryNumber({ uri, query }: Uri, name: string, otherwise: number): number {
  const text = query[name]
  if (text === undefined) return otherwise
  if (!/^\d{1,9}$/.test(text)) throw badUri(uri, `${name} is a whole number, not '${text}'`)
  return Number(text)
}

/** The word `name` of the query, one of `words`; the first of them when it is left out. @throws Fault `bad-uri` */
export function queryWord<W extends string>({ uri, query }: Uri, name: string, words: readonly [W, ...W[]]): W {
  const word = query[name] ?? words[0]
  const known = words.find(one => one === word)
  if (known === undefined) throw badUri(uri, `${name} is one of ${words.join(', ')}, not '${word}'`)
  return known
}

function parseQuery(uri: string, search: string): Query {
  const query: Record<string, string> = Object.create(null)
  for (const pair of search.split('&').filter(pair => pair !== '')) {
    const [, name, value] = /^([^=]+)=(.*)$/s.exec(pair) ?? []
    if (name === undefined) throw badUri(uri, `'${pair}' is no name=value`)
    query[decode(uri, name)] = decode(uri, value)
  }
  return query
}

function decode(uri: string, text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw badUri(uri, `'${text}' holds a % that is no escape`)
  }
}

function badUri(uri: string, why: string): Fault {
  return new Fault('bad-uri', `'${uri}': ${why}. Forms: ${Object.values(uriForms).join(' · ')}`, { uri })
}
