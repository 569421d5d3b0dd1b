#!/usr/bin/env bash
# npm iso_8583 (2.6.7) without settings, against ISO 8583:1987: a MAC (64, 128) and a field 55 with chip data, both valid.
# Guess: field 64 is b 64, eight bytes; field 55 carries the bytes of the chip, its length counts bytes; an empty LLVAR field is a length of 00.
# Seen: field 64 takes 8 hex digits and puts 4 bytes on the line, and refuses a MAC of 8 bytes; so do 96 and 128. 53 takes 48 bytes instead of 16 digits. 55 goes out as text of hex
#       digits, whose length counts the digits, and raw bytes that come in are read as UTF-8, after which they cannot be written again. An empty field is an error.
#       Every message has both bitmaps. What to do: agree on a truncated MAC, or give formats of your own ({64: {ContentType: 'b', LenType: 'fixed', MaxLen: 16}}).
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
cd "$work"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts iso_8583@2.6.7
cat >look.cjs <<'JS'
const Iso = require('iso_8583')
const base = { 0: '0800', 11: '000001' }
const pack = more => { const out = new Iso({ ...base, ...more }).getRawMessage(); return Buffer.isBuffer(out) ? out.subarray(26).toString('hex') : JSON.stringify(out) }
console.log('bitmaps', new Iso(base).getRawMessage().subarray(4, 20).toString('hex'))
console.log('64 of 4 bytes', pack({ 64: '01020304' }))
console.log('64 of 8 bytes', pack({ 64: '0102030405060708' }))
console.log('55', Buffer.from(pack({ 55: '9F36020011' }), 'hex').toString())
console.log('44 empty', pack({ 44: '' }))
const raw = Buffer.concat([Buffer.from('0800'), Buffer.from('00200000000002000000'.slice(0, 16), 'hex'), Buffer.from('000001005'), Buffer.from('9f36020011', 'hex')])
console.log('raw 55 of 5 bytes is read as', [...new Iso().getIsoJSON(raw, { lenHeader: false })['55']].map(one => one.codePointAt(0).toString(16)).join(' '))
JS
node look.cjs | tee seen
diff seen - <<'SEEN'
bitmaps 80200000000000000000000000000000
64 of 4 bytes 01020304
64 of 8 bytes {"error":"invalid length of data on field 64"}
55 0109F36020011
44 empty {"error":"Field 44 in bitmap but not in json"}
raw 55 of 5 bytes is read as fffd 36 2 0 11
SEEN
echo 'as it was seen'
