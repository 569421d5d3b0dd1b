/** Status words as words (ISO/IEC 7816-4, 5.6; EMV 4.4 Book 3, 6.3.5), for people who read traces. */

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

/** `9000` as `9000 done`, `63C2` as `63C2 verification failed, 2 tries left`; a range's meaning where the word itself has none. */
export function statusWords(sw: number): string {
  const digits = sw.toString(16).toUpperCase().padStart(4, '0')
  const xx = sw & 0xff
  const meaning =
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
