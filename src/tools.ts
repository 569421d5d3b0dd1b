/** What a bench or a back office needs without a reader, `tapdip/tools`: DUKPT of both sides, PIN blocks, check values, MACs, TLV, DOLs, ISO 8583. Test keys only. */

export { commandName, commandWords } from './apdu/names.ts'
export { statusWords } from './apdu/status.ts'
export { concat, equal, fromBcd, fromHex, fromText, fromUint, hex, text, toBcd, uint, xor } from './bytes.ts'
export * as aes from './crypto/aes.ts'
export * as des from './crypto/des.ts'
export { checkValue, oddParity } from './crypto/des.ts'
export {
  type Direction,
  DukptDevice,
  dataKey,
  initialKey,
  macKey,
  pinKey,
  transactionCounter,
  transactionKey,
} from './crypto/dukpt.ts'
export {
  AesDukptDevice,
  type AesDukptKeyType,
  type AesDukptUsage,
  aesInitialKey,
  aesTransactionKey,
  aesUpdateKey,
  aesWorkingKey,
} from './crypto/dukpt-aes.ts'
export { decipherKey, encipherKey, openPinBlock, openTrack, type Sealed, type SealOptions } from './crypto/key-tools.ts'
export { aesCmac, desCmac, macAlgorithm1, macAlgorithm3, type Padding, pad, unpad2 } from './crypto/mac.ts'
export {
  checkPin,
  decipherFormat4,
  decodeFormat0,
  decodeFormat1,
  decodeFormat2,
  decodeFormat3,
  encipherFormat4,
  encodeFormat0,
  encodeFormat1,
  encodeFormat2,
  encodeFormat3,
  format4PanField,
  format4PinField,
  pinOf,
  type Random,
} from './crypto/pin.ts'
export { type DescribedExchange, describeExchange, printExchange } from './decode/exchange.ts'
export type { MessageField } from './decode/fields.ts'
export { certaintyLegend } from './decode/legend.ts'
export { type DescribedTrack, describeTrack } from './decode/track.ts'
export { Fault, type FaultCode, isFault } from './errors.ts'
export { maskNumbers, maskPan } from './mask.ts'
export { isoField } from './payment/host/iso8583/dialect.ts'
export * from './payment/host/iso8583/index.ts'
export type { IsoPart } from './payment/host/iso8583/parts.ts'
export {
  type DescribedBitmap,
  type DescribedField,
  type DescribedIso,
  describeIso,
  type IsoStop,
  printIso,
} from './payment/host/iso8583/print.ts'
export * from './tlv/ber.ts'
export type { Certainty, Unsure } from './tlv/certainty.ts'
export * from './tlv/dol.ts'
export { type KernelDictionary, type KernelName, kernelDictionaries, kernelNames, kernelWordsOf } from './tlv/kernels.ts'
export { type Described, type DescribeOptions, type Description, describe, printTree, type Stopped } from './tlv/print.ts'
export { type Dictionary, general } from './tlv/tags.ts'
