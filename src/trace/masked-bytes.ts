/** Bytes with what is secret replaced, of the same length: by tag, by command, and by what a card number, a track or a name looks like where nobody tells. */

import { decodeCommand } from '../apdu/apdu.ts'
import { fromHex, hex } from '../bytes.ts'
import { isConstructed, readAsFar } from '../tlv/ber.ts'
import { kernelDictionaries } from '../tlv/kernels.ts'
import { tagInfo } from '../tlv/tags.ts'
import { type MaskingRule, ruleOfTag, secretCommands } from './masking.ts'

/** What the masking of one event comes to: the rules that were used, and card numbers that stood in it. */
export interface Findings {
  readonly rules: Set<MaskingRule>
  /** Digits of each PAN that was met, wherever the trace is kept: they are looked for in all that follows. */
  readonly pans: Set<string>
}

/** How bytes are taken: those of a card, or a reader's message, whose own objects may hold what is enciphered. */
export type Origin = 'card' | 'reader'

const MAX_DEPTH = 8
const inMessages = { ff: 'tag' } as const

/** A PAN keeps its first six and last four digits, the rest of it are zeros: still digits for who decodes it. */
export function zeroedPan(digits: string): string {
  return digits.length < 13 ? '0'.repeat(digits.length) : digits.slice(0, 6) + '0'.repeat(digits.length - 10) + digits.slice(-4)
}

/** Data objects, changed in place; what of it is none is looked at as plain bytes. */
export function maskObjects(bytes: Uint8Array, found: Findings, origin: Origin, depth = 0): void {
  const { objects, whole } = readAsFar(bytes, origin === 'reader' ? inMessages : undefined)
  const some = !whole && origin === 'reader' ? [] : objects
  for (const { tag, value } of some) maskObject(tag, value, found, origin, depth)
  if (!whole || some.length === 0) maskPlain(bytes, found)
}

/** The value of one object of a card as it may stand in a trace: itself where there is nothing to look for in it, else a copy. */
export function maskedObject(tag: number, value: Uint8Array, found: Findings): Uint8Array {
  if (tag !== 0x86 && !ruleOfTag(tag) && !isConstructed(tag) && tagInfo(tag)) return value
  const own = value.slice()
  maskObject(tag, own, found, 'card')
  return own
}

/** The value of one object, changed in place. */
export function maskObject(tag: number, value: Uint8Array, found: Findings, origin: Origin, depth = 0): void {
  const rule = ruleOfTag(tag)
  if (rule) maskSecret(tag, value, rule, found)
  else if (tag === 0x86)
    maskCommand(value, found) // a command of the issuer's to the card
  else if (isConstructed(tag) && depth < MAX_DEPTH) maskObjects(value, found, origin, depth + 1)
  else if (origin === 'reader' && value.length > 8 && isPrivate(tag) && !kernelTags.has(tag)) {
    found.rules.add('sealed')
    value.fill(0)
  } else if (!tagInfo(tag)) maskPlain(value, found)
}

const kernelTags: ReadonlySet<number> = new Set(Object.values(kernelDictionaries).flatMap(words => [...words.keys()]))

/** Of a vendor's own class: enciphered tracks, PIN blocks. */
function isPrivate(tag: number): boolean {
  const first = tag > 0xffff ? tag >>> 16 : tag > 0xff ? tag >>> 8 : tag
  return first >= 0xc0
}

function maskSecret(tag: number, value: Uint8Array, rule: MaskingRule, found: Findings): void {
  if (value.every(byte => byte === 0)) return
  found.rules.add(rule)
  learn(tag, value, found)
  value.set(tag === 0x5a ? shownPan(value) : new Uint8Array(value.length))
}

function shownPan(value: Uint8Array): Uint8Array {
  const digits = hex(value)
  const shown = zeroedPan(digits.replace(/F+$/, '')).padEnd(digits.length, 'F')
  return fromHex(shown)
}

/** A card number that stands here in clear is known from now on. */
function learn(tag: number, value: Uint8Array, found: Findings): void {
  const text = tag === 0x56 || tag === 0x5f21 || tag === 0x5f22 ? String.fromCharCode(...value) : hex(value)
  const digits = /^%?B?;?(\d{12,19})(?=[D^=F]|$)/.exec(text)?.[1]
  if (digits && tag !== 0x9f20 && tag !== 0x9f1f && !/^0+$/.test(digits)) found.pans.add(digits)
}

