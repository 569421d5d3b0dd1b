/** A recorded card that is one of our own: the profile that answers as it did, with the test keys, so that it pays whatever it is asked to. */

import { equal, hex } from '../../src/bytes.ts'
import { isFault } from '../../src/errors.ts'
import { editResponse } from '../../src/recording/apdu.ts'
import { cursorOver } from '../../src/recording/cursor.ts'
import type { FieldEdit } from '../../src/recording/field.ts'
import { harmless } from '../../src/recording/harmless.ts'
import { loadCard, type VirtualCard } from './icc.ts'
import type { CardApplication, CardProfile } from './profile/card-profile.ts'
import { profiles } from './profiles/index.ts'
import type { Exchange, RecordedCard } from './recorded.ts'

const SELECT = 0xa4
/** SELECT, GET PROCESSING OPTIONS, READ RECORD: what is answered is on the card, but for `changing`. */
const reading: readonly number[] = [SELECT, 0xa8, 0xb2]
const GET_RESPONSE = 0xc0
const GENERATE_AC = 0xae
/** Never sent to a card of ours: a PIN of zeros, and scripts without their data, would be wrong. */
const secret: readonly number[] = [0x20, 0x24]

/**
 * Data objects that another payment with the same card has otherwise: what a cryptogram is made of and what it comes to, and signatures over the number, which a
 * recording does not hold.
 */
export const changing: readonly number[] = [
  ...[0x9f26, 0x9f36, 0x9f10, 0x9f27, 0x9f4b, 0x9f4c, 0x9f69, 0x9f17, 0x9f13],
  ...[0x93, 0x9f46, 0x9f48, 0x9f2d, 0x9f2f],
]

/**
 * The virtual card of the first profile that gives every recorded answer again: applications, records, locator and what the field is told. Its number is the profile's where
 * the recording shows the same digits of it, else the one in the recording; a name in the recording is no difference. Undefined where no profile does: then the recording is
 * all that is known.
 */
export async function signedAnew(card: RecordedCard): Promise<VirtualCard | undefined> {
  const told = objectsOf(card.exchanges)
  const candidates = Object.values(profiles).flatMap(profile => asTold(profile, told))
  // A profile that has the very number comes before one that has to take it over.
  const ordered = [...candidates].sort((a, b) => Number(b.own) - Number(a.own))
  for (const { profile } of ordered) if (await answersAlike(profile, card)) return loadCard(profile)
  return undefined
}

interface Told {
  /** AIDs that were selected, without the directories. */
  readonly aids: readonly string[]
  readonly pan: string | undefined
  /** ATC of the first cryptogram. */
  readonly atc: number | undefined
}

function objectsOf(exchanges: readonly Exchange[]): Told {
  const seen = new Map<number, string>()
  const names = new Set<string>()
  for (const { command, answer } of exchanges) {
    if (command[1] === SELECT && succeeded(answer)) names.add(hex(command.subarray(5, 5 + command[4])))
    edited(answer, (_, value, tag) => {
      if (tag !== undefined && value.length > 0 && !seen.has(tag)) seen.set(tag, hex(value))
      return value
    })
    // Format 1: cryptogram information, counter, cryptogram, issuer application data.
    if (command[1] === GENERATE_AC && answer[0] === 0x80 && !seen.has(0x9f36)) seen.set(0x9f36, hex(answer.subarray(3, 5)))
  }
  const [pan] = /^\d+/.exec(seen.get(0x5a) ?? seen.get(0x57) ?? '') ?? []
  const atc = seen.get(0x9f36)
  return {
    aids: [...names].filter(name => !/^(31|32)504159/.test(name)),
    pan,
    atc: atc === undefined ? undefined : Number.parseInt(atc, 16),
  }
}

const succeeded = (answer: Uint8Array) => /(9000|61..)$/.test(hex(answer))

function edited(answer: Uint8Array, edit: FieldEdit): Uint8Array | undefined {
  return cursorOver(answer, edit, editResponse)
}

/** The profile with the recorded number and counter; nothing where it has not the applications, or is of another issuer. */
function asTold(profile: CardProfile, { aids, pan, atc }: Told): { readonly profile: CardProfile; readonly own: boolean }[] {
  const selected = ({ aid }: CardApplication) => aids.some(name => name.startsWith(aid.replaceAll(' ', '').toUpperCase()))
  const paying = profile.applications.find(selected)
  if (!paying || (profile.chip ?? 'works') !== 'works') return []
  const number = paying.pan ?? profile.pan
  const own = pan === undefined || shown(number) === shown(pan)
  if (!own && number.slice(0, 6) !== pan?.slice(0, 6)) return []
  const counted = (one: CardApplication): CardApplication => ({
    ...one,
    ...(one === paying && !own && one.pan !== undefined && { pan: pan! }),
    ...(one === paying && atc !== undefined && atc > 0 && { state: { ...one.state, atc: atc - 1 } }),
  })
  const taken = { ...profile, applications: profile.applications.map(counted), ...(!own && paying.pan === undefined && { pan: pan! }) }
  return [{ profile: taken, own }]
}

/** Of a number what a recording shows. */
const shown = (pan: string) => `${pan.slice(0, 6)}${pan.length}${pan.slice(-4)}`

/** Whether a card of this profile, asked the same, answers what was recorded. It is asked to no end but this, so what it counts is lost. */
async function answersAlike({ faults, ...profile }: CardProfile, { exchanges, tapped }: RecordedCard): Promise<boolean> {
  try {
    const card = loadCard(profile, { random: length => new Uint8Array(length) })
    if (tapped && !card.canTap) return false
    const session = tapped ? card.contactless() : card.contact()
    let asked = 0
    for (const { command, answer } of exchanges) {
      if (command[1] !== GET_RESPONSE) asked = command[1]
      if (secret.includes(asked)) continue
      const own = await session.transmit(command)
      if (reading.includes(asked) && !alike(own, answer)) return false
    }
    return true
  } catch (error) {
    if (isFault(error, 'bad-config', 'bad-key', 'card-mute')) return false
    throw error
  }
}

function alike(one: Uint8Array, other: Uint8Array): boolean {
  const kept: FieldEdit = (kind, value, tag) =>
    kind === 'name' || (tag !== undefined && changing.includes(tag)) ? new Uint8Array(value.length) : harmless(kind, value, tag)
  const [a, b] = [edited(one, kept), edited(other, kept)]
  return a !== undefined && b !== undefined && equal(a, b)
}
