/** A reader for payment tests: a virtual card, hand-made APDUs and a real PIN pad key; the order of steps is fixed, the cryptograms are real. */

import type { VirtualCard } from '../../simulator/cards/icc.ts'
import { freshSerial, testPinDukpt } from '../../simulator/keys.ts'
import { fromHex, fromText, hex, toBcd } from '../../src/bytes.ts'
import { encryptEcb } from '../../src/crypto/des.ts'
import { DukptDevice, initialKey, pinKey } from '../../src/crypto/dukpt.ts'
import { encodeFormat0, pinOf } from '../../src/crypto/pin.ts'
import type { CvmName, Outcome } from '../../src/emv/outcome.ts'
import { TRANSACTION_TYPE } from '../../src/emv/steps/start.ts'
import type { Candidate } from '../../src/emv/terminal.ts'
import { Fault } from '../../src/errors.ts'
import { panOf } from '../../src/payment/receipt/receipt.ts'
import { Queue } from '../../src/queue.ts'
import type { Reader, ReaderEvent, ReaderStatus } from '../../src/reader/reader.ts'
import { generate, open, send, terminalData } from '../simulator/cards/card-bench.ts'

export interface CounterReaderOptions {
  readonly card: VirtualCard
  readonly cvm?: CvmName
  /** How the card is presented, as it is told; the chip when left out. */
  readonly by?: 'chip' | 'tap'
  /** PINs typed one after the other, the last one again and again. */
  readonly pins?: readonly string[]
  readonly battery?: ReaderStatus['battery']
  /** Where the reader breaks: before the host is asked, or when it has answered. */
  readonly breaks?: 'beforeHost' | 'afterHost'
  /** The card approves by itself. */
  readonly offline?: boolean
  /** Where no answer of the host is known, the terminal asks the card to approve. */
  readonly byDefault?: boolean
  /** What is changed in the data for the host, after the card has made its cryptogram over the right ones. */
  readonly tamper?: (tags: Map<number, Uint8Array>) => void
}

export class CounterReader implements Reader {
  readonly info = { family: 'test', capabilities: ['chip', 'pinPad'], applicationSelection: 'host' } as const
  readonly events = new Queue<ReaderEvent>()
  transactions = 0
  readonly #options: CounterReaderOptions
  readonly #pinPad = freshPinPad()

  constructor(options: CounterReaderOptions) {
    this.#options = options
  }

  async status(): Promise<ReaderStatus> {
    return this.#options.battery ? { battery: this.#options.battery } : {}
  }

