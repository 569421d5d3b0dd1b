/** `tapdip/emv`: the kernels without a reader: a card to transmit to, a configuration, a terminal to ask, an outcome. Runs in a browser too. */

export { equal, fromHex, hex } from '../bytes.ts'
export { type Clock, systemClock, VirtualClock } from '../clock.ts'
export { allCurrencies, type Currency, currency, formatAmount, parseAmount } from '../currency.ts'
export { type CaKeyText, caKeyChecksum, parseCaKey } from '../emv/ca-keys.ts'
export type * from '../emv/card.ts'
export * from '../emv/config.ts'
export { parseTerminalConfig } from '../emv/config-schema.ts'
export { transact } from '../emv/contact/kernel.ts'
export * from '../emv/contactless/config.ts'
export { parseContactlessConfig } from '../emv/contactless/config-schema.ts'
export type { ContactlessKernel, Field, KernelActivation } from '../emv/contactless/entry.ts'
export { kernelsOf } from '../emv/contactless/kernels-of.ts'
export type { DataExchangeHandler } from '../emv/contactless/mastercard/exchange.ts'
export { TornLog } from '../emv/contactless/mastercard/torn-log.ts'
export type {
  ContactlessCvm,
  ContactlessOutcome,
  OnlineResponse,
  OutcomeStatus,
  StartPoint,
  UiRequest,
  UiStatus,
} from '../emv/contactless/outcome.ts'
export { contactlessFor, russianContactless, type TapChanges } from '../emv/contactless/profiles.ts'
export { type TapOptions, tap } from '../emv/contactless/tap.ts'
export type * from '../emv/explain/explain.ts'
export * from '../emv/explain/print.ts'
export type * from '../emv/outcome.ts'
export * from '../emv/profiles.ts'
export { type Region, regionOf, regions, type TapLimit } from '../emv/regions.ts'
export { type KnownScheme, knownSchemes } from '../emv/schemes.ts'
export type { KernelOptions, LoggedTransaction, Timeouts, TransactionLog } from '../emv/steps/context.ts'
export type * from '../emv/terminal.ts'
export { Fault, type FaultCode, type FaultDetails, isFault } from '../errors.ts'
export type { MessageId } from '../messages/messages.ts'