/** A command to a card, changed in place: the data of VERIFY and of PIN CHANGE, objects of the others. */
export function maskCommand(bytes: Uint8Array, found: Findings): void {
  if (bytes.length < 5) return
  const rule = secretCommands.get(bytes[1])
  if (rule) {
    found.rules.add(rule)
    bytes.fill(0, bytes.length > 5 ? 5 : 4)
    return
  }
  const data = dataOf(bytes)
  const [, ins, p1, p2] = bytes
  if (ins === 0xda)
    maskObject(p1 * 256 + p2, data, found, 'card') // PUT DATA: P1 and P2 are the tag
  else if (ins === 0xdc || ins === 0xe2 || ins === 0xd6) maskObjects(data, found, 'card')
  else maskTracks(data, found, looksLike(data)) // terminal data by a DOL: amounts and dates look like anything
}

function dataOf(command: Uint8Array): Uint8Array {
  try {
    return decodeCommand(command).data ?? new Uint8Array()
  } catch {
    return command.subarray(4)
  }
}

/** An answer of a card with its status, changed in place. */
export function maskAnswer(bytes: Uint8Array, found: Findings): void {
  if (bytes.length > 2) maskObjects(bytes.subarray(0, -2), found, 'card')
}

/** Bytes of which nobody tells what they are, changed in place. */
export function maskPlain(bytes: Uint8Array, found: Findings): void {
  if (bytes.length < 6) return
  maskEmbedded(bytes, found)
  const looks = looksLike(bytes)
  if (looks === 0) return
  maskTracks(bytes, found, looks)
  maskNumbers(bytes, found, looks)
}

/** Bits of `looksLike`. */
const [TRACK, NUMBER, TEXT] = [1, 2, 4]

/** What could be in these bytes, in one pass: twelve packed digits, a D and seven more; thirteen packed digits in a row; twelve digits of text. With none of it there is nothing to find. */
function looksLike(bytes: Uint8Array): number {
  let [looks, packed, text] = [0, 0, 0]
  let separated = false
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]
    if (byte < 0x30 || byte > 0x39) text = 0
    else if (++text === 12) looks |= TEXT
    for (let nibble = byte >> 4, half = 0; half < 2; nibble = byte & 15, half++) {
      if (nibble < 10) {
        packed++
        if (packed === 13) looks |= NUMBER
        if (separated && packed === 7) looks |= TRACK
      } else {
        separated = nibble === 0x0d && packed >= 12
        packed = 0
      }
    }
  }
  return looks
}

/** First bytes of tags that `maskEmbedded` looks for. */
const begins = Uint8Array.from({ length: 256 }, (_, byte) => (byte === 0x5f || byte === 0x9f || ruleOfTag(byte) ? 1 : 0))

/** Objects that hold secrets among other bytes: tag, a length that fits, and content that can be that. */
function maskEmbedded(bytes: Uint8Array, found: Findings): void {
  for (let at = 0; at + 3 < bytes.length; at++) {
    if (begins[bytes[at]] === 0) continue
    const two = bytes[at] === 0x5f || bytes[at] === 0x9f
    const tag = two ? bytes[at] * 256 + bytes[at + 1] : bytes[at]
    const rule = ruleOfTag(tag)
    const from = at + (two ? 3 : 2)
    const length = bytes[from - 1]
    if (!rule || length < 2 || length > 0x7f || from + length > bytes.length) continue
    const value = bytes.subarray(from, from + length)
    if (plausible(tag, value)) maskSecret(tag, value, rule, found)
  }
}

function plausible(tag: number, value: Uint8Array): boolean {
  switch (tag) {
    case 0x5a:
      return value.length <= 10 && /^\d{12,19}F*$/.test(hex(value))
    case 0x57:
    case 0x9f6b:
      return value.length <= 19 && /^\d{12,19}D\d*F*$/.test(hex(value))
    case 0x9f20:
      return value.length <= 16 && /^\d+F*$/.test(hex(value))
    case 0x56:
      return /^B\d{12,19}\^/.test(textOf(value))
    case 0x5f20:
    case 0x5f21:
    case 0x5f22:
    case 0x9f0b:
    case 0x9f1f:
    case 0x9f24:
      return value.every(byte => byte >= 0x20 && byte <= 0x7e)
    default:
      return false
  }
}

const textOf = (bytes: Uint8Array) => String.fromCharCode(...bytes)

/** Where a pattern is in a text. As `matchAll`, which makes a pattern of its own each time. */
function matches(pattern: RegExp, text: string, each: (match: RegExpExecArray) => void): void {
  pattern.lastIndex = 0
  for (let match = pattern.exec(text); match; match = pattern.exec(text)) each(match)
}

const textTrack = /(?:%?B|;)?(\d{12,19})[\^=][^?\0]*\??/g
const textDigits = /\d{12,19}/g

