// `npm run bench`: how long decoding a card's record takes, beside the packages that others use. Medians of rounds, on one thread.
import { createRequire } from 'node:module'
import { cpus } from 'node:os'

const require = createRequire(import.meta.url)
const { readTemplate, walk } = await import('../dist/src/tlv/ber.js')
const tlv = require('tlv')
const { TlvFactory } = require('ber-tlv')
const NodeTlv = require('node-tlv')

/** A record of 180 bytes as bank cards have them: dates, CVM list, action codes, both CDOLs, PAN and track of a test card. */
const body = Buffer.from(
  '5A0847617390010100105F24034012315F25032401015F280206435F3401018E100000000000000000410342031E031F009F0702FF809F0802008C9F0D05FC50AC8800' +
    '9F0E0500000000009F0F05FC70BCF8005F200F46554C4C2046554E4354494F4E414C9F4A01828C189F02069F03069F1A0295055F2A029A039C019F37049F35018D1A8A02' +
    '9F02069F03069F1A0295055F2A029A039C019F37049F35015F300202019F420206439F4401029F140102',
  'hex',
)
const record = Buffer.concat([Buffer.from([0x70, 0x81, body.length]), body])
const bytes = new Uint8Array(record)

const contestants = {
  'tapdip readTemplate': () => readTemplate(bytes, 0x70).length,
  'tapdip walk': () => walk(bytes).length,
  tlv: () => tlv.parse(record).value.length,
  'ber-tlv': () => TlvFactory.parse(record)[0].items.length,
  'node-tlv': () => NodeTlv.parse(record).getChild().length,
}

function median(numbers) {
  return numbers.sort((a, b) => a - b)[numbers.length >> 1]
}

/** Nanoseconds a call, the median of 15 rounds of at least 20 ms each after one to warm up. */
function time(work) {
  const rounds = []
  for (let count = 16; rounds.length < 16; ) {
    const start = process.hrtime.bigint()
    for (let i = 0; i < count; i++) work()
    const spent = Number(process.hrtime.bigint() - start)
    if (spent < 20e6) count *= 2
    else rounds.push(spent / count)
  }
  return median(rounds.slice(1))
}

console.log(
  `decoding a record of ${record.length} bytes, ${walk(bytes).length - 1} data objects · Node ${process.version} · ${cpus()[0].model}`,
)
const results = Object.entries(contestants).map(([name, work]) => ({ name, objects: work(), ns: time(work) }))
const ours = Math.max(...results.filter(({ name }) => name.startsWith('tapdip')).map(({ ns }) => ns))
for (const { name, ns } of results) {
  const factor = name.startsWith('tapdip') ? '' : `  ${(ns / ours).toFixed(1)} times as long`
  console.log(`${name.padEnd(20)} ${(ns / 1000).toFixed(2).padStart(8)} µs${factor}`)
}
