#!/usr/bin/env bash
# A card made of a recording, read by a kernel that is not ours: emv-tool of openemv/emv-utils, over pcscd and vpcd. Not run by CI: it has to be built first.
#   git clone --recurse-submodules https://github.com/openemv/emv-utils && cmake -B build -DISO8859_IMPL=iconv && cmake --build build --target emv-tool
#   (Debian: cmake pkg-config libpcsclite-dev libxml2-dev libjson-c-dev iso-codes; pcscd and vsmartcard-vpcd to run it)
#   EMV_TOOL=…/build/tools/emv-tool bench/emv-tool.sh [card profile …]
# emv-tool pays with a virtual card while its line is recorded (`serve vpcd --listen pcsc --record`), then with the card of that recording as it is, and signed anew (`--fresh`):
# which data objects it finds are counted, and those that differ named. What was seen: docs/recordings.md, "Read by another kernel".
set -euo pipefail
: "${EMV_TOOL:?the path of emv-tool of openemv/emv-utils}"
sim="$(cd "$(dirname "$0")/.." && pwd)/dist/simulator"
work=$(mktemp -d); ends=()
trap 'for pid in "${ends[@]}"; do kill "$pid" 2>/dev/null || true; done; rm -rf "$work"' EXIT
pgrep -x pcscd >/dev/null && { echo 'a pcscd runs already: stop it, its first slot may be in use' >&2; exit 1; }
/usr/sbin/pcscd --foreground >"$work/pcscd.log" 2>&1 & ends+=($!)

# Its terminal: the applications of the profiles by AID, and our test CA keys.
node --input-type=module - "$sim" >"$work/terminal.xml" <<'JS'
const { profiles, testCaKeys } = await import(`${process.argv[2]}/world.js`)
const hex = bytes => Buffer.from(bytes).toString('hex').toUpperCase()
const aids = new Set(Object.values(profiles).flatMap(({ applications }) => applications.map(({ aid }) => aid.replaceAll(' ', ''))))
const data = { '9F01': '000123456789', '9F15': '5999', '9F16': '"TAPDIP         "', '9F1A': '0643', '9F1B': '00000000', '9F1C': '"63545902"',
  '9F1E': '"MPOS0001"', '9F33': '20F8C8', '9F35': '22', '9F40': 'FA00F0A3FF', '9F49': '9F3704', '9F4E': '"tapdip"' }
const objects = Object.entries(data).map(([tag, value]) => `<tlv id='${tag}'>${value}</tlv>`).join('')
const apps = [...aids].map(aid => `<app aid='${aid}' match='partial'><data><tlv id='9F09'>0001</tlv></data></app>`).join('')
const keys = testCaKeys.map(({ rid, index, modulus, exponent, checksum }) => `<capk rid='${hex(rid)}' index='${hex([index])}' hash_id='01'>` +
  `<modulus>${hex(modulus)}</modulus><exponent>${hex(exponent)}</exponent><hash>${hex(checksum)}</hash></capk>`).join('')
console.log(`<?xml version='1.0' encoding='UTF-8'?><emv><data>${objects}</data>${apps}${keys}</emv>`)
JS

# What emv-tool makes of the card that the words after the first put into the slot.
reads() {
  local told="$work/$1"; shift
  node "$sim/cli.js" "$@" >"$told.slot" 2>&1 & local slot=$!; ends+=("$slot")
  for _ in $(seq 100); do grep -q pcsc: "$told.slot" && break; sleep 0.2; done
  sleep 2 # pcscd asks its slots every 400 ms
  timeout 60 "$EMV_TOOL" --config-xml="$work/terminal.xml" --txn-type=00 --txn-amount=2500 --txn-date=2026-11-30 --txn-time=12:00:00 \
    </dev/null >"$told" 2>"$told.err" || echo "emv-tool ended with $?: $(tail -1 "$told.err")"
  kill -INT "$slot"; wait "$slot" || true
}

# Candidates, then each data object of the card and of the terminal's last word on it: tag and value.
objects() { sed -n '/^Candidate applications/,/^$/p; /^ICC data/,$p' "$1" | grep -E '^(Application:|  [0-9A-F]{2,6} \|)' | grep -vE '^  (9F37|9A|9F21|9F41) '; }

"$EMV_TOOL" --version
other() { (diff "$1" "$2" || true) | sed -n 's/^[<>] *\([^ ]*\).*/\1/p' | sort -u | tr '\n' ' '; }
oda() { grep -oE '^\[(ODA|EMV)\].*(Authentication|authentication|CDA).*(succeeded|failed)' "$1" | tail -1 || true; }
for card in "${@:-visa-signature}"; do
  reads original serve vpcd --listen pcsc --card "$card" --record "$work/$card.jsonl"
  reads recorded play "$work/$card.jsonl" --listen pcsc
  reads fresh play "$work/$card.jsonl" --listen pcsc --fresh
  for told in original recorded fresh; do objects "$work/$told" >"$work/$told.objects"; done
  echo "$card: $(wc -l <"$work/original.objects") objects and candidates; $(oda "$work/original")"
  for told in recorded fresh; do
    echo "  $told: $(comm -12 <(sort "$work/original.objects") <(sort "$work/$told.objects") | wc -l) alike; other: $(other "$work/original.objects" "$work/$told.objects"); $(oda "$work/$told")"
  done
done
