/** Status words as words (ISO/IEC 7816-4, 5.6; EMV 4.4 Book 3, 6.3.5), for people who read traces. */

const exact: Readonly<Record<number, string>> = {
  36864: 'done',
  25088: 'warning, nothing changed',
  25217: 'warning: part of the data may be corrupted',
  25218: 'warning: end of the file before Le bytes',
  25219: 'warning: selected file is invalidated (application blocked)',
  25220: 'warning: file control information is not in the usual form',
  25221: 'warning: selected file is in termination state',
  25344: 'verification failed',
  25473: 'warning: file filled up by the last write',
  25600: 'execution error, nothing changed',
  25985: 'memory failure',
  26368: 'wrong length',
  26753: 'logical channel not supported',
  26754: 'secure messaging not supported',
  26880: 'command not allowed',
  27009: 'command incompatible with the file structure',
  27010: 'security status not satisfied',
  27011: 'authentication method blocked (PIN tries used up)',
  27012: 'referenced data invalidated (no challenge asked for, or PIN blocked)',
  27013: 'conditions of use not satisfied',
  27014: 'command not allowed: no current file',
  27015: 'secure messaging data objects missing',
  27016: 'secure messaging data objects incorrect',
  27264: 'wrong data',
  27265: 'function not supported (card blocked, or command not supported)',
  27266: 'file or application not found',
  27267: 'record not found',
  27268: 'not enough memory in the file',
  27269: 'Lc inconsistent with the TLV structure',
  27270: 'wrong P1 P2',
  27271: 'Lc inconsistent with P1 P2',
  27272: 'referenced data not found',
  27392: 'wrong P1 P2 (offset outside the file)',
  27904: 'instruction not supported',
  28160: 'class not supported',
  28416: 'no precise diagnosis',
}

const ranges: Readonly<Record<number, string>> = {
  98: 'warning, nothing changed',
  99: 'warning, something changed',
  100: 'execution error, nothing changed',
  101: 'execution error, something changed',
  102: 'security-related issue',
  103: 'wrong length',
  104: 'function in the class byte not supported',
  105: 'command not allowed',
  106: 'wrong parameters',
}

/** `9000` as `9000 done`, `63C2` as `63C2 verification failed, 2 tries left`; a range's meaning where the word itself has none. */
export function statusWords(sw: number): string {
  const digits = sw.toString(16).toUpperCase().padStart(4, '0')
  const xx = sw & 0xff
  const meaning =
    exact[sw] ??
    (sw >> 8 === 0x61
      ? `done, ${xx || 256} bytes to fetch`
      : sw >> 8 === 0x6c
        ? `wrong Le, ${xx || 256} bytes there are`
        : sw >> 4 === 0x63c
          ? `verification failed, ${xx & 0x0f} ${xx === 0xc1 ? 'try' : 'tries'} left`
          : (ranges[sw >> 8] ?? 'unknown status'))
  return `${digits} ${meaning}`
}
