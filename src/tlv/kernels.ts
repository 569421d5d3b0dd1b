/** What contactless kernels add to the dictionary, or mean by a tag that others use otherwise: overlays over `general`. */

import * as door from '../door.ts'
import { discover, kernel8, mir, unionpay } from './kernels-more.ts'
import { type Dictionary, dictionary, general, type TagRow } from './tags.ts'

/** Kernels that give tags a meaning of their own. */
export type KernelDictionary = 'mastercard' | 'visa' | 'amex' | 'jcb' | 'discover' | 'unionpay' | 'kernel8' | 'mir'

/** EMV Contactless Book C-2, Annex A. */
const mastercard: readonly TagRow[] = [
  [0x9f50, 'Offline Accumulator Balance', 'icc', 'n', 6, 6],
  [0x9f51, 'DRDOL', 'icc', 'b', 0, 252],
  [0x9f53, 'Transaction Category Code', 'terminal', 'an', 1, 1],
  [0x9f54, 'DS ODS Card', 'icc', 'b', 0, 160],
  [0x9f5b, 'DSDOL', 'icc', 'b', 0, 252],
  [0x9f5c, 'DS Requested Operator ID', 'terminal', 'b', 8, 8],
  [0x9f5d, 'Application Capabilities Information (ACI)', 'icc', 'b', 3, 3],
  [0x9f5e, 'DS ID', 'icc', 'n', 8, 11],
  [0x9f5f, 'DS Slot Availability', 'icc', 'b', 1, 1],
  [0x9f60, 'CVC3 (Track1)', 'icc', 'b', 2, 2],
  [0x9f61, 'CVC3 (Track2)', 'icc', 'b', 2, 2],
  [0x9f62, 'PCVC3 (Track1)', 'icc', 'b', 6, 6],
  [0x9f63, 'PUNATC (Track1)', 'icc', 'b', 6, 6],
  [0x9f64, 'NATC (Track1)', 'icc', 'b', 1, 1],
  [0x9f65, 'PCVC3 (Track2)', 'icc', 'b', 2, 2],
  [0x9f66, 'PUNATC (Track2)', 'icc', 'b', 2, 2],
  [0x9f67, 'NATC (Track2)', 'icc', 'b', 1, 1],
  [0x9f69, 'UDOL', 'icc', 'b', 0, 252],
  [0x9f6a, 'Unpredictable Number (Numeric)', 'reader', 'n', 4, 4],
  [0x9f6b, 'Track 2 Data', 'icc', 'b', 0, 19],
  [0x9f6c, 'Mag-stripe Application Version Number (Card)', 'icc', 'b', 2, 2],
  [0x9f6d, 'Mag-stripe Application Version Number (Reader)', 'reader', 'b', 2, 2],
  [0x9f6e, 'Third Party Data', 'icc', 'b', 5, 32],
  [0x9f6f, 'DS Slot Management Control', 'icc', 'b', 1, 1],
  ...[1, 2, 3, 4, 5].map((n): TagRow => [0x9f6f + n, `Protected Data Envelope ${n}`, 'icc', 'b', 0, 192]),
  ...[1, 2, 3, 4, 5].map((n): TagRow => [0x9f74 + n, `Unprotected Data Envelope ${n}`, 'icc', 'b', 0, 192]),
  [0x9f7c, 'Merchant Custom Data', 'terminal', 'b', 20, 20],
  [0x9f7d, 'DS Summary 1', 'icc', 'b', 8, 16],
  [0x9f7e, 'Mobile Support Indicator', 'reader', 'b', 1, 1],
  [0x9f7f, 'DS Unpredictable Number', 'icc', 'b', 4, 4],
  [0xdf4b, 'POS Cardholder Interaction Information', 'icc', 'b', 3, 3],
  [0xdf60, 'DS Input (Card)', 'terminal', 'b', 8, 8],
  [0xdf61, 'DS Digest H', 'reader', 'b', 8, 8],
  [0xdf62, 'DS ODS Info', 'terminal', 'b', 1, 1],
  [0xdf63, 'DS ODS Term', 'terminal', 'b', 0, 160],
  [0xdf8101, 'DS Summary 2', 'icc', 'b', 8, 16],
  [0xdf8102, 'DS Summary 3', 'icc', 'b', 8, 16],
  [0xdf8104, 'Balance Read Before Gen AC', 'reader', 'n', 6, 6],
  [0xdf8105, 'Balance Read After Gen AC', 'reader', 'n', 6, 6],
  [0xdf8106, 'Data Needed', 'reader', 'b', 0, 252],
  [0xdf8107, 'CDOL1 Related Data', 'reader', 'b', 0, 252],
  [0xdf8108, 'DS AC Type', 'terminal', 'b', 1, 1],
  [0xdf8109, 'DS Input (Term)', 'terminal', 'b', 8, 8],
  [0xdf810a, 'DS ODS Info For Reader', 'terminal', 'b', 1, 1],
  [0xdf810b, 'DS Summary Status', 'reader', 'b', 1, 1],
  [0xdf810c, 'Kernel ID', 'reader', 'b', 1, 1],
  [0xdf810d, 'DSVN Term', 'reader', 'b', 0, 252],
  [0xdf810e, 'Post-Gen AC Put Data Status', 'reader', 'b', 1, 1],
  [0xdf810f, 'Pre-Gen AC Put Data Status', 'reader', 'b', 1, 1],
  [0xdf8110, 'Proceed To First Write Flag', 'terminal', 'b', 1, 1],
  [0xdf8111, 'PDOL Related Data', 'reader', 'b', 0, 252],
  [0xdf8112, 'Tags To Read', 'terminal', 'b', 0, 252],
  [0xdf8113, 'DRDOL Related Data', 'reader', 'b', 0, 252],
  [0xdf8114, 'Reference Control Parameter', 'reader', 'b', 1, 1],
  [0xdf8115, 'Error Indication', 'reader', 'b', 6, 6],
  [0xdf8116, 'User Interface Request Data', 'reader', 'b', 22, 22],
  [0xdf8117, 'Card Data Input Capability', 'reader', 'b', 1, 1],
  [0xdf8118, 'CVM Capability - CVM Required', 'reader', 'b', 1, 1],
  [0xdf8119, 'CVM Capability - No CVM Required', 'reader', 'b', 1, 1],
  [0xdf811a, 'Default UDOL', 'reader', 'b', 3, 3],
  [0xdf811b, 'Kernel Configuration', 'reader', 'b', 1, 1],
  [0xdf811c, 'Max Lifetime of Torn Transaction Log Record', 'reader', 'b', 2, 2],
  [0xdf811d, 'Max Number of Torn Transaction Log Records', 'reader', 'b', 1, 1],
  [0xdf811e, 'Mag-stripe CVM Capability - CVM Required', 'reader', 'b', 1, 1],
  [0xdf811f, 'Security Capability', 'reader', 'b', 1, 1],
  [0xdf8120, 'Terminal Action Code - Default', 'reader', 'b', 5, 5],
  [0xdf8121, 'Terminal Action Code - Denial', 'reader', 'b', 5, 5],
  [0xdf8122, 'Terminal Action Code - Online', 'reader', 'b', 5, 5],
  [0xdf8123, 'Reader Contactless Floor Limit', 'reader', 'n', 6, 6],
  [0xdf8124, 'Reader Contactless Transaction Limit (No On-device CVM)', 'reader', 'n', 6, 6],
  [0xdf8125, 'Reader Contactless Transaction Limit (On-device CVM)', 'reader', 'n', 6, 6],
  [0xdf8126, 'Reader CVM Required Limit', 'reader', 'n', 6, 6],
  [0xdf8127, 'Time Out Value', 'reader', 'b', 2, 2],
  [0xdf8128, 'IDS Status', 'reader', 'b', 1, 1],
  [0xdf8129, 'Outcome Parameter Set', 'reader', 'b', 8, 8],
  [0xdf812a, 'DD Card (Track1)', 'reader', 'ans', 0, 56],
  [0xdf812b, 'DD Card (Track2)', 'reader', 'cn', 0, 8],
  [0xdf812c, 'Mag-stripe CVM Capability - No CVM Required', 'reader', 'b', 1, 1],
  [0xdf812d, 'Message Hold Time', 'reader', 'n', 3, 3],
  [0xdf8130, 'Hold Time Value', 'reader', 'b', 1, 1],
  [0xdf8131, 'Phone Message Table', 'reader', 'b', 0, 252],
  [0xdf8132, 'Minimum Relay Resistance Grace Period', 'reader', 'b', 2, 2],
  [0xdf8133, 'Maximum Relay Resistance Grace Period', 'reader', 'b', 2, 2],
  [0xdf8134, 'Terminal Expected Transmission Time For Relay Resistance C-APDU', 'reader', 'b', 2, 2],
  [0xdf8135, 'Terminal Expected Transmission Time For Relay Resistance R-APDU', 'reader', 'b', 2, 2],
  [0xdf8136, 'Relay Resistance Accuracy Threshold', 'reader', 'b', 2, 2],
  [0xdf8137, 'Relay Resistance Transmission Time Mismatch Threshold', 'reader', 'b', 1, 1],
  [0xdf8301, 'Terminal Relay Resistance Entropy', 'reader', 'b', 4, 4],
  [0xdf8302, 'Device Relay Resistance Entropy', 'icc', 'b', 4, 4],
  [0xdf8303, 'Min Time For Processing Relay Resistance APDU', 'icc', 'b', 2, 2],
  [0xdf8304, 'Max Time For Processing Relay Resistance APDU', 'icc', 'b', 2, 2],
  [0xdf8305, 'Device Estimated Transmission Time For Relay Resistance R-APDU', 'icc', 'b', 2, 2],
  [0xdf8306, 'Measured Relay Resistance Processing Time', 'reader', 'b', 2, 2],
  [0xdf8307, 'RRP Counter', 'reader', 'b', 1, 1],
  [0xff8101, 'Torn Record', 'reader', 'template', 0, 252],
  [0xff8102, 'Tags To Write Before Gen AC', 'terminal', 'template', 0, 252],
  [0xff8103, 'Tags To Write After Gen AC', 'terminal', 'template', 0, 252],
  [0xff8104, 'Data To Send', 'reader', 'template', 0, 252],
  [0xff8105, 'Data Record', 'reader', 'template', 0, 252],
  [0xff8106, 'Discretionary Data', 'reader', 'template', 0, 252],
]

