/** What a command to a card is called, for people who read traces: by its instruction (EMV 4.4 Book 3, 6.3.2 and table 9; ISO/IEC 7816-4; EMV Contactless Book C-2). */

const instructions: ReadonlyMap<number, string> = new Map([
  [0x16, 'CARD BLOCK'],
  [0x18, 'APPLICATION UNBLOCK'],
  [0x1e, 'APPLICATION BLOCK'],
  [0x20, 'VERIFY'],
  [0x24, 'PIN CHANGE/UNBLOCK'],
  [0x2a, 'COMPUTE CRYPTOGRAPHIC CHECKSUM'],
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
  [0xda, 'PUT DATA'],
  [0xdc, 'UPDATE RECORD'],
  [0xea, 'EXCHANGE RELAY RESISTANCE DATA'],
])

/** `READ RECORD`; `INS 5C` for an instruction that EMV does not know. */
export function commandName(command: Uint8Array): string {
  const ins = command[1] ?? 0
  return instructions.get(ins) ?? `INS ${ins.toString(16).toUpperCase().padStart(2, '0')}`
}
