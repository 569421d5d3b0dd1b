/** Inputs for decoders, made from a seed: noise, what looks like the formats, and right messages with something changed. */

/** xorshift32: quick, and the same everywhere. */
export function random(seed) {
  let state = (seed * 2_654_435_761 + 1) >>> 0 || 1
  return below => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % below
  }
}

/** Beginnings and pieces of the formats: frames of each family, templates, tags with lengths, MTI and bitmap. */
const pieces = ['4D0008', '4D0006221600', '5669564F746563683200', '6F1A840E315041592E5359532E4444463031', '771A9F2701809F360200019F2608', '70', '9F02060000000010', 'FF8106', 'DFDF59', 'C0', '0200', '0210', '3230', '303230307224', '010055', '01FE', '015A', 'AA00810401', 'E10B9F1E08', '5F2A020643', '5A0847617390010100', '57', '80', '82023C00', '9F1F', '020D', '3C3F786D6C', '3C496E69743E', '3F8181', '81', '82FFFF', '83010000', '84FFFFFFFF', '1F', '9FFFFF7F'].map(text => Buffer.from(text, 'hex')) // biome-ignore format: a list

export function bytesOf(draw) {
  const most = draw(16) === 0 ? 600 : draw(3) === 0 ? 120 : 24
  const out = Buffer.allocUnsafe(most)
  let at = 0
  while (at < most) {
    if (draw(3) === 0) {
      const piece = pieces[draw(pieces.length)]
      at += piece.copy(out, at)
    } else if (draw(6) === 0) {
      const run = Math.min(most - at, 1 + draw(12))
      out.fill(draw(4) === 0 ? 0xff : 0x00, at, at + run)
      at += run
    } else out[at++] = draw(256)
    if (draw(20) === 0) break
  }
  return new Uint8Array(out.buffer, out.byteOffset, Math.min(at, most))
}

const words = ['%B4761739001010010^CARDHOLDER/TEST ^25122011234?', ';4761739001010010=25122011234?', 'tcp://127.0.0.1:9100?family=qpos', 'serial:/dev/ttyS0', 'hid:0801:0019', '000201', '26', '5204', '5303643', '5802RU', '6304', '{"tapdip":"trace","version":1,"uri":"x","start":"2026-01-01T00:00:00.000Z","bytes":"all"}', '{"at":1,"out":"00"}', '<Init>', '</Init>', '<a b="c"/>', '&amp;', '100.00', 'RUB', '{"step":"verify","rule":"x","inputs":{},"effect":[]}', '9F02', '\n', '^', '=', '?', '%', ';'] // biome-ignore format: a list

export function textOf(draw) {
  let text = ''
  for (let part = 1 + draw(6); part > 0; part--) {
    if (draw(2) === 0) text += words[draw(words.length)]
    else for (let length = draw(12); length > 0; length--) text += String.fromCharCode(draw(5) === 0 ? draw(0x3000) : 32 + draw(95))
  }
  if (draw(3) === 0 && text.length > 1) text = text.slice(0, draw(text.length)) + text.slice(1 + draw(text.length))
  return text
}

export const names = ['key', 'order', 'number', 'amount', 'currency', 'merchant', 'name', 'id', 'terminal', 'type', 'at', 'tags', 'pinBlock', 'format', 'data', 'ksn', 'state', 'response', 'code', 'operations', 'transactions', 'items', 'schemes', 'applications', 'aid', 'caKeys', 'about', 'payload', 'expires', 'answer', 'interface', 'cvm', '__proto__', 'constructor'] // biome-ignore format: a list
const values = ['approved', 'declined', 'RUB', '10000', '2026-03-26T10:52:00.000Z', 'purchase', 'refund', 'chip', 'none', '9F02', '00', 'A0000006581010', 'In Process', ''] // biome-ignore format: a list

export function jsonOf(draw, depth = 0) {
  switch (draw(depth > 4 ? 6 : 9)) {
    case 0:
      return values[draw(values.length)]
    case 1:
      return draw(2) === 0
    case 2:
      return draw(1_000_000) - 500_000
    case 3:
      return null
    case 4:
      return textOf(draw)
    case 5:
      return undefined
    case 6:
      return Array.from({ length: draw(4) }, () => jsonOf(draw, depth + 1))
    default: {
      const pairs = Array.from({ length: draw(10) }, () => [names[draw(names.length)], jsonOf(draw, depth + 1)])
      return JSON.parse(JSON.stringify(Object.fromEntries(pairs)))
    }
  }
}
