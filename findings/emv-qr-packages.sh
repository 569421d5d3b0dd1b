#!/usr/bin/env bash
# What npm's packages for EMV QR codes (Merchant-Presented Mode) make of valid codes: emvqr 0.0.5, emvco-merchant-parse 1.1.0, steplix-emv-qrcps 0.0.8.
# Guess: Merchant account information under 02 to 25 is one value (EMV QRCPS Merchant-Presented Mode 1.1: templates are 26 to 51), so a Visa or Mastercard merchant's number is told
#        as it stands; a code that is read and built again is the same code; a currency of ISO 4217 is told, or told as unknown.
# Seen: emvqr and emvco-merchant-parse open 02 and 04 as if they were templates: the merchant's number is told as objects that are none, most digits of it cut away or torn apart, and no error.
#       steplix-emv-qrcps does it too, and writes what it read: the Visa number of 16 digits becomes 4, the Mastercard one is gone, under a CRC that is right. Of a code with a convenience
#       fee of 5.5 percent (55 = 03, 57) its copy has the indicator and no fee.
#       emvqr throws a TypeError for a code in BYN (933) or MRU (929): it knows the currencies that were before them, and nothing else of the code is told either.
# So a payee under 02 to 25 must be read by one's own code, and a code is never passed on as a copy that was read and built.
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
cd "$work"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts emvqr@0.0.5 emvco-merchant-parse@1.1.0 steplix-emv-qrcps@0.0.8
cat >look.cjs <<'JS'
const emvqr = require('emvqr')
const { Parse } = require('emvco-merchant-parse')
const { Merchant } = require('steplix-emv-qrcps')
const crc = text => {
  let sum = 0xffff
  for (const byte of Buffer.from(text)) {
    sum ^= byte << 8
    for (let bit = 0; bit < 8; bit++) sum = sum & 0x8000 ? ((sum << 1) ^ 0x1021) & 0xffff : (sum << 1) & 0xffff
  }
  return sum.toString(16).toUpperCase().padStart(4, '0')
}
const object = (id, value) => id + String(value.length).padStart(2, '0') + value
const code = objects => {
  const text = `${objects.map(([id, value]) => object(id, value)).join('')}6304`
  return text + crc(text)
}
const beginning = [['00', '01'], ['01', '12']]
const end = country => [['58', country], ['59', 'SHOP'], ['60', 'CITY']]
const account = ['26', object('00', 'D15600000000') + object('05', 'A93FO3230Q')]
const codes = {
  'template 26': code([...beginning, account, ['52', '5411'], ['53', '643'], ['54', '100.00'], ...end('RU')]),
  'numbers 02, 04': code([...beginning, ['02', '4000123456789017'], ['04', '5555666677778884'], ['52', '5411'], ['53', '643'], ['54', '100.00'], ...end('RU')]),
  'fee in percent': code([...beginning, account, ['52', '5411'], ['53', '643'], ['54', '100'], ['55', '03'], ['57', '5.5'], ...end('RU')]),
  'in BYN': code([...beginning, account, ['52', '5411'], ['53', '933'], ['54', '10.00'], ...end('BY')]),
  'in MRU': code([...beginning, account, ['52', '5411'], ['53', '929'], ['54', '10.00'], ...end('MR')]),
}
const tried = work => {
  try {
    return work()
  } catch (error) {
    return error.constructor.name
  }
}
for (const [name, text] of Object.entries(codes)) {
  console.log(`${name}: ${text}`)
  const data = found => JSON.stringify(found, (key, value) => (value && typeof value === 'object' && 'data' in value ? value.data : value))
  console.log(`  emvqr: ${tried(() => data(Object.fromEntries(['02', '04', '26', '53', '57'].map(id => [id, emvqr.decode(text)[id]]))))}`)
  console.log(`  emvco-merchant-parse: ${tried(() => JSON.stringify(Object.fromEntries(['02', '04', '26', '53', '57'].map(id => [id, Parse(text)[id]]))))}`)
  const copy = tried(() => Merchant.Parser.toEMVQR(text).generatePayload())
  console.log(`  steplix-emv-qrcps, read and built: ${copy === text ? 'the same' : copy}`)
}
JS
node look.cjs | tee seen
diff seen - <<'SEEN'
template 26: 00020101021226300012D156000000000510A93FO3230Q5204541153036435406100.005802RU5904SHOP6004CITY630460EC
  emvqr: {"26":{"00":"D15600000000","05":"A93FO3230Q"},"53":"643 (RUB)"}
  emvco-merchant-parse: {"26":{"05":"A93FO3230Q","00":"D15600000000"},"53":"643"}
  steplix-emv-qrcps, read and built: the same
numbers 02, 04: 00020101021202164000123456789017041655556666777788845204541153036435406100.005802RU5904SHOP6004CITY63049185
  emvqr: {"53":"643 (RUB)","02":{"12":"56789017","40":""},"04":{"55":"666677778884"}}
  emvco-merchant-parse: {"53":"643","02":{"12":"56789017","40":""},"04":{"55":"666677778884"}}
  steplix-emv-qrcps, read and built: 000201010212020004005204541153036435406100.005802RU5904SHOP6004CITY630481E8
fee in percent: 00020101021226300012D156000000000510A93FO3230Q520454115303643540310055020357035.55802RU5904SHOP6004CITY6304ECB7
  emvqr: {"26":{"00":"D15600000000","05":"A93FO3230Q"},"53":"643 (RUB)","57":"5.5"}
  emvco-merchant-parse: {"26":{"05":"A93FO3230Q","00":"D15600000000"},"53":"643","57":"5.5"}
  steplix-emv-qrcps, read and built: 00020101021226300012D156000000000510A93FO3230Q52045411530364354031005502035802RU5904SHOP6004CITY630495F3
in BYN: 00020101021226300012D156000000000510A93FO3230Q520454115303933540510.005802BY5904SHOP6004CITY630484A2
  emvqr: TypeError
  emvco-merchant-parse: {"26":{"05":"A93FO3230Q","00":"D15600000000"},"53":"933"}
  steplix-emv-qrcps, read and built: the same
in MRU: 00020101021226300012D156000000000510A93FO3230Q520454115303929540510.005802MR5904SHOP6004CITY63049685
  emvqr: TypeError
  emvco-merchant-parse: {"26":{"05":"A93FO3230Q","00":"D15600000000"},"53":"929"}
  steplix-emv-qrcps, read and built: the same
SEEN
