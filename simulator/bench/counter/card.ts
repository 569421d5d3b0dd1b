/** A card of the bench: its profile, the plastic or phone that is made of it when it is first needed, where it is and what was done with it. */

import { hex } from '../../../src/bytes.ts'
import { maskPan } from '../../../src/mask.ts'
import { schemeName } from '../../../src/payment/receipt/scheme.ts'
import { type CardState as CardMemory, VirtualCard } from '../../cards/icc.ts'
import type { CardProfile } from '../../cards/profile/card-profile.ts'
import { type CardPlan, parseProfile } from '../../cards/profile/profile.ts'
import { canTap } from '../../cards/tap/contactless.ts'
import { VirtualPhone } from '../../cards/tap/phone.ts'
import type { PlasticCard } from '../../readers/body/body.ts'
import { profileOf } from '../../scenario/parts.ts'
import type { CardInput, CardPatch } from '../schema/card.ts'
import type { CardState } from '../schema/types.ts'
import { type Place, Teller } from './place.ts'

/** How many lines of its log are kept. */
const LOG = 50
/** Chance of cards, as scenarios have it. */
const STREAM = 0x63617264

/** The chip, and what is held in the hand. */
interface Made {
  readonly card: VirtualCard
  plastic: PlasticCard
}

const plans = new Map<string, CardPlan>()

export class BenchCard {
  readonly id: string
  readonly #place: Place
  readonly #teller: Teller
  #input: CardInput
  #memory: CardMemory | undefined
  #made: Made | undefined
  #where: CardState['place'] = null
  #log: CardState['log'] = []