  async close(): Promise<void> {
    this.events.end()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  transact: Reader['transact'] = async (transaction, terminal, { signal = new AbortController().signal } = {}) => {
    const { card, cvm = 'none', by = 'chip', pins = ['1234'], breaks, offline, byDefault, tamper } = this.#options
    const attempt = this.transactions++
    const waiting = { signal }
    const candidates: Candidate[] = card.plan.applications.map(({ aid, label, priority }) => ({ aid, label, priority, confirm: false }))
    const choice = candidates.length > 1 ? await terminal.selectApplication(candidates, waiting) : 0
    const base = { interface: by, cvm, online: false, tags: new Map<number, Uint8Array>() } as const
    if (choice === undefined) return { ...base, result: 'cancelled', reason: 'cardholderCancelled' }
    const { aid, label } = candidates[choice]
    const at = transaction.at ?? new Date()
    const values = {
      ...terminalData,
      '9F02': hex(toBcd(transaction.amount, 6)),
      '9F03': hex(toBcd(transaction.otherAmount ?? 0n, 6)),
      '9C': hex(Uint8Array.of(TRANSACTION_TYPE[transaction.type ?? 'purchase'])),
      '9A': hex(toBcd((at.getFullYear() % 100) * 10_000 + (at.getMonth() + 1) * 100 + at.getDate(), 3)),
    }
    const opened = await open(card, hex(aid), values)
    const first = await generate(opened, offline ? '40' : '80', '8C', values)
    const tags = new Map<number, Uint8Array>()
    for (const [tag, value] of Object.entries(values)) if (tag !== '8A' && tag !== '91') tags.set(Number.parseInt(tag, 16), fromHex(value))
    for (const objects of [opened.objects, first.objects]) for (const [tag, value] of objects) tags.set(Number.parseInt(tag, 16), value)
    tags.set(0x84, aid)
    tags.set(0x9b, fromHex('E800'))
    const application = { aid, label }
    const cid = first.objects.get('9F27')![0] & 0xc0
    if (offline) {
      return cid === 0x40
        ? { ...base, result: 'approved', tags, application }
        : { ...base, result: 'declined', reason: 'offlineDeclined', tags, application }
    }
    if (cid !== 0x80) return { ...base, result: 'declined', reason: 'offlineDeclined', tags, application }
    if (breaks === 'beforeHost') throw new Fault('link-closed', 'the reader is gone')
    const seen = new Map(tags)
    tamper?.(seen)
    const pin = pins[Math.min(attempt, pins.length - 1)]
    const pinBlock = cvm === 'onlinePin' ? this.#block(pin, panOf(tags)!) : undefined
    let response: NonNullable<Outcome['response']>
    try {
      response = await terminal.authorise({ transaction, interface: by, cvm, tags: seen, ...(pinBlock && { pinBlock }) }, waiting)
    } catch (error) {
      if (signal.aborted) return { ...base, result: 'cancelled', reason: 'merchantCancelled', tags, application }
      throw error
    }
    if (breaks === 'afterHost') throw new Fault('link-closed', 'the reader is gone')
    const known = { ...base, online: response.type !== 'unableToGoOnline', tags, application, response } as const
    if (response.type === 'unableToGoOnline') {
      const { objects } = await generate(opened, byDefault ? '40' : '00', '8D', { ...values, '8A': hex(fromText(byDefault ? 'Y3' : 'Z3')) })
      for (const [tag, value] of objects) tags.set(Number.parseInt(tag, 16), value)
      if ((objects.get('9F27')![0] & 0xc0) === 0x40) return { ...known, result: 'approved' }
      return { ...known, result: 'declined', reason: 'unableToGoOnline' }
    }
    const voice = response.type === 'referral' && terminal.refer
    const agreed = voice && (await terminal.refer!({ transaction, interface: by, cvm, tags: seen }, response, waiting)) === 'approved'
    const data = voice ? undefined : response.issuerAuthenticationData
    if (data && (tags.get(0x82)![0] & 0x04) !== 0) await send(opened.card, `00820000${hex(Uint8Array.of(data.length))}${hex(data)}`)
    const approved = response.type === 'approved' || agreed === true
    const second = await generate(opened, approved ? '40' : '00', '8D', {
      ...values,
      '8A': hex(fromText(response.code)),
      '91': data ? hex(data) : '',
    })
    for (const [tag, value] of second.objects) tags.set(Number.parseInt(tag, 16), value)
    tags.set(0x8a, fromText(response.code))
    if (!approved) return { ...known, result: 'declined', reason: response.type === 'referral' ? 'referral' : 'hostDeclined' }
    return (second.objects.get('9F27')![0] & 0xc0) === 0x40
      ? { ...known, result: 'approved' }
      : { ...known, result: 'declined', reason: 'cardDeclined', reversal: true }
  }

  #block(pin: string, pan: string) {
    const { key, ksn } = this.#pinPad.next()
    return { format: 0 as const, data: encryptEcb(pinKey(key), encodeFormat0(pinOf(pin), pan)), ksn }
  }
}

/** Each is another device to its host. */
function freshPinPad(): DukptDevice {
  const serial = freshSerial(testPinDukpt.ksn)
  return new DukptDevice(initialKey(testPinDukpt.bdk, serial), serial)
}
