/** What a body has to touch, to see and to hear: cards, keys, screens, lights, sounds, the battery; and what happens to it, as it is told. */

import type { Clock } from '../../../src/clock.ts'
import type { Card } from '../../../src/emv/card.ts'
import type { SwipedTracks } from '../../../src/magstripe/swipe.ts'
import type { MessageId } from '../../../src/messages/messages.ts'

export * from './keys.ts'

/** A card as a person holds it. Each call of `contact` or `contactless` is a cold reset: the Card it gives begins anew. */
export interface PlasticCard {
  /** Into a slot; left out where it has no chip. @throws Fault `card-mute` where the chip is dead */
  contact?(power: {
    /** Times what the card does. */
    readonly clock: Clock
  }): Card
  /** Whether a person sees a chip on it, where there is one way only to know; by `contact` when left out. */
  readonly hasChip?: boolean
  /** Whether it has an antenna; as `contactless` says when left out. */
  readonly canTap?: boolean
  /** Into a field; left out where it has no antenna. @throws Fault `card-mute` */
  contactless?(power: {
    /** Times what the card does. */
    readonly clock: Clock
  }): Card
  /** Sentinels and LRC left out. */
  readonly stripe?: SwipedTracks
  /** What its holder knows. */
  readonly pin?: string | undefined
  /** A phone: its holder verifies themselves on it, as its next tap will say. */
  unlock?(): void
  /** A phone: its own screen asks the holder to do so. */
  readonly asksHolder?: boolean
}

/** What the display shows from `at` (milliseconds) on. A PIN is only ever stars. */
export interface Screen {
  /** Milliseconds of the body's clock. */
  readonly at: number
  /** Undefined for text that the host sent. */
  readonly message: MessageId | undefined
  /** From the top. */
  readonly lines: readonly string[]
}

/** The battery as its gauge tells it. */
export interface Battery {
  /** 0–100. */
  readonly percent: number
  /** 3300 to 4200. */
  readonly millivolts: number
  /** The charger is plugged in. */
  readonly charging: boolean
}

/** What the buzzer plays. */
export type Sound = 'key' | 'ok' | 'error'
/** What the lights show. */
export type Light = 'off' | 'waiting' | 'ok' | 'error'

/** A sound that was played, or lights from then on. */
export interface Signal {
  /** Milliseconds of the body's clock. */
  readonly at: number
  /** Which it was. */
  readonly what: `sound:${Sound}` | `light:${Light}`
}

/** What happens to a body, as `on` tells it. */
export type BodyEvent =
  | {
      /** The display shows something else. */
      readonly type: 'display'
      /** What it shows. */
      readonly screen: Screen
    }
  | {
      /** A card came or went. */
      readonly type: 'card'
      /** Into or out of the slot, to or from the antenna, through the reader. */
      readonly event: 'inserted' | 'removed' | 'tapped' | 'left' | 'swiped'
    }
  | {
      /** A command has gone to the card, its answer has not come. */
      readonly type: 'apdu'
      /** Which way. */
      readonly where: 'chip' | 'tap'
      /** Which one since the card was presented, from 1. */
      readonly count: number
      /** Its INS byte. */
      readonly instruction?: number | undefined
    }
  | {
      /** The buzzer is heard. */
      readonly type: 'sound'
      /** What it plays. */
      readonly sound: Sound
    }
  | {
      /** The lights change. */
      readonly type: 'light'
      /** What they show. */
      readonly light: Light
    }
  | {
      /** The battery is another. */
      readonly type: 'battery'
      /** As its gauge tells it. */
      readonly battery: Battery
    }
  | {
      /** It is switched on or off. */
      readonly type: 'power'
      /** On. */
      readonly on: boolean
    }
  | {
      /** It was opened. */
      readonly type: 'tamper'
    }

/** A card that the reader has noticed. */
export type Presented =
  | {
      /** Which way: into the slot, or to the antenna. */
      readonly interface: 'chip' | 'tap'
    }
  | {
      /** Through the reader. */
      readonly interface: 'swipe'
      /** What was read. */
      readonly tracks: SwipedTracks
    }

/** What waiting for a card came to. */
export type CardWait = Presented | { readonly interface: 'none'; readonly why: 'cancelled' | 'timeout' }
