/** Where each kernel keeps the limits of a scheme's rules. */

import type { ContactlessScheme } from '../schemes.ts'

/** How a kernel compares an amount with a figure: the figure itself is the first that counts, or the last that does not. */
export type Comparison = '>=' | '>'

/** The rules that a kernel keeps as figures. */
export type RuleName = 'verifyFrom' | 'refuseFrom' | 'refuseOnDeviceFrom' | 'offlineUpTo'

/**
 * Where each kernel keeps a rule, and with which sign. Entry Point (and with it kernels 3, 6 and 7) tests CVM and transaction limit with >=, the floor
 * limit with >; kernel 2 everything with > (S456.14, S456.30, CVM.2); Mir's figures are maxima (DF51–DF54: "maximum amount …", sign derived, not seen).
 */
export const figures: Partial<Record<ContactlessScheme, readonly (readonly [tag: number, rule: RuleName, sign: Comparison])[]>> = {
  mastercard: [
    [0xdf8126, 'verifyFrom', '>'],
    [0xdf8124, 'refuseFrom', '>'],
    [0xdf8125, 'refuseOnDeviceFrom', '>'],
    [0xdf8123, 'offlineUpTo', '>'],
  ],
  mir: [
    [0xdf52, 'verifyFrom', '>'],
    [0xdf53, 'refuseFrom', '>'],
    [0xdf54, 'refuseOnDeviceFrom', '>'],
    [0xdf51, 'offlineUpTo', '>'],
  ],
  // The tags of these two are a terminal vendor's (Verifone ADK), the signs those of C-4 and C-5.
  amex: [
    [0xdfab42, 'verifyFrom', '>='],
    [0xdfab41, 'refuseFrom', '>'],
    [0xdfab40, 'offlineUpTo', '>'],
  ],
  jcb: [
    [0xdfab42, 'verifyFrom', '>='],
    [0xdfab41, 'refuseFrom', '>='],
    [0xdfab5b, 'refuseOnDeviceFrom', '>='],
    [0xdfab40, 'offlineUpTo', '>='],
  ],
}
