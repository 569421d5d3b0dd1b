/** What a failed offline data authentication leaves in the TVR. */

import type { TvrBit } from '../data.ts'
import type { Kernel, Oda } from '../steps/context.ts'
import type { Failed } from './signature.ts'

/** The bit of each method that failed, and the tags it looked at. */
const odaFailure = {
  sda: { bit: 'sdaFailed', inputs: [0x8f, 0x90, 0x92, 0x9f32, 0x93, 0x9f4a, 0x82] },
  dda: { bit: 'ddaFailed', inputs: [0x8f, 0x90, 0x92, 0x9f32, 0x9f46, 0x9f47, 0x9f48, 0x9f49, 0x9f4a, 0x9f4b, 0x9f37] },
  cda: { bit: 'cdaFailed', inputs: [0x8f, 0x90, 0x92, 0x9f32, 0x9f46, 0x9f47, 0x9f48, 0x9f4a, 0x9f4b, 0x9f37] },
} as const satisfies Record<Oda['method'], { bit: TvrBit; inputs: readonly number[] }>

/** Sets the bits of a failed method (Book 3, 7.5 and 10.3). */
export function failOda(kernel: Kernel, method: Oda['method'], { failed, missing }: Failed): void {
  const { bit, inputs } = odaFailure[method]
  if (missing) kernel.raise('iccDataMissing', { rule: failed, inputs })
  kernel.raise(bit, { rule: failed, inputs })
}
