/** `tapdip/tlv`: BER-TLV and data object lists read, written and explained, with the dictionaries of EMV and the kernels. Runs in a browser too. */

export { concat, equal, fromBcd, fromHex, fromText, fromUint, hex, text, toBcd, uint } from '../bytes.ts'
export { Fault, type FaultCode, type FaultDetails, isFault } from '../errors.ts'
export { maskNumbers, maskPan } from '../mask.ts'
export * from '../tlv/ber.ts'
export { cardData } from '../tlv/card-data.ts'
export * from '../tlv/dol.ts'
export { type KernelDictionary, kernelDictionaries } from '../tlv/kernels.ts'
export { type Described, type DescribeOptions, type Description, describe, printTree } from '../tlv/print.ts'
export { type Dictionary, general, type TagFormat, type TagInfo, type TagSource } from '../tlv/tags.ts'
