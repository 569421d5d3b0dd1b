/** Everything in the package that reads what somebody else wrote, found by name in the built modules: a new decoder is fuzzed by being called decode…, parse… or read…. */

import { readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

const dist = resolve(import.meta.dirname, '../../dist')

/** Folders whose modules hold decoders, and what of them does not: they read files, hardware, or our own objects. */
const places = [
  /^devices\/[\w-]+\/codec(-\w+)*\.js$/,
  /^src\/(tlv|apdu|crypto)\/[\w-]+\.js$/,
  /^src\/(magstripe|bytes|currency)\.js$/,
  /^src\/payment\/(wire|wire-order|qr-code|iso8583)\.js$/,
  /^src\/transport\/(uri|replay)\.js$/,
  /^src\/emv\/(explain-print|config-schema)\.js$/,
  /^src\/emv\/contactless\/(entry|config)\.js$/,
]
const texts =
  /^(parseTrack[123]|parseUri|parseTrace|parseMerchantCode|codeObjects|parseExplanation|fromHex|elements|readServiceCode|currency|parseAmount)$/
const jsons = /^(decode(Message|Answer|Code|Merchant|Order|Change|HostOrder|Sale|CashSale)|parse(TerminalConfig|ContactlessConfig|CaKey))$/
const named = /^(decode|parse|read|describe|walk|find)[A-Z]?|^(elements|codeObjects|fromHex|currency)$/
/** Builders of decoders, and readers of what is typed by us. */
const not = /Decoder$|^readBinary/

/** Decoders of a line: bytes in, messages out. */
const isSide = one => typeof one === 'object' && one !== null && typeof one.decoder === 'function' && typeof one.encode === 'function'

/** @returns {Promise<{ name: string, takes: 'bytes' | 'text' | 'json', run: (input: any) => unknown }[]>} */
export async function everyDecoder() {
  const found = []
  const files = readdirSync(dist, { recursive: true, encoding: 'utf8' })
    .map(name => name.replaceAll('\\', '/'))
    .filter(name => places.some(place => place.test(name)))
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
  if (name === 'readPayload') return [{ id: 0x1001, payload: input }]
  if (name === 'readSwipe') return [Object.fromEntries([1, 2, 3].map(track => [`track${track}`, Buffer.from(input).toString('latin1')]))]
  return [input]
}

/** Lazy ones do their work when they are walked through. */
function drained(result) {
  if (result !== null && typeof result === 'object' && typeof result.next === 'function') for (const _ of result);
  return result
}
