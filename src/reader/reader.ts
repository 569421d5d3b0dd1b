/** A Reader is what an app holds: information, status, events, and payments. */

import type { Limit } from '../clock.ts'
import type { Card } from '../emv/card.ts'
import type { TerminalConfig } from '../emv/config.ts'
import type { ContactlessConfig } from '../emv/contactless/config.ts'
import type { Outcome } from '../emv/outcome.ts'
import type { Terminal, Transaction } from '../emv/terminal.ts'
import type { MessageId } from '../messages/messages.ts'

/** What a reader is: it does not change while the reader is open. */
export interface ReaderInfo {
  /** `qpos`, `bluepad`, … */
  readonly family: string
  /** As the reader, or its USB or Bluetooth identity, names it. */
  readonly model?: string
  /** As the reader tells it. */
  readonly serial?: string
  /** Version, as the reader tells it: `compareVersions` reads it. */
  readonly firmware?: string
  /** Version, as the reader tells it. */
  readonly hardware?: string
  /** Version of the EMV configuration that is loaded. */
  readonly configuration?: string
  /** What it can do. */
  readonly capabilities: readonly ReaderCapability[]
  /** Who shows the list of a co-badged card: the app (`host`) or the reader. */
  readonly applicationSelection: 'host' | 'reader'
  /** Who asks again for a card whose chip cannot be read, and then for its stripe: the reader by itself, or the app's payment (`host`, when left out). */
  readonly fallback?: 'host' | 'reader'
  /** What its raw slots take, where it has any (`passthrough` in `capabilities`); all of its interfaces when left out. */
  readonly slots?: readonly Card['interface'][]
}

/**
 * `chip`, `tap`, `swipe`: how it reads cards; `pinPad`, `display`: what it has; `firmwareUpdate`, `configuration`, `keys`: what it can be
 * given; `passthrough`: it has a raw slot (`openCard`).
 */
export type ReaderCapability = 'chip' | 'tap' | 'swipe' | 'pinPad' | 'display' | 'firmwareUpdate' | 'configuration' | 'keys' | 'passthrough'

/** What is not known is left out: never 0. */
export interface ReaderStatus {
  /** Charge in percent, voltage in millivolts, and whether it is being charged. */
  readonly battery?: {
    /** Charge, 0 to 100. */
    readonly percent?: number
    /** Voltage. */
    readonly millivolts?: number
    /** Whether it is on a charger. */
    readonly charging?: boolean
  }
  /** Whether a card is in the slot. */
  readonly card?: 'present' | 'absent'
  /** What the reader must be given before it pays again, where it says so: an update that was interrupted, a configuration or keys that are missing. */
  readonly needs?: 'firmware' | 'configuration' | 'keys'
}

/** What happens in a reader, in one vocabulary for all families. */
export type ReaderEvent =
  | {
      /** The reader is there, or it is gone. */
      readonly type: 'state'
      /** `disconnected` is the last event. */
      readonly state: 'connected' | 'disconnected'
    }
  | {
      /** The display shows something, or would, where the reader has none. */
      readonly type: 'display'
      /** `message` has the words. */
      readonly message: MessageId
    }
  | {
      /** A card came or went. */
      readonly type: 'card'
      /** How. */
      readonly event: 'inserted' | 'tapped' | 'swiped' | 'removed'
    }
  | {
      /**
       * Over a raw slot: EMV does not take the card's answer to reset (EMV 4.4 Book 1, 8.3). The payment goes on: the slot has powered it.
       */
      readonly type: 'atr'
      /** Why, a sentence each. */
      readonly remarks: readonly string[]
    }
  | {
      /** A card has several applications, and somebody chooses. */
      readonly type: 'application-selection'
      /** Who shows the list. */
      readonly where: 'host' | 'reader'
      /** Of the applications, in the order of the list, where they are known. */
      readonly labels?: readonly string[]
      /** How long the reader waits for the app's choice, where it tells. */
      readonly seconds?: number
    }
  | {
      /** A PIN is entered. */
      readonly type: 'pin'
      /** `digit`: one more was typed (`digits`); `wrong`, `lastTry`: said by the card; `bypassed`: the cardholder would not. */
      readonly event: 'started' | 'digit' | 'ok' | 'wrong' | 'lastTry' | 'bypassed'
      /** The card checks it, not the issuer; left out where nobody tells. */
      readonly offline?: boolean
      /** How many were typed. */
      readonly digits?: number
    }
  | {
      /** A reader that goes on by itself (`ReaderInfo.fallback`) could not read the chip. */
      readonly type: 'fallback'
      /** What it asks for now. */
      readonly ask: 'chip' | 'swipe' | 'tap'
      /** How often it will ask again after that. */
      readonly left: number
    }
  | {
      /** The charge has come to another level. */
      readonly type: 'battery'
      /** `low` from 20 percent down, `critical` from 5; a reader that is charging is `ok`. */
      readonly level: 'low' | 'critical' | 'ok'
      /** Percent. */
      readonly percent?: number
    }
  | {
      /** A block of an update was taken. */
      readonly type: 'update'
      /** Of what. */
      readonly what: 'firmware' | 'configuration'
      /** Bytes or blocks so far, as the family counts. */
      readonly done: number
      /** Of how many. */
      readonly total: number
    }