/** Tracks as text and as packed digits: to their end. */
function maskTracks(bytes: Uint8Array, found: Findings, looks: number): void {
  const learnt = (pan: string) => {
    found.rules.add('track')
    found.pans.add(pan)
  }
  if (looks & TEXT)
    matches(textTrack, textOf(bytes), ({ 0: all, 1: pan, index }) => {
      learnt(pan)
      bytes.fill(0x30, index, index + all.length)
    })
  // Twelve digits of text are 24 packed ones, and what was written over them may end before a D.
  if (looks & (TRACK | TEXT)) maskPackedTracks(bytes, learnt)
}

const nibbleAt = (bytes: Uint8Array, at: number) => (at % 2 === 0 ? bytes[at >> 1] >> 4 : bytes[at >> 1] & 15)

/** The first place from `at` on that is no digit. */
function endOfDigits(bytes: Uint8Array, at: number): number {
  let end = at
  while (end < bytes.length * 2 && nibbleAt(bytes, end) < 10) end++
  return end
}

/** Twelve to nineteen digits, a D and seven or more: no pattern, for one would try each digit of each certificate that is zeros by now. */
function maskPackedTracks(bytes: Uint8Array, learnt: (pan: string) => void): void {
  for (let from = 0; from < bytes.length * 2; ) {
    const at = endOfDigits(bytes, from)
    const end = at - from >= 12 && at < bytes.length * 2 && nibbleAt(bytes, at) === 0x0d ? endOfDigits(bytes, at + 1) : 0
    if (end - at <= 7) {
      from = at + 1
      continue
    }
    const start = Math.max(from, at - 19)
    learnt(hex(bytes).slice(start, at))
    zeroNibbles(bytes, start, end)
    from = end + 1
  }
}

/** Numbers that a card could have: 13 to 19 digits with their check digit, packed or as text. */
function maskNumbers(bytes: Uint8Array, found: Findings, looks: number): void {
  for (let from = 0; from < bytes.length * 2; ) {
    const end = endOfDigits(bytes, from)
    if (end - from >= 13) maskCardNumbers(bytes, from, end, found)
    from = end + 1
  }
  if (looks & TEXT)
    matches(textDigits, textOf(bytes), ({ 0: run, index }) => {
      found.rules.add('pan')
      bytes.fill(0x30, index + 6, index + run.length - 4)
    })
}

/** In a run of packed digits: the longest ones first, none inside another. */
function maskCardNumbers(bytes: Uint8Array, from: number, to: number, found: Findings): void {
  let sums: ReturnType<typeof checkSums> | undefined
  for (let at = from; at + 13 <= to; at++) {
    const first = nibbleAt(bytes, at)
    if (first < 2 || first > 6) continue
    sums ??= checkSums(bytes, from, to)
    for (let end = Math.min(at + 19, to); end >= at + 13; end--) {
      // As luhn() of check-digit.ts, which would add all digits up again for each of seven lengths at each place.
      const doubled = sums[(end - from) % 2]
      if ((doubled[end - from] - doubled[at - from]) % 10 !== 0 || repeats(bytes, at, end)) continue
      found.rules.add('pan')
      zeroNibbles(bytes, at + 6, end - 4)
      at = end - 1
      break
    }
  }
}

/** Sums of the digits before each place, for the check of ISO/IEC 7812-1, Annex B: the first with those at even places doubled, for numbers that end before an even place, the other for the rest. */
function checkSums(bytes: Uint8Array, from: number, to: number): readonly [Uint32Array, Uint32Array] {
  const sums = [new Uint32Array(to - from + 1), new Uint32Array(to - from + 1)] as const
  for (let at = 0; at < to - from; at++) {
    const digit = nibbleAt(bytes, from + at)
    const twice = digit > 4 ? digit * 2 - 9 : digit * 2
    sums[0][at + 1] = sums[0][at] + (at % 2 === 0 ? twice : digit)
    sums[1][at + 1] = sums[1][at] + (at % 2 === 0 ? digit : twice)
  }
  return sums
}

/** Whether one digit stands eight times in a row: no number of a card. */
function repeats(bytes: Uint8Array, from: number, to: number): boolean {
  let same = 1
  for (let at = from + 1; at < to; at++) {
    same = nibbleAt(bytes, at) === nibbleAt(bytes, at - 1) ? same + 1 : 1
    if (same === 8) return true
  }
  return false
}

function zeroNibbles(bytes: Uint8Array, from: number, to: number): void {
  for (let at = from; at < to; at++) bytes[at >> 1] &= at % 2 === 0 ? 0x0f : 0xf0
}
