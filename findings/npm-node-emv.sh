#!/usr/bin/env bash
# npm node-emv 1.0.23, the package that a search for an EMV parser finds, on valid data of a card.
# Guess: TVR, AIP, AUC and TSI are told bit by bit, as its README shows for 8000048000; the functions shown there work on valid values; a parser returns and prints nothing.
# Seen: `tvr` and `auc` count bits from the first that is 1, as leading zeros are lost: 0000048000 (online PIN entered, above the floor limit) is told as "Offline data authentication
#       was not performed, Card appears on terminal exception file"; only values that begin with 8 to F are told right. `aip` is right. `tsi` says words of the TVR. `cvm` throws a
#       TypeError for every value (it asks a function for its substring). `describe` has words for 9B and none for 95. Each length above 127 writes two lines to standard output,
#       into whatever JSON a program pipes there.
# So a log that it has explained of a payment proves nothing: explain the bytes again.
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
cd "$work"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts node-emv@1.0.23
cat >look.cjs <<'JS'
const emv = require('node-emv')
for (const results of ['1E0300', '1F0302', '420300']) {
  try {
    emv.cvm(results, words => console.log(`cvm ${results}: ${words}`))
  } catch (error) {
    console.log(`cvm ${results}: ${error.constructor.name}`)
  }
}
emv.describe('95050000048000' + '9B02E800', objects => {
  for (const { tag, description } of objects) console.log(`describe ${tag}: ${description ? 'has words' : 'no words'}`)
})
const set = bytes => bytes.flat().filter(({ value }) => value === '1').map(({ description }) => description).join(', ')
for (const results of ['8000048000', '0000048000', '0800000000']) emv.tvr(results, bytes => console.log(`tvr ${results}: ${set(bytes)}`))
emv.tsi('E800', bytes => console.log(`tsi E800: ${set(bytes)}`))
emv.auc('0780', bytes => console.log(`auc 0780: ${set(bytes)}`))
for (const profile of ['FC00', '1C00']) emv.aip(profile, bytes => console.log(`aip ${profile}: ${set(bytes)}`))
let printed = 0
const log = console.log
console.log = () => printed++
emv.parse('9F4681B0' + 'AB'.repeat(0xb0) + '5F340101', objects => {
  console.log = log
  console.log(`parse: ${objects.map(({ tag, length }) => `${tag} of length ${length}`).join(', ')}; ${printed} lines printed`)
})
JS
node look.cjs | tee seen
diff seen - <<'SEEN'
cvm 1E0300: TypeError
cvm 1F0302: TypeError
cvm 420300: TypeError
describe 95: no words
describe 9B: has words
tvr 8000048000: Offline data authentication was not performed, Online PIN entered, Transaction exceeds floor limit
tvr 0000048000: Offline data authentication was not performed, Card appears on terminal exception file
tvr 0800000000: Offline data authentication was not performed
tsi E800: Offline data authentication was not performed, SDA failed, ICC data missing, DDA failed
auc 0780: Valid for domestic cash transactions, Valid for international cash transactions, Valid for domestic goods, Valid for international goods
aip FC00: XDA supported, SDA supported, DDA supported, Cardholder verification is supported, Terminal risk Management is to be performed, Issuer authentication is supported
aip 1C00: Cardholder verification is supported, Terminal risk Management is to be performed, Issuer authentication is supported
parse: 9F46 of length 81B0, 5F34 of length 01; 2 lines printed
SEEN
