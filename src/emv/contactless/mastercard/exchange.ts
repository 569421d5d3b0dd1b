/** Kernel 2's data exchange with the terminal while the card is in the field: what it lacks and what it has read, tags to read and to write (EMV Contactless Book C-2, 2.2 and 3.4). */

import { within } from '../../../clock.ts'
import { Fault, isFault } from '../../../errors.ts'
import { isConstructed, read, type Tlv } from '../../../tlv/ber.ts'
import { parseDol } from '../../../tlv/dol.ts'
import { kernelDictionaries } from '../../../tlv/kernels.ts'
import { tagName } from '../../data.ts'
import type { Kernel } from '../../steps/context.ts'
import { getData } from '../../steps/get-data.ts'
import type { Terminal } from '../../terminal.ts'

/** Tags of data exchange. */
export const EXCHANGE = {
  toRead: 0xdf8112,
  toWriteBefore: 0xff8102,
  toWriteAfter: 0xff8103,
  proceed: 0xdf8110,
  timeout: 0xdf8127,
  putBefore: 0xdf810f,
  putAfter: 0xdf810e,
} as const

/** What GET DATA reads in this kernel: the balance, and the envelopes of standalone data storage. */
const gettable: ReadonlySet<number> = new Set([0x9f50, ...Array.from({ length: 10 }, (_, i) => 0x9f70 + i)])

/**
 * What a terminal may answer besides what it was asked for: lists, the flag, and the objects of data storage (assumed from the Book's dictionary: those
 * whose source is the terminal).
 */
const answerable: ReadonlySet<number> = new Set([
  EXCHANGE.toRead, EXCHANGE.toWriteBefore, EXCHANGE.toWriteAfter, EXCHANGE.proceed,
  0x9f5c, 0x9f53, 0x9f7c, 0xdf60, 0xdf62, 0xdf63, 0xdf8108, 0xdf8109, 0xdf810a,
]) // biome-ignore format: a list

/** Who answers Data Exchange (EMV Contactless Book C-2, 3.6): `exchangeData` of a Terminal. */
export type DataExchangeHandler = NonNullable<Terminal['exchangeData']>

/** The terminal did not answer in time, or with nothing that lets the kernel go on (Error Indication, L3 "time out"). */
export function isExchangeTimeout(fault: unknown): fault is Fault {
  return isFault(fault, 'timeout')
}

/** @throws Fault `tlv` on a list that is none */
function parseTagList(bytes: Uint8Array): number[] {
  const tags: number[] = []
  for (let at = 0; at < bytes.length; ) {
    const first = at
    let tag = bytes[at++]
    if ((tag & 0x1f) === 0x1f)
      for (let more = true; more; ) {
        if (at >= bytes.length || at - first === 3) throw new Fault('tlv', `tag list: no tag at offset ${first}`, { offset: first })
        more = bytes[at] >= 0x80
        tag = tag * 256 + bytes[at++]
      }
    tags.push(tag)
  }
  return tags
}

/** Objects of a list of tags to write: what PUT DATA can name. @throws Fault `bad-argument` naming the list, `tlv` */
function parseTagsToWrite(list: number, value: Uint8Array): Tlv[] {
  const objects = read(value)
  for (const { tag } of objects)
    if (tag > 0xffff || isConstructed(tag))
      throw new Fault('bad-argument', `${tagName(list)}: ${tagName(tag)} is no tag for PUT DATA, the rule is 1 or 2 bytes, primitive`, {
        field: tagName(list),
      })
  return objects
}

/**
 * What a configuration says of data exchange and storage, before any card is asked for.
 * @throws Fault `bad-config` on an object of wrong length or a list that is none; `unsupported` where nobody could answer
 */
