/** PIN entry on a reader's keypad: 4 to 12 digits (ISO 9564-1), stars on the display, CLEAR, CANCEL, a time limit, bypass where configured. */

import type { Waiting } from '../../../src/emv/terminal.ts'
import { isFault } from '../../../src/errors.ts'
import type { MessageId } from '../../../src/messages/messages.ts'
import type { Body } from './body.ts'

/** How a PIN is typed. */
export interface PinRules {
  /** Fewest digits; ISO 9564-1 allows 4 to 12. */
  readonly min: number
  /** Most digits. */
  readonly max: number
  /** Milliseconds from the prompt to ENTER. */
  readonly timeout: number
  /** ENTER without a digit goes on without a PIN (EMV 4.4 Book 4, 6.3.4.3). */
  readonly bypass: boolean
}

export const pinRules: PinRules = { min: 4, max: 12, timeout: 60_000, bypass: false }

/** Digits as numbers 0–9, one a byte: to be wiped by who gets them. */
export type Typed =
  | { readonly type: 'digits'; readonly digits: Uint8Array }
  | { readonly type: 'bypassed' }
  | { readonly type: 'cancelled' }
  | { readonly type: 'timeout' }

/** Shows `prompt` and reads a PIN. `onDigit` hears how many digits there are, never which. @throws Fault `aborted`, or the signal's own */
export async function readPin(
  body: Body,
  prompt: MessageId,
  rules: PinRules,
  { signal }: Waiting,
  onDigit?: (count: number) => void,
): Promise<Typed> {
  const digits = new Uint8Array(rules.max)
  const deadline = body.clock.now() + rules.timeout
  let count = 0
  const keypad = body.keypad()
  try {
    body.show(prompt)
    body.sound('key')
    for (;;) {
      const key = await keypad.next({ signal, timeout: deadline - body.clock.now() })
      if (key === 'cancel') return { type: 'cancelled' }
      if (key === 'enter') {
        if (count === 0 && rules.bypass) return { type: 'bypassed' }
        if (count >= rules.min) return { type: 'digits', digits: digits.slice(0, count) }
        body.sound('error')
        continue
      }
      if (key === 'clear') count = 0
      else if (count === rules.max) {
        body.sound('error')
        continue
      } else digits[count++] = Number(key)
      body.sound('key')
      if (count > 0) body.show(prompt, '*'.repeat(count))
      else body.show(prompt)
      onDigit?.(count)
    }
  } catch (error) {
    if (isFault(error, 'timeout')) return { type: 'timeout' }
    throw error
  } finally {
    digits.fill(0)
    keypad.close()
  }
}

/** A numbered list on the display, chosen by its digit. Undefined on CANCEL or when the time is over. @throws Fault `aborted`, or the signal's own */
export async function chooseOnDisplay(
  body: Body,
  prompt: MessageId,
  labels: readonly string[],
  { signal, timeout }: Waiting & { readonly timeout: number },
): Promise<number | undefined> {
  const deadline = body.clock.now() + timeout
  // Nine fit on the digits; what is further down is on the next page, turned with 0.
  const pages = Math.ceil(labels.length / 9)
  let page = 0
  const keypad = body.keypad()
  try {
    for (;;) {
      const shown = labels.slice(page * 9, page * 9 + 9)
      body.show(prompt, ...shown.map((label, index) => `${index + 1} ${label}`), ...(pages > 1 ? ['0 >>'] : []))
      const key = await keypad.next({ signal, timeout: deadline - body.clock.now() })
      if (key === 'cancel') return undefined
      if (key === '0' && pages > 1) page = (page + 1) % pages
      else if (key >= '1' && key <= '9' && Number(key) <= shown.length) return page * 9 + Number(key) - 1
      else body.sound('error')
    }
  } catch (error) {
    if (isFault(error, 'timeout')) return undefined
    throw error
  } finally {
    keypad.close()
  }
}
