/** Kernel 2's data: configuration objects with their defaults, and the questions that all its parts ask of them (EMV Contactless Book C-2, Annex A). */

import { fromBcd } from '../../../bytes.ts'
import { kernelDictionaries } from '../../../tlv/kernels.ts'
import { type Bit, dataObjects, isSet } from '../../data.ts'
import type { Kernel } from '../../steps/context.ts'
import type { KernelActivation } from '../entry.ts'
import type { ContactlessOutcome } from '../outcome.ts'
import { endApplication, type KernelEnvironment, type L2Error, newSession } from '../session.ts'
import { BALANCE } from './balance.ts'
import { EXCHANGE } from './exchange.ts'
import { STORAGE } from './storage.ts'

/** Configuration data objects and their defaults (C-2, 4.x); the limits accept everything and verify nobody until a profile sets them. */
export const mastercardDefaults: ReadonlyMap<number, Uint8Array> = dataObjects({
  '9F09': '0002', '9F6D': '0001', '9F7E': '01', '9F53': '', DF810C: '02', DF8117: '60', DF8118: '60', DF8119: '08', DF811A: '9F6A04', DF811B: '20',
  DF811C: '012C', DF811D: '00', DF811E: '20', DF812C: '00', DF811F: '08', DF8120: '840000000C', DF8121: '840000000C', DF8122: '840000000C',
  DF8123: '000000000000', DF8124: '999999999999', DF8125: '999999999999', DF8126: '999999999999', DF8127: '01F4', DF812D: '000013', DF8130: '0D', DF8132: '0014',
  DF8133: '0032', DF8134: '0012', DF8135: '0018', DF8136: '012C', DF8137: '32', '9F1D': '6CFF000000000000',
}) // biome-ignore format: a table

/**
 * The data of a run. An empty object of the configuration that has no default is "present and empty", as the Book says: something to be asked for. An
 * empty one that has takes the default away.
 */
export function mastercardSession(
  activation: KernelActivation,
  environment: KernelEnvironment,
  own: ReadonlyMap<number, Uint8Array>,
): Kernel {
  const kernel = newSession(activation, environment, own, kernelDictionaries.mastercard)
  const { terminal } = kernel.data
  setCapabilities(kernel)
  for (const [tag, value] of own) if (value.length === 0 && !mastercardDefaults.has(tag)) terminal.set(tag, value)
  for (const tag of Object.values(BALANCE)) if (own.has(tag)) terminal.set(tag, new Uint8Array())
  for (const tag of [STORAGE.status, STORAGE.summaryStatus, EXCHANGE.putBefore, EXCHANGE.putAfter]) terminal.set(tag, new Uint8Array(1))
  return kernel
}

/** Kernel Configuration (DF811B). */
const CONFIG = {
  noMagstripe: { byte: 1, bit: 8 },
  noEmv: { byte: 1, bit: 7 },
  onDeviceCvm: { byte: 1, bit: 6 },
  relayResistance: { byte: 1, bit: 5 },
} as const satisfies Record<string, Bit>

export const AIP = {
  cda: { byte: 1, bit: 1 },
  onDeviceCvm: { byte: 1, bit: 2 },
  cardholderVerification: { byte: 1, bit: 5 },
  relayResistance: { byte: 2, bit: 1 },
  emvMode: { byte: 2, bit: 8 },
} as const satisfies Record<string, Bit>

export const config = (kernel: Kernel, tag: number): Uint8Array => kernel.data.terminal.get(tag) ?? new Uint8Array()
/** A limit or amount in n 12. */
export const money = (kernel: Kernel, tag: number): bigint => fromBcd(config(kernel, tag)) ?? 0n
/** Message Hold Time (DF812D: n 6, units of 100 ms), in ms. */
export const holdTime = (kernel: Kernel): number => Number(fromBcd(config(kernel, 0xdf812d)) ?? 0n) * 100
export const configured = (kernel: Kernel, bit: keyof typeof CONFIG): boolean => isSet(config(kernel, 0xdf811b), CONFIG[bit])

/** Terminal Capabilities (9F33): of the reader's own objects, 00 where one is absent; what it verifies (`cvm`) is only known after the records (S456.16), until then 00. */
export function setCapabilities(kernel: Kernel, cvm?: number): void {
  const byte = (tag: number | undefined) => (tag === undefined ? 0 : (config(kernel, tag)[0] ?? 0))
  kernel.data.terminal.set(0x9f33, Uint8Array.of(byte(0xdf8117), byte(cvm), byte(0xdf811f)))
}

export function giveUp(kernel: Kernel, error: L2Error, sw = 0): ContactlessOutcome {
  return endApplication(error, sw, holdTime(kernel))
}

/** Whether card and reader both verify on the consumer's device. */
export function onDevice(kernel: Kernel): boolean {
  return isSet(kernel.data.card.get(0x82), AIP.onDeviceCvm) && configured(kernel, 'onDeviceCvm')
}

/** The contactless transaction limit: the one for on-device verification where both sides have it (S456.14, S78.10: strictly above). */
export function aboveTransactionLimit(kernel: Kernel): boolean {
  return kernel.transaction.amount > money(kernel, onDevice(kernel) ? 0xdf8125 : 0xdf8124)
}

/** C-2 compares strictly: an amount equal to the limit needs no verification (CVM.2, S456.30). */
export function aboveCvmLimit(kernel: Kernel): boolean {
  return kernel.transaction.amount > money(kernel, 0xdf8126)
}
