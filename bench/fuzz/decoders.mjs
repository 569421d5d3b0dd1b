/** Everything in the package that reads what somebody else wrote, found by name in the built modules: a new decoder is fuzzed by being called decode…, parse… or read…. */

import { readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

const dist = resolve(import.meta.dirname, '../../dist')

/** Where decoders are: everywhere but in the programs, the entries and what makes results, so that a file that moves takes its decoders with it. */
const place = /^(src|devices\/(?!commands\/)[\w-]+)\/(?!(index|tools)\.js|(entries|payment\/pay)\/).+\.js$/
const texts =
  /^(parseTrack[123]|describeTrack|parseUri|parseTrace|parseTraceLog|parseMerchantCode|codeObjects|parseExplanation|fromHex|elements|readServiceCode|currency|parseAmount|readFacts|readNotice)$/
const jsons =
  /^(decode(Message|Answer|Code|Merchant|Order|Change|HostOrder|Sale|CashSale)|parse(TerminalConfig|ContactlessConfig|CaKey|IsoDialect)|read(Entry|Shop|Order))$/
const named = /^(decode|parse|read|describe|walk|find)([A-Z]|$)|^(elements|codeObjects|fromHex|currency)$/
/** What has such a name and decodes nothing: builders of decoders, and what asks a card, a reader, the air, a file or our own objects. */
const not =
  /Decoder$|^readBinary|^(readBalance|readFiles|readAndRelease|readRecords|readFile|readProfile|walkCvmList|findCaKey|find|describeResult|describeLine)$/

/** Decoders of a line: bytes in, messages out. */
const isSide = one => typeof one === 'object' && one !== null && typeof one.decoder === 'function' && typeof one.encode === 'function'

/** @returns {Promise<{ name: string, takes: 'bytes' | 'text' | 'json', run: (input: any) => unknown }[]>} */
export async function everyDecoder() {
  const found = []
  const files = readdirSync(dist, { recursive: true, encoding: 'utf8' })
    .map(name => name.replaceAll('\\', '/'))
    .filter(name => place.test(name))
  for (const file of files.sort()) {
    const module = await import(pathToFileURL(join(dist, file)).href)
    for (const [name, value] of Object.entries(module)) {
      if (isSide(value)) {
        found.push({
          name: `${file} ${name}`,
          takes: 'bytes',
          run(bytes) {
            const decoder = value.decoder()
            for (let at = 0; at < bytes.length; at += 61) decoder.push(bytes.subarray(at, at + 61))
            return decoder.idle()
          },
        })
      } else if (typeof value === 'function' && named.test(name) && !not.test(name) && !found.some(one => one.value === value)) {
        const takes = texts.test(name) ? 'text' : jsons.test(name) ? 'json' : 'bytes'
        found.push({ name: `${file} ${name}`, takes, value, run: input => drained(value(...given(name, input))) })
      }
    }
  }
  const { isoDialects } = await import(pathToFileURL(join(dist, 'src/payment/host/iso8583/dialect.js')).href)
  const { decodeIso } = await import(pathToFileURL(join(dist, 'src/payment/host/iso8583/codec.js')).href)
  for (const dialect of Object.keys(isoDialects))
    found.push({ name: `decodeIso ${dialect}`, takes: 'bytes', run: bytes => decodeIso(bytes, { dialect }) })
  // The frames of a family as `decode --as` shows them, whoever says them.
  const { describeFrames, frameKinds } = await import(pathToFileURL(join(dist, 'devices/anatomy.js')).href)
  for (const kind of frameKinds) found.push({ name: `describeFrames ${kind}`, takes: 'bytes', run: bytes => describeFrames(kind, bytes) })
  const { mmsSide, v5Device } = await import(pathToFileURL(join(dist, 'devices/magtek/codec.js')).href)
  for (const [
    name,
    side,
  ] of [['mms hid', mmsSide('hid', 'host')], ['mms ble', mmsSide('ble', 'host')], ['mms slip', mmsSide('slip', 'host')], ['v5 hid', v5Device('hid')], ['v5 ble', v5Device('ble')]]) // biome-ignore format: a table
    found.push({
      name: `magtek ${name}`,
      takes: 'bytes',
      run(bytes) {
        const decoder = side.decoder()
        for (let at = 0; at < bytes.length; at += 61) decoder.push(bytes.subarray(at, at + 61))
        return decoder.idle()
      },
    })
  return found
}

/** The arguments of a decoder: its input, and what it takes beside it. */
function given(name, input) {
  if (/^find/.test(name)) return [input, 0x9f02]
  if (/Template/.test(name)) return [input, 0x70]
  if (name === 'parseAmount') return [input, { alpha: 'RUB', numeric: 643, exponent: 2 }]
  if (/^decode(Merchant|Order)$/.test(name)) return [input, 'order']
  if (/^decodeFormat[03]$/.test(name)) return [input, '4761739001010010']
  if (name === 'decodeFirmware') return [0xd801, input]
  if (name === 'parseScripts') return [[input]]
  if (name === 'readEntry') return [row(input), { name: '', id: '', terminal: '' }]
  if (name === 'readShop') return [row(input)]
  if (name === 'readOrder') return [row(input), []]
  if (name === 'readPayload') return [{ id: 0x1001, payload: input }]
  if (name === 'readSwipe') return [Object.fromEntries([1, 2, 3].map(track => [`track${track}`, Buffer.from(input).toString('latin1')]))]
  return [input]
}

/** A row as SQLite gives it: texts, numbers and nothing. */
function row(input) {
  const columns = input !== null && typeof input === 'object' && !Array.isArray(input) ? Object.entries(input) : []
  return Object.fromEntries(columns.map(([name, value]) => [name, typeof value === 'object' || typeof value === 'boolean' ? null : value]))
}

/** Lazy ones do their work when they are walked through. */
function drained(result) {
  if (result !== null && typeof result === 'object' && typeof result.next === 'function') for (const _ of result);
  return result
}
