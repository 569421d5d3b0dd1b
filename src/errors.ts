/** The one error class: a Fault with a documented code. Faults are thrown; outcomes are returned. */

/**
 * Every code, who raises it, and what an app should do.
 *
 * | Code | Raised by | An app should |
 * |---|---|---|
 * | `bad-argument` | any function given a value outside its domain | fix the call: the message names field, value and rule |
 * | `bad-hex` | `fromHex`, the CLI | show the message |
 * | `bad-config` | terminal configuration, card profiles, rules | show the path in `details.path` and the rule |
 * | `bad-uri` | `connect`, the family table | show the accepted forms |
 * | `tlv` | `tlv/ber` on malformed data; `details` has `offset` and `rule` | treat the data as unusable |
 * | `dol` | `tlv/dol` on a malformed data object list | the same |
 * | `apdu` | `apdu` on a malformed command or response | the same |
 * | `bad-swipe` | `magstripe` on a track that was read wrong or is no payment track; `details` has `track` and `rule` | ask to swipe again |
 * | `bad-key` | `crypto` on a key of wrong size or checksum | refuse the key |
 * | `card-removed` | a Card whose card left the slot or field | tell the cardholder |
 * | `card-mute` | a Card that does not answer in time, or answers what is no response | offer another interface |
 * | `link-closed` | a Link that was closed by either side or lost | reconnect |
 * | `link-failed` | a Link that could not be opened: `details.reason` tells why | show the reason |
 * | `missing-library` | an optional package is not installed, or installed and not built here: `details.reason` `not-installed`, `not-built` | name the package to install |
 * | `not-found` | `connect`/`open`: no such port, host or device | search again |
 * | `busy` | a reader or port used by somebody else, or a second command on a half-duplex reader | try later |
 * | `timeout` | any wait whose time ran out; `details.ms` | tell the user, offer a retry |
 * | `aborted` | any wait whose AbortSignal fired | nothing: the user asked for it |
 * | `protocol` | a driver that got a well-framed message it cannot accept | reset or reconnect the reader |
 * | `unsupported` | what this reader, kernel or version cannot do; `details.feature` | choose another way |
 * | `mismatch` | a driver whose reader or card says other data than what was asked for (amount, currency, type, date, country), a cryptogram that was used before, or approves without a host; `details` has `tag`, `value`, `rule`; the host was not told | take the reader out of service: it is wrong, or somebody is on the line |
 * | `reader-error` | the reader reported an error of its own; `details.code` is the vendor's name | show the reader's own words |
 * | `low-battery` | a payment or update refused for the battery | charge the reader |
 * | `update-required` | a payment refused because the reader needs firmware, configuration or keys (details.needs), or is older than the app requires | update the reader |
 * | `tampered` | the reader says that it was opened, or (details.needs `keys`) that its keys are gone | take it out of service |
 * | `host-unreachable` | an acquirer client: the request certainly did not leave | retry |
 * | `host-no-answer` | an acquirer client: the request may have left, no usable answer came | reconcile, never repeat blindly |
 * | `host-error` | an acquirer client: the host answered something that is no answer | reconcile |
 * | `journal` | the journal of payments: its file cannot be opened or written (`details.reason`: full, corrupt, no-permission, not-found, locked, newer, other), or the payment is another process's by now (taken-over) | make room or repair; no payment is taken meanwhile, and what was begun is in the journal as far as it came |
 * | `internal` | an invariant of ours broke | report a bug |
 */
export type FaultCode =
  | 'bad-argument'
  | 'bad-hex'
  | 'bad-config'
  | 'bad-uri'
  | 'tlv'
  | 'dol'
  | 'apdu'
  | 'bad-swipe'
  | 'bad-key'
  | 'card-removed'
  | 'card-mute'
  | 'link-closed'
  | 'link-failed'
  | 'missing-library'
  | 'not-found'
  | 'busy'
  | 'timeout'
  | 'aborted'
  | 'protocol'
  | 'unsupported'
  | 'mismatch'
  | 'reader-error'
  | 'low-battery'
  | 'update-required'
  | 'tampered'
  | 'host-unreachable'
  | 'host-no-answer'
  | 'host-error'
  | 'journal'
  | 'internal'

/** What a program can decide by: names and values, never a secret. */
export type FaultDetails = Readonly<Record<string, string | number | boolean | undefined>>

/** What is thrown by everything here. `details` never holds a PAN, a track, a PIN or a key in clear. */
export class Fault extends Error {
  /** `Fault`. */
  override readonly name = 'Fault'
  /** What kind of fault it is. */
  readonly code: FaultCode
  /** What it is about; see the table of `FaultCode`. */
  readonly details: FaultDetails

  /** @param message a sentence for people, in English; `faultMessage` has it in their language */
  constructor(code: FaultCode, message: string, details: FaultDetails = {}, options?: { cause?: unknown }) {
    super(message, options)
    this.code = code
    this.details = details
  }
}

/**
 * Whether `error` is a Fault, of one of `codes` where any are given.
 * @example
 * ```ts
 * import { isFault, open } from 'tapdip'
 *
 * try {
 *   await open('ble:PP0918900518')
 * } catch (error) {
 *   if (!isFault(error, 'not-found', 'timeout', 'link-failed')) throw error
 *   console.log(`is the reader switched on? ${error.message}`)
 * }
 * ```
 */
export function isFault(error: unknown, ...codes: FaultCode[]): error is Fault {
  return error instanceof Fault && (codes.length === 0 || codes.includes(error.code))
}

/** Any thrown value as a Fault: ours stays as it is, an abort becomes `aborted`, the rest becomes `code` with the cause kept. */
export function asFault(error: unknown, code: FaultCode = 'internal'): Fault {
  if (error instanceof Fault) return error
  if (error instanceof Error && error.name === 'AbortError') return new Fault('aborted', 'aborted', {}, { cause: error })
  return new Fault(code, error instanceof Error ? error.message : String(error), {}, { cause: error })
}

/** Throws `aborted` (or the signal's own Fault) when `signal` has fired. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw abortFault(signal)
}

/** What an abort is thrown as: the signal's own Fault where its reason is one, else `aborted`. */
export function abortFault(signal: AbortSignal): Fault {
  return signal?.reason instanceof Fault ? signal.reason : new Fault('aborted', 'aborted', {}, { cause: signal?.reason })
}
