/** What a scenario says of its counter, as what makes it takes it: the reader, cards, the script of a person, the terminal's configuration, the host. */

import { currency } from '../../src/currency.ts'
import type { TerminalConfig } from '../../src/emv/config.ts'
import { parseTerminalConfig } from '../../src/emv/config-schema.ts'
import { contactlessFor } from '../../src/emv/contactless/profiles.ts'
import { mposFor } from '../../src/emv/profiles.ts'
import { Fault } from '../../src/errors.ts'
import { configurationDigest } from '../../src/trace/digest.ts'
import type { VirtualCard } from '../cards/icc.ts'
import type { CardProfile } from '../cards/profile/card-profile.ts'
import { profiles } from '../cards/profiles/index.ts'
import { VirtualPhone } from '../cards/tap/phone.ts'
import { instant, type PersonOptions } from '../person.ts'
import type { Pace } from '../readers/body/cardholder.ts'
import { virtualFamilies } from '../readers/index.ts'
import { virtualConfig } from '../virtual-reader.ts'
import { merged } from './read.ts'
import type { ScenarioPlan } from './schema.ts'

export type CardPlan = NonNullable<ScenarioPlan['card']>
export type PersonPlan = NonNullable<ScenarioPlan['person']>
export type Somebody = { readonly card?: CardPlan | undefined; readonly person?: PersonPlan | undefined }

/** Who sells, in every scenario. */
export const merchant = { name: 'MobileTestMerchant', id: '635459020000001', terminal: '63545902' }

/** Nobody comes; as long as timers can be set. */
const NEVER = 2_000_000_000

/** Fields that are there. */
export function given<T extends object>(fields: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never
}

type Fields = Omit<Extract<ScenarioPlan['reader'], { readonly family: string }>, 'family' | 'dialect'>

/** @throws Fault `unsupported` for a reader that is not made here */
export function readerOf(reader: NonNullable<ScenarioPlan['reader']>): {
  readonly family: string
  readonly dialect: string | undefined
  readonly fields: Fields
} {
  if (typeof reader === 'string') {
    const [family, dialect] = reader.split(' ')
    return { family, dialect, fields: {} }
  }
  if ('family' in reader) return { family: reader.family, dialect: reader.dialect, fields: reader }
  throw new Fault('unsupported', `a reader by ${'uri' in reader ? 'URI' : 'labels'} is not made here: --reader says where it is`, {
    feature: 'reader',
  })
}

/** A card's profile with what is changed in it. @throws Fault `bad-config` where it has no such application */
export function profileOf(card: CardPlan): CardProfile {
  if (typeof card === 'string') return profiles[card as keyof typeof profiles]
  if ('own' in card) return card.own as unknown as CardProfile
  const base = profiles[card.profile as keyof typeof profiles] as CardProfile
  const { applications, ...changes } = (card.with ?? {}) as Record<string, unknown>
  const profile = merged(base, changes) as CardProfile
  if (applications === undefined || Array.isArray(applications)) return applications ? { ...profile, applications } : profile
  for (const key of Object.keys(applications as object))
    if (key !== '*' && !(key in profile.applications))
      throw new Fault('bad-config', `card.with.applications.${key}: ${card.profile} has ${profile.applications.length}`, {
        path: `card.with.applications.${key}`,
      })
  const changed = applications as Readonly<Record<string, unknown>>
  return {
    ...profile,
    applications: profile.applications.map((one, at) => merged(merged(one, changed['*']), changed[String(at)]) as typeof one),
  }
}

/** @param usual how long they take where the scenario does not say */
export function scriptOf(
  person: PersonPlan | undefined,
  cardOf: (card: CardPlan) => VirtualCard,
  usual: Pace = instant,
): Omit<PersonOptions, 'card'> {
  if (person === undefined) return { pace: usual }
  if (person === 'nobody') return { pace: { ...usual, present: NEVER } }
  if (typeof person === 'string') return { pace: usual, present: person as 'dip' }
  const { present, pins, choose, pullAt, cancelAt, phone, wallet, pace } = person
  const turns = present === undefined ? undefined : [present].flat().map(turn => {
    if (typeof turn === 'string') return turn
    return { how: turn.how, ...(turn.card !== undefined && { card: cardOf(turn.card) }), ...(turn.leave !== undefined && { leave: turn.leave }) }
  }) // biome-ignore format: a list
  return {
    pace: { ...usual, ...(pace && given(pace)) },
    ...(turns && { present: turns }),
    ...(pins && { pins }),
    ...(choose !== undefined && { choose }),
    ...(pullAt !== undefined && { pullAt }),
    ...(cancelAt !== undefined && { cancelAt }),
    ...(phone !== undefined && { phone }),
    ...(wallet && { wallet: wallet.map(one => (phone ? new VirtualPhone(cardOf(one)) : cardOf(one))) }),
  }
}

export function hostOf(host: ScenarioPlan['host']) {
  const fields = Array.isArray(host) ? { rules: host } : (host ?? {})
  const { rules = [], magicAmounts = false, balance, gone = false, merchants } = fields as Exclude<typeof host, unknown[] | undefined>
  return { rules: rules as never[], magicAmounts, balance, gone, merchants: merchants as never[] | undefined }
}

const digests = new Map<string, string>()

/** SHA-256 of the configuration that a scenario's terminal has. @throws Fault `bad-config` */
export function configurationOf({ terminal, currency: unit = 'RUB', reader = 'qpos' }: ScenarioPlan): string {
  const { family, fields } = readerOf(reader)
  const serial = fields.serial ?? virtualFamilies[family].serial
  const name = JSON.stringify([terminal, unit, serial], (_, value) => (typeof value === 'bigint' ? `${value}` : value))
  const known = digests.get(name) ?? configurationDigest(terminalOf(terminal, unit, serial), contactlessFor(unit, terminal?.taps ?? {}))
  digests.set(name, known)
  return known
}

const configs = new Map<string, TerminalConfig>()

/** The currency's ready configuration with the scenario's changes. @throws Fault `bad-config` */
export function terminalOf(terminal: ScenarioPlan['terminal'], unit: string, serial: string): TerminalConfig {
  const name = `${unit} ${serial}`
  const ready = configs.get(name) ?? virtualConfig(serial, site => mposFor(currency(unit).alpha, site))
  configs.set(name, ready)
  const { set, applications: changes, caKeys } = terminal ?? {}
  if (!set && !changes && !caKeys) return ready
  const applications = ready.applications.flatMap(one => {
    const aid = Buffer.from(one.aid).toString('hex').toUpperCase()
    const meant = Object.entries(changes ?? {}).filter(([prefix]) => prefix === '*' || aid.startsWith(prefix.toUpperCase()))
    if (meant.some(([, { accept }]) => accept === false)) return []
    return [Object.assign({}, one, ...meant.map(([, { accept: _, ...fields }]) => given(fields)))]
  })
  return parseTerminalConfig({ ...ready, ...(set && given(set)), applications, ...(caKeys === 'none' && { caKeys: [], revoked: [] }) })
}
