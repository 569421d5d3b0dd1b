/** The service code of a stripe: where a card may be used, for what, and whether its chip and its issuer are to be asked (ISO/IEC 7813, 4.3). */

import * as door from '../door.ts'
import { bad } from './bad-swipe.ts'

/** What the three digits of a service code say (ISO/IEC 7813, 4.3). */
export interface ServiceCode {
  /** Where the card may be used. */
  readonly interchange: 'international' | 'national' | 'private' | 'test'
  /** The card has a chip, which is to be used where possible. */
  readonly chip: boolean
  /** `online`: every transaction is authorised by the issuer. */
  readonly authorisation: 'normal' | 'online'
  /** For what it may be used. */
  readonly services: 'all' | 'goodsAndServices' | 'cash' | 'atm'
  /** Whether a PIN is to be asked for. */
  readonly pin: 'none' | 'required' | 'whereFeasible'
}

const interchange = { 1: 'international', 2: 'international', 5: 'national', 6: 'national', 7: 'private', 9: 'test' } as const
const services = {
  0: ['all', 'required'],
  1: ['all', 'none'],
  2: ['goodsAndServices', 'none'],
  3: ['atm', 'required'],
  4: ['cash', 'none'],
  5: ['goodsAndServices', 'required'],
  6: ['all', 'whereFeasible'],
  7: ['goodsAndServices', 'whereFeasible'],
} as const

/** Whether each of the three digits says something. */
export function hasMeaning([first, second, third]: string): boolean {
  return first in interchange && ['0', '2', '4'].includes(second) && third in services
}

/** Of which cards a service code says nothing: an ordinary one that the issuer is asked about. */
const UNKNOWN_SERVICE: ServiceCode = { interchange: 'private', chip: false, authorisation: 'online', services: 'all', pin: 'none' }

/**
 * The code of a stripe as a terminal goes by it: real cards have codes that no table has (000, 110, 301, 826, 909, 999). Of such a one only the first digit counts,
 * for a chip goes to the slot; services and PIN are the issuer's to say.
 */
export function serviceCodeOf(code: string): ServiceCode {
  door.need('code', code, door.anyText)
  if (hasMeaning(code)) return readServiceCode(code)
  const area = interchange[code[0] as unknown as keyof typeof interchange]
  return { ...UNKNOWN_SERVICE, ...(area && { interchange: area }), chip: /^[26]/.test(code) }
}

/**
 * Whether a reader asks for the PIN of a stripe: where the third digit requires it (0, 3, 5), and where it wants it where feasible (6, 7), each at a PIN pad. Without a
 * PIN pad nobody is asked; the issuer, who has given the code, hears of no PIN and decides.
 */
export function asksForPin(service: Pick<ServiceCode, 'pin'> | undefined, pinPad = true): boolean {
  door.need('service', service, door.maybe(door.shape({ pin: door.anyText })))
  door.need('pinPad', pinPad, door.flag)
  return pinPad && service !== undefined && service.pin !== 'none'
}

/** @throws Fault `bad-swipe` where a digit has no meaning */
export function readServiceCode(code: string): ServiceCode {
  door.need('code', code, door.anyText)
  const [first, second, third] = code
  const area = interchange[first as unknown as keyof typeof interchange]
  const use = services[third as unknown as keyof typeof services]
  if (code.length !== 3 || !hasMeaning(code)) throw bad(2, `service code '${code}' has no meaning in ISO/IEC 7813`)
  return {
    interchange: area,
    chip: first === '2' || first === '6',
    authorisation: second === '0' ? 'normal' : 'online',
    services: use[0],
    pin: use[1],
  }
}

const areas = {
  1: 'international',
  2: 'international, with a chip',
  5: 'national',
  6: 'national, with a chip',
  7: 'private',
  9: 'test',
} as const
const authorisations = {
  0: 'authorised normally',
  2: 'authorised by the issuer, online',
  4: 'authorised by the issuer, unless a bilateral agreement applies',
} as const
const restrictions = {
  0: 'no restriction, PIN required',
  1: 'no restriction',
  2: 'goods and services only',
  3: 'ATM only, PIN required',
  4: 'cash only',
  5: 'goods and services only, PIN required',
  6: 'no restriction, PIN where feasible',
  7: 'goods and services only, PIN where feasible',
} as const

/** What each digit of a service code says, in words; a digit without a meaning by its place. */
export function serviceCodeWords(code: string): string[] {
  door.need('code', code, door.anyText)
  const tables: readonly Readonly<Record<string, string>>[] = [areas, authorisations, restrictions]
  return tables.map((table, at) => table[code[at] ?? ''] ?? `digit ${at + 1} (${code[at] ?? 'missing'}) has no meaning in ISO/IEC 7813`)
}
