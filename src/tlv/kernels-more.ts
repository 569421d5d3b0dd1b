/** Tags of kernels 6, 7 and 8 and of Mir, as far as they are public: no book of theirs is, but what programs and configuration pages name. */

import type { TagRow } from './tags.ts'

/** Kernel 6 (Discover D-PAS). Names seen in a terminal vendor's pages and a kernel's code; what its data storage is made of is not public. */
export const discover: readonly TagRow[] = [
  [0x9f66, 'Terminal Transaction Qualifiers (TTQ)', 'reader', 'b', 4, 4],
  [0x9f71, 'Card Processing Requirements (CPR)', 'icc', 'b', 2, 2],
]

/** Kernel 7 (UnionPay). Seen: a terminal vendor's pages, a kernel's code, a table of the TTQ. */
export const unionpay: readonly TagRow[] = [
  [0x9f5d, 'Available Offline Spending Amount (AOSA)', 'icc', 'n', 6, 6],
  [0x9f66, 'Terminal Transaction Qualifiers (TTQ), UnionPay', 'reader', 'b', 4, 4],
  [0x9f69, 'Card Authentication Related Data', 'icc', 'b', 8, 16],
  [0x9f6c, 'Card Transaction Qualifiers (CTQ), UnionPay', 'icc', 'b', 2, 2],
]

/** Mir, kernel 81 06 43. Names seen in two vendors' headers; the bits of 9F71, DF55 and DF70 to DF74 are not public. */
export const mir: readonly TagRow[] = [
  [0x9f19, 'Last 4 Digits of PAN', 'icc', 'b', 0, 252],
  [0x9f70, 'CDA Result', 'icc', 'b', 0, 252],
  [0x9f71, 'Card Processing Requirement', 'icc', 'b', 0, 252],
  [0xdf41, 'Transaction Recovery Counter', 'reader', 'b', 0, 252],
  [0xdf51, 'Terminal Floor Limit', 'reader', 'n', 6, 6],
  [0xdf52, 'Terminal No CVM Limit', 'reader', 'n', 6, 6],
  [0xdf53, 'Terminal Contactless Limit (Non CD-CVM)', 'reader', 'n', 6, 6],
  [0xdf54, 'Terminal Contactless Limit (CD-CVM)', 'reader', 'n', 6, 6],
  [0xdf55, 'Terminal TPM Capabilities', 'reader', 'b', 2, 2],
  [0xdf56, 'Transaction Recovery Limit', 'reader', 'b', 1, 1],
  [0xdf6f, 'Operation DOL', 'icc', 'b', 0, 252],
  [0xdf70, 'Application Information', 'icc', 'b', 0, 252],
  [0xdf71, 'Transaction Processing Mode', 'reader', 'b', 0, 252],
  [0xdf73, 'Issuer Certificate Serial Number', 'icc', 'b', 0, 252],
  [0xdf74, 'Kernel Verification Results', 'reader', 'b', 0, 252],
  [0xbf61, 'Signed Application Tags', 'icc', 'template', 0, 252],
  [0xbf62, 'Unsigned Application Tags', 'icc', 'template', 0, 252],
]

