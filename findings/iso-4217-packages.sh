#!/usr/bin/env bash
# Currency tables on npm against list one of ISO 4217 (SIX, published 2026-09-17), as a payment needs them: numeric code and exponent for tags 5F2A and 5F36.
# Guess: the most used table (currency-codes, 2 million downloads a week) is current; a money library gives the exponent that EMV wants.
# Seen: currency-codes 2.2.0 is the list of 2024-06-25: no XCG (532, since 2025-03-31) and no XAD, but ANG, BGN and CUC, which are withdrawn; metals and XXX, whose minor
#       unit is "N.A.", have 0 digits there, like a yen. dinero.js 2.0.2 is current but for BGN, has no numeric codes, and counts MGA and MRU in fifths (base 5,
#       exponent 1) where ISO 4217 and a terminal have exponent 2: an amount that goes from one to the other is wrong by 20. iso4217 0.2.0 has an empty string
#       as the digits of currencies without any (BIF, JPY, XOF).
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
cd "$work"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts currency-codes@2.2.0 dinero.js@2.0.2 iso4217@0.2.0
cat >look.mjs <<'JS'
import codes from 'currency-codes'
import * as dinero from 'dinero.js/currencies'
import iso from 'iso4217'
const row = code => { const one = codes.code(code); return `${code} ${one ? `${one.number} digits ${one.digits}` : 'unknown'}` }
console.log(`currency-codes of ${codes.publishDate}: ${['XCG', 'XAD', 'ANG', 'BGN', 'CUC', 'JPY', 'XAU', 'XXX'].map(row).join(', ')}`)
const money = code => `${code} ${dinero[code] ? `base ${dinero[code].base} exponent ${dinero[code].exponent} numeric ${dinero[code].numeric}` : 'unknown'}`
console.log(`dinero.js: ${['XCG', 'BGN', 'MGA', 'MRU'].map(money).join(', ')}`)
const old = code => Object.values(iso).find(one => one.Code === code)
console.log(`iso4217: ${['BIF', 'JPY', 'XOF', 'KWD'].map(code => `${code} ${JSON.stringify(old(code)?.Fraction)}`).join(', ')}`)
JS
node look.mjs | tee seen
diff seen - <<'SEEN'
currency-codes of 2024-06-25: XCG unknown, XAD unknown, ANG 532 digits 2, BGN 975 digits 2, CUC 931 digits 2, JPY 392 digits 0, XAU 959 digits 0, XXX 999 digits 0
dinero.js: XCG base 10 exponent 2 numeric undefined, BGN base 10 exponent 2 numeric undefined, MGA base 5 exponent 1 numeric undefined, MRU base 5 exponent 1 numeric undefined
iso4217: BIF "", JPY "", XOF "", KWD 3
SEEN
echo 'as it was seen'
