/** What a brand has of its own when its card is tapped: how it is personalised for the field, and what it answers. */

import type { Answer, CardCommand } from '../command.ts'
import type { Session } from '../contact/run.ts'
import type { ApplicationMemory } from '../memory.ts'
import type { ApplicationPlan, CardPlan } from '../profile/profile.ts'
import type { CryptogramName } from '../profile/words.ts'

/** How a card is held to a reader: as plastic, in a phone that its holder has unlocked, or in one that is locked. */
export type Device = 'card' | 'phone' | 'lockedPhone'

/** One application in the field. */
export interface Tapped {
  readonly session: Session
  readonly card: CardPlan
  readonly application: ApplicationMemory
  readonly device: Device
}

export type DataObjects = ReadonlyMap<number, Uint8Array>

/** What a brand has to say before a GENERATE AC is answered: it is refused, declined, or has more data objects in its answer. */
export type BeforeAc = { readonly refuse: number } | { readonly decline?: boolean; readonly more: DataObjects }

export interface TapBrand {
  /** Kernel identifier in the PPSE entry (9F2A); by the RID where there is none. */
  readonly kernel?: Uint8Array
  /** Its wallet is not there until the holder has opened it. */
  readonly hiddenWhenLocked?: boolean
  /** AIP, lists, data objects and verification methods for the field. `common` is what all brands have, its CVM list one that can be done by tap. */
  plan(common: ApplicationPlan, device: 'card' | 'phone', card: CardPlan): ApplicationPlan
  /** GET PROCESSING OPTIONS with the cryptogram in its answer; a card that has it knows no GENERATE AC. */
  quick?(tapped: Tapped, data: Uint8Array): Answer
  /** More data objects in the answer to GET PROCESSING OPTIONS. */
  initiated?(tapped: Tapped): DataObjects
  /** How a torn GENERATE AC is asked for again: RECOVER AC names its unpredictable number (DRDOL), ECHO wants the last one. */
  readonly recovery?: 'recoverAc' | 'echo'
  /** COMPUTE CRYPTOGRAPHIC CHECKSUM. */
  checksum?(tapped: Tapped, command: CardCommand): Answer
  /** @param told what the reader says by CDOL1 */
  beforeAc?(tapped: Tapped, told: DataObjects): BeforeAc | undefined
}

/** What the profile says of tapping; undefined where it leaves that to the brand. */
export function settingsOf({ contactless }: ApplicationPlan) {
  return contactless === false ? undefined : contactless
}

/** How the cryptogram of a tap is made, where it is another than the chip's. */
export function tapCryptogram(one: ApplicationPlan): CryptogramName | undefined {
  return settingsOf(one)?.cryptogram ?? (one.cryptogram === 'dpas' && one.contactless !== false ? 'dpasTap' : undefined)
}

/** The first method of the CVM list that the card may choose and the reader can do. */
export function firstMethod<T>(
  { cvm }: ApplicationPlan,
  choices: Readonly<Partial<Record<string, T>>>,
  can: (choice: T) => boolean,
): T | undefined {
  for (const { method } of cvm?.rules ?? []) {
    const choice = choices[method]
    if (choice !== undefined && can(choice)) return choice
  }
  return undefined
}
