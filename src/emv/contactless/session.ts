/** What contactless kernels share: the data of one run, GET PROCESSING OPTIONS, records, and the outcomes that errors lead to. */

import type { Response } from '../../apdu/apdu.ts'
import { concat, equal, fromUint, hex } from '../../bytes.ts'
import { Fault, isFault } from '../../errors.ts'
import { isConstructed, read, write } from '../../tlv/ber.ts'
import { buildDol } from '../../tlv/dol.ts'
import type { Dictionary } from '../../tlv/tags.ts'
import type { TerminalConfig } from '../config.ts'
import { tagName } from '../data.ts'
import { storeCardData } from '../steps/card-data.ts'
import type { Kernel, KernelOptions } from '../steps/context.ts'
import { recordTemplate, templateOf } from '../steps/fci.ts'
import { aflEntry } from '../steps/records.ts'
import { restrict } from '../steps/restrict.ts'
import { newKernel } from '../steps/start.ts'
import type { Terminal } from '../terminal.ts'
import type { KernelActivation } from './entry.ts'
import { type ContactlessOutcome, UI } from './outcome.ts'

/** What every kernel is made with: the terminal, and who listens. The signal comes with each activation. */
export interface KernelEnvironment {
  readonly config: TerminalConfig
  readonly options?: Omit<KernelOptions, 'signal'>
}

/** What a kernel's settings have where its reader is another than the terminal says. */
export interface ReaderData {
  /** Data objects of the reader that differ from the terminal's. */
  readonly data?: ReadonlyMap<number, Uint8Array>
}

/** Limits of kernels 4 and 5, minor units in n 12, by the tags of a terminal vendor. */
export const limitTags = { floor: 0xdfab40, transaction: 0xdfab41, cvm: 0xdfab42 } as const

/** Error Indication (DF8115), its L2 byte by name (EMV Contactless Book C-2, A.1.55). */
const L2 = {
  ok: 0x00,
  cardDataMissing: 0x01,
  camFailed: 0x02,
  statusBytes: 0x03,
  parsingError: 0x04,
  maxLimitExceeded: 0x05,
  cardDataError: 0x06,
  magstripeNotSupported: 0x07,
  idsReadError: 0x0b,
  idsWriteError: 0x0c,
  idsDataError: 0x0d,
  idsNoMatchingAc: 0x0e,
  terminalDataError: 0x0f,
} as const
export type L2Error = keyof typeof L2

/** A kernel asks nobody while the card is in the field: nothing of a Terminal is ever called. */
const nobody: Terminal = {
  selectApplication: () => Promise.reject(new Fault('internal', 'no list is shown on tap')),
  authorise: () => Promise.reject(new Fault('internal', 'a contactless kernel does not go online itself')),
}

/** The data of one run: terminal data, what the FCI said, the TTQ, and what the kernel's own configuration sets (`own`, an empty value deletes). `words` is the kernel's dictionary. */
export function newSession(
  activation: KernelActivation,
  { config, options }: KernelEnvironment,
  own: ReadonlyMap<number, Uint8Array>,
  words?: Dictionary,
): Kernel {
  const { card, transaction, signal, fci, prepared } = activation
  const kernel = newKernel(card, transaction, config, nobody, { ...options, signal })
  kernel.words = words
  const { terminal } = kernel.data
  kernel.data.card.set(0x84, fci.dfName)
  for (const [tag, value] of fci.objects) storeCardData(kernel, tag, value)
  terminal.set(0x9f06, fci.dfName)
  kernel.data.setTerminal(0x9f39, 0x07) // contactless, chip data
  if (prepared.ttq) terminal.set(0x9f66, prepared.ttq)
  for (const [tag, value] of own)
    if (value.length > 0) terminal.set(tag, value)
    else terminal.delete(tag)
  return kernel
}