export function checkExchange(own: ReadonlyMap<number, Uint8Array>, answered: boolean): void {
  const refuse = (code: 'bad-config' | 'unsupported', tag: number, rule: string) => {
    throw new Fault(code, `Mastercard ${tagName(tag)}: ${rule}`, { path: tagName(tag), rule, feature: 'data exchange' })
  }
  for (const tag of [...answerable, DSVN_TERM, EXCHANGE.timeout]) {
    const value = own.get(tag)
    const known = kernelDictionaries.mastercard.get(tag)
    if (value && value.length > 0 && known && (value.length < known.min || value.length > known.max))
      refuse('bad-config', tag, `${value.length} bytes, the rule is ${known.min} to ${known.max}`)
  }
  try {
    parseTagList(own.get(EXCHANGE.toRead) ?? new Uint8Array())
    for (const tag of [EXCHANGE.toWriteBefore, EXCHANGE.toWriteAfter]) parseTagsToWrite(tag, own.get(tag) ?? new Uint8Array())
  } catch (fault) {
    if (!isFault(fault, 'tlv', 'bad-argument')) throw fault
    throw new Fault('bad-config', `Mastercard data exchange: ${fault.message}`, { path: 'data' }, { cause: fault })
  }
  if ((own.get(DSVN_TERM)?.length ?? 0) > 0 && !own.has(OPERATOR))
    refuse('bad-config', DSVN_TERM, 'data storage is for an operator, DS Requested Operator ID (9F5C)')
  if (answered) return
  if ((own.get(EXCHANGE.toRead)?.length ?? 0) > 0) refuse('unsupported', EXCHANGE.toRead, 'what is read is told to Terminal.exchangeData')
  const flag = own.get(EXCHANGE.proceed)
  if (flag && (flag[0] ?? 0) === 0) refuse('unsupported', EXCHANGE.proceed, 'the leave to go on comes from Terminal.exchangeData')
}

/** DSVN Term, which says that the terminal has data storage, and DS Requested Operator ID. */
const DSVN_TERM = 0xdf810d
const OPERATOR = 0x9f5c

/** One run's side of the exchange. Without a handler nobody is told or asked, and lists of the configuration are worked off all the same. */
export class Exchange {
  readonly #kernel: Kernel
  readonly #handler: DataExchangeHandler | undefined
  readonly #toRead = new Set<number>()
  readonly #needed = new Set<number>()
  readonly #toSend = new Map<number, Uint8Array>()
  readonly #toWrite: Record<'before' | 'after', Tlv[]> = { before: [], after: [] }

  constructor(kernel: Kernel, handler: DataExchangeHandler | undefined) {
    this.#kernel = kernel
    this.#handler = handler
    for (const tag of [EXCHANGE.toRead, EXCHANGE.toWriteBefore, EXCHANGE.toWriteAfter]) {
      const value = kernel.data.terminal.get(tag)
      if (value?.length === 0) this.#needed.add(tag)
      else if (value) this.#keep(tag, value)
    }
  }

  /** Whether something is left to be written after the cryptogram. */
  get writesAfter(): boolean {
    return this.#toWrite.after.length > 0
  }