/** EMV Contactless Book C-3, Annex A. */
const visa: readonly TagRow[] = [
  [0x9f5c, 'Cumulative Total Transaction Amount Upper Limit (CTTAUL)', 'icc', 'n', 6, 6],
  [0x9f5d, 'Available Offline Spending Amount (AOSA)', 'icc', 'n', 6, 6],
  [0x9f66, 'Terminal Transaction Qualifiers (TTQ)', 'reader', 'b', 4, 4],
  [0x9f69, 'Card Authentication Related Data', 'icc', 'b', 5, 16],
  [0x9f6c, 'Card Transaction Qualifiers (CTQ)', 'icc', 'b', 2, 2],
  [0x9f6e, 'Form Factor Indicator (FFI)', 'icc', 'b', 4, 4],
  [0x9f7c, 'Customer Exclusive Data (CED)', 'icc', 'b', 0, 32],
  [0xbf60, 'Integrated Data Storage Record Update Template', 'reader', 'template', 0, 252],
]

/** EMV Contactless Book C-4, Annex A. */
const amex: readonly TagRow[] = [
  [0x9f6d, 'Contactless Reader Capabilities', 'reader', 'n', 1, 1],
  [0x9f6e, 'Enhanced Contactless Reader Capabilities', 'reader', 'b', 4, 4],
  [0x9f70, 'Card Interface Capabilities', 'icc', 'b', 2, 2],
  [0x9f71, 'Mobile CVM Results', 'icc', 'b', 3, 3],
]

