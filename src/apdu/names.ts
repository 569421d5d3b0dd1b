/** What a command to a card is called, for people who read traces: by its instruction (EMV 4.4 Book 3, 6.3.2 and table 9; ISO/IEC 7816-4; EMV Contactless Book C-2). */

import { hex } from '../bytes.ts'

const instructions: ReadonlyMap<number, string> = new Map([
  [0x16, 'CARD BLOCK'],
  [0x18, 'APPLICATION UNBLOCK'],
  [0x1e, 'APPLICATION BLOCK'],
  [0x20, 'VERIFY'],
  [0x21, 'VERIFY'],
  [0x24, 'PIN CHANGE/UNBLOCK'],
  [0x2a, 'COMPUTE CRYPTOGRAPHIC CHECKSUM'],
  [0x2c, 'RESET RETRY COUNTER'],
  [0x82, 'EXTERNAL AUTHENTICATE'],
  [0x84, 'GET CHALLENGE'],
  [0x88, 'INTERNAL AUTHENTICATE'],
  [0xa4, 'SELECT'],
  [0xa8, 'GET PROCESSING OPTIONS'],
  [0xae, 'GENERATE AC'],
  [0xb0, 'READ BINARY'],
  [0xb2, 'READ RECORD'],
  [0xc0, 'GET RESPONSE'],
  [0xca, 'GET DATA'],
  [0xd0, 'RECOVER AC'],
  [0xd6, 'UPDATE BINARY'],
  [0xda, 'PUT DATA'],
  [0xdc, 'UPDATE RECORD'],
  [0xea, 'EXCHANGE RELAY RESISTANCE DATA'],
])

/** `READ RECORD`; `INS 5C` for an instruction that EMV does not know. */
export function commandName(command: Uint8Array): string {
  const ins = command[1] ?? 0
  return instructions.get(ins) ?? `INS ${ins.toString(16).toUpperCase().padStart(2, '0')}`
}

const CRYPTOGRAMS = ['AAC', 'TC', 'ARQC', 'reserved cryptogram']

/** A command with what its parameters say: `READ RECORD: record 1 of SFI 2`, `GENERATE AC: ARQC, CDA`. */
export function commandWords({ ins, p1, p2 }: { readonly ins: number; readonly p1: number; readonly p2: number }): string {
  const name = commandName(Uint8Array.of(0, ins))
  switch (ins) {
    case 0xb2:
      return `${name}: record ${p1} of SFI ${p2 >> 3}`
    case 0xae:
      return `${name}: ${CRYPTOGRAMS[p1 >> 6]}${p1 & 0x10 ? ', CDA' : ''}`
    case 0xa4:
      return `${name}: ${p1 === 0x04 ? 'by name' : `P1 ${hex(Uint8Array.of(p1))}`}${p2 & 0x02 ? ', next occurrence' : ''}`
    case 0xca:
    case 0xda:
      return `${name}: ${hex(p1 === 0 ? Uint8Array.of(p2) : Uint8Array.of(p1, p2))}`
    case 0x20:
    case 0x21:
      return `${name}: ${p2 === 0x80 ? 'plaintext PIN' : p2 === 0x88 ? 'enciphered PIN' : `P2 ${hex(Uint8Array.of(p2))}`}`
    default:
      return name
  }
}
