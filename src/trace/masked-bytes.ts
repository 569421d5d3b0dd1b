/** Bytes with what is secret replaced, of the same length: by tag, by command, and by what a card number, a track or a name looks like where nobody tells. */

import { fromHex, hex, text } from '../bytes.ts'
import { isConstructed, readAsFar } from '../tlv/ber.ts'
import { kernelDictionaries } from '../tlv/kernels.ts'
import { tagInfo } from '../tlv/tags.ts'
import { type MaskingRule, ruleOfTag, secretCommands } from './masking.ts'

/** What the masking of one event comes to: the rules that were used, and card numbers that stood in it. */
export interface Findings {
  readonly rules: Set<MaskingRule>
  /** Digits of each PAN that was met, wherever the trace is kept: they are looked for in all that follows. */
  readonly pans: Set<string>
  /** Names of cardholders that were met. */
  readonly names: Set<string>
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
  // What a reader sends may look like data objects and be none, such as HTTP: `P` and `O` of POST are a label of 79 bytes.
  else if (origin === 'reader' && depth === 0) maskEmbedded(bytes, found)
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

/** Shorter ones could be any word. */
const SHORTEST_NAME = 5

/** A cardholder's name is known from now on: a slip shows it among its lines. */
export function learnName(name: string, { names }: Findings): void {
  const word = name.trim()
  if (word.length >= SHORTEST_NAME && /\p{L}/u.test(word)) names.add(word)
}

/** A card number that stands here in clear, or a name, is known from now on. */
function learn(tag: number, value: Uint8Array, found: Findings): void {
  if (tag === 0x5f20 || tag === 0x9f0b) learnName(text(value), found)
  const shown = tag === 0x56 || tag === 0x5f21 || tag === 0x5f22 ? text(value) : hex(value)
  const digits = /^%?B?;?(\d{12,19})(?=[D^=F]|$)/.exec(shown)?.[1]
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

/** Of a short command its data; of what is none all behind the header. */
function dataOf(command: Uint8Array): Uint8Array {
  const { length } = command
  if (length === 5) return command.subarray(5)
  const end = 5 + command[4]
  return end > 5 && (length === end || length === end + 1) ? command.subarray(5, end) : command.subarray(4)
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
  if (looks & (NUMBER | TEXT)) maskNumbers(bytes, found, looks)
}

/** Bits of `looksLike`. */
const [TRACK, NUMBER, TEXT] = [1, 2, 4]

/** What could be in these bytes: twelve packed digits, a D and seven more; thirteen packed digits in a row; twelve digits of text. With none of it there is nothing to find. */
function looksLike(bytes: Uint8Array): number {
  let looks = 0
  digitRuns(bytes, (from, to) => {
    if (to - from >= 13) looks |= NUMBER
    if (isTrack(bytes, to)) looks |= TRACK
    for (let at = from >> 1, text = 0; at < to >> 1 && text < 12; at++) {
      text = isTextDigit(bytes[at]) ? text + 1 : 0
      if (text === 12) looks |= TEXT
    }
    return to
  })
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
      return /^B\d{12,19}\^/.test(text(value))
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

const isTextDigit = (byte: number) => byte >= 0x30 && byte <= 0x39

/** Runs of at least twelve digits of text from the front on; `each` gives the place from which to go on. */
function textRuns(bytes: Uint8Array, each: (from: number, to: number) => number): void {
  for (let from = 0; from < bytes.length; ) {
    let to = from
    while (to < bytes.length && isTextDigit(bytes[to])) to++
    from = to - from >= 12 ? each(from, to) : to + 1
  }
}

const [PERCENT, SEMICOLON, B, CARET, EQUALS, QUESTION] = [0x25, 0x3b, 0x42, 0x5e, 0x3d, 0x3f]

/** Tracks as text and as packed digits: to their end. */
function maskTracks(bytes: Uint8Array, found: Findings, looks: number): void {
  const learnt = (pan: string) => {
    found.rules.add('track')
    found.pans.add(pan)
  }
  if (looks & TEXT)
    textRuns(bytes, (run, to) => {
      if (bytes[to] !== CARET && bytes[to] !== EQUALS) return to + 1
      const from = Math.max(run, to - 19)
      learnt(text(bytes.subarray(from, to)))
      let end = to + 1
      while (end < bytes.length && bytes[end] !== QUESTION && bytes[end] !== 0) end++
      if (bytes[end] === QUESTION) end++
      bytes.fill(0x30, from - (from === run ? startOfTrack(bytes, run) : 0), end)
      return end
    })
  // Twelve digits of text are 24 packed ones, and what was written over them may end before a D.
  if (looks & (TRACK | TEXT)) maskPackedTracks(bytes, learnt)
}

/** How many bytes before the number belong to its track: `%B`, `B`, `;`. */
function startOfTrack(bytes: Uint8Array, run: number): number {
  if (bytes[run - 1] === SEMICOLON) return 1
  return bytes[run - 1] === B ? (bytes[run - 2] === PERCENT ? 2 : 1) : 0
}

const nibbleAt = (bytes: Uint8Array, at: number) => (at % 2 === 0 ? bytes[at >> 1] >> 4 : bytes[at >> 1] & 15)

/** The first place from `at` on that is no digit: two a byte, as far as both are some. */
function endOfDigits(bytes: Uint8Array, at: number): number {
  if (at % 2 === 1 && nibbleAt(bytes, at) > 9) return at
  let byte = (at + 1) >> 1
  while (byte < bytes.length && bytes[byte] < 0x9a && (bytes[byte] & 15) < 10) byte++
  return byte < bytes.length && bytes[byte] < 0xa0 ? byte * 2 + 1 : byte * 2
}

/** Bytes that are two packed digits. */
const twoDigits = Uint8Array.from({ length: 256 }, (_, byte) => (byte < 0x9a && (byte & 15) < 10 ? 1 : 0))

/**
 * Runs of at least twelve packed digits, from the front on; `each` gives the place from which to go on. Twelve digits hold five bytes of two, wherever they begin: one of
 * five bytes is looked at, and most of what is no number is never read.
 */
function digitRuns(bytes: Uint8Array, each: (from: number, to: number) => number): void {
  for (let at = 4, done = 0; at < bytes.length; ) {
    if (twoDigits[bytes[at]] === 0) {
      at += 5
      continue
    }
    let first = at
    while (first * 2 > done && twoDigits[bytes[first - 1]] === 1) first--
    const from = first * 2 > done && first > 0 && (bytes[first - 1] & 15) < 10 ? first * 2 - 1 : Math.max(first * 2, done)
    const to = endOfDigits(bytes, at * 2)
    done = to - from >= 12 ? each(from, to) : to
    at = (done >> 1) + 5
  }
}

/** Whether a D and seven digits or more follow the number that ends here. */
function isTrack(bytes: Uint8Array, end: number): boolean {
  return end < bytes.length * 2 && nibbleAt(bytes, end) === 0x0d && endOfDigits(bytes, end + 1) - end > 7
}

/** Twelve to nineteen digits, a D and seven or more. */
function maskPackedTracks(bytes: Uint8Array, learnt: (pan: string) => void): void {
  digitRuns(bytes, (from, to) => {
    if (!isTrack(bytes, to)) return to
    const start = Math.max(from, to - 19)
    const end = endOfDigits(bytes, to + 1)
    learnt(hex(bytes.subarray(start >> 1, (to + 1) >> 1)).slice(start % 2, (start % 2) + to - start))
    zeroNibbles(bytes, start, end)
    return end
  })
}

/** Numbers that a card could have: 13 to 19 digits with their check digit, packed or as text. */
function maskNumbers(bytes: Uint8Array, found: Findings, looks: number): void {
  digitRuns(bytes, (from, to) => {
    maskCardNumbers(bytes, from, to, found)
    return to
  })
  if (looks & TEXT)
    textRuns(bytes, (from, run) => {
      const to = Math.min(run, from + 19)
      found.rules.add('pan')
      bytes.fill(0x30, from + 6, to - 4)
      return to
    })
}

/** In a run of packed digits: the longest ones first, none inside another. */
function maskCardNumbers(bytes: Uint8Array, from: number, to: number, found: Findings): void {
  for (let at = from; at + 13 <= to; at++) {
    const first = nibbleAt(bytes, at)
    if (first < 2 || first > 6) continue
    const lengths = checkedLengths(bytes, at, Math.min(at + 19, to))
    for (let length = 19; length >= 13; length--) {
      if (((lengths >> length) & 1) === 0 || repeats(bytes, at, at + length)) continue
      found.rules.add('pan')
      zeroNibbles(bytes, at + 6, at + length - 4)
      at += length - 1
      break
    }
  }
}

/** Lengths of 13 and more with which the digits from `from` on have a right check digit (ISO/IEC 7812-1, Annex B), a bit for each: as luhn() of check-digit.ts, which would add all digits up again for each. */
function checkedLengths(bytes: Uint8Array, from: number, to: number): number {
  // With every other digit doubled from the first on, for numbers of an even length, and from the second on.
  let [even, odd, lengths] = [0, 0, 0]
  for (let at = 0; at < to - from; at++) {
    const digit = nibbleAt(bytes, from + at)
    const twice = digit > 4 ? digit * 2 - 9 : digit * 2
    even += at % 2 === 0 ? twice : digit
    odd += at % 2 === 0 ? digit : twice
    if (at >= 12 && (at % 2 === 1 ? even : odd) % 10 === 0) lengths |= 1 << (at + 1)
  }
  return lengths
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
