/** What the bench tells, by name: plain types for its page, for `tapdip/bench`, and for whoever writes a client; `schema/*` holds each to what is checked. */

import type { AppState } from './app-types.ts'

/** A session: a counter with readers, cards, a bank and apps. */
export interface SessionState {
  /** `s1`. */
  readonly id: string
  /** For people. */
  readonly name: string
  /** What its times are of. */
  readonly clock: 'system' | 'virtual'
  /** When it began: ISO 8601. */
  readonly created: string
  /** Its clock now, milliseconds since it began. */
  readonly at: number
  /** Seconds without a request after which it ends; 0: never. */
  readonly ttl: number
  /** Of what is random in it; left out where chance is the system's. */
  readonly seed?: number | undefined
  /** Where programs reach its bank: for `httpAcquirer`. */
  readonly acquirer: string
  /** Ids. */
  readonly readers: string[]
  /** How many are on the shelf. */
  readonly cards: number
  /** Ids. */
  readonly apps: string[]
  /** Numbers of the events that can be asked for; 0 and 0 where there is none. */
  readonly events: {
    /** The oldest that is kept. */
    readonly first: number
    /** The newest. */
    readonly last: number
  }
}

/** What a display shows. */
export interface ScreenState {
  /** From the top; a PIN is stars. */
  readonly lines: string[]
  /** Its id in the table of messages; left out for text of the host. */
  readonly message?: string | undefined
  /** Milliseconds since the session began. */
  readonly at: number
}

/** A reader as it is now. */
export interface ReaderState {
  /** `r1`. */
  readonly id: string
  /** It is there: nobody but a person can touch it. */
  readonly real: boolean
  /** `qpos`, `bluepad`, … */
  readonly family: string
  /** Which of the family’s languages, where it has several. */
  readonly dialect?: string | undefined
  /** As its maker calls it. */
  readonly model: string
  /** The name on the case. */
  readonly serial: string
  /** Where other programs reach it. */
  readonly uri?: string | undefined
  /** Of a reader on the air: what other programs are given as TAPDIP_AIR. */
  readonly air?: string | undefined
  /** What the display shows now. */
  readonly screen: ScreenState
  /** What the lights show now. */
  readonly light: 'off' | 'waiting' | 'ok' | 'error'
  /** What the buzzer played last. */
  readonly sound?:
    | {
        /** Which. */
        readonly sound: 'key' | 'ok' | 'error'
        /** Milliseconds since the session began. */
        readonly at: number
      }
    | undefined
  /** Id of the card in its slot. */
  readonly slot: string | null
  /** Ids of the cards at its antenna. */
  readonly field: string[]
  /** What is not known is left out. */
  readonly battery: {
    /** 0 to 100. */
    readonly percent?: number | undefined
    /** 3300 to 4200. */
    readonly millivolts?: number | undefined
    /** The charger is in. */
    readonly charging?: boolean | undefined
  }
  /** It is switched on. */
  readonly on: boolean
  /** It was opened, and has lost its keys. */
  readonly tampered: boolean
  /** Of a reader on the air. */
  readonly inRange?: boolean | undefined
  /** Somebody reads the keys. */
  readonly keypad: boolean
  /** It has a keypad that PINs are typed on. */
  readonly pinPad: boolean
  /** Who talks to it: nobody, an app of the bench, another program. */
  readonly connected: 'none' | 'app' | 'outside'
  /** Somebody stands there who does things by themselves. */
  readonly person: boolean
  /** What each knob was turned to, where it was turned. */
  readonly knobs: Record<string, string>
  /** Version. */
  readonly firmware?: string | undefined
  /** Of a real reader: what a person is to do now. */
  readonly todo?: string | undefined
  /** Of a real reader that is lost: why. */
  readonly fault?: string | undefined
}

