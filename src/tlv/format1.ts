/** Template 80 (response message format 1): values without tags, whose meaning is the command's that they answer (EMV 4.4 Book 3, 6.5.5, 6.5.8 and 6.5.9). */

/** What a template 80 holds: tag, and where its value begins and ends in that of the template. */
export type Part = readonly [tag: number, from: number, to: number]

/** A template 80 that was opened. */
export interface Opened {
  readonly parts: readonly Part[]
  /** Why it was taken for the answer to this command, where its length alone does not say so. */
  readonly guessed?: string
}

interface Reading {
  /** INS of the command. */
  readonly ins: number
  readonly command: string
  /** The length can be this command's. */
  length(bytes: number): boolean
  /** The values can be. */
  valid(value: Uint8Array): boolean
  parts(bytes: number): readonly Part[]
}

/** In the order in which they are tried: the stricter the rule of the values, the earlier. */
const readings: readonly Reading[] = [
  {
    ins: 0xa8,
    command: 'GET PROCESSING OPTIONS',
    length: bytes => bytes >= 2 && (bytes - 2) % 4 === 0,
    valid: value => isLocator(value.subarray(2)),
    parts: bytes => [[0x82, 0, 2], ...(bytes > 2 ? [[0x94, 2, bytes] as const] : [])],
  },
  {
    ins: 0xae,
    command: 'GENERATE AC',
    length: bytes => bytes >= 11 && bytes <= 43,
    valid: value => value[0] >> 6 !== 3 && (value[0] & 0x30) === 0,
    parts: bytes => [[0x9f27, 0, 1], [0x9f36, 1, 3], [0x9f26, 3, 11], ...(bytes > 11 ? [[0x9f10, 11, bytes] as const] : [])],
  },
  {
    // EMV Contactless Book C-2: kernel 2 alone sends the command.
    ins: 0xea,
    command: 'EXCHANGE RELAY RESISTANCE DATA',
    length: bytes => bytes === 10,
    valid: value => value[4] * 256 + value[5] <= value[6] * 256 + value[7],
    parts: () => [[0xdf8302, 0, 4], [0xdf8303, 4, 6], [0xdf8304, 6, 8], [0xdf8305, 8, 10]],
  },
  {
    ins: 0x88,
    command: 'INTERNAL AUTHENTICATE',
    length: bytes => bytes >= 64 && bytes <= 248,
    valid: () => true,
    parts: bytes => [[0x9f4b, 0, bytes]],
  },
] // biome-ignore format: a table

/** EMV 4.4 Book 3, 10.2: SFI 1 to 30, records from the first on, no more of them signed than there are. */
function isLocator(value: Uint8Array): boolean {
  for (let at = 0; at < value.length; at += 4) {
    const [sfi, first, last, signed] = value.subarray(at, at + 4)
    if (sfi & 7 || sfi === 0 || sfi === 0xf8 || first === 0 || last < first || signed > last - first + 1) return false
  }
  return true
}

/** What `value` of a template 80 holds. @param answerTo INS of the command, where it is known. Undefined where it can answer none, or not that command. */
export function openFormat1(value: Uint8Array, answerTo?: number): Opened | undefined {
  const possible = readings.filter(one => one.length(value.length))
  if (answerTo !== undefined) {
    const told = possible.find(one => one.ins === answerTo)
    return told && { parts: told.parts(value.length) }
  }
  const [taken, ...others] = possible.filter(one => one.valid(value))
  if (!taken) return undefined
  const parts = taken.parts(value.length)
  if (possible.length === 1) return { parts }
  const why =
    others.length > 0
      ? `the values could answer ${others.map(({ command }) => command).join(' or ')} too`
      : `of the commands that are answered in ${value.length} bytes the values fit this one alone`
  return { parts, guessed: `the answer to ${taken.command}: ${why}` }
}