/** EMV Contactless Book C-5, Annex A. */
const jcb: readonly TagRow[] = [
  [0x9f50, 'Cardholder Verification Status', 'icc', 'b', 1, 1],
  [0x9f52, 'Terminal Compatibility Indicator', 'reader', 'b', 1, 1],
  [0x9f53, 'Terminal Interchange Profile (static/dynamic)', 'reader', 'b', 3, 3],
  [0x9f5c, 'Magstripe Data Object List (MDOL)', 'icc', 'b', 0, 252],
  [0x9f5f, 'Offline Balance', 'icc', 'n', 6, 6],
  [0x9f60, 'Issuer Update Parameter', 'icc', 'b', 1, 1],
]

/** The whole dictionary of each kernel: `general` with its own meanings laid over. */
export const kernelDictionaries: Readonly<Record<KernelDictionary, Dictionary>> = {
  mastercard: dictionary(mastercard, general),
  visa: dictionary(visa, general),
  amex: dictionary(amex, general),
  jcb: dictionary(jcb, general),
  discover: dictionary(discover, general),
  unionpay: dictionary(unionpay, general),
  kernel8: dictionary(kernel8, general, 'assumed'), // one public kernel has them; Book C-8 was not read
  mir: dictionary(mir, general),
}

/** What `kernelWordsOf` takes: a dictionary, its kernel by number or by book, or `contact`. */
export const kernelNames = [
  ...(['contact', 'mastercard', 'visa', 'amex', 'jcb', 'discover', 'unionpay', 'mir', 'kernel8'] as const),
  ...(['2', '3', '4', '5', '6', '7', '8', 'C-2', 'C-3', 'C-4', 'C-5', 'C-6', 'C-7', 'C-8'] as const),
] as const

/** One of `kernelNames`. */
export type KernelName = (typeof kernelNames)[number]

const byNumber = ['mastercard', 'visa', 'amex', 'jcb', 'discover', 'unionpay', 'kernel8'] as const

/** The dictionary of a kernel; the general one for `contact`. */
export function kernelWordsOf(name: KernelName): Dictionary {
  door.need('name', name, door.oneOf(kernelNames))
  if (name === 'contact') return general
  return kernelDictionaries[byNumber[Number(name.replace('C-', '')) - 2] ?? (name as KernelDictionary)]
}
