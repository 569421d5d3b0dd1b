/** The virtual ICC: a card that keeps its memory, and powered sessions of it that answer APDUs as the Books say. */

import { randomBytes } from 'node:crypto'
import { type Clock, sleep, systemClock } from '../../src/clock.ts'
import type { Card } from '../../src/emv/card.ts'
import { Fault, throwIfAborted } from '../../src/errors.ts'
import { type Answer, ok, refuse, responseBytes, SW } from './command.ts'
import { execute } from './contact/execute.ts'
import type { Session } from './contact/run.ts'
import { type CardMemory, freshMemory } from './memory.ts'
import { type CardImage, personalize } from './personalize.ts'
import type { CardProfile } from './profile/card-profile.ts'
import { type CardPlan, parseProfile } from './profile/profile.ts'
import { type ProfileName, profiles } from './profiles/index.ts'
import { canTap, type TapSide, tapSide } from './tap/contactless.ts'
import { type TapOptions, TapSession } from './tap/session.ts'

/** How a card is loaded. */
export interface VirtualCardOptions {
  /** Unpredictable bytes for challenges and dynamic numbers; node:crypto's when left out. */
  readonly random?: (length: number) => Uint8Array
  /** For slow and silent cards; the system's when left out. */
  readonly clock?: Clock
  /** Counters, blocks and PIN tries that it begins with, as `VirtualCard.state` told them; those of its profile when left out. */
  readonly state?: CardState
}

/** What a test or a display may see of the memory of one application. */
export interface ApplicationState {
  /** Application Transaction Counter (9F36). */
  readonly atc: number
  /** Last Online ATC Register (9F13). */
  readonly lastOnlineAtc: number
  /** By APPLICATION BLOCK. */
  readonly blocked: boolean
  /** Offline approvals in a row. */
  readonly consecutiveOffline: number
  /** Their sum, minor units of the card's currency. */
  readonly cumulativeOffline: number
}

/** What a test or a display may see of a card's memory. */
export interface CardState {
  /** By CARD BLOCK. */
  readonly blocked: boolean
  /** Of the offline PIN; undefined where it has none. */
  readonly pinTriesLeft: number | undefined
  /** In the order of the profile. */
  readonly applications: readonly ApplicationState[]
}

/** A card in somebody's hand. Its memory lasts as long as the object; each `contact` is one insertion. */
export class VirtualCard {
  /** Its profile, checked and filled in. */
  readonly plan: CardPlan
  /** Answer to reset (ISO 7816-3). */
  readonly atr: Uint8Array
  /** Magnetic stripe tracks 1 and 2, sentinels and LRC left out. */
  readonly stripe: {
    /** ISO/IEC 7813, format B. */
    readonly track1: string
    /** ISO/IEC 7813, up to 37 characters. */
    readonly track2: string
  }
  readonly #image: CardImage
  readonly #memory: CardMemory
  readonly #random: (length: number) => Uint8Array
  readonly #clock: Clock
  #tapSide: TapSide | undefined

