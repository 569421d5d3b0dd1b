/** The CVM List as contactless kernels walk it: online PIN, signature or none; nothing is asked while the card is in the field (Book C-2, procedure CVM). */

import { CAPABILITY } from '../config.ts'
import { type Bit, isSet } from '../data.ts'
import type { Kernel } from '../steps/context.ts'
import { cvmConditionHolds } from '../steps/cvm-condition.ts'
import type { ContactlessCvm } from './outcome.ts'

const methods: Readonly<Record<number, { needs: Bit; cvm: ContactlessCvm; result: number }>> = {
  2: { needs: CAPABILITY.onlinePin, cvm: 'onlinePin', result: 0 },
  30: { needs: CAPABILITY.signature, cvm: 'signature', result: 0 },
  31: { needs: CAPABILITY.noCvm, cvm: 'none', result: 2 },
}
/** Recognised, but never possible here: PINs that the card would check. */
const offlinePins = [1, 3, 4, 5]

/** Sets 9F34 and the TVR by the card's list (8E) and the terminal's capabilities (9F33). The cardholder is verified after the tap, where at all. */
export function walkCvmList(kernel: Kernel): ContactlessCvm {
  kernel.step = 'cardholderVerification'
  const { data } = kernel
  const results = (...bytes: [number, number, number]) => data.terminal.set(0x9f34, Uint8Array.from(bytes))
  const list = data.card.get(0x8e)
  if (!list || list.length < 10 || list.length % 2 !== 0) {
    results(0x3f, 0x00, 0x00)
    kernel.raise('iccDataMissing', { rule: 'Book C-2, CVM.6: the CVM List is missing or has no rule', inputs: [0x8e] })
    return 'none'
  }
  for (let at = 8; at < list.length; at += 2) {
    const [code, condition] = list.subarray(at, at + 2)
    const id = code & 0x3f
    const method = methods[id]
    const supported = method !== undefined && isSet(data.terminal.get(0x9f33), method.needs)
    const understood = method !== undefined || offlinePins.includes(id) || id === 0
    if (!cvmConditionHolds(kernel, condition, supported || id === 0, list)) continue
    if (method && supported) {
      results(code, condition, method.result)
      if (method.cvm === 'onlinePin') kernel.raise('onlinePinEntered', { rule: 'Book C-2, CVM.17: online PIN', inputs: [0x8e, 0x9f33] })
      return method.cvm
    }
    if (!understood) kernel.raise('unrecognisedCvm', { rule: 'Book C-2, CVM.20: a code that is not recognised', inputs: [0x8e] })
    else if (id !== 0 && id !== 30 && id !== 31)
      kernel.raise('pinPadMissingOrBroken', { rule: 'Book C-2, CVM: a PIN that is not supported', inputs: [0x8e, 0x9f33] })
    if (id === 0 || (code & 0x40) === 0) {
      results(code, condition, 0x01)
      break
    }
    results(0x3f, 0x00, 0x01)
  }
  if (!data.terminal.has(0x9f34)) results(0x3f, 0x00, 0x01)
  kernel.raise('cardholderVerificationFailed', { rule: 'Book C-2, CVM.24: no rule of the CVM List was successful', inputs: [0x8e, 0x9f34] })
  return 'none'
}