/** Sends the PDOL's data; what it sent is in `kernel.pdolData`. @throws Fault `dol`, `card-removed`, `card-mute` */
export async function getProcessingOptions(kernel: Kernel): Promise<Response> {
  kernel.step = 'initiation'
  kernel.pdolData = buildDol(kernel.data.card.get(0x9f38) ?? new Uint8Array(), tag => kernel.data.get(tag), kernel.words)
  kernel.progress.initiated = true
  return kernel.exchange({ cla: 0x80, ins: 0xa8, p1: 0x00, p2: 0x00, data: write(0x83, kernel.pdolData), le: 0 })
}

/** Keeps what a response in format 1 (AIP and AFL) or 2 says. @throws Fault `tlv` on another form, or an object that the kernel has already */
export function keepResponse(kernel: Kernel, data: Uint8Array): void {
  if (data[0] === 0x80) {
    const value = templateOf(data, 0x80)
    if (value.length < 2 || value.length % 4 !== 2)
      throw new Fault('tlv', `response in format 1 has ${value.length} bytes, not AIP and AFL`)
    kernel.data.card.set(0x82, value.subarray(0, 2))
    if (value.length > 2) kernel.data.card.set(0x94, value.subarray(2))
  } else keepObjects(kernel, templateOf(data, 0x77))
}

function keepObjects(kernel: Kernel, template: Uint8Array): void {
  for (const { tag, value } of read(template)) {
    if (isConstructed(tag)) continue
    if (kernel.data.card.has(tag)) throw new Fault('tlv', `${tagName(tag)} comes twice`, { rule: 'duplicate' })
    storeCardData(kernel, tag, value)
  }
}

/** Reads the records of `afl` (94), and the input to offline data authentication into `kernel.odaInput`. @throws Fault `tlv`, `apdu` with details.sw */
export async function readFiles(kernel: Kernel, afl: Uint8Array): Promise<void> {
  kernel.step = 'records'
  if (afl.length % 4 !== 0) throw new Fault('tlv', `AFL (94) has ${afl.length} bytes, not four an entry`)
  const authenticated: Uint8Array[] = []
  for (let at = 0; at < afl.length; at += 4) {
    const { sfi, first, last, authenticated: count } = aflEntry(afl.subarray(at, at + 4))
    for (let record = first; record <= last; record++) {
      const { sw, data } = await kernel.exchange({ cla: 0x00, ins: 0xb2, p1: record, p2: (sfi << 3) | 4, le: 0 })
      if (sw !== 0x9000) throw statusFault(`record ${record} of SFI ${sfi}`, sw)
      const template = recordTemplate(data, `record ${record} of SFI ${sfi}`)
      keepObjects(kernel, template)
      // The template's tag and length take part only for SFIs above 10 (Book 3, 10.3).
      if (record - first < count) authenticated.push(sfi <= 10 ? template : data)
    }
  }
  kernel.odaInput = authenticated
}

/** Reads the card's files, where it has any; then it may be taken away. @throws as `readFiles` */
export async function readAndRelease(kernel: Kernel, activation: KernelActivation): Promise<void> {
  const afl = kernel.data.card.get(0x94)
  if (afl && afl.length > 0) await readFiles(kernel, afl)
  activation.ui({ message: UI.cardReadOk, status: 'cardReadSuccessfully' })
}

export function statusFault(what: string, sw: number): Fault {
  return new Fault('apdu', `${what} answered ${hex(fromUint(sw, 2))}`, { sw })
}

/**
 * Processing restrictions (EMV 4.4 Book 3, 10.4) with the version (9F08) held against the reader's own (9F09): a contactless kernel has no row of the
 * contact configuration. A kernel that has no 9F09 does not look at versions.
 */
export function restrictions(kernel: Kernel): void {
  kernel.step = 'restrictions'
  const { card, terminal } = kernel.data
  const version = card.get(0x9f08)
  const own = terminal.get(0x9f09)
  if (version && own && !equal(version, own))
    kernel.raise('versionsDiffer', { rule: 'Book 3, 10.4.1: the card has another version', inputs: [0x9f08, 0x9f09] })
  card.delete(0x9f08)
  restrict(kernel)
  if (version) card.set(0x9f08, version)
}