  /** @throws Fault `bad-config` with details.path */
  constructor(profile: CardProfile, options: VirtualCardOptions = {}) {
    this.#image = imageOf(profile)
    this.plan = this.#image.plan
    this.#memory = freshMemory(this.#image)
    if (options.state) remember(this.#memory, options.state)
    this.#random = options.random ?? (length => new Uint8Array(randomBytes(length)))
    this.atr = this.#image.atr
    this.stripe = stripeOf(this.plan)
    this.#clock = options.clock ?? systemClock
  }

  /** The PIN that its holder was sent; undefined where it has none. */
  get pin(): string | undefined {
    return this.plan.pin?.digits
  }

  /** A person sees a chip on it, whether it works or not. */
  get hasChip(): boolean {
    return this.plan.chip !== 'none'
  }

  /**
   * Puts the card into a slot and powers it. The session ends with `remove`; a new one starts from reset, with the same memory.
   * @throws Fault `card-mute` where its profile has no chip, or a dead one
   */
  contact(options: { clock?: Clock } = {}): ContactSession {
    if (this.plan.chip !== 'works') throw new Fault('card-mute', `the card ${this.plan.name} gives no answer to reset`)
    return new ContactSession(this.#image, this.#memory, this.#random, options.clock ?? this.#clock)
  }

  /** Whether it has an antenna and an application for it. */
  get canTap(): boolean {
    return canTap(this.plan)
  }

  /** Holds the card, or the phone that it lives in, into the field. Counters, PIN and blocks are those of the contact side. @throws Fault `card-mute` unless `canTap` */
  contactless(options: TapOptions & { clock?: Clock } = {}): TapSession {
    this.#tapSide ??= tapSide(this.#image, this.#memory)
    return new TapSession(this.#tapSide, this.#random, options.clock ?? this.#clock, options)
  }

  /** What is in its memory now: counters, blocks, PIN tries. */
  get state(): CardState {
    const { blocked, pin, applications } = this.#memory
    return {
      blocked,
      pinTriesLeft: pin?.triesLeft,
      applications: applications.map(({ atc, lastOnlineAtc, blocked, consecutiveOffline, cumulativeOffline }) => ({
        atc,
        lastOnlineAtc,
        blocked,
        consecutiveOffline,
        cumulativeOffline,
      })),
    }
  }
}

/**
 * A card by the name of a profile, or from a profile of one's own.
 * @throws Fault `bad-config` for a profile that breaks a rule (details.path, details.rule), `bad-argument` for an unknown name
 *
 * @example
 * ```ts
 * import { loadCard, profiles } from 'tapdip/simulator'
 *
 * const card = loadCard('mir')
 * const blocked = loadCard({ ...profiles.mir, name: 'mir-blocked', blocked: true })
 * console.log(card.stripe.track2.length, blocked.state.blocked)
 * ```
 */
export function loadCard(profile: ProfileName | (string & {}) | CardProfile, options: VirtualCardOptions = {}): VirtualCard {
  if (typeof profile !== 'string') return new VirtualCard(profile, options)
  const known = profiles[profile as ProfileName]
  if (!known) throw new Fault('bad-argument', `no card profile is named '${profile}'; there are ${Object.keys(profiles).join(', ')}`)
  return new VirtualCard(known, options)
}

/** Of the profiles that are shipped: their cards differ by their memory alone, and are written and signed once. */
const images = new WeakMap<CardProfile, CardImage>()

function imageOf(profile: CardProfile): CardImage {
  const known = images.get(profile)
  if (known) return known
  const image = personalize(parseProfile(profile))
  if (Object.values(profiles).includes(profile)) images.set(profile, image)
  return image
}

/** What was told of another card of this profile is true of this one. */
function remember(memory: CardMemory, { blocked, pinTriesLeft, applications }: CardState): void {
  memory.blocked = blocked
  if (memory.pin && pinTriesLeft !== undefined) memory.pin.triesLeft = pinTriesLeft
  for (const [at, state] of applications.entries()) {
    const own = memory.applications[at]
    if (own) Object.assign(own, state)
  }
}

/** ISO/IEC 7813: format B track 1 and track 2. */
function stripeOf({ pan, cardholder, expires, serviceCode, discretionary }: CardPlan): VirtualCard['stripe'] {
  const rest = expires.slice(0, 4) + serviceCode + discretionary
  return { track1: `B${pan}^${cardholder}^${rest}`, track2: `${pan}=${rest}`.slice(0, 37) }
}

/** How long a silent card is waited for before the reader gives up: the initial waiting time of T=0, 9600 etu at 9600 baud. */
const waitingTime = 1000

export class ContactSession implements Card {
  readonly interface = 'contact'
  readonly atr: Uint8Array
  readonly #image: CardImage
  readonly #session: Session
  readonly #clock: Clock
  readonly #gone = new AbortController()
  #count = 0
  #busy = false
  /** T=0: what GET RESPONSE will fetch. */
  #pending: Answer | undefined

  constructor(image: CardImage, memory: CardMemory, random: (length: number) => Uint8Array, clock: Clock) {
    this.atr = image.atr
    this.#image = image
    this.#clock = clock
    this.#session = {
      memory,
      random,
      selected: { type: 'none' },
      search: undefined,
      run: undefined,
      challenge: undefined,
    }
  }

  /** Takes the card out: a command under way, and every later one, ends with `card-removed`. */
  remove(): void {
    this.#gone.abort(new Fault('card-removed', 'the card was removed'))
  }

  /** @throws Fault `card-removed`, `card-mute`, `aborted`, `busy` when a command is under way */
  async transmit(apdu: Uint8Array, options: { signal?: AbortSignal } = {}): Promise<Uint8Array> {
    throwIfAborted(options.signal)
    throwIfAborted(this.#gone.signal)
    if (this.#busy) throw new Fault('busy', 'the card is working on the command before')
    this.#busy = true
    try {
      return await this.#answer(apdu, options.signal)
    } finally {
      this.#busy = false
    }
  }

  async #answer(apdu: Uint8Array, signal: AbortSignal | undefined): Promise<Uint8Array> {
    const { faults, protocol } = this.#image.plan
    const wait = (ms: number) => sleep(ms, this.#clock, signal ? AbortSignal.any([signal, this.#gone.signal]) : this.#gone.signal)
    this.#count++
    if (faults.removedAt !== undefined && this.#count >= faults.removedAt) this.remove()
    throwIfAborted(this.#gone.signal)
    if (faults.muteAt !== undefined && this.#count >= faults.muteAt) {
      await wait(waitingTime)
      throw new Fault('card-mute', `the card did not answer in ${waitingTime} ms`, { ms: waitingTime })
    }
    if (faults.delay > 0) await wait(faults.delay)
    if (faults.garbageAt.includes(this.#count)) return garbage[faults.garbage]
    return responseBytes(protocol === 'T=0' ? this.#characterProtocol(apdu) : execute(this.#session, this.#image, apdu))
  }

  /** T=0 (EMV 4.4 Book 1, 9.3.1): data after a command with data waits for GET RESPONSE (61xx), a wrong Le is told (6Cxx). */
  #characterProtocol(apdu: Uint8Array): Answer {
    const pending = this.#pending
    this.#pending = undefined
    const isGetResponse = apdu[0] === 0x00 && apdu[1] === 0xc0
    if (isGetResponse && !pending) return refuse(SW.conditions)
    if (isGetResponse && (apdu[2] !== 0 || apdu[3] !== 0 || apdu.length !== 5)) return refuse(SW.wrongParameters)
    const answer = isGetResponse ? pending! : execute(this.#session, this.#image, apdu)
    const { data, sw } = answer
    if (!data || data.length === 0) return answer
    const withData = apdu.length > 5
    if (withData) {
      this.#pending = answer
      return refuse(0x6100 | (data.length & 0xff))
    }
    const wanted = apdu.length === 5 ? apdu[4] || 256 : 256
    if (wanted === data.length) return answer
    if (isGetResponse && wanted < data.length) {
      this.#pending = { sw, data: data.slice(wanted) }
      return { sw: 0x6100 | ((data.length - wanted) & 0xff), data: data.slice(0, wanted) }
    }
    if (isGetResponse) this.#pending = answer
    return refuse(0x6c00 | (data.length & 0xff))
  }
}

const garbage: Readonly<Record<CardPlan['faults']['garbage'], Uint8Array>> = {
  short: Uint8Array.of(0x90),
  brokenTlv: Uint8Array.of(0x6f, 0x82, 0x10, 0x84, 0x07, 0xa0, 0x00, 0x90, 0x00),
  oddStatus: Uint8Array.of(0x6f, 0x00),
  otherTemplate: responseBytes(ok(Uint8Array.of(0xe1, 0x03, 0xdf, 0x7f, 0x00))),
}
