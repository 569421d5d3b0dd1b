/** What an event says, value by value: data objects by tag, everything else by its path, for who compares two of them. */

import { decodeCommand, decodeResponse } from '../apdu/apdu.ts'
import { fromHex, hex } from '../bytes.ts'
import { isFault } from '../errors.ts'
import { isConstructed, MAX_DEPTH, readTolerant, tagHex } from '../tlv/ber.ts'
import { parseDol } from '../tlv/dol.ts'
import { openFormat1 } from '../tlv/format1.ts'
import type { Json, TraceEvent } from './event.ts'

/** Values by name: a tag in upper-case hex (`9F26`, the second of one answer as `9F26#2`), `sw`, or a path (`content.outcome.reason`). */
export type Contents = ReadonlyMap<string, string>

/** Reads the events of one run in their order: what a command to a card holds is told by the lists that the card gave before. */
export class ContentsReader {
  /** 9F38, 8C, 8D, 9F49, as the card gave them last. */
  readonly #lists = new Map<number, Uint8Array>()
  #cryptograms = 0

  /** What an event says, without its time and its span. */
  of(event: TraceEvent): Contents {
    const values = new Map<string, string>()
    const put = (name: string, value: string) => {
      let key = name
      for (let more = 2; values.has(key); more++) key = `${name}#${more}`
      values.set(key, value)
    }
    switch (event.kind) {
      case 'apdu':
        this.#exchange(event.command, event.answer, put)
        break
      case 'kernel':
        for (const [tag, value] of Object.entries(event.inputs)) put(tag.toUpperCase(), value)
        for (const effect of event.effect) put(`effect ${effect}`, 'set')
        break
      case 'message':
      case 'result':
      case 'app':
      case 'host':
      case 'journal':
      case 'reader':
        if ('result' in event) put('result', event.result)
        if ('reason' in event && event.reason !== undefined) put('reason', event.reason)
        if (event.content !== undefined) leaves('', event.content, put)
        break
      case 'screen':
        put('lines', event.lines.join(' / '))
        break
      case 'spanEnd':
        put('fault', event.fault ?? 'none')
        break
      default: // what tells one of these from another is its name
    }
    return values
  }

  #exchange(command: string, answer: string | undefined, put: (name: string, value: string) => void): void {
    const asked = fromHex(command)
    this.#command(asked, put)
    if (answer === undefined) {
      put('answer', 'none')
      return
    }
    const { data, sw } = responseOf(answer)
    put('sw', sw)
    if (!this.#objects(data, asked[1], put)) put('answer', hex(data))
  }

  /** The data of GET PROCESSING OPTIONS, GENERATE AC and INTERNAL AUTHENTICATE by the list that asks for them; other data as they are. */
  #command(asked: Uint8Array, put: (name: string, value: string) => void): void {
    const data = dataOf(asked)
    if (asked[1] === 0xa8) this.#cryptograms = 0
    if (asked[1] === 0xae) this.#cryptograms++
    if (!data) return
    const list =
      asked[1] === 0xa8 ? 0x9f38 : asked[1] === 0xae ? (this.#cryptograms > 1 ? 0x8d : 0x8c) : asked[1] === 0x88 ? 0x9f49 : undefined
    const values = asked[1] === 0xa8 && data[0] === 0x83 ? readTolerant(data).objects[0]?.value : data
    if (list === undefined || !values || !split(this.#lists.get(list), values, put)) put('command', hex(data))
  }

  /** Every data object, templates opened; false where it is no TLV. */
  #objects(bytes: Uint8Array, ins: number, put: (name: string, value: string) => void, depth = 0): boolean {
    const { objects, fault } = readTolerant(bytes)
    if (fault || (objects.length === 0 && bytes.length > 0)) return false
    for (const { tag, value } of objects) {
      if ([0x9f38, 0x8c, 0x8d, 0x9f49].includes(tag)) this.#lists.set(tag, value)
      const opened = tag === 0x80 ? openFormat1(value, ins) : undefined
      if (opened) for (const [part, from, to] of opened.parts) put(tagHex(part), hex(value.subarray(from, to)))
      else if (!isConstructed(tag) || depth >= MAX_DEPTH || !this.#objects(value, ins, put, depth + 1)) put(tagHex(tag), hex(value))
    }
    return true
  }
}

function responseOf(answer: string): { readonly data: Uint8Array; readonly sw: string } {
  const bytes = fromHex(answer)
  if (bytes.length < 2) return { data: bytes, sw: 'none' }
  return { data: decodeResponse(bytes).data, sw: hex(bytes.subarray(-2)) }
}

function dataOf(command: Uint8Array): Uint8Array | undefined {
  try {
    return decodeCommand(command).data
  } catch (error) {
    if (!isFault(error)) throw error
    return command.subarray(4) // of no form that EMV has: as it is
  }
}

/** The values that a list asks for, one by one; false where they do not fit it. */
function split(list: Uint8Array | undefined, values: Uint8Array, put: (name: string, value: string) => void): boolean {
  try {
    const entries = list && parseDol(list)
    if (!entries || entries.reduce((sum, { length }) => sum + length, 0) !== values.length) return false
    let at = 0
    for (const { tag, length } of entries) put(tagHex(tag), hex(values.subarray(at, (at += length))))
    return true
  } catch (error) {
    if (isFault(error)) return false
    throw error
  }
}

const tagName = /^(?:[0-9A-Fa-f]{2}){1,3}$/

/** Leaves of JSON by their path; what stands under a tag is that tag's. */
function leaves(path: string, value: Json | undefined, put: (name: string, value: string) => void, depth = 0): void {
  const last = path.slice(path.lastIndexOf('.') + 1)
  if (typeof value === 'object' && value !== null && depth <= MAX_DEPTH) {
    for (const [name, inner] of Object.entries(value)) leaves(path === '' ? name : `${path}.${name}`, inner, put, depth + 1)
    return
  }
  const object = typeof value === 'string' && isTag(last) && /^[0-9A-F*]*$/i.test(value)
  put(object ? last.toUpperCase() : path || 'content', typeof value === 'object' ? JSON.stringify(value) : String(value))
}

/** A tag, and no number of a list. */
const isTag = (name: string) => tagName.test(name) && !/^\d$/.test(name) && (name.length > 2 || /[A-F]|^[4-9]\d/i.test(name))