/** The card's data objects that are missing out of `tags`. */
export function lacking(kernel: Kernel, tags: readonly number[]): number[] {
  return tags.filter(tag => (kernel.data.card.get(tag)?.length ?? 0) === 0)
}

/** Whether one of `tags` came in a length that the kernel's dictionary does not have. */
export function misshapen(kernel: Kernel, tags: readonly number[]): boolean {
  return tags.some(tag => {
    const value = kernel.data.card.get(tag)
    const known = kernel.words?.get(tag)
    return value !== undefined && known !== undefined && (value.length < known.min || value.length > known.max)
  })
}

/** PAN (5A) and Track 2 Equivalent Data (57) name the same card, where both are there. */
export function panAgrees(kernel: Kernel): boolean {
  const pan = kernel.data.card.get(0x5a)
  const track2 = kernel.data.card.get(0x57)
  return !pan || !track2 || hex(track2).split('D')[0] === hex(pan).replace(/F+$/, '')
}

/** The end of a card that lacks one of `mandatory`, or names two numbers. */
export function refusesData(kernel: Kernel, mandatory: readonly number[]): ContactlessOutcome | undefined {
  if (lacking(kernel, mandatory).length > 0) return endApplication('cardDataMissing')
  return panAgrees(kernel) ? undefined : endApplication('cardDataError')
}

/** Runs a kernel: an answer of the card's that cannot be read ends the application. @throws what is no fault of the card's */
export async function orEnd(run: () => Promise<ContactlessOutcome>): Promise<ContactlessOutcome> {
  try {
    return await run()
  } catch (fault) {
    const { error, sw } = cardError(fault)
    return endApplication(error, sw)
  }
}

/** DF8115: L1, L2, L3, SW1 SW2, message on error. */
export function errorIndication(error: L2Error, sw = 0, message: number = 0xff): Uint8Array {
  return concat(Uint8Array.of(0x00, L2[error], 0x00), fromUint(sw, 2), Uint8Array.of(message))
}

/** The kernel gives up with this card: "insert, swipe or try another card". */
export function endApplication(error: L2Error, sw = 0, hold?: number): ContactlessOutcome {
  return {
    status: 'endApplication',
    uiOnOutcome: { message: UI.tryAnotherCard, status: 'notReady', ...(hold !== undefined && { hold }) },
    discretionaryData: new Map([[0xdf8115, errorIndication(error, sw, UI.tryAnotherCard)]]),
  }
}

/** The error that a card's answer amounts to; faults that are no fault of the card's are thrown on. */
export function cardError(fault: unknown): { error: L2Error; sw: number } {
  if (!isFault(fault, 'tlv', 'dol', 'apdu')) throw fault
  const sw = fault.code === 'apdu' && typeof fault.details.sw === 'number' ? fault.details.sw : 0
  return { error: sw ? 'statusBytes' : 'parsingError', sw }
}

/** What every data record has besides a kernel's own list: who the terminal is, and what identifies card and holder. */
const identification = [
  0x4f, 0x50, 0x5f20, 0x84, 0x9f06, 0x9f15, 0x9f16, 0x9f1c, 0x9f1e, 0x9f21, 0x9f35, 0x9f39, 0x9f40, 0x9f41, 0x9f4e,
] // biome-ignore format: a list

/** The data record: a kernel's own list, then who the terminal is. */
export function recordOf(kernel: Kernel, tags: readonly number[]): ReadonlyMap<number, Uint8Array> {
  return pick(kernel, [...tags, ...identification])
}

/** The data objects out of a list that are there and not empty, in its order; terminal values over card values. */
export function pick(kernel: Kernel, tags: readonly number[]): ReadonlyMap<number, Uint8Array> {
  const picked = new Map<number, Uint8Array>()
  for (const tag of tags) {
    const value = kernel.data.get(tag)
    if (value && value.length > 0) picked.set(tag, value)
  }
  return picked
}
