/** Bytes with what is secret replaced, of the same length: by tag, by command, and by what a card number, a track or a name looks like where nobody tells. */

import { decodeCommand } from '../apdu/apdu.ts'
import { fromHex, hex } from '../bytes.ts'
import { luhn } from '../magstripe/check-digit.ts'
import { isConstructed, readTolerant } from '../tlv/ber.ts'
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

/** A PAN keeps its first six and last four digits, the rest of it are zeros: still digits for who decodes it. */
export function zeroedPan(digits: string): string {
  return digits.length < 13 ? '0'.repeat(digits.length) : digits.slice(0, 6) + '0'.repeat(digits.length - 10) + digits.slice(-4)
}

/** Data objects, changed in place; what of it is none is looked at as plain bytes. */
export function maskObjects(bytes: Uint8Array, found: Findings, origin: Origin, depth = 0): void {
  const { objects, fault } = readTolerant(bytes, origin === 'reader' ? { ff: 'tag' } : {})
  const some = fault && origin === 'reader' ? [] : objects
  for (const { tag, value } of some) maskObject(tag, value, found, origin, depth)
  if (fault || some.length === 0) maskPlain(bytes, found)
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
  else maskTracks(data, found) // terminal data by a DOL: amounts and dates look like anything
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
  maskTracks(bytes, found)
  maskNumbers(bytes, found)
}

/** Objects that hold secrets among other bytes: tag, a length that fits, and content that can be that. */
function maskEmbedded(bytes: Uint8Array, found: Findings): void {
  for (let at = 0; at + 3 < bytes.length; at++) {
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
  const [digits, text] = [hex(value), String.fromCharCode(...value)]
  switch (tag) {
    case 0x5a:
      return value.length <= 10 && /^\d{12,19}F*$/.test(digits)
    case 0x57:
    case 0x9f6b:
      return value.length <= 19 && /^\d{12,19}D\d*F*$/.test(digits)
    case 0x9f20:
      return value.length <= 16 && /^\d+F*$/.test(digits)
    case 0x56:
      return /^B\d{12,19}\^/.test(text)
    case 0x5f20:
    case 0x5f21:
    case 0x5f22:
    case 0x9f0b:
    case 0x9f1f:
    case 0x9f24:
      return /^[\x20-\x7e]+$/.test(text)
    default:
      return false
  }
}

/** Tracks as text and as packed digits: to their end. */
function maskTracks(bytes: Uint8Array, found: Findings): void {
  const text = String.fromCharCode(...bytes)
  for (const { 0: all, 1: pan, index } of text.matchAll(/(?:%?B|;)?(\d{12,19})[\^=][^?\0]*\??/g)) {
    found.rules.add('track')
    found.pans.add(pan)
    bytes.fill(0x30, index, index + all.length)
  }
  const digits = hex(bytes)
  for (const { 0: all, 1: pan, index } of digits.matchAll(/(\d{12,19})D\d{7,}/g)) {
    found.rules.add('track')
    found.pans.add(pan)
    zeroNibbles(bytes, index, index + all.length)
  }
}

/** Numbers that a card could have: 13 to 19 digits with their check digit, packed or as text. */
function maskNumbers(bytes: Uint8Array, found: Findings): void {
  const digits = hex(bytes)
  for (const { 0: run, index } of digits.matchAll(/\d{13,}/g))
    for (const { at, pan } of cardNumbers(run)) {
      found.rules.add('pan')
      zeroNibbles(bytes, index + at + 6, index + at + pan.length - 4)
    }
  const text = String.fromCharCode(...bytes)
  for (const { 0: run, index } of text.matchAll(/\d{12,19}/g)) {
    found.rules.add('pan')
    bytes.fill(0x30, index + 6, index + run.length - 4)
  }
}

function zeroNibbles(bytes: Uint8Array, from: number, to: number): void {
  for (let at = from; at < to; at++) bytes[at >> 1] &= at % 2 === 0 ? 0x0f : 0xf0
}

/** The longest ones first, none inside another. */
function cardNumbers(run: string): { readonly at: number; readonly pan: string }[] {
  const numbers: { at: number; pan: string }[] = []
  for (let at = 0; at + 13 <= run.length; at++) {
    if (!/[2-6]/.test(run[at])) continue
    for (let length = Math.min(19, run.length - at); length >= 13; length--) {
      const pan = run.slice(at, at + length)
      if (!luhn(pan) || /(\d)\1{7}/.test(pan)) continue
      numbers.push({ at, pan })
      at += length - 1
      break
    }
  }
  return numbers
}
