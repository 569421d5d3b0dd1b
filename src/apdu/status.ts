/** Status words as words, by the command that they answer too (ISO/IEC 7816-4, 5.6; EMV 4.4 Book 3, 6.3.5), for people who read traces. */

import * as door from '../door.ts'

const exact: ReadonlyMap<number, string> = new Map([
  [0x9000, 'done'],
  [0x6200, 'warning, nothing changed'],
  [0x6281, 'warning: part of the data may be corrupted'],
  [0x6282, 'warning: end of the file before Le bytes'],
  [0x6283, 'warning: selected file is invalidated (application blocked)'],
  [0x6284, 'warning: file control information is not in the usual form'],
  [0x6285, 'warning: selected file is in termination state'],
  [0x6300, 'verification failed'],
  [0x6381, 'warning: file filled up by the last write'],
  [0x6400, 'execution error, nothing changed'],
  [0x6581, 'memory failure'],
  [0x6700, 'wrong length'],
  [0x6881, 'logical channel not supported'],
  [0x6882, 'secure messaging not supported'],
  [0x6900, 'command not allowed'],
  [0x6981, 'command incompatible with the file structure'],
  [0x6982, 'security status not satisfied'],
  [0x6983, 'authentication method blocked (PIN tries used up)'],
  [0x6984, 'referenced data invalidated (no challenge asked for, or PIN blocked)'],
  [0x6985, 'conditions of use not satisfied'],
  [0x6986, 'command not allowed: no current file'],
  [0x6987, 'secure messaging data objects missing'],
  [0x6988, 'secure messaging data objects incorrect'],
  [0x6a80, 'wrong data'],
  [0x6a81, 'function not supported (card blocked, or command not supported)'],
  [0x6a82, 'file or application not found'],
  [0x6a83, 'record not found'],
  [0x6a84, 'not enough memory in the file'],
  [0x6a85, 'Lc inconsistent with the TLV structure'],
  [0x6a86, 'wrong P1 P2'],
  [0x6a87, 'Lc inconsistent with P1 P2'],
  [0x6a88, 'referenced data not found'],
  [0x6b00, 'wrong P1 P2 (offset outside the file)'],
  [0x6d00, 'instruction not supported'],
  [0x6e00, 'class not supported'],
  [0x6f00, 'no precise diagnosis'],
])

const ranges: ReadonlyMap<number, string> = new Map([
  [0x62, 'warning, nothing changed'],
  [0x63, 'warning, something changed'],
  [0x64, 'execution error, nothing changed'],
  [0x65, 'execution error, something changed'],
  [0x66, 'security-related issue'],
  [0x67, 'wrong length'],
  [0x68, 'function in the class byte not supported'],
  [0x69, 'command not allowed'],
  [0x6a, 'wrong parameters'],
])

/** What a word means as the answer to one command, by INS: EMV 4.4 Books 1 and 3; contactless kernels where named. */
const byCommand: Readonly<Record<number, Readonly<Record<number, string>>>> = {
  164: {
    25219: 'the application is blocked: its FCI is there, and it may not be used (Book 1, 12.3.3 and 12.4)',
    27265: 'the card is blocked, or does not select so: for the first SELECT of a card the session ends (Book 1, 12.2.2 and 12.3.3)',
    27266:
      'no such file: the card has not this application, this directory, or no further one of a partial name (Book 1, 12.2.2 and 12.3.3)',
  },
  178: {
    27267:
      'no such record: the end of a directory (Book 1, 12.2.3); of a file that the AFL names, the end of the transaction (Book 3, 10.2)',
    27266: 'no file with this SFI',
    27009: 'the file has no records',
    27013: 'the record may not be read now',
  },
  168: {
    27013: 'the application declines this transaction before it begins: it leaves the list, another one may be selected (Book 3, 10.1)',
    27012: 'another interface is to be used (kernel 3, Book C-3, and kernel 6)',
    27014: 'the cardholder is to be verified on the device first: "see phone", then once more (kernels 3, 6 and 7)',
  },
  174: {
    27013: 'the card gives no cryptogram of this type now, as after the second GENERATE AC: the transaction ends (Book 3, 6.3.5)',
    27012: 'kernel 4: the phone wants another tap; kernel 5: another interface is to be used',
    27014: 'kernel 5: the cardholder is to be verified on the device first',
  },
  32: {
    25344: 'the PIN is wrong',
    27011: 'the PIN is blocked: no try is left (Book 3, 6.5.12.5 and 10.5.1)',
    27012: 'the PIN is blocked, or no challenge was asked for before an enciphered one (Book 3, 10.5.1)',
    27013: 'the PIN may not be verified now',
  },
  130: {
    25344: 'issuer authentication failed: the ARPC is wrong (Book 3, 6.5.4.5 and 10.9)',
    27013: 'the second one of a transaction: a card takes one (Book 3, 10.9)',
  },
  202: {
    27272: 'the card has no such data object, or does not give it so: it counts as missing (Book 3, 6.5.7 and 10.6.3)',
    27265: 'the card does not give data so: it counts as missing (Book 3, 10.6.3)',
    27013: 'the data object may not be read now',
    27904: 'the card does not know GET DATA: the object counts as missing',
  },
  136: { 27013: 'dynamic data may not be signed now: DDA fails (Book 3, 10.3)' },
  234: { 27013: 'relay resistance data are not exchanged now: the transaction ends (Book C-2)' },
}

/** Commands of issuer scripts (Book 3, 6.5): a warning lets a script go on, an error ends it (10.10). */
const scripts = [0x16, 0x18, 0x1e, 0x24]

function ofCommand(sw: number, ins: number): string | undefined {
  const own = byCommand[ins === 0x21 ? 0x20 : ins]?.[sw]
  if (own || !scripts.includes(ins) || sw === 0x9000) return own
  const sw1 = sw >> 8
  return sw1 === 0x62 || sw1 === 0x63
    ? 'a warning: the script goes on (Book 3, 10.10)'
    : 'the script ends here and has failed (Book 3, 10.10)'
}

/**
 * `9000` as `9000 done`, `63C2` as `63C2 verification failed, 2 tries left`; a range's meaning where the word itself has none.
 * @param answerTo INS of the command that was answered so: one word means several things
 */
export function statusWords(sw: number, answerTo?: number): string {
  door.need('sw', sw, door.whole(0, 0xffff))
  const digits = sw.toString(16).toUpperCase().padStart(4, '0')
  const xx = sw & 0xff
  const meaning =
    (answerTo === undefined ? undefined : ofCommand(sw, answerTo)) ??
    exact.get(sw) ??
    (sw >> 8 === 0x61
      ? `done, ${xx || 256} bytes to fetch`
      : sw >> 8 === 0x6c
        ? `wrong Le, ${xx || 256} bytes there are`
        : sw >> 4 === 0x63c
          ? `verification failed, ${xx & 0x0f} ${xx === 0xc1 ? 'try' : 'tries'} left`
          : (ranges.get(sw >> 8) ?? 'unknown status'))
  return `${digits} ${meaning}`
}
