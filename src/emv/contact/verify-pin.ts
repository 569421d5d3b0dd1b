/** PIN entry and verification: plaintext and enciphered offline PIN, online PIN (EMV 4.4 Book 3, 10.5.1–10.5.2; Book 2, 7). */

import { concat } from '../../bytes.ts'
import { within } from '../../clock.ts'
import { encodeFormat2 } from '../../crypto/pin.ts'
import { type RsaPublicKey, rsaPublic } from '../../crypto/rsa.ts'
import { Fault, isFault } from '../../errors.ts'
import type { MessageId } from '../../messages/messages.ts'
import { recoverPinKey } from '../oda/keys.ts'
import type { Kernel, Stop } from '../steps/context.ts'
import { getData } from '../steps/get-data.ts'
import { panOf } from '../steps/risk.ts'
import type { PinEntry, PinRequest } from '../terminal.ts'

export type PinResult = 'ok' | 'failed' | Stop

/** Across the rules of one CVM List: a PIN that was bypassed once is not asked for again (Book 4, 6.3.4.3). */
export interface PinPad {
  bypassed: boolean
}

/** @throws Fault `bad-argument` when the terminal answers with what no offline PIN is */
export async function verifyOfflinePin(kernel: Kernel, how: 'plaintext' | 'enciphered', pinPad: PinPad): Promise<PinResult> {
  if (pinPad.bypassed) return bypass(kernel, pinPad)
  const key = how === 'enciphered' ? recoverPinKey(kernel) : undefined
  if (how === 'enciphered' && !key) return 'failed'
  const counter = await getData(kernel, 0x9f17, 1)
  let triesLeft = counter?.[0]
  if (triesLeft === 0) return tryLimit(kernel, 'the PIN try counter is zero', [0x9f17])
  for (let again = false; ; again = true) {
    if (again) show(kernel, 'reader.wrongPin')
    if (triesLeft === 1) show(kernel, 'reader.lastPinTry')
    else if (!again) show(kernel, 'reader.enterPin')
    const entry = await askPin(kernel, { type: 'offline', again, ...(triesLeft === undefined ? {} : { triesLeft }) })
    if (entry.type !== 'offlinePin') return notEntered(kernel, entry, pinPad)
    const sw = await verify(kernel, entry.pin, key)
    if (sw === undefined) return 'failed'
    if (sw === 0x9000) {
      show(kernel, 'reader.pinOk')
      return 'ok'
    }
    if (sw === 0x6983 || sw === 0x6984) return tryLimit(kernel, `VERIFY answers ${sw.toString(16)}`)
    if (sw === 0x63c0) return tryLimit(kernel, 'VERIFY answers 63C0: no try is left')
    if ((sw & 0xfff0) !== 0x63c0) {
      // No status of VERIFY that the Book knows: the transaction is terminated (Book 3, 6.3.5).
      kernel.note({ rule: 'Book 3, 6.3.5: VERIFY answers what it must not' }, () => `terminated: ${sw.toString(16).toUpperCase()}`)
      return { result: 'declined', reason: 'cardError' }
    }
    triesLeft = sw & 0x0f
    kernel.note({ rule: 'Book 3, 10.5.1: wrong PIN' }, () => `${triesLeft} tries left`)
  }
}

/** The status word of VERIFY, or undefined where an enciphered PIN block could not be made. The PIN is wiped in every case. */
async function verify(kernel: Kernel, pin: Uint8Array, key: RsaPublicKey | undefined): Promise<number | undefined> {
  let block: Uint8Array | undefined
  try {
    block = encodeFormat2(pin)
    const data = key ? await encipher(kernel, block, key) : block
    return data && (await kernel.exchange({ cla: 0x00, ins: 0x20, p1: 0x00, p2: key ? 0x88 : 0x80, data })).sw
  } finally {
    pin.fill(0)
    block?.fill(0)
  }
}

/** The enciphered PIN data: header 7F, PIN block, the card's challenge, random padding (EMV 4.4 Book 2, 7.2). */
async function encipher(kernel: Kernel, block: Uint8Array, key: RsaPublicKey): Promise<Uint8Array | undefined> {
  const { sw, data: challenge } = await kernel.exchange({ cla: 0x00, ins: 0x84, p1: 0x00, p2: 0x00, le: 0 })
  if (sw !== 0x9000 || challenge.length !== 8) {
    kernel.note({ rule: 'Book 2, 7.2: GET CHALLENGE gives no 8 bytes' }, () => 'failed')
    return undefined
  }
  const clear = concat(Uint8Array.of(0x7f), block, challenge, kernel.random(key.modulus.length - 17))
  const enciphered = rsaPublic(key, clear)
  clear.fill(0)
  return enciphered
}

/** @throws Fault `bad-argument` when the terminal answers with what no online PIN is */
export async function verifyOnlinePin(kernel: Kernel, pinPad: PinPad): Promise<PinResult> {
  if (pinPad.bypassed) return bypass(kernel, pinPad)
  show(kernel, 'reader.enterPin')
  const entry = await askPin(kernel, { type: 'online', pan: panOf(kernel) })
  if (entry.type !== 'onlinePin') return notEntered(kernel, entry, pinPad)
  kernel.progress.pinBlock = entry.block
  kernel.raise('onlinePinEntered', { rule: 'Book 3, 10.5.2: online PIN entered', inputs: [0x8e] })
  return 'ok'
}

function show({ terminal, language }: Kernel, message: MessageId): void {
  terminal.display?.(message, language)
}

/** A terminal without a PIN pad says so by having no `enterPin`. */
async function askPin(kernel: Kernel, request: PinRequest): Promise<PinEntry> {
  const { terminal, timeouts, signal, clock, language } = kernel
  if (!terminal.enterPin) return { type: 'notWorking' }
  try {
    return await within({ timeout: timeouts.pin, signal, clock, what: 'PIN entry' }, inner =>
      terminal.enterPin!(request, { signal: inner, language }),
    )
  } catch (error) {
    if (isFault(error, 'timeout')) return { type: 'timeout' }
    throw error
  }
}

function notEntered(kernel: Kernel, entry: PinEntry, pinPad: PinPad): PinResult {
  switch (entry.type) {
    case 'bypassed':
      return bypass(kernel, pinPad)
    case 'notWorking':
      kernel.raise('pinPadMissingOrBroken', { rule: 'Book 3, 10.5.1: the PIN pad is missing or does not work', inputs: [0x8e] })
      return 'failed'
    case 'cancelled':
      return { result: 'cancelled', reason: 'cardholderCancelled' }
    case 'timeout':
      return { result: 'cancelled', reason: 'pinTimeout' }
    case 'offlinePin':
      entry.pin.fill(0)
      throw new Fault('bad-argument', 'enterPin answered with a PIN in clear where an online PIN block was asked', { field: 'type' })
    case 'onlinePin':
      throw new Fault('bad-argument', 'enterPin answered with an online PIN block where an offline PIN was asked', { field: 'type' })
  }
}

function bypass(kernel: Kernel, pinPad: PinPad): PinResult {
  pinPad.bypassed = true
  kernel.raise('pinNotEntered', { rule: 'Book 3, 10.5.1 and Book 4, 6.3.4.3: PIN entry was bypassed', inputs: [0x8e] })
  return 'failed'
}

function tryLimit(kernel: Kernel, why: string, inputs: readonly number[] = []): PinResult {
  kernel.raise('pinTryLimitExceeded', { rule: `Book 3, 10.5.1: ${why}`, inputs })
  show(kernel, 'reader.pinBlocked')
  return 'failed'
}