  /** The objects of a DOL that the terminal has to give: present and empty. True where there are some. */
  needFor(dol: Uint8Array | undefined): boolean {
    const missing = parseDol(dol ?? new Uint8Array()).filter(({ tag }) => this.#kernel.data.terminal.get(tag)?.length === 0)
    for (const { tag } of missing) this.#needed.add(tag)
    return missing.length > 0
  }

  tell(tag: number, value: Uint8Array): void {
    this.#toSend.set(tag, value)
  }

  /** GET DATA for what of the tags to read it reads. @throws Fault `card-removed`, `card-mute` */
  async readTags(): Promise<void> {
    for (const tag of [...this.#toRead].filter(one => gettable.has(one))) {
      this.#toRead.delete(tag)
      this.#toSend.set(tag, (await getData(this.#kernel, tag)) ?? new Uint8Array())
    }
  }

  /** Tells the terminal what has been read, and asks for what is needed, where something is due (S3R1.15, S456.8). */
  async speak(): Promise<void> {
    this.#drain(false)
    if (this.#needed.size > 0 || (this.#toSend.size > 0 && this.#toRead.size === 0)) await this.#signal()
  }

  /**
   * Waits for the terminal's leave to write (Proceed To First Write Flag), reading on as it asks (S456.5–11); of a card in mag-stripe mode only records
   * are read (S78.1–7).
   */
  async awaitLeave(reads: 'all' | 'records' = 'all'): Promise<void> {
    const { terminal } = this.#kernel.data
    for (;;) {
      if (reads === 'all') await this.readTags()
      const flag = terminal.get(EXCHANGE.proceed)
      if (!flag || (flag[0] ?? 0) !== 0) return
      if (flag.length === 0) this.#needed.add(EXCHANGE.proceed)
      this.#drain(false)
      await this.#signal()
      const more = [...this.#toRead].some(tag => (reads === 'all' && gettable.has(tag)) || this.#kernel.data.get(tag)?.length)
      if ((terminal.get(EXCHANGE.proceed)?.[0] ?? 0) === 0 && !more)
        throw new Fault('timeout', 'the terminal has not said that the kernel may write (DF8110)', { ms: 0 })
    }
  }

  /** The last word before the cryptogram: everything still to be told, empty where the card has not given it (S456.21). */
  async finish(): Promise<void> {
    this.#drain(true)
    if (this.#needed.size > 0 || this.#toSend.size > 0) await this.#signal()
  }

  /** PUT DATA for a list, up to the first that the card refuses; `status` says whether all were written. @throws Fault `card-removed`, `card-mute` */
  async write(list: 'before' | 'after', status: number): Promise<void> {
    const objects = this.#toWrite[list].splice(0)
    for (const { tag, value } of objects) {
      const { sw } = await this.#kernel.exchange({ cla: 0x80, ins: 0xda, p1: tag >> 8, p2: tag & 0xff, data: value })
      if (sw !== 0x9000) return
    }
    if (objects.length > 0) this.#kernel.data.terminal.set(status, Uint8Array.of(0x80))
  }

  #drain(all: boolean): void {
    for (const tag of this.#toRead) {
      const value = this.#kernel.data.get(tag)
      if (!all && !value?.length) continue
      this.#toSend.set(tag, value ?? new Uint8Array())
      this.#toRead.delete(tag)
    }
  }

  /** DEK out, DET in. @throws Fault `timeout`; `bad-argument` where the answer is none */
  async #signal(): Promise<void> {
    const needed = [...this.#needed]
    const sent = new Map(this.#toSend)
    this.#needed.clear()
    this.#toSend.clear()
    if (!this.#handler) return
    const { clock, signal, data } = this.#kernel
    const [high = 0x01, low = 0xf4] = data.terminal.get(EXCHANGE.timeout) ?? []
    const limit = { timeout: high * 256 + low, signal, clock, what: 'data exchange (DEK)' }
    const answer = await within(limit, inner => this.#handler!({ needed, sent }, { signal: inner }))
    this.#kernel.note({ rule: 'Book C-2: data exchange' }, () => [
      ...needed.map(tag => `${tagName(tag)} asked for`),
      ...[...answer.keys()].map(tag => `${tagName(tag)} answered`),
    ])
    for (const [tag, value] of answer) this.#take(tag, value)
  }

  #take(tag: number, value: Uint8Array): void {
    const { terminal } = this.#kernel.data
    const refuse = (rule: string) => {
      throw new Fault('bad-argument', `exchangeData answered ${tagName(tag)}: ${rule}`, { field: tagName(tag) })
    }
    if (!answerable.has(tag) && terminal.get(tag)?.length !== 0) refuse('neither asked for nor an object of data exchange')
    const known = kernelDictionaries.mastercard.get(tag)
    if (known && (value.length < known.min || value.length > known.max))
      refuse(`${value.length} bytes, the rule is ${known.min} to ${known.max}`)
    if (tag === EXCHANGE.toRead || tag === EXCHANGE.toWriteBefore || tag === EXCHANGE.toWriteAfter) this.#keep(tag, value)
    else terminal.set(tag, value.slice())
  }

  #keep(tag: number, value: Uint8Array): void {
    if (tag === EXCHANGE.toRead) for (const one of parseTagList(value)) this.#toRead.add(one)
    else this.#toWrite[tag === EXCHANGE.toWriteBefore ? 'before' : 'after'].push(...parseTagsToWrite(tag, value))
  }
}
