/** How the time of every decoder grows with its input: 64 times as much may take 1.5 × 64 times as long, from 16 KiB to 1 MiB, and from 1 KiB to 64 KiB where what is longer is refused. */

import { everyDecoder } from './decoders.mjs'
import { names, random } from './inputs.mjs'

const KIB = 1024
const TIMES = 64
export const BOUND = 1.5
/** The second where a decoder refuses the longer one: what is under a limit must not grow faster either. */
const sizes = [
  { from: 16 * KIB, names: ['16 KiB', '1 MiB'] },
  { from: KIB, names: ['1 KiB', '64 KiB'] },
]
/** Where 64 short inputs do not come to the same as the long one (a length in them ends the short, not the long), these parts of it are tried. */
const FEWER = [16, 4, 2]
/** How much more may come of a byte of the one than of the other. */
const ALIKE = 1.25
/** Microseconds of processor time for a byte, where no parts come to the same as the whole. */
const CEILING = 5
/** Milliseconds below which a decoder is done before anything can be said. */
const LEAST = 5

const cycle = bytes => length => Uint8Array.from({ length }, (_, at) => bytes[at % bytes.length])
const parts = make => length => {
  const out = new Uint8Array(length)
  for (let at = 0, number = 0; at < length; number++) {
    const part = make(number)
    out.set(part.slice(0, length - at), at)
    at += part.length
  }
  return out
}

/** Templates one in the other, as deep as there is room. */
function nested(tag) {
  return length => {
    const out = new Uint8Array(length)
    for (let at = 0; at + 5 <= length; at += 5) {
      const inside = length - at - 5
      out.set([tag, 0x83, inside >> 16, (inside >> 8) & 0xff, inside & 0xff], at)
    }
    return out
  }
}

/** Long inputs that a careless decoder reads again and again, or keeps without end. */
const shapes = {
  bytes: {
    zeros: cycle([0x00]),
    ones: cycle([0xff]),
    'beginnings of frames': cycle([0x4d, 0x00, 0x08, 0x56, 0x69, 0x56, 0x01, 0x55]),
    'open templates': cycle([0x70, 0x84, 0x00, 0x10, 0x00, 0x00]),
    'small objects': cycle([0x9f, 0x02, 0x01, 0x00]),
    'templates within templates': nested(0x70),
    'Miura templates within templates': nested(0xe1),
    'links of a Miura chain': cycle([0x01, 0x01, 0x02, 0x00, 0x00, 0x02]),
    'empty parts of a BluePad payload': cycle([0x10, 0x02, 0x10, 0x17, 0x61, 0xa5]),
    'BluePad frames without an end': cycle([0x10, 0x02, 0x41, 0x10, 0x10, 0x42]),
    'runs of MagTek': cycle([0x41, 0x41, 0xff]),
    'MMS PDUs of one byte': parts(number =>
      number === 0 ? [0, 0, 9, 1, 0, 0, 0x00, 0x3f, 0xff, 0xff, 0xaa, 0x00] : [0, 0, 3, 1, ((number - 1) % 255) + 1, 0x41],
    ),
    'MMS PDUs of nothing': parts(number =>
      number === 0 ? [0, 0, 9, 1, 0, 0, 0x00, 0x3f, 0xff, 0xff, 0xaa, 0x00] : [0, 0, 2, 1, ((number - 1) % 255) + 1],
    ),
    noise(length) {
      const draw = random(7)
      return Uint8Array.from({ length }, () => draw(256))
    },
  },
  text: {
    zeros: length => '\0'.repeat(length),
    blanks: length => ' '.repeat(length),
    digits: length => '1'.repeat(length),
    'digits with an end': length => `${'1'.repeat(length - 1)}x`,
    'a track': length => `;${'1'.repeat(length - 2)}?`,
    'blanks, then a letter': length => `${' '.repeat(length - 1)}x`,
    'open elements': length => '<a b>'.repeat(length / 5),
    'names without an end': length => `<${'a'.repeat(length - 1)}`,
    'ends without an end': length => '<a></a  '.repeat(length / 8),
    'small elements': length => '<a>1</a>'.repeat(length / 8),
    'small objects': length => '000100'.repeat(length / 6),
    entities: length => `<a>${'&amp;'.repeat(length / 5)}</a>`,
    escapes: length => '%25'.repeat(length / 3),
    queries: length => `tcp://a:1?${'a=b&'.repeat(length / 4)}`,
    'lines of JSON': length => `${HEAD}\n${'{"at":1,"out":"00"}\n'.repeat(length / 20)}`,
    'lines of an explanation': length => '{"step":"verify","rule":"x","inputs":{},"effect":[]}\n'.repeat(length / 53),
    noise(length) {
      const draw = random(7)
      return Array.from({ length }, () => String.fromCharCode(draw(256))).join('')
    },
  },
  json: {
    'long texts': length => everyName(name => (name === 'state' ? 'approved' : 'x'.repeat(length / names.length))),
    'long numbers': length => everyName(() => '1'.repeat(length / names.length)),
    'long lists': length => everyName(() => Array.from({ length: length / names.length / 4 }, () => ({ aid: '00' }))),
    'many names': length => everyName(() => many(length / names.length / 16)),
    'one list': length => Array.from({ length: length / 4 }, () => 'xx'),
    'lists within lists': length => {
      let inner = []
      for (let left = length / 2; left > 1; left--) inner = [inner]
      return everyName(() => inner)
    },
  },
}
const HEAD = '{"tapdip":"trace","version":1,"uri":"x","start":"2026-01-01T00:00:00.000Z","bytes":"all"}'
const everyName = make => Object.fromEntries(names.filter(name => name !== '__proto__').map(name => [name, make(name)]))
const many = count =>
  Object.fromEntries(
    Array.from({ length: count }, (_, at) => [(0x9f0000 + (at % 0x80) + 256 * (at >> 7)).toString(16).toUpperCase(), '00']),
  )

