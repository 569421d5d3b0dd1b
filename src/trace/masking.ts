/** What of a counter may never stand in a trace, as data: tags, names of fields, commands to a card. One list for every kind of event; `masked.ts` works it off. */

import { isSensitive } from '../tlv/tags.ts'

/** The rules by name, as the header and events of a trace tell them. `sealed`: enciphered data of a reader, which no viewer can open and none is to keep. */
export const maskingRules = ['pan', 'track', 'name', 'pin', 'key', 'sealed'] as const
/** One of `maskingRules`. */
export type MaskingRule = (typeof maskingRules)[number]

const tracks: ReadonlySet<number> = new Set([0x56, 0x57, 0x58, 0x5f21, 0x5f22, 0x5f23, 0x9f1f, 0x9f20, 0x9f6b, 0xdf812a, 0xdf812b])
const names: ReadonlySet<number> = new Set([0x5f20, 0x9f0b])

/** The rule for the value of a data object; undefined where it may be shown. What holds a PAN under keys that are public (9F46), or among other things (FF8101), counts as one. */
export function ruleOfTag(tag: number): MaskingRule | undefined {
  if (!isSensitive(tag)) return undefined
  return tracks.has(tag) ? 'track' : names.has(tag) ? 'name' : tag === 0x99 ? 'pin' : 'pan'
}

/** By the name of a field, in messages and in whatever an app, a host or a journal is told: what a name says goes for text and bytes. */
const fields: readonly (readonly [RegExp, MaskingRule])[] = [
  [/^(enc)?(masked)?(pan|primaryaccountnumber|cardnumber)$/i, 'pan'],
  [/^((enc|masked|clear)?track[123]?(data)?|tracks|stripe|magstripe|sealed|magneprint)$/i, 'track'],
  [/^(cardholder(name)?|holder)$/i, 'name'],
  [/^(pins?|pin(digits|data|block|code)|block|digits)$/i, 'pin'],
]

/** Names of keys hide bytes alone: a text of this name is what makes a request the same one again. */
const keyFields = /^(\w*key|ipek|bdk|tmk|secret)$/i

/** The rule for text or bytes in a field of this name. */
export function ruleOfField(name: string, bytes: boolean): MaskingRule | undefined {
  return fields.find(([pattern]) => pattern.test(name))?.[1] ?? (bytes && keyFields.test(name) ? 'key' : undefined)
}

/** Fields whose text is a number of its own, as long as a PAN or longer: orders, retrieval references, serial numbers, amounts, moments. */
export const plainNumbers =
  /^(key|order|number|\w*number|transaction|transactionid|id|rrn|serial|ksn|\w*ksn|merchant\w*|terminal\w*|at|\w*date|time|start|amount|\w*amount|total|held|charged|cancelled|received|register|registration|drive|sign|document|operator|payload|expires|receipt|slip|balance)$/i

/** INS of commands whose data are a PIN, in clear or enciphered, and the rule: VERIFY, CHANGE REFERENCE DATA and PIN CHANGE/UNBLOCK, PUT KEY. */
export const secretCommands: ReadonlyMap<number, MaskingRule> = new Map([
  [0x20, 'pin'],
  [0x21, 'pin'],
  [0x24, 'pin'],
  [0x2c, 'pin'],
  [0xd8, 'key'],
])

/** Screens that numbers are typed at which are no PIN: at any other a digit is a star. */
export const openKeypad: ReadonlySet<string> = new Set(['reader.selectApplication'])
