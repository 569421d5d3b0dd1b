/** Harmless values in place of secret ones, of the same length, that still decode: a card number keeps its first six and last four digits and its check digit's rule. */

import { fromHex, fromText, hex, text } from '../bytes.ts'
import { luhn } from '../magstripe/check-digit.ts'
import type { FieldEdit } from './field.ts'

const FIRST = 6
const LAST = 4

/** What may be written of a field. */
export const harmless: FieldEdit = (kind, bytes) => {
  switch (kind) {
    case 'pan':
      return nibbles(bytes, digits => pan(digits))
    case 'track':
      return nibbles(bytes, track2)
    case 'trackText':
      return fromText(tracks(text(bytes)))
    case 'name':
      return fromText(text(bytes).replace(/[^ /.^]/g, 'X'))
    case 'words':
      return fromText(text(bytes).replace(/(?:\d[ -]?){10,}\d/g, run => spread(run, pan(run.replace(/\D/g, '')))))
    case 'script': {
      const shown = bytes.slice()
      shown.fill(0, 5)
      return shown
    }
    case 'secret':
      return new Uint8Array(bytes.length)
    default:
      return bytes
  }
}

/** `digits`, with zeros in the middle; one that is masked already stays. A whole number that had a right check digit has one again. */
function pan(value: string): string {
  const [digits] = /^\d*/.exec(value) ?? ['']
  const rest = value.slice(digits.length)
  if (digits.length <= FIRST + LAST) return digits.length > FIRST && !/^[C*X]|^F+\d/.test(rest) ? '0'.repeat(digits.length) + rest : value
  const hidden = digits.length - FIRST - LAST
  const around = (middle: string) => digits.slice(0, FIRST) + middle + digits.slice(-LAST)
  const zeros = around('0'.repeat(hidden))
  if (!luhn(digits)) return zeros + rest
  // A digit in the low half of its byte, which so is no byte that a framing escapes; it follows from those that are shown.
  const place = Math.max(0, hidden % 2 === 0 ? hidden - 1 : hidden - 2)
  const right = Array.from({ length: 10 }, (_, digit) => around('0'.repeat(place) + digit + '0'.repeat(hidden - place - 1))).find(luhn)
  return (right ?? zeros) + rest
}

/** PAN, separator, expiry and service code; what is behind them is hidden. */
function track2(value: string): string {
  const at = value.search(/[D=]/)
  if (at < 0) return pan(value)
  const end = /[F?]+$/.exec(value)?.index ?? value.length
  return (
    pan(value.slice(0, at)) +
    value.slice(at, at + 8) +
    value.slice(at + 8, Math.max(end, at + 8)).replace(/./g, '0') +
    value.slice(Math.max(end, at + 8))
  )
}

/** Tracks 1 and 2 as they are read, one after the other, and bare numbers. */
function tracks(value: string): string {
  const any = /(?<start>%?[A-Z])(?<number>\d[\d ]*)\^(?<name>[^^]*)\^(?<rest>[^?]*)|\d{11,}(?:[D=][^?]*\??)?/g
  return value.replace(any, (whole, start: string | undefined, number: string, name: string, rest: string) => {
    if (start === undefined) return track2(whole)
    const shown = rest.slice(0, 7) + rest.slice(7).replace(/./g, '0')
    return `${start}${pan(number)}^${name.replace(/[^ /.]/g, 'X')}^${shown}`
  })
}

function nibbles(bytes: Uint8Array, change: (digits: string) => string): Uint8Array {
  return fromHex(change(hex(bytes)))
}

/** The digits of `run` replaced one by one. */
function spread(run: string, digits: string): string {
  let at = 0
  return run.replace(/\d/g, () => digits[at++])
}