/** Kernel 8 (Book C-8 1.1), seen in a public kernel that names its tags (Digrol/Denom, MIT No Attribution). */
export const kernel8: readonly TagRow[] = [
  [0x95, 'Terminal Verification Results (TVR), Kernel 8', 'reader', 'b', 5, 5],
  [0x9e, 'Kernel Key Data', 'reader', 'b', 64, 132],
  [0x9f2b, 'Kernel Qualifier', 'reader', 'b', 8, 8],
  [0x9f2c, 'Card Qualifier', 'icc', 'b', 7, 7],
  [0x9f8102, 'Cardholder Verification Decision', 'icc', 'b', 1, 1],
  [0x9f8103, 'Card Key Data', 'icc', 'b', 64, 132],
  [0x9f8104, 'Card TVR', 'icc', 'b', 5, 5],
  [0x9f8105, 'Enhanced Data Authentication MAC (EDA-MAC)', 'icc', 'b', 8, 8],
  [0x9f8106, 'Authenticated Application Data', 'icc', 'b', 0, 128],
  [0x9f8107, 'Issuer Application Data MAC Offset', 'icc', 'b', 1, 1],
  [0x9f8108, 'Restart Indicator', 'icc', 'b', 2, 5],
  [0x9f8109, 'Issuer Application Data MAC (IAD-MAC)', 'reader', 'b', 8, 8],
  [0x9f810a, 'Extended SDA Tag List', 'icc', 'b', 0, 252],
  [0x9f810b, 'ICC ECC Public Key (for ICC RSA Certificates)', 'icc', 'b', 32, 66],
  [0x9f810c, 'Relay Resistance Time Excess', 'reader', 'b', 2, 2],
  [0x9f810d, 'Card Capabilities Information', 'icc', 'b', 2, 2],
  ...[1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map((n): TagRow => [0x9f8110 + n, `Data Envelope ${n}`, 'icc', 'b', 0, 243]),
  [0x9f8201, 'Data Needed', 'reader', 'b', 0, 252],
  [0x9f8202, 'Proceed To First Write Flag', 'terminal', 'b', 1, 1],
  [0x9f8203, 'Tags To Read', 'terminal', 'b', 0, 252],
  [0x9f8204, 'Error Indication, Kernel 8', 'reader', 'b', 6, 6],
  [0x9f8205, 'User Interface Request Data 1', 'reader', 'b', 13, 13],
  [0x9f8206, 'Card Data Input Capability', 'reader', 'b', 1, 1],
  [0x9f8207, 'CVM Capability - CVM Required', 'reader', 'b', 1, 1],
  [0x9f8208, 'CVM Capability - No CVM Required', 'reader', 'b', 1, 1],
  [0x9f8209, 'Kernel Configuration, Kernel 8', 'reader', 'b', 2, 2],
  [0x9f820a, 'Security Capability', 'reader', 'b', 1, 1],
  [0x9f820b, 'Terminal Action Code - Denial', 'reader', 'b', 5, 5],
  [0x9f820c, 'Terminal Action Code - Online', 'reader', 'b', 5, 5],
  [0x9f820d, 'Reader Contactless Floor Limit', 'reader', 'n', 6, 6],
  [0x9f820e, 'Reader CVM Required Limit', 'reader', 'n', 6, 6],
  [0x9f820f, 'Time Out Value', 'reader', 'b', 2, 2],
  [0x9f8210, 'Outcome Parameter Set', 'reader', 'b', 8, 8],
  [0x9f8211, 'Message Hold Time', 'reader', 'n', 3, 3],
  [0x9f8212, 'Hold Time Value', 'reader', 'b', 1, 1],
  [0x9f8213, 'Minimum Relay Resistance Grace Period', 'reader', 'b', 2, 2],
  [0x9f8214, 'Maximum Relay Resistance Grace Period', 'reader', 'b', 2, 2],
  [0x9f8215, 'Terminal Expected Transmission Time For Relay Resistance C-APDU', 'reader', 'b', 2, 2],
  [0x9f8216, 'Terminal Expected Transmission Time For Relay Resistance R-APDU', 'reader', 'b', 2, 2],
  [0x9f8217, 'Relay Resistance Accuracy Threshold', 'reader', 'b', 2, 2],
  [0x9f8218, 'Relay Resistance Transmission Time Mismatch Threshold', 'reader', 'b', 1, 2],
  [0x9f8219, 'User Interface Request Data 2', 'reader', 'b', 13, 13],
  [0x9f821a, 'Reserved TVR Mask', 'reader', 'b', 5, 5],
  [0x9f821b, 'Write Data Status', 'reader', 'b', 1, 1],
  [0x9f821c, 'Read Data Status', 'reader', 'b', 1, 1],
  [0x9f821d, 'Message Identifiers On Restart', 'reader', 'b', 0, 252],
  [0x9f821e, 'Default IAD-MAC Offset', 'reader', 'b', 1, 1],
  [0x9f821f, 'Discretionary Data Tag List', 'reader', 'b', 0, 252],
  [0x9f8220, 'Default CDOL1', 'reader', 'b', 0, 252],
  [0x9f8221, 'Tag Mapping List', 'reader', 'b', 0, 252],
  [0xbf8101, 'Data To Send', 'reader', 'template', 0, 252],
  [0xbf8102, 'Data Record', 'reader', 'template', 0, 252],
  [0xbf8103, 'Discretionary Data', 'reader', 'template', 0, 252],
  [0xbf8104, 'Data Envelopes To Write', 'terminal', 'template', 0, 252],
]
