/**
 * The host-driven dialect `emv2` of a BluePad, as what is said and not as bytes: OUR OWN messages, in memory. The vendor's wire format is not public; what its library
 * can do is. Whoever has that library writes an `Emv2Port` over it, each message one of its calls or one of its listener's.
 */

import type { HostQuestion, HostReply } from './codec-host.ts'

/** What the reader tells its host that people should read (EMV2_MESSAGE_* of the vendor's library). */
export const uiMessages = [
  ...(['NOT_WORKING', 'APPROVED', 'DECLINED', 'PLEASE_ENTER_PIN', 'ERROR_PROCESSING', 'REMOVE_CARD', 'PRESENT_CARD'] as const),
  ...(['IDLE', 'PROCESSING', 'CARD_READ_OK_REMOVE', 'TRY_OTHER_INTERFACE', 'CARD_COLLISION', 'SIGN_APPROVED'] as const),
  ...(['ONLINE_AUTHORISATION', 'TRY_OTHER_CARD', 'INSERT_CARD', 'CLEAR_DISPLAY', 'SEE_PHONE', 'PRESENT_CARD_AGAIN'] as const),
] as const
/** One of `uiMessages`. */
export type UiMessage = (typeof uiMessages)[number]

/** What the host asks. The library's call is named where the message is not. */
export type Emv2Call =
  | {
      /** getIdentification, and the battery of HardwareInfo. */
      readonly type: 'getIdentification'
    }
  | {
      /** sysSetDate, then emv2StartTransaction; what the library takes as TLV is written out. */
      readonly type: 'startTransaction'
      /** How a card may be read. */
      readonly interfaces: readonly ('chip' | 'tap' | 'swipe')[]
      /** 9C. */
      readonly transactionType: 'purchase' | 'cash' | 'cashback' | 'refund'
      /** Minor units. */
      readonly amount: bigint
      /** Minor units of cash that is handed out, contained in the amount (9F03). */
      readonly otherAmount?: bigint
      /** ISO 4217 numeric code. */
      readonly currency: number
      /** The host is asked whatever card and terminal would decide. */
      readonly forceOnline: boolean
      /** When a chip cannot be read: for a reader that can be told; the others go on as they are set up. */
      readonly fallback?: {
        /** How often the chip is asked for once more. */
        readonly tries: number
        /** What may stand in for it then. */
        readonly to: readonly ('swipe' | 'tap')[]
      }
      /** Labels or payment systems that come first on the reader's list: for a reader that can be told. */
      readonly prefer?: readonly string[]
      /** Seconds for a card. */
      readonly timeout: number
      /** Date and time of the transaction (9A, 9F21). */
      readonly at: Date
    }
  | {
      /** emv2SetOnlineResult. */
      readonly type: 'setOnlineResult'
      /** What the host says. */
      readonly reply: HostReply
    }
  | {
      /** emv2CancelTransaction; the end is still told by `transactionFinish`. */
      readonly type: 'cancelTransaction'
    }

/** Who the reader is. */
export interface Emv2Identification {
  /** Serial number. */
  readonly serial: string
  /** As the reader names it. */
  readonly model?: string
  /** Version; empty where only the loader runs. */
  readonly firmware?: string
  /** As far as the reader tells. */
  readonly battery?: {
    /** Charge, 0 to 100. */
    readonly percent?: number
    /** Voltage. */
    readonly millivolts?: number
    /** Whether it is on a charger. */
    readonly charging?: boolean
  }
}

/** What the reader tells (the library's Emv2 listener, and onPinpadRelease). */
export type Emv2Event =
  | {
      /** Something is to be shown. */
      readonly type: 'updateUserInterface'
      /** What. */
      readonly message: UiMessage
    }
  | {
      /** The question for the issuer. */
      readonly type: 'onlineAuthorisationRequest'
      /** Tags in clear, as emv2GetTagsPlain gives them, and the PIN block of uiVerifyPINOnline. */
      readonly question: HostQuestion
    }
  | {
      /** The transaction is over. */
      readonly type: 'transactionFinish'
      /** How. */
      readonly result: 'approved' | 'declined' | 'cancelled'
      /** Why, in the words of `Reason`; undefined where the reader does not say. */
      readonly reason?: string
      /** How the card was read. */
      readonly interface?: HostQuestion['interface']
      /** How the cardholder was verified. */
      readonly cvm?: HostQuestion['cvm']
      /** Data objects of card and terminal, in clear. */
      readonly tags: ReadonlyMap<number, Uint8Array>
      /** The chip could not be read. */
      readonly fallback?: boolean
    }
  | {
      /** The reader can make no payment. */
      readonly type: 'transactionError'
      /** A fault code of ours. */
      readonly code: string
      /** What the reader said. */
      readonly message: string
    }
  | {
      /** The reader is gone. */
      readonly type: 'release'
    }

/** The vendor’s library, or a virtual reader, behind calls. */
export interface Emv2Port {
  /** Resolves when the reader has taken it; the identification where that was asked. Rejects when the reader is gone. */
  call(message: Emv2Call): Promise<Emv2Identification | undefined>
  /** Hears every event from now on, until the returned function is called. */
  listen(hear: (event: Emv2Event) => void): () => void
  /** Lets go of the reader. Idempotent. */
  close(): Promise<void>
}