  /** @param memory that it begins with, as a file of a counter has it */
  constructor(place: Place, id: string, input: CardInput, memory?: unknown) {
    this.id = id
    this.#place = place
    this.#input = input
    this.#memory = memory as CardMemory | undefined
    this.#teller = new Teller(
      () => this.state,
      state => place.tell('card', id, state),
    )
  }

  get input(): CardInput {
    return this.#input
  }

  /** What it was made of. @throws Fault `bad-config` */
  get profile(): CardProfile {
    return profileOf(
      'own' in this.#input
        ? { own: this.#input.own }
        : { profile: this.#input.profile, ...(this.#input.with && { with: this.#input.with }) },
    )
  }

  /** A ready profile as it is. */
  get isReady(): boolean {
    return 'profile' in this.#input && this.#input.with === undefined
  }

  get plan(): CardPlan {
    if (this.#made) return this.#made.card.plan
    if (!('profile' in this.#input) || this.#input.with) return parseProfile(this.profile)
    const { profile } = this.#input
    const known = plans.get(profile) ?? parseProfile(this.profile)
    plans.set(profile, known)
    return known
  }

  #make(): Made {
    if (this.#made) return this.#made
    const { clock } = this.#place
    const chance = this.#place.random(STREAM + Number(this.id.replace(/\D/g, '')))
    const card = new VirtualCard(this.profile, { clock, random: chance, ...(this.#memory && { state: this.#memory }) })
    this.#made = { card, plastic: this.#wrapped(card) }
    return this.#made
  }

  #wrapped(card: VirtualCard): PlasticCard {
    const { phone } = this.#input
    return phone === undefined ? card : new VirtualPhone(card, { locked: phone === 'locked' })
  }

  /** What a person holds. @throws Fault `bad-config` */
  get plastic(): PlasticCard {
    return this.#make().plastic
  }

  /** The chip itself, in whatever it lives. */
  get chip(): VirtualCard {
    return this.#make().card
  }

  /** Whether `plastic` is this one, without making it. */
  is(plastic: PlasticCard): boolean {
    return this.#made?.plastic === plastic
  }

  get place(): CardState['place'] {
    return this.#where
  }

  /** Counters and tries, as a file of a counter keeps them; undefined while they are its profile's. */
  get memory(): CardMemory | undefined {
    return this.#made?.card.state ?? this.#memory
  }

  /** It came or went. */
  moved(reader: string, event: CardState['log'][number]['event'], where: CardState['place']): void {
    this.#where = where
    const atc = this.#made?.card.state.applications[0]?.atc ?? 0
    this.#log = [{ at: this.#place.at(), reader, event, atc }, ...this.#log].slice(0, LOG)
    this.tell()
  }

  unlock(): void {
    const { plastic } = this.#make()
    plastic.unlock?.()
    this.tell()
  }

  patch({ phone, wallet, pinTriesLeft, fresh }: CardPatch): void {
    const { phone: _, ...rest } = this.#input
    if (phone !== undefined) this.#input = (phone === null ? rest : { ...rest, phone }) as CardInput
    if (wallet !== undefined) this.#input = { ...this.#input, wallet }
    if (fresh) this.#renew(undefined)
    if (pinTriesLeft !== undefined) this.#renew({ ...this.chip.state, pinTriesLeft })
    if (phone !== undefined && this.#made) this.#made.plastic = this.#wrapped(this.#made.card)
    this.tell()
  }

  /** The same profile, another memory. */
  #renew(memory: CardMemory | undefined): void {
    this.#memory = memory
    this.#made = undefined
  }

  /** Another profile; nothing changes where it breaks a rule. @throws Fault `bad-config` */
  remake(input: CardInput): void {
    const before = this.#input
    const made = this.#made
    this.#input = {
      ...('phone' in before && { phone: before.phone }),
      ...('wallet' in before && { wallet: before.wallet }),
      ...input,
    } as CardInput
    this.#made = undefined
    try {
      this.#make()
    } catch (error) {
      this.#input = before
      this.#made = made
      throw error
    }
    this.#memory = undefined
    this.tell()
  }

  tell(): void {
    this.#teller.soon()
  }

  gone(): void {
    this.stop()
    this.#place.tell('card', this.id, null)
  }

  stop(): void {
    this.#teller.stop()
  }

  get state(): CardState {
    const { plan } = this
    const { phone, wallet } = this.#input
    const held = this.#made?.plastic
    const { blocked, pinTriesLeft, applications } = this.memory ?? freshState(plan)
    const names = plan.applications.map(({ aid, label }) => ({ scheme: schemeName({ aid: hex(aid), pan: plan.pan }) ?? label, label }))
    return {
      ...{ id: this.id, profile: plan.name, changed: !this.isReady, label: names.map(({ label }) => label).join(' · ') },
      schemes: names.map(({ scheme }) => scheme),
      pan: maskPan(plan.pan),
      interfaces: phone
        ? ['tap']
        : [...(plan.chip === 'none' ? [] : ['chip' as const]), ...(canTap(plan) ? ['tap' as const] : []), 'swipe'],
      cvm: [...new Set(plan.applications.flatMap(({ cvm }) => cvm?.rules.map(({ method }) => String(method)) ?? []))],
      special: this.profile.about ?? '',
      ...(phone && { phone: held instanceof VirtualPhone ? (held.locked ? 'locked' : 'unlocked') : phone }),
      ...(held?.asksHolder && { asksHolder: true }),
      ...(wallet && { wallet }),
      place: this.#where,
      counters: {
        blocked,
        ...(pinTriesLeft !== undefined && { pinTriesLeft }),
        applications: applications.map((one, at) => ({ label: names[at]?.label ?? '', ...one })),
      },
      log: this.#log,
    }
  }
}

/** Of a card that nobody has used. */
function freshState({ blocked, pin, applications }: CardPlan): CardMemory {
  return {
    blocked,
    pinTriesLeft: pin && (pin.triesLeft ?? pin.tryLimit),
    applications: applications.map(({ state: { atc, lastOnlineAtc, blocked, consecutiveOffline, cumulativeOffline } }) => ({
      ...{ atc, lastOnlineAtc, blocked, consecutiveOffline, cumulativeOffline },
    })),
  }
}
