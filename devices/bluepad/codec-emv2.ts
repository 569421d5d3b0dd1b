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
export type UiMessage = (typeof uiMessages)[number]

/** What the host asks. The library's call is named where the message is not. */
export type Emv2Call =
  /** getIdentification, and the battery of HardwareInfo. */
  | { readonly type: 'getIdentification' }
  /** sysSetDate, then emv2StartTransaction; what the library takes as TLV is written out. */
  | {
      readonly type: 'startTransaction'
      readonly interfaces: readonly ('chip' | 'tap' | 'swipe')[]
      readonly transactionType: 'purchase' | 'cash' | 'cashback' | 'refund'
      /** Minor units. */
      readonly amount: bigint
      readonly otherAmount?: bigint
      /** ISO 4217 numeric code. */
      readonly currency: number
      readonly forceOnline: boolean
      /** When a chip cannot be read: for a reader that can be told; the others go on as they are set up. */
      readonly fallback?: { readonly tries: number; readonly to: readonly ('swipe' | 'tap')[] }
      /** Seconds for a card. */
      readonly timeout: number
      readonly at: Date
    }
  /** emv2SetOnlineResult. */
  | { readonly type: 'setOnlineResult'; readonly reply: HostReply }
  /** emv2CancelTransaction; the end is still told by `transactionFinish`. */
  | { readonly type: 'cancelTransaction' }

export interface Emv2Identification {
  readonly serial: string
  readonly model?: string
  readonly firmware?: string
  readonly battery?: { readonly percent?: number; readonly millivolts?: number; readonly charging?: boolean }
}

/** What the reader tells (the library's Emv2 listener, and onPinpadRelease). */
export type Emv2Event =
  | { readonly type: 'updateUserInterface'; readonly message: UiMessage }
  /** The question for the issuer: tags in clear, as emv2GetTagsPlain gives them, and the PIN block of uiVerifyPINOnline. */
  | { readonly type: 'onlineAuthorisationRequest'; readonly question: HostQuestion }
  | {
      readonly type: 'transactionFinish'
      readonly result: 'approved' | 'declined' | 'cancelled'
      /** Why, in the words of `Reason`; undefined where the reader does not say. */
      readonly reason?: string
      readonly interface?: HostQuestion['interface']
      readonly cvm?: HostQuestion['cvm']
      readonly tags: ReadonlyMap<number, Uint8Array>
      readonly fallback?: boolean
    }
  /** The reader can make no payment: a fault code of ours, and what it said. */
  | { readonly type: 'transactionError'; readonly code: string; readonly message: string }
  /** The reader is gone. */
  | { readonly type: 'release' }

export interface Emv2Port {
  /** Resolves when the reader has taken it; the identification where that was asked. Rejects when the reader is gone. */
  call(message: Emv2Call): Promise<Emv2Identification | undefined>
  /** Hears every event from now on, until the returned function is called. */
  listen(hear: (event: Emv2Event) => void): () => void
  close(): Promise<void>
}
