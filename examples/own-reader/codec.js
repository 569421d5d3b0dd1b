// The bytes of a family of one's own, both sides: lines of text. `ON`, `OFF`, `APDU 00A4…` go to the reader; `ATR 3B…`, `DATA …9000`, `GONE` come back.
import { Fault, fromHex, fromText, hex } from 'tapdip'

/** Any chunks in, messages out; what is no message is skipped. Nothing here throws, and nothing waits. */
function lines(parse) {
  let tail = ''
  return {
    push(chunk) {
      const parts = (tail + String.fromCharCode(...chunk)).split('\n')
      tail = parts.pop().slice(-1024) // longer than any message: noise
      return parts.map(line => parse(line.trim())).filter(message => message !== undefined)
    },
    idle() {
      tail = '' // the line went quiet in the middle of something: that was a false start
      return []
    },
  }
}

const withBytes = (line, word, type) => {
  const found = new RegExp(`^${word} ((?:[0-9A-F]{2})+)$`).exec(line)
  return found ? { type, data: fromHex(found[1]) } : undefined
}

function encode({ type, data }) {
  if (data === undefined) return fromText(`${type.toUpperCase()}\n`)
  if (data.length > 300) throw new Fault('bad-argument', `data of ${data.length} bytes, a line holds 300`, { field: 'data' })
  return fromText(`${type.toUpperCase()} ${hex(data)}\n`)
}

const word = (line, ...types) => types.map(type => (line === type.toUpperCase() ? { type } : undefined)).find(Boolean)

/** What the driver says, and hears. */
export const host = {
  encode,
  decoder: () => lines(line => word(line, 'gone') ?? withBytes(line, 'ATR', 'atr') ?? withBytes(line, 'DATA', 'data')),
}

/** What the reader says, and hears. */
export const device = {
  encode,
  decoder: () => lines(line => word(line, 'on', 'off') ?? withBytes(line, 'APDU', 'apdu')),
}