/** A card in a raw slot, powered: what `transmit` sends goes to it as it is. */
export interface CardSlot extends Card {
  /** Fires with Fault `card-removed` when the card has gone; where a reader cannot tell at once, with the next command. */
  readonly removed: AbortSignal
  /** Takes the power away and frees the slot; a command under way ends with `aborted`. Idempotent; never throws. */
  close(): Promise<void>
}

/** Which card is waited for, and how long. */
export interface OpenCardOptions {
  /** Either, whatever the card presented has, when left out. */
  readonly interface?: Card['interface'] | undefined
  /** Ends the waiting. */
  readonly signal?: AbortSignal | undefined
  /** Milliseconds to wait for a card; 60 000 when left out. */
  readonly timeout?: number | undefined
  /** Told while it waits, where the reader can tell: more than one card is in the field, or they were all taken away and it waits on. */
  readonly onCollision?: ((cards: 'several' | 'none') => void) | undefined
  /** Told while it waits: a card of the other interface is in the only slot and keeps the wanted one out, or it was taken away and the wait goes on. */
  readonly onOtherCard?: ((card: 'present' | 'removed') => void) | undefined
}

/** How an update is watched. */
export interface UpdateOptions {
  /** Bytes that the reader has taken, of how many. */
  onProgress?(done: number, total: number): void
  /** Cancels between two blocks, where the family allows it; else the update goes on to its end. */
  readonly signal?: AbortSignal | undefined
}

/** What a reader with a kernel of its own is given: the rules of the terminal, and for each contactless kernel the figures derived from the one rule. */
export interface ReaderConfiguration {
  /** For the kernel of the slot with contacts. */
  readonly terminal: TerminalConfig
  /** For the kernels of taps; as they are when left out. */
  readonly contactless?: ContactlessConfig
}

/** A key as it travels: enciphered under one that the reader has, with its check value. */
export interface EncipheredKey {
  /** The key, enciphered. */
  readonly key: Uint8Array
  /** The first bytes of zeros enciphered under the clear key, as many as the family takes. */
  readonly kcv: Uint8Array
}

/** An initial key of DUKPT. */
export interface InitialKey extends EncipheredKey {
  /** Key serial number of its first transaction (X9.24-1: 10 bytes, X9.24-3: 12). */
  readonly ksn: Uint8Array
}

/** Keys for the reader, each family as far as it can; never in clear. */
export type ReaderKeys =
  | {
      /** Initial keys of DUKPT (X9.24). */
      readonly type: 'dukpt'
      /** The reader's number of the set of keys. */
      readonly group: number
      /** For the tracks of a stripe. */
      readonly track: InitialKey
      /** For the data of a chip. */
      readonly emv: InitialKey
      /** For PIN blocks. */
      readonly pin: InitialKey
    }
  | {
      /** The key that other keys come under. */
      readonly type: 'master'
      /** Where the reader keeps it. */
      readonly index: number
      /** Enciphered under the one that it replaces. */
      readonly key: EncipheredKey
    }

