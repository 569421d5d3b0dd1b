/** One powered session of a card: what is selected, how far the transaction is, and what the commands so far have left behind. */

import type { AcType } from '../iad.ts'
import type { ApplicationMemory, CardMemory } from '../memory.ts'

/** One transaction, from GET PROCESSING OPTIONS on. */
export interface Run {
  /** `online`: an ARQC is out and waits for the second GENERATE AC. */
  phase: 'initiated' | 'online' | 'complete'
  /** What the terminal has told by PDOL and CDOLs, by tag. */
  readonly told: Map<number, Uint8Array>
  /** PDOL and CDOL values as they came, for the CDA hash. */
  readonly dolData: Uint8Array[]
  first: AcType | undefined
  /** The cryptogram of the first GENERATE AC; scripts are bound to it. */
  arqc: Uint8Array | undefined
  issuerAuthentication: 'right' | 'wrong' | 'notDone'
  csu: Uint8Array | undefined
  /** The latest VERIFY; undefined before one. */
  pin: { right: boolean; enciphered: boolean } | undefined
  ddaDone: boolean
  cdaDone: boolean
  /** The scripts of this session began anew in memory. */
  scriptsBegun: boolean
  /** ICC Dynamic Number (9F4C) of this transaction. */
  dynamicNumber: Uint8Array
  /** What the card signs of the relay resistance protocol: the reader's entropy and its own answer, 14 bytes (EMV Contactless Book C-2). */
  relay: Uint8Array | undefined
  /** By tap: data objects at the end of the answer to GENERATE AC, in clear and covered by its signature. */
  more: ReadonlyMap<number, Uint8Array>
}

export interface Session {
  readonly memory: CardMemory
  readonly random: (length: number) => Uint8Array
  /** What SELECT found last: the payment system directory or an application. */
  selected: { type: 'none' } | { type: 'pse' } | { type: 'application'; application: ApplicationMemory }
  /** For SELECT next: the name asked for, and where the search stands. */
  search: { name: Uint8Array; index: number } | undefined
  run: Run | undefined
  /** Challenge (8 bytes) of the command just before, or undefined. */
  challenge: Uint8Array | undefined
}

export function freshRun(told: Map<number, Uint8Array>, dolData: Uint8Array, dynamicNumber: Uint8Array): Run {
  return {
    phase: 'initiated',
    told,
    dolData: [dolData],
    first: undefined,
    arqc: undefined,
    issuerAuthentication: 'notDone',
    csu: undefined,
    pin: undefined,
    ddaDone: false,
    cdaDone: false,
    scriptsBegun: false,
    dynamicNumber,
    relay: undefined,
    more: new Map(),
  }
}
