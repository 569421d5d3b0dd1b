/** A scenario in TypeScript: who is at the counter, the reader, the card, the person, the terminal, the host and the app. */

import type { HostRule, MinorUnits } from '../../acquirer/host-rule.ts'
import type { CardApplication, CardProfile } from '../../cards/profile/card-profile.ts'
import type { ProfileName } from '../../cards/profiles/index.ts'
import type { Presentation } from '../../readers/body/cardholder.ts'
import type { OneOrMore } from './words.ts'

/** A virtual reader by its family, and by its dialect where the family has several. */
export type ScenarioReaderName = 'qpos' | 'bluepad' | 'bluepad mped' | 'miura' | 'magtek' | 'magtek v5' | 'magtek mms' | 'idtech'

export type Language = 'en' | 'ru'

export type Changes<T> = {
  [Field in keyof T]?: T[Field] extends readonly unknown[] | string | number | bigint | boolean | undefined ? T[Field] : Changes<T[Field]>
}

/** A virtual reader in full; what is left out is as it leaves the works. */
export interface ScenarioReader {
  /** Of the virtual reader. */
  family: 'qpos' | 'bluepad' | 'miura' | 'magtek' | 'idtech'
  /** Which of the family's languages it speaks; the first when left out. */
  dialect?: string | undefined
  /** The name on the case. */
  serial?: string | undefined
  /** Of its display; English when left out. */
  language?: Language | undefined
  /** Percent, or percent and whether the charger is in; 80 when left out. */
  battery?:
    | number
    | {
        /** Charge. */
        percent?: number | undefined
        /** The charger is in. */
        charging?: boolean | undefined
      }
    | undefined
  /** The version that runs. */
  firmware?: string | undefined
  /** Keys of the PIN pad. */
  pinKeys?: 'tdes' | 'aes-128' | undefined
  /** Turned before it is opened, as at `tapdip-sim serve`: `latency 200`. */
  knobs?: string[] | undefined
  /** Milliseconds that a result stays on the display. */
  resultTime?: number | undefined
}

/** What they pay with: a ready profile, one with changes, or a whole profile of your own. */
export type ScenarioCard =
  | ProfileName
  | {
      /** A ready profile. */
      profile: ProfileName
      /** What is different in it; `applications` by their place, or `*` for all. */
      with?:
        | (Changes<Omit<CardProfile, 'applications'>> & {
            /** By their place, `0`, or `*` for all; a list replaces them. */
            applications?: CardApplication[] | Readonly<Record<string, Changes<CardApplication>>> | undefined
          })
        | undefined
    }
  | {
      /** A whole card profile. */
      own: { [Field in keyof CardProfile]: CardProfile[Field] }
    }

/** One thing that a person does when they are asked for a card. */
export interface ScenarioTurn {
  /** What the hand does. */
  how: Presentation
  /** Another card than the person's, from here on. */
  card?: ScenarioCard | undefined
  /** It stays in the slot when it is first asked away. */
  leave?: boolean | undefined
}

/** What the person does, in full; what is left out they do as anybody does. */
export interface ScenarioPerson {
  /** What is done when a card is asked for, one after another; a dip when left out, a tap with a phone. */
  present?: OneOrMore<Presentation | ScenarioTurn> | undefined
  /** In the order in which they are typed, the last one again; the card's own when left out, `[]` is CANCEL. */
  pins?: string[] | undefined
  /** From the list of applications: the label, or its place from 0. */
  choose?: string | number | undefined
  /** The card is pulled while its n-th command is under way. */
  pullAt?: number | undefined
  /** CANCEL instead of presenting a card, at a list, or at the n-th PIN prompt. */
  cancelAt?: 'card' | 'list' | number | undefined
  /** The card lives in their phone; `locked`: it is not unlocked before it is asked for. */
  phone?: boolean | 'locked' | undefined
  /** What else is held to the reader in the same wallet. */
  wallet?: ScenarioCard[] | undefined
  /** Milliseconds that they take; nobody waits when left out. */
  pace?:
    | {
        /** From "Present card." to the card being there. */
        present?: number | undefined
        /** From the PIN prompt to the first key. */
        think?: number | undefined
        /** Between keys. */
        key?: number | undefined
        /** From "PLEASE REMOVE CARD" to the card being out. */
        remove?: number | undefined
        /** The longest that a card is held to the reader. */
        hold?: number | undefined
      }
    | undefined
}

