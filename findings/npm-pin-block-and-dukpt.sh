#!/usr/bin/env bash
# npm pinblock 0.2.0 and dukpt 3.0.0, as a simulator of a PIN pad meets them: ISO 9564-1 format 0, and ANSI X9.24.
# Guess: a package that makes ISO 9564 format 0 makes it for PINs of 4 to 12 digits, the length one digit in hex; "AES" of a package named dukpt is AES DUKPT (X9.24-3: key serial
#        numbers of 12 bytes, a key for each use, derived with AES); a counter of zero, under which no transaction is, is refused.
# Seen: pinblock writes the length in decimal: right up to 9 digits; from 10 on the length takes two digits, and all that follows is shifted by one (012… where 0C… is due).
#       dukpt's "AES" is AES-128-CBC under the double-length DES key of X9.24-1, which no reader and no HSM has; given 12 bytes of serial number, or the 8 that readers
#       send where the leading FFFF is left out, its constructor throws nothing and keeps an Error as the key, so that the first use fails with a TypeError about "replace"; with
#       the counter at zero it gives a key that belongs to no transaction. Its DES keys for data, PIN and MAC are those of X9.24-1's example.
# So a PIN of ten digits or more has to be tried, and AES DUKPT has to come from elsewhere.
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
cd "$work"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts pinblock@0.2.0 dukpt@3.0.0
cat >look.cjs <<'JS'
const { createCipheriv } = require('node:crypto')
const PinBlock = require('pinblock')
const Dukpt = require('dukpt')
const pan = '4000001234562000'
/** ISO 9564-1, 9.3.2: control 0, length, PIN, filler F; xor four zeros and the twelve digits before the check digit. */
const format0 = pin => {
  const field = `0${pin.length.toString(16)}${pin}`.padEnd(16, 'f')
  const number = `0000${pan.slice(-13, -1)}`
  return (BigInt(`0x${field}`) ^ BigInt(`0x${number}`)).toString(16).padStart(16, '0').toUpperCase()
}
for (const pin of ['1234', '123456789', '1234567890', '123456789012']) {
  const made = new PinBlock().get(pin, pan)
  console.log(`PIN of ${pin.length}: ${made}, ISO 9564 ${format0(pin)}: ${made === format0(pin) ? 'the same' : 'another'}`)
}
const key = '0123456789ABCDEFFEDCBA9876543210' // the base derivation key of X9.24-1's example
const serial = 'FFFF9876543210E00001'
for (const mode of ['datakey', 'pinkey', 'mackey']) console.log(mode, new Dukpt(key, serial, mode)._sessionKey)
const options = { inputEncoding: 'hex', outputEncoding: 'hex', encryptionMode: 'AES' }
const made = new Dukpt(key, serial).dukptEncrypt('00'.repeat(16), options)
const cbc = createCipheriv('aes-128-cbc', Buffer.from('448D3F076D8304036A55A3D7E0055A78', 'hex'), Buffer.alloc(16)).setAutoPadding(false)
const aes = cbc.update(Buffer.alloc(16)).toString('hex').toUpperCase()
console.log(`AES: ${made === aes ? "AES-CBC under the DES key for data" : 'another'}`)
for (const number of ['123456789012345600000001', '9876543210E00001', 'FFFF9876543210E00000']) {
  const made = new Dukpt(key, number)
  let told = made._sessionKey instanceof Error ? 'an Error for a key' : 'a key'
  try {
    made.dukptEncrypt('00'.repeat(16), options)
  } catch (error) {
    told += `, and its use ends in a ${error.constructor.name}`
  }
  console.log(`key serial number of ${number.length / 2} bytes, ${number}: ${told}`)
}
JS
node look.cjs | tee seen
diff seen - <<'SEEN'
PIN of 4: 041234FEDCBA9DFF, ISO 9564 041234FEDCBA9DFF: the same
PIN of 9: 091234575BDA9DFF, ISO 9564 091234575BDA9DFF: the same
PIN of 10: 0101234444CC6DFF, ISO 9564 0A1234575BD59DFF: another
PIN of 12: 0121234444CC632F, ISO 9564 0C1234575BD570FF: another
datakey 448D3F076D8304036A55A3D7E0055A78
pinkey 042666B49184CF5C68DE9628D0397B36
mackey 042666B4918430A368DE9628D03984C9
AES: AES-CBC under the DES key for data
key serial number of 12 bytes, 123456789012345600000001: an Error for a key, and its use ends in a TypeError
key serial number of 8 bytes, 9876543210E00001: an Error for a key, and its use ends in a TypeError
key serial number of 10 bytes, FFFF9876543210E00000: a key
SEEN