/**
 * A card reader of any family. One thing at a time: a second is refused with `busy`.
 * @example
 * ```ts
 * import { message, open } from 'tapdip'
 *
 * const reader = await open('tcp://127.0.0.1:9100?family=miura')
 * void (async () => {
 *   for await (const event of reader.events) {
 *     if (event.type === 'display') console.log(message(event.message))
 *     if (event.type === 'battery') console.log(`battery ${event.level}`)
 *   }
 * })()
 * const { battery } = await reader.status()
 * console.log(battery?.percent)
 * await reader.close()
 * ```
 */
export interface Reader extends AsyncDisposable {
  /** What it is. */
  readonly info: ReaderInfo
  /**
   * How it is. Twice: it is asked again; while a payment or anything else is under way, what it said last is all there is.
   * @throws Fault `timeout`, `link-closed`, `busy`
   */
  status(options?: Pick<Limit, 'signal'>): Promise<ReaderStatus>
  /** Each call of the iterator sees the events from then on. Ends when the reader is closed. Twice: everybody who listens hears all of them. */
  readonly events: AsyncIterable<ReaderEvent>
  /**
   * One payment on the reader: settles with an Outcome on every ending of the card's, the cardholder's or the host's making, and also when `signal`
   * fires (`cancelled`). Twice: another payment; while one runs it is refused (`busy`), and the one that runs goes on. @throws Fault `link-closed`, `timeout`, `reader-error`, `tampered`, `busy` for those of the reader
   */
  transact(transaction: Transaction, terminal: Terminal, options?: Pick<Limit, 'signal'>): Promise<Outcome>
  /**
   * Waits for a card, powers it (cold reset) and hands it to the app: to send commands of its own, or to run a kernel on the host. Left out where the reader
   * has no raw slot (`passthrough` in `capabilities`). An open slot keeps the reader busy until it is closed.
   * Twice: another card, once the first is closed; before that `busy`.
   * @throws Fault `timeout` (no card came), `aborted`, `card-mute` (no answer to reset), `card-removed`, `busy`, `link-closed`, `unsupported` (no such interface)
   */
  openCard?(options?: OpenCardOptions): Promise<CardSlot>
  /**
   * Gives the reader new firmware (`firmwareUpdate` in `capabilities`). The image is checked before the first block; an update that was interrupted leaves a reader
   * whose `status().needs` says so. Twice: a second call completes what was interrupted, else takes the image again. After the last block the reader restarts: the link closes, and it is opened anew.
   * @throws Fault `bad-argument` (no image of this family, wrong or unsigned), `low-battery`, `busy`, `link-closed`, `timeout`, `aborted`, `reader-error`
   */
  updateFirmware?(image: Uint8Array, options?: UpdateOptions): Promise<void>
  /**
   * Loads applications, CA keys and limits into the reader's own kernel (`configuration` in `capabilities`). Twice: it takes the place of what was loaded before.
   * @throws Fault `bad-config` (what the reader's format cannot say), `busy`, `link-closed`, `timeout`, `aborted`, `reader-error`
   */
  configure?(configuration: ReaderConfiguration, options?: UpdateOptions): Promise<void>
  /**
   * Loads keys (`keys` in `capabilities`). Twice: they are loaded again, and take the place of those before.
   * @throws Fault `bad-argument`, `reader-error` (a wrong check value), `busy`, `link-closed`, `timeout`, `aborted`
   */
  loadKeys?(keys: ReaderKeys, options?: Pick<Limit, 'signal'>): Promise<void>
  /** A text of the app's on the reader's display until something else is shown. Twice: the later one stands. @throws Fault `bad-argument` for what the display cannot show, `busy`, … */
  displayText?(text: string, options?: Pick<Limit, 'signal'>): Promise<void>
  /** Ends `events`, settles what is pending and closes the link. Twice: resolves as the first did, and nothing more happens. */
  close(): Promise<void>
}
