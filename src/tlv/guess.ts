/** Which kernel gave a tag that several use, where nobody says it: from an AID in the same data, else from length and value. */

import { hex } from '../bytes.ts'
import { type KernelDictionary, kernelDictionaries } from './kernels.ts'
import { type Dictionary, general, type TagInfo } from './tags.ts'

/** The dictionary of an application's kernel, by its registered provider. */
const providers: Readonly<Record<string, KernelDictionary>> = {
  A000000003: 'visa',
  A000000004: 'mastercard',
  A000000025: 'amex',
  A000000065: 'jcb',
  A000000152: 'discover',
  A000000324: 'discover',
  A000000333: 'unionpay',
  A000000658: 'mir',
}

/** The kernel that an AID belongs to; undefined for a provider without a dictionary of its own here. */
export function kernelOfAid(aid: Uint8Array): KernelDictionary | undefined {
  return providers[hex(aid.subarray(0, 5))]
}

/** The kernel whose dictionary this is; undefined for the general one, and for one of somebody's own. */
export function kernelOfDictionary(words: Dictionary): KernelDictionary | undefined {
  return (Object.keys(kernelDictionaries) as KernelDictionary[]).find(name => kernelDictionaries[name] === words)
}

/** Without an AID: those whose tags tell something. In the order in which they win where as much speaks for one as for the other. */
const kernels = ['visa', 'mastercard', 'amex', 'jcb', 'kernel8'] as const satisfies readonly KernelDictionary[]

/** What else a value must be, so that a kernel can mean it: reserved bits, and versions. */
const rules: ReadonlyMap<string, (value: Uint8Array) => boolean> = new Map([
  ['visa 9F6C', ([first, second]: Uint8Array) => (first & 0x01) === 0 && (second & 0x3f) === 0],
  ['mastercard 9F6C', ([first]: Uint8Array) => first === 0],
  ['visa 9F6E', ([first]: Uint8Array) => first >> 5 <= 1],
])

function fits(kernel: KernelDictionary, tag: number, value: Uint8Array): boolean {
  const info = kernelDictionaries[kernel].get(tag)
  if (!info || (value.length > 0 && (value.length < info.min || value.length > info.max))) return false
  return value.length === 0 || (rules.get(`${kernel} ${tag.toString(16).toUpperCase()}`)?.(value) ?? true)
}

/** A tag's meaning that was guessed. */
export interface Guess {
  readonly info: TagInfo
  readonly why: string
}

/** What of some data tells the kernel: its AID, and the objects that `general` does not know. */
export interface Hints {
  readonly aid?: Uint8Array
  readonly unknown: readonly (readonly [tag: number, value: Uint8Array])[]
}

/** The kernel that most of the data can belong to. */
export function likelyKernel({ aid, unknown }: Hints): KernelDictionary | undefined {
  const named = aid && kernelOfAid(aid)
  if (named) return named
  const votes = kernels.map(kernel => unknown.filter(([tag, value]) => fits(kernel, tag, value)).length)
  const most = Math.max(...votes)
  return most > 0 ? kernels[votes.indexOf(most)] : undefined
}

/** What `tag` means, where `general` does not know it: in the kernel of the data's AID, else in the kernel that the rest of the data speaks for. */
export function guess(tag: number, value: Uint8Array, hints: Hints, likely: KernelDictionary | undefined): Guess | undefined {
  if (general.has(tag)) return undefined
  const named = hints.aid && kernelOfAid(hints.aid)
  if (named) {
    const info = kernelDictionaries[named].get(tag)
    return info && { info, why: `${named}, whose AID stands in the same data` }
  }
  const able: readonly KernelDictionary[] = kernels.filter(kernel => fits(kernel, tag, value))
  const taken = likely && able.includes(likely) ? likely : able[0]
  if (!taken) return undefined
  const others = able.filter(kernel => kernel !== taken)
  const why = others.length > 0 ? `${others.join(' and ')} could mean it otherwise` : 'no other kernel has it in this form'
  return { info: kernelDictionaries[taken].get(tag)!, why: `${taken}; ${why}` }
}