const isFault = error => error?.name === 'Fault' && error.code !== 'internal'

/** Processor time of all threads, the collector's too, in ms: other processes do not count. */
function time(run, inputs, threw) {
  const kept = []
  const begun = process.cpuUsage()
  for (const input of inputs) {
    try {
      kept.push(run(input))
    } catch (error) {
      threw(error)
    }
  }
  const { user, system } = process.cpuUsage(begun)
  return (user + system) / 1000
}

/** How much came of an input, in characters, bytes, numbers. */
function amount(value) {
  if (typeof value === 'string' || ArrayBuffer.isView(value)) return value.length
  if (typeof value !== 'object' || value === null) return 1
  const inside = value instanceof Map ? [...value].flat() : Object.values(value)
  return inside.reduce((sum, one) => sum + amount(one), 1)
}

/** What comes of all; undefined where some are refused and others not, and 0 where all are. */
function came(run, inputs) {
  const each = inputs.map(input => {
    try {
      return amount(run(input))
    } catch {
      return 0
    }
  })
  return each.includes(0) && each.some(one => one > 0) ? undefined : each.reduce((sum, one) => sum + one, 0)
}

const alike = (one, other) => one !== undefined && Math.max(one, other) <= ALIKE * Math.min(one, other)

/** The ratio of a decoder that took longer than it may for 64 times as much: by the first parts that come to the same as the whole, or by its time for a byte. */
function looked(run, make, length, judged) {
  const whole = [make(length)]
  const least = inputs => Math.min(...[1, 2, 3].map(() => judged(inputs)))
  for (const times of [TIMES, ...FEWER]) {
    const short = Array.from({ length: times }, () => make(length / times))
    if (!alike(came(run, short), came(run, whole))) continue
    const small = least(short)
    return { ratio: least(whole) / small, small: small / times, times }
  }
  return { ratio: (least(whole) * 1000) / length / CEILING, times: 0 }
}

/**
 * Each decoder over each shape: 64 inputs of the short length, what came of them kept, beside one of the long. `rows` by ratio, worst first; `ratio` 1 is linear. `only`: a
 * pattern of names.
 */
export async function growth(only = '') {
  const [rows, wrong] = [[], []]
  let measured = 0
  for (const { name, takes, run } of (await everyDecoder()).filter(one => new RegExp(only).test(one.name)))
    for (const [shape, make] of Object.entries(shapes[takes]))
      for (const { from, names: sizeNames } of sizes) {
        const short = Array.from({ length: TIMES }, () => make(from))
        const long = [make(from * TIMES)]
        let refused = 0
        const judged = inputs =>
          time(run, inputs, error => {
            refused++
            if (isFault(error)) return
            if (wrong.at(-1)?.name !== name || wrong.at(-1)?.shape !== shape)
              wrong.push({ name, shape, error: String(error?.stack ?? error).slice(0, 300) })
          })
        measured++
        judged(short)
        refused = 0
        let large = judged(long)
        const over = refused === 0
        let small = 0
        // The best of several: what else a machine does only adds.
        for (let round = 0; large > LEAST && round < 6 && (round === 0 || large / small > BOUND); round++) {
          const again = judged(short)
          small = round === 0 ? again : Math.min(small, again)
          large = Math.min(large, judged(long))
        }
        const row = { name, shape, sizes: sizeNames, small: small / TIMES, large, times: TIMES, ratio: large / small }
        if (large > LEAST) rows.push(row.ratio > BOUND ? { ...row, ...looked(run, make, from * TIMES, judged) } : row)
        if (over) break
      }
  return { measured, rows: rows.sort((one, other) => other.ratio - one.ratio), wrong }
}