/** A card on the shelf. */
export interface CardState {
  /** `c3`. */
  readonly id: string
  /** Name of the profile that it was made of. */
  readonly profile: string
  /** Fields of the profile were changed. */
  readonly changed: boolean
  /** For people: names of its applications. */
  readonly label: string
  /** Payment systems of its applications, in their order. */
  readonly schemes: string[]
  /** First six and last four digits. */
  readonly pan: string
  /** How it can be read. */
  readonly interfaces: ('chip' | 'tap' | 'swipe')[]
  /** How its holder is verified, the first choice first: `onlinePin`. */
  readonly cvm: string[]
  /** What is special about it, in a sentence. */
  readonly special: string
  /** It lives in a phone. */
  readonly phone?: 'locked' | 'unlocked' | undefined
  /** Its phone asks the holder to unlock it. */
  readonly asksHolder?: boolean | undefined
  /** Ids of what is held to a reader with it, as in one wallet. */
  readonly wallet?: string[] | undefined
  /** Where it is; null: on the shelf. */
  readonly place: {
    /** Id. */
    readonly reader: string
    /** In its slot, or at its antenna. */
    readonly where: 'slot' | 'field'
  } | null
  /** Its memory. */
  readonly counters: {
    /** By CARD BLOCK. */
    readonly blocked: boolean
    /** Of the offline PIN. */
    readonly pinTriesLeft?: number | undefined
    /** One each. */
    readonly applications: {
      /** As the card names it. */
      readonly label: string
      /** Application Transaction Counter (9F36). */
      readonly atc: number
      /** Last Online ATC Register (9F13). */
      readonly lastOnlineAtc: number
      /** By APPLICATION BLOCK. */
      readonly blocked: boolean
      /** Offline approvals in a row. */
      readonly consecutiveOffline: number
      /** Their sum, minor units. */
      readonly cumulativeOffline: number
    }[]
  }
  /** What was done with it, the latest first. */
  readonly log: {
    /** Milliseconds since the session began. */
    readonly at: number
    /** Id. */
    readonly reader: string
    /** As in the trace. */
    readonly event: 'inserted' | 'removed' | 'tapped' | 'left' | 'swiped'
    /** ATC of its first application then. */
    readonly atc: number
  }[]
}

/** A request at the bank, decoded and masked. */
export interface BankRequest {
  /** Counts from 1. */
  readonly n: number
  /** `authorisation`, `reversal`, …: as `HostRule.on`. */
  readonly on: string
  /** Milliseconds since the session began. */
  readonly at: number
  /** The idempotency key. */
  readonly key: string
  /** Number of the order, where it has one. */
  readonly order?: string | undefined
  /** 2500.00 */
  readonly amount?: string | undefined
  /** ISO 4217, three letters. */
  readonly currency?: string | undefined
  /** First six and last four digits. */
  readonly pan?: string | undefined
  /** How the card was read. */
  readonly interface?: string | undefined
  /** How the cardholder was verified. */
  readonly cvm?: string | undefined
  /** It waits for an answer by hand; it was answered; the client was not told. */
  readonly state: 'held' | 'answered' | 'dropped' | 'refused'
  /** ISO 8583, field 39. */
  readonly code?: string | undefined
  /** The host’s sentence. */
  readonly reason?: string | undefined
  /** Times that its result was asked for afterwards; never when left out. */
  readonly inquiries?: number | undefined
}

/** A request with all that came with it. */
export interface BankRequestInFull extends BankRequest {
  /** The message, as a trace has it: what is secret is masked. */
  readonly message: unknown
  /** Its data objects; secret ones are zeros. */
  readonly tags: {
    /** Hex. */
    readonly tag: string
    /** As the books name it. */
    readonly name?: string | undefined
    /** Hex. */
    readonly value: string
    /** In words, where there are some. */
    readonly words?: string[] | undefined
  }[]
}

/** What is left on the account of a card. */
export interface BankBalance {
  /** Id of the card. */
  readonly card: string
  /** 1000000.00 */
  readonly balance: string
  /** PINs in a row that were wrong; none when left out. */
  readonly wrongPins?: number | undefined
}