/** Changes of an application of the terminal. Bytes are hex. */
export interface ScenarioTerminalApplication {
  /** Whether a card's AID may be longer. */
  match?: 'exact' | 'partial' | undefined
  /** 9F09, best first. */
  versions?: string[] | undefined
  /** Terminal Action Code – Denial. */
  tacDenial?: string | undefined
  /** Terminal Action Code – Online. */
  tacOnline?: string | undefined
  /** Terminal Action Code – Default. */
  tacDefault?: string | undefined
  /** 9F1B. */
  floorLimit?: number | string | undefined
  /** EMV 4.4 Book 3, 10.6.2. */
  randomSelection?:
    | {
        /** Minor units. */
        threshold: number | string
        /** 0 to 99. */
        targetPercentage: number
        /** 0 to 99. */
        maximumPercentage: number
      }
    | undefined
  /** EMV 4.4 Book 3, 10.6.3. */
  velocityChecking?: boolean | undefined
  /** Default DDOL. */
  ddol?: string | undefined
  /** Default TDOL. */
  tdol?: string | undefined
  /** More data objects by tag. */
  data?: Readonly<Record<string, string>> | undefined
  /** False: the terminal does not take it. */
  accept?: false | undefined
}

/** Changes of the terminal's configuration, on top of the currency's ready one. */
export interface ScenarioTerminal {
  /** What the terminal is; bytes are hex, amounts minor units. */
  set?:
    | {
        /** 9F35, as a number. */
        terminalType?: number | undefined
        /** 9F33. */
        capabilities?: string | undefined
        /** 9F40. */
        additionalCapabilities?: string | undefined
        /** From which amount on "no CVM" is no capability. */
        verifyFrom?: number | string | undefined
        /** 9F1A. */
        countryCode?: number | undefined
        /** 9F15. */
        merchantCategoryCode?: string | undefined
        /** The PSE is tried before the list of AIDs. */
        usePse?: boolean | undefined
        /** The cardholder can choose and confirm applications. */
        cardholderSelection?: boolean | undefined
        /** ISO 639-1, best first. */
        languages?: string[] | undefined
        /** ISO 8859 parts that the display has. */
        codeTables?: number[] | undefined
      }
    | undefined
  /** Of the applications whose AID begins so, in hex; `*` for all. */
  applications?: Readonly<Record<string, ScenarioTerminalApplication>> | undefined
  /** Of the rules for taps; minor units. */
  taps?:
    | {
        /** From which amount on a tap is verified. */
        verifyFrom?: number | string | undefined
        /** From which amount on nothing is taken by tap. */
        refuseFrom?: number | string | undefined
        /** Below which a tap may be approved offline. */
        offlineUpTo?: number | string | undefined
      }
    | undefined
  /** ENTER alone goes on without a PIN. */
  pinBypass?: boolean | undefined
  /** Beginnings of card numbers on the exception file. */
  exceptionFile?: string[] | undefined
  /** `none`: it trusts no certification authority. */
  caKeys?: 'none' | undefined
}

/** The host in full. */
export interface ScenarioHost {
  /** How it misbehaves. */
  rules?: HostRule[] | undefined
  /** The minor units of an amount name its answer. */
  magicAmounts?: boolean | undefined
  /** Minor units on each account. */
  balance?: Exclude<MinorUnits, bigint> | undefined
  /** It cannot be reached. */
  gone?: boolean | undefined
  /** Who may be paid, as of `tapdip-sim acquirer --merchant`. */
  merchants?: Readonly<Record<string, unknown>>[] | undefined
}

/** What the app does. */
export interface ScenarioApp {
  /** The payment system that every payment asks for. */
  application?: string | undefined
  /** Whether the customer signs on the screen; left out: on the slip. */
  sign?: boolean | 'nobody' | undefined
  /** After a wrong online PIN the card is asked again. */
  tryAgain?: boolean | undefined
  /** What the bank says on the telephone. */
  refer?: 'approved' | 'declined' | undefined
  /** Versions that the app knows of. */
  firmware?:
    | {
        /** Before a payment is made. */
        required?: string | undefined
        /** The newest. */
        current?: string | undefined
      }
    | undefined
  /** Percent. */
  minimumBattery?: number | undefined
  /** Minor units from which on nothing is approved unverified. */
  verifyFrom?: number | string | undefined
  /** Milliseconds that a silent host is asked. */
  statusTime?: number | undefined
  /** Milliseconds that a reversal is repeated. */
  reversalTime?: number | undefined
  /** Payments are written down; so where a step needs it. */
  journal?: boolean | undefined
}
