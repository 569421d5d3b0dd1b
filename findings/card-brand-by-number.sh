#!/usr/bin/env bash
# The most used npm tables of card brands against domestic schemes, as a till meets them that names a card by its number.
# Guess: a table that knows Mir, Troy, Verve and Elo by their own ranges knows RuPay too; who is in no table is "no brand", not another brand; a number of a range that
#        the table lists is valid at the length that range has.
# Seen: card-validator 10.0.4 over credit-card-type 10.3.0 calls RuPay (652100, 607055, 508500) Discover and Maestro, Dankort (5019) and a girocard's number (672500)
#       Maestro; lists 2131 for JCB, but takes no 15 digits, which is the length of those numbers; knows neither Belkart, Humo nor Uzcard, whose good numbers are invalid;
#       takes a UnionPay number whatever its check digit is, which is right.
# So a slip names the scheme by AID, never by the number (docs/decisions.md).
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
cd "$work"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts card-validator@10.0.4 credit-card-type@10.3.0
cat >look.cjs <<'JS'
const { number } = require('card-validator')
// the check digit of ISO/IEC 7812-1, Annex B, added
const whole = body => {
  const sum = [...body].reverse().reduce((all, digit, at) => all + (at % 2 ? +digit : [0, 2, 4, 6, 8, 1, 3, 5, 7, 9][digit]), 0)
  return `${body}${(10 - (sum % 10)) % 10}`
}
const other = body => `${body}${(+whole(body).at(-1) + 1) % 10}`
const cards = {
  'RuPay 652100': whole('652100000000000'), 'RuPay 607055': whole('607055000000000'), 'RuPay 508500': whole('508500000000000'),
  'Dankort 5019': whole('501900000000000'), 'girocard 672500': whole('672500000000000000'), 'JCB 2131, 15 digits': whole('21310000000000'),
  'UnionPay, another check digit': other('622126000000000'), 'Belkart 9112': whole('911200000000000'), 'Humo 9860': whole('986000000000000'),
  'Uzcard 8600': whole('860000000000000'),
}
for (const [name, pan] of Object.entries(cards)) {
  const { card, isValid } = number(pan)
  console.log(`${name}: ${card ? card.type : 'no brand'}, ${isValid ? 'valid' : 'invalid'}`)
}
JS
node look.cjs | tee seen
diff seen - <<'SEEN'
RuPay 652100: discover, valid
RuPay 607055: maestro, valid
RuPay 508500: maestro, valid
Dankort 5019: maestro, valid
girocard 672500: maestro, valid
JCB 2131, 15 digits: jcb, invalid
UnionPay, another check digit: unionpay, valid
Belkart 9112: no brand, invalid
Humo 9860: no brand, invalid
Uzcard 8600: no brand, invalid
SEEN
echo 'as it was seen'