/** One order with what was done with it. */
export interface BankOrder {
  /** As the merchant numbers it. */
  readonly number: string
  /** The merchant’s id. */
  readonly merchant: string
  /** `Approved`, `Delayed`, … */
  readonly state: string
  /** 2500.00 */
  readonly amount: string
  /** ISO 4217, three letters. */
  readonly currency: string
  /** What is held, charged and cancelled of it. */
  readonly held: string
  /** As `held`. */
  readonly charged: string
  /** As `held`. */
  readonly cancelled: string
  /** Oldest first. */
  readonly operations: {
    /** `payment`, `confirmation`, … */
    readonly type: string
    /** `Approved`, … */
    readonly state: string
    /** 2500.00 */
    readonly amount: string
    /** ISO 8601. */
    readonly at: string
    /** Messages to the processing centre. */
    readonly transactions: {
      /** 16 digits. */
      readonly number: string
      /** `authorisation`, `reversal`, … */
      readonly kind: string
      /** `approved`, … */
      readonly state: string
      /** 2500.00 */
      readonly amount: string
      /** ISO 8583, field 39. */
      readonly code?: string | undefined
      /** Retrieval reference number. */
      readonly rrn?: string | undefined
      /** First six and last four digits. */
      readonly pan?: string | undefined
      /** Why it was reversed. */
      readonly reversed?: string | undefined
    }[]
  }[]
}

/** The bank of a session: acquirer and issuer in one. */
export interface BankState {
  /** Where programs reach it: for `httpAcquirer`. */
  readonly url: string
  /** It answers by its rules, or somebody answers by hand. */
  readonly mode: {
    /** By its rules, or by hand. */
    readonly answer: 'auto' | 'hand'
    /** Questions that are held; authorisations when left out. */
    readonly on?: string[] | undefined
    /** Milliseconds that it takes its time for; none when left out. */
    readonly delay?: number | undefined
  }
  /** It cannot be reached. */
  readonly gone: boolean
  /** How it misbehaves: `HostRule`. */
  readonly rules: Record<string, unknown>[]
  /** The last two digits of an amount say what it answers. */
  readonly magicAmounts: boolean
  /** Of cards that have been used, or whose balance was set. */
  readonly balances: BankBalance[]
  /** The last ten, newest first. */
  readonly requests: BankRequest[]
  /** The last ten, newest first. */
  readonly orders: BankOrder[]
}

/** What the state of a noun is told with, after each change of it. */
export type BenchEvent =
  | {
      /** The state of a noun. */
      readonly kind: 'bench'
      /** Of which noun. */
      readonly what: 'reader'
      /** Its id. */
      readonly id: string
      /** Null: it is gone. */
      readonly state: ReaderState | null
    }
  | {
      /** The state of a noun. */
      readonly kind: 'bench'
      /** Of which noun. */
      readonly what: 'card'
      /** Its id. */
      readonly id: string
      /** Null: it is gone. */
      readonly state: CardState | null
    }
  | {
      /** The state of a noun. */
      readonly kind: 'bench'
      /** Of which noun. */
      readonly what: 'bank'
      /** There is one. */
      readonly id: 'bank'
      /** As it is now. */
      readonly state: BankState
    }
  | {
      /** The state of a noun. */
      readonly kind: 'bench'
      /** Of which noun. */
      readonly what: 'app'
      /** Its id. */
      readonly id: string
      /** Null: it is gone. */
      readonly state: AppState | null
    }
  | {
      /** The state of a noun. */
      readonly kind: 'bench'
      /** Of which noun. */
      readonly what: 'session'
      /** Its id. */
      readonly id: string
      /** Null: it has ended, and nothing follows. */
      readonly state: SessionState | null
    }
  | {
      /** The state of a noun. */
      readonly kind: 'bench'
      /** Of which noun. */
      readonly what: 'deed'
      /** What was done to it: a reader’s or card’s id, `bank`. */
      readonly id: string
      /** What somebody did, as the API was told it; a PIN is stars. */
      readonly state: {
        /** `press`, `insert`, `knob`, … */
        readonly deed: string
        /** What with. */
        readonly with: Record<string, unknown>
      }
    }
