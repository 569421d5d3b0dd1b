/** What an app links, without the reader families: re-exported by `tapdip`. */

export * from './bytes.ts'
export * from './clock.ts'
export * from './currency.ts'
export type { MessageField } from './decode/fields.ts'
export type { DescribedLine, DescribedMessage, DescribedNoise, Speaker } from './decode/frames.ts'
export { printLine } from './decode/print.ts'
export { type CaKeyText, caKeyChecksum, parseCaKey } from './emv/ca-keys.ts'
export type * from './emv/card.ts'
export * from './emv/config.ts'
export { parseTerminalConfig } from './emv/config-schema.ts'
export { transact } from './emv/contact/kernel.ts'
export * from './emv/contactless/config.ts'
export type { ContactlessKernel, Field, KernelActivation } from './emv/contactless/entry.ts'
export { kernelsOf } from './emv/contactless/kernels-of.ts'
export type { DataExchangeHandler } from './emv/contactless/mastercard/exchange.ts'
export { TornLog } from './emv/contactless/mastercard/torn-log.ts'
export type {
  ContactlessCvm,
  ContactlessOutcome,
  OnlineResponse,
  OutcomeStatus,
  StartPoint,
  UiRequest,
  UiStatus,
} from './emv/contactless/outcome.ts'
export { contactlessFor, russianContactless, type TapChanges } from './emv/contactless/profiles.ts'
export { type TapOptions, tap } from './emv/contactless/tap.ts'
export type * from './emv/explain/explain.ts'
export * from './emv/explain/print.ts'
export type * from './emv/outcome.ts'
export * from './emv/profiles.ts'
export { type Region, regionOf, regions, type TapLimit } from './emv/regions.ts'
export { type KnownScheme, knownSchemes } from './emv/schemes.ts'
export type { KernelOptions, LoggedTransaction, Timeouts, TransactionLog } from './emv/steps/context.ts'
export type * from './emv/terminal.ts'
export * from './errors.ts'
export { isExpired } from './expiry.ts'
export * from './magstripe/check-digit.ts'
export { asksForPin, readServiceCode, type ServiceCode, serviceCodeOf, serviceCodeWords } from './magstripe/service-code.ts'
export * from './magstripe/swipe.ts'
export {
  type Masked,
  parseTrack1,
  parseTrack2,
  parseTrack2Equivalent,
  parseTrack3,
  type Remark,
  type Track1,
  type Track2,
  type Track3,
  type TrackOptions,
  track2Equivalent,
  trackLrc,
} from './magstripe/track.ts'
export * from './mask.ts'
export * from './messages/messages.ts'
export * from './payment/acquirer.ts'
export { fiscalAmount, goodsOf, withParts } from './payment/amount-parts.ts'
export { categories, type EstimateCategory, type EstimateRule, type Estimates, estimateRules } from './payment/estimates.ts'
export * from './payment/host/http.ts'
export * from './payment/host/iso8583/client.ts'
export * from './payment/host/iso8583/index.ts'
export type { IsoMemory, IsoOriginal } from './payment/host/iso8583/originals.ts'
export * from './payment/journal/journal.ts'
export * from './payment/journal/notice.ts'
export * from './payment/journal/open.ts'
export * from './payment/journal/recorder.ts'
export type * from './payment/pay/events.ts'
export type { FallbackRules } from './payment/pay/fallback.ts'
export * from './payment/pay/payment.ts'
export type { KnownVersions, PreflightOptions } from './payment/pay/preflight.ts'
export type { PaymentJson } from './payment/pay/result.ts'
export * from './payment/receipt/fiscal.ts'
export * from './payment/receipt/picture.ts'
export * from './payment/receipt/print.ts'
export * from './payment/receipt/print-picture.ts'
export * from './payment/receipt/printer.ts'
export * from './payment/receipt/qr-code.ts'
export * from './payment/receipt/qr-text.ts'
export * from './payment/receipt/receipt.ts'
export * from './payment/receipt/signature.ts'
export * from './payment/steps.ts'
export { type ByCash, changeOf, type SaleResult } from './payment/till/cash.ts'
export * from './payment/till/drawer.ts'
export type { Became } from './payment/till/due.ts'
export * from './payment/till/fiscal-orders.ts'
export type { BySbp } from './payment/till/sbp.ts'
export * from './payment/till/screen.ts'
export * from './payment/till/till.ts'
export * from './queue.ts'
export type { Broadcast } from './reader/broadcast.ts'
export * from './reader/conversation.ts'
export * from './reader/passthrough.ts'
export type * from './reader/reader.ts'
export * from './reader/reconnect.ts'
export type * from './reader/side.ts'
export type { Dissector } from './recording/dissector.ts'
export { redactionOf } from './recording/dissector.ts'
export type { FieldEdit, RecordedKind } from './recording/field.ts'
export * from './recording/playback.ts'
export { cardData } from './tlv/card-data.ts'
export type { Described, Description, Stopped } from './tlv/print.ts'
export * from './trace/diff.ts'
export * from './trace/event.ts'
export { type MaskingRule, maskingRules } from './trace/masking.ts'
export * from './trace/print.ts'
export { printDiff } from './trace/print-diff.ts'
export * from './trace/read.ts'
export * from './trace/writer.ts'
export type { AnyListener, BleCharacteristic, BleLibrary, BleLibrarySource, BlePeripheral } from './transport/ble/radio.ts'
export * from './transport/connect.ts'
export * from './transport/link.ts'
export * from './transport/pipe.ts'
export * from './transport/replay.ts'
export type * from './transport/shape.ts'
export * from './transport/trace.ts'
export { parseUri, type Query, type Uri } from './transport/uri.ts'
