/** Both command lines: every value that a flag takes is checked, faults are JSON where JSON is asked for, and with `--lang ru` all of it is Russian. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Command, Option } from 'commander'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { commandPath, localise } from '../../../src/command/help.ts'
import { prepare } from '../../../src/command/line.ts'
import { Fault, type FaultCode } from '../../../src/errors.ts'
import { faultLines, faultMessage, messageIds } from '../../../src/messages/messages.ts'
import { line, type Name, programs } from './line.ts'

afterEach(() => vi.unstubAllEnvs())

const everyCommand = (command: Command): readonly Command[] => [command, ...command.commands.flatMap(everyCommand)]

const [pay, orderPay, image]: readonly string[][] = [['pay', '1.00', '--currency', 'RUB', '--acquirer', 'http://127.0.0.1:1'], ['order', 'pay', '7', '--acquirer', 'http://127.0.0.1:1', '--no-sync'], ['image', 'qpos', '2.0.0', '/none/x']] // biome-ignore format: a table

const refund = ['refund', '1.00', '--acquirer', 'http://127.0.0.1:1', '--no-sync']
const orderRefund = ['order', 'refund', '7', '--acquirer', 'http://127.0.0.1:1', '--no-sync', '--card']

const serial = 'FFFF9876543210E00001'
const pinOf = ['keys', 'pin', '--bdk', 'test', '--ksn', serial, '--block', '1B9C1845EB993A7A', '--pan', '4012345678909']
const trackOf = ['keys', 'track', '--bdk', 'test', '--ksn', serial, '--data', '0000000000000000']
/** The same line with another value of one flag. */
const but = (words: readonly string[], flag: string, value: string) => words.map((word, at) => (words[at - 1] === flag ? value : word))

/** Of every option and argument that has a rule, a value that breaks it, and what the refusal must name. */
const wrong: readonly (readonly [Name, string, readonly string[], ...RegExp[]])[] = [
  ['tapdip', 'list --time', ['list', '--time', '0'], /--time is '0', it takes a whole number from 1 to 600/],
  ['tapdip', 'list --over', ['list', '--over', 'bel'], /--over is 'bel', it takes ble, serial, hid, pcsc, bench; did you mean 'ble'\?/],
  ['tapdip', 'list --bench', ['list', '--bench', 'http://127.0.0.1:7000/'], /--bench is 'http:\/\/127\.0\.0\.1:7000\/', it takes .*#token=/],
  ['tapdip', 'list --bench', ['list', '--over', 'bench'], /--bench is missing/],
  ['tapdip', 'info <uri>', ['info', 'usb:1'], /<uri> is 'usb:1', it takes such as/, /tcp:\/\/127\.0\.0\.1:9100/],
  ['tapdip', 'update <uri>', ['update', 'usb:1', import.meta.filename], /<uri> is 'usb:1', it takes/],
  ['tapdip', 'update <image>', ['update', 'tcp://127.0.0.1:1?family=qpos', '/none/x'], /\/none\/x/],
  ['tapdip', 'pay <amount>', ['pay', '1.005', ...pay.slice(2)], /<amount> is '1\.005'.*at most 2 decimals of RUB/],
  ['tapdip', 'pay <amount>', ['pay', '0', ...pay.slice(2)], /<amount> is 0, it takes 1 to/],
  ['tapdip', 'pay <amount>', ['pay', '10000000000', ...pay.slice(2)], /<amount> is '10000000000', it takes at most 9999999999\.99/],
  ['tapdip', 'pay --currency', ['pay', '1', '--currency', 'RUV', ...pay.slice(4)], /--currency is 'RUV'.*did you mean 'RUB'/],
  ['tapdip', 'pay --reader', [...pay, '--reader', 'tcp://127.0.0.1:0'], /--reader is 'tcp:\/\/127\.0\.0\.1:0', it takes/],
  ['tapdip', 'order pay --reader', [...orderPay, '--reader', 'serial:'], /--reader is 'serial:', it takes/],
  ...[pay, orderPay, refund].flatMap(given => ['bank', 'http://bank.example', 'ftp://127.0.0.1', 'iso8583://', 'iso8583://127.0.0.1:0', 'iso8583://127.0.0.1:65536', 'iso8583://bank:1', 'https://user:secret@bank', 'https://bank/?token=1'].map((address): (typeof wrong)[number] =>
    ['tapdip', `${given.slice(0, given.indexOf('--acquirer')).join(' ')} ${address}`, given.map(word => (word.startsWith('http:') ? address : word)), /--acquirer is '[^']+', it takes .*127\.0\.0\.1:<.*port|--acquirer is '[^']+', it takes iso8583:\/\/127\.0\.0\.1:<1–65535>/, /^(?!.*secret)/])), // biome-ignore format: a list
  ['tapdip', 'pay --acquirer', [...pay.slice(0, 5), 'http://bank.example'], /http:\/\/bank\.example/],
  ...['pay', 'refund', 'order pay', 'order refund', 'order status', 'order confirm', 'order cancel', 'order increment', 'order sync'].map(
    (path): (typeof wrong)[number] => ['tapdip', `${path} --iso-dialect`, [...path.split(' '), '--iso-dialect', 'asci'], /--iso-dialect is 'asci', it takes tapdip, ascii.*did you mean 'ascii'/],
  ),
  ['tapdip', 'pay --iso-dialect', [...pay, '--iso-dialect', '/none/x.json'], /--iso-dialect: there is no file \/none\/x\.json/],
  ['tapdip', 'pay --iso-dialect', [...pay, '--iso-dialect', 'ascii'], /--iso-dialect is only for --acquirer iso8583:/],
  ['tapdip', 'pay --order', [...pay, '--order', 'x'.repeat(33)], /--order has 33 characters, it takes 1 to 32/],
  ['tapdip', 'pay --config', [...pay, '--config', '/none/x'], /\/none\/x/],
  ['tapdip', 'pay --contactless', [...pay, '--contactless', '/none/x'], /--contactless: there is no file \/none\/x/],
  ['tapdip', 'pay --contactless', [...pay, '--contactless', 'README.md'], /--contactless is no JSON: README\.md/],
  ['tapdip', 'pay --merchant', [...pay, '--merchant', ''], /--merchant has 0 characters, it takes 1 to 64/],
  ['tapdip', 'pay --merchant-id', [...pay, '--merchant-id', '1234567890123456'], /--merchant-id has 16/],
  ['tapdip', 'pay --terminal', [...pay, '--terminal', '123456789'], /--terminal has 9/],
  ['tapdip', 'pay --wait', [...pay, '--wait', '0'], /--wait is '0', it takes a whole number from 1 to 3600/],
  ['tapdip', 'pay --status-time', [...pay, '--status-time', '601'], /--status-time is '601', it takes a whole number from 0 to 600/],
  ...[pay, refund, orderPay, orderRefund, ...['status', 'confirm', 'cancel', 'increment'].map(name => ['order', name, ...orderPay.slice(2)]), ['order', 'sync', ...orderPay.slice(3, 5)]].map(
    (given): (typeof wrong)[number] => ['tapdip', `${given[0] === 'order' ? `order ${given[1]}` : given[0]} --trace`, [...given, '--trace', '/none/x'], /--trace.*\/none\/x/],
  ),
  ['tapdip', 'pay --record', [...pay, '--record', '/none/x'], /--record.*\/none\/x/],
  ['tapdip', 'replay <file>', ['replay', '/none/x', '--reader', 'tcp://127.0.0.1:1'], /<file>: there is no file \/none\/x/],
  ['tapdip', 'replay --reader', ['replay', 'x', '--reader', 'tpc://127.0.0.1:1'], /--reader is 'tpc:\/\/127\.0\.0\.1:1', it takes/],
  ['tapdip', 'replay --patience', ['replay', 'x', '--reader', 'tcp://127.0.0.1:1', '--patience', '0'], /--patience is '0'/],
  ...[pay, orderPay, refund, orderRefund].flatMap((given): (typeof wrong)[number][] => {
    const path = given === pay ? 'pay' : given === refund ? 'refund' : `order ${given[1]}`
    return [
      ['tapdip', `${path} --interfaces`, [...given, '--interfaces', 'chip,tpa'], /--interfaces is 'tpa', it takes chip, tap, swipe; did you mean 'tap'/],
      ['tapdip', `${path} --prefer`, [...given, '--prefer', 'MIR,'], /--prefer has 0 characters, it takes 1 to 64/],
      ['tapdip', `${path} --fallback`, [...given, '--fallback', 'stripe'], /--fallback is 'stripe', it takes swipe, tap/],
      ['tapdip', `${path} --fallback-tries`, [...given, '--fallback-tries', '10'], /--fallback-tries is '10', it takes a whole number from 0 to 9/],
      ['tapdip', `${path} --fallback-not-for`, [...given, '--fallback-not-for', 'x'], /--fallback-not-for is 'x', it takes 0-9, 2–6/],
      ['tapdip', `${path} --assume`, [...given, '--assume', 'idtech-mneu'], /idtech-mneu/],
    ]
  }),
  ...(['cashback', 'tip', 'surcharge'] as const).map((name): (typeof wrong)[number] => ['tapdip', `pay --${name}`, [...pay, `--${name}`, '1.005'], new RegExp(`--${name} is '1\\.005'.*at most 2 decimals`)]),
  ['tapdip', 'order new <amount>', ['order', 'new', 'ten'], /\[amount\] is 'ten'/],
  ['tapdip', 'order new --currency', ['order', 'new', '1', '--currency', 'BGN'], /withdrawn from ISO 4217: EUR/],
  ['tapdip', 'order new --number', ['order', 'new', '1', '--number', 'x'.repeat(33)], /--number has 33/],
  ['tapdip', 'order new --item', ['order', 'new', '--item', 'tea|2'], /--item is 'tea\|2'/],
  ['tapdip', 'order pay --method', [...orderPay, '--method', 'sdp'], /--method is 'sdp', it takes cash, reader, sbp, softpos; did you mean 'sbp'/],
  ['tapdip', 'order pay --received', [...orderPay, '--method', 'reader', '--received', '5'], /--received is only for --method cash/],
  ['tapdip', 'order pay --cashback', [...orderPay, '--method', 'sbp', '--cashback', '5'], /--cashback is only for --method reader/],
  ['tapdip', 'order pay --wait', [...orderPay, '--wait', '-1'], /--wait/],
  ['tapdip', 'order pay --wait', [...orderPay, '--method', 'cash', '--wait', '5'], /--wait is only for --method sbp, --method reader/],
  ['tapdip', 'order pay --reader', [...orderPay, '--method', 'cash', '--reader', 'pcsc:'], /--reader is only for --method reader/],
  ['tapdip', 'order pay --config', [...orderPay, '--method', 'sbp', '--config', 'x'], /--config is only for/],
  ['tapdip', 'order pay --contactless', [...orderPay, '--method', 'cash', '--contactless', 'x'], /--contactless is only for/],
  ['tapdip', 'order pay --status-time', [...orderPay, '--status-time', 'x'], /--status-time is 'x'/],
  ['tapdip', 'refund <amount>', ['refund', 'ten', ...refund.slice(2)], /<amount> is 'ten'/],
  ['tapdip', 'refund --currency', [...refund, '--currency', 'RUV'], /--currency is 'RUV'.*did you mean 'RUB'/],
  ['tapdip', 'refund --order', [...refund, '--order', 'x'.repeat(33)], /--order has 33/],
  ['tapdip', 'order refund --reader', [...orderRefund.slice(0, -1), '--reader', 'pcsc:'], /--reader is only for --card/],
  ['tapdip', 'order refund --config', [...orderRefund.slice(0, -1), '--config', 'x'], /--config is only for --card/],
  ['tapdip', 'order refund --contactless', [...orderRefund.slice(0, -1), '--contactless', 'x'], /--contactless is only for --card/],
  ...[refund, orderRefund].map((given): (typeof wrong)[number] => [
    ...(['tapdip', `${given === refund ? 'refund' : 'order refund'} --status-time`, [...given, '--status-time', 'x'], /--status-time is 'x'/] as const),
  ]),
  ['tapdip', 'refund --reader', [...refund, '--reader', 'serial'], /--reader is 'serial', it takes/],
  ['tapdip', 'order receipt --printer', ['order', 'receipt', '7', '--printer', 'tcp:9100'], /--printer is 'tcp:9100', it takes/],
  ['tapdip', 'refund --config', [...refund, '--config', '/none/x'], /\/none\/x/],
  ['tapdip', 'refund --contactless', [...refund, '--contactless', '/none/x'], /\/none\/x/],
  ['tapdip', 'order receipt --copy', ['order', 'receipt', '7', '--copy', 'merchand'], /did you mean 'merchant'/],
  ['tapdip', 'order receipt --width', ['order', 'receipt', '7', '--width', '40'], /--width is '40', it takes 32, 48/],
  ['tapdip', 'order receipt --inn', ['order', 'receipt', '7', '--fiscal', '--inn', '123'], /--inn is '123'/],
  ['tapdip', 'order receipt --inn', ['order', 'receipt', '7', '--inn', '1234567890'], /--inn is only for --fiscal/],
  ['tapdip', 'order receipt --taxation', ['order', 'receipt', '7', '--fiscal', '--taxation', 'osm'], /--taxation is 'osm'.*did you mean 'osn'/],
  ['tapdip', 'order receipt --cashier', ['order', 'receipt', '7', '--cashier', 'A'], /--cashier is only for --fiscal/],
  ['tapdip', 'order receipt --place', ['order', 'receipt', '7', '--place', 'A'], /--place is only for --fiscal/],
  ['tapdip', 'order receipt --acquirer', ['order', 'receipt', '7', '--acquirer', 'http://127.0.0.1:1'], /--acquirer is only for --fiscal/],
  ['tapdip', 'order sync --days', ['order', 'sync', '--acquirer', 'http://127.0.0.1:1', '--days', '0'], /--days is '0'/],
  ['tapdip', 'order list --limit', ['order', 'list', '--limit', '0'], /--limit is '0', it takes a whole number from 1 to 1000000/],
  ['tapdip', 'order list --after', ['order', 'list', '--after', ''], /--after has 0 characters, it takes 1 to 32/],
  ['tapdip', 'order list --days', ['order', 'list', '--days', '3651'], /--days is '3651', it takes a whole number from 1 to 3650/],
  ['tapdip', 'decode <hex>', ['decode', '9F0'], /odd number of digits/],
  ['tapdip', 'decode --kernel', ['decode', '9F0200', '--kernel', 'mastercrad'], /did you mean 'mastercard'/],
  ['tapdip', 'decode --as', ['decode', '9F0200', '--as', 'iso8538'], /did you mean 'iso8583'/],
  ['tapdip', 'decode --dialect', ['decode', '9F0200', '--as', 'iso8583', '--dialect', 'ebcdci'], /did you mean 'ebcdic'/],
  ['tapdip', 'decode --as', ['decode', '9F0200', '--as', 'bluepad/emv2'], /--as is bluepad\/emv2: calls of the vendor/],
  ['tapdip', 'decode --from', ['decode', '4D00', '--as', 'qpos', '--from', 'raeder'], /--from is 'raeder'.*did you mean 'reader'/],
  ['tapdip', 'decode --from', ['decode', '9F0200', '--from', 'host'], /--from is only for --as <family>/],
  ['tapdip', 'decode --answer-to', ['decode', '9F0200', '--answer-to', 'gop'], /--answer-to is 'gop', it takes select, gpo/],
  ['tapdip', 'decode --apdu', ['decode', '9F0200', '--as', 'track', '--apdu'], /--apdu is only for --as tlv/],
  ['tapdip', 'keys initial --bdk', ['keys', 'initial', '--bdk', 'tset', '--ksn', 'FFFF9876543210E00000'], /--bdk is no key/],
  ['tapdip', 'keys initial --ksn', ['keys', 'initial', '--bdk', 'test', '--ksn', 'FFFF'], /--ksn has 2 bytes/],
  ['tapdip', 'keys initial --under', ['keys', 'initial', '--bdk', 'test', '--ksn', 'FFFF9876543210E00000', '--under', '1'], /--under is no key/],
  ['tapdip', 'keys initial --kcv', ['keys', 'initial', '--bdk', 'test', '--ksn', 'FFFF9876543210E00000', '--kcv', '9'], /from 1 to 8/],
  ['tapdip', 'keys wrap --under', ['keys', 'wrap', '--under', 'x', '--key', 'test'], /--under is no key/],
  ['tapdip', 'keys wrap --key', ['keys', 'wrap', '--under', 'test', '--key', '@/none/x'], /--key: there is no file \/none\/x/],
  ['tapdip', 'keys wrap --kcv', ['keys', 'wrap', '--under', 'test', '--key', 'test', '--kcv', '0'], /from 1 to 8/],
  ['tapdip', 'keys check --key', ['keys', 'check', '--key', 'env:NONE_OF_OURS'], /--key is no key/],
  ['tapdip', 'keys pin --bdk', but(pinOf, '--bdk', 'x'), /--bdk is no key/],
  ['tapdip', 'keys pin --ksn', but(pinOf, '--ksn', 'x'), /--ksn is not hexadecimal/],
  ['tapdip', 'keys pin --block', but(pinOf, '--block', '1B9C1845EB993A7B'), /PIN block/],
  ['tapdip', 'keys pin --pan', but(pinOf, '--pan', '4012'), /--pan has 4 characters/],
  ['tapdip', 'keys pin --format', [...pinOf, '--format', '2'], /--format is '2'/],
  ['tapdip', 'keys track --bdk', but(trackOf, '--bdk', 'x'), /--bdk is no key/],
  ['tapdip', 'keys track --ksn', but(trackOf, '--ksn', 'FF'), /--ksn has 1 bytes, it takes 10, 12/],
  ['tapdip', 'keys track --data', but(trackOf, '--data', 'FF'), /--data has 1 bytes/],
  ['tapdip', 'explain <file>', ['explain', '/none/x'], /\/none\/x/],
  ['tapdip', 'explain <file>', ['explain', '/none/x', '--tvr', '0000000000'], /<file> and --tvr, --tsi, --cvm contradict/],
  ['tapdip', 'explain --bit', ['explain', '--bit', 'TVR.9.9'], /--bit is 'TVR\.9\.9'/],
  ['tapdip', 'explain --step', ['explain', '--step', 'restriction'], /--step is 'restriction'.*did you mean 'restrictions'/],
  ['tapdip', 'explain --tvr', ['explain', '--tvr', '00'], /--tvr has 1 bytes, it takes 5/],
  ['tapdip', 'explain --tsi', ['explain', '--tsi', 'zz'], /--tsi is not hexadecimal/],
  ['tapdip', 'explain --cvm', ['explain', '--cvm', '00'], /--cvm has 1 bytes, it takes 3/],
  ['tapdip', 'explain --of', ['explain', '--tvr', '0000000000', '--of', 'x'], /--of and --tvr/],
  ['tapdip', 'explain --diff', ['explain', import.meta.filename, '--diff', '/none/x'], /--diff.*\/none\/x/],
  ['tapdip', 'explain --ignore', ['explain', import.meta.filename, '--diff', '/none/x', '--ignore', 'kns'], /--ignore is 'kns'.*did you mean 'ksn'/],
  ['tapdip', 'explain --ignore', ['explain', import.meta.filename, '--ignore', 'ksn'], /--ignore is only for --diff/],
  ['tapdip', 'apdu <uri>', ['apdu', 'x', '00A4040000'], /'x'/],
  ['tapdip', 'apdu <hex>', ['apdu', 'tcp://127.0.0.1:1?family=vpcd', '00A4'], /2 bytes, a header takes 4/],
  ['tapdip', 'apdu --timeout', ['apdu', 'tcp://127.0.0.1:1?family=vpcd', '00A4040000', '--timeout', '0'], /--timeout is '0'/],
  ['tapdip-sim', 'serve <family>', ['serve', 'qops'], /<family> is 'qops'.*did you mean 'qpos'/],
  ['tapdip-sim', 'serve --listen', ['serve', 'qpos', '--listen', 'tpc:1'], /'tpc:1'.*tcp:<port>/],
  ['tapdip-sim', 'serve --card', ['serve', 'qpos', '--card', 'mir-maestr'], /--card is 'mir-maestr'.*did you mean 'mir-maestro'/],
  ['tapdip-sim', 'serve --present', ['serve', 'qpos', '--present', 'dop'], /--present is 'dop'.*did you mean 'dip'/],
  ['tapdip-sim', 'serve --phone', ['serve', 'qpos', '--phone', 'lokced'], /--phone is 'lokced', it takes locked; did you mean/],
  ['tapdip-sim', 'serve --phone', ['serve', 'qpos', '--phone', '--present', 'dip'], /--phone and --present contradict/],
  ...['12a4', '12ab', '12', '123', '1234567890123'].map((pin): (typeof wrong)[number] => ['tapdip-sim', 'serve --pin', ['serve', 'qpos', '--pin', pin], /--pin is '\d[^']*', it takes 0-9, 4–12/]),
  ['tapdip-sim', 'serve --battery', ['serve', 'qpos', '--battery', '101'], /--battery is '101', it takes a whole number from 0 to 100/],
  ['tapdip-sim', 'serve --update-fails', ['serve', 'qpos', '--update-fails', '101'], /--update-fails is '101', it takes a whole number from 0 to 100/],
  ['tapdip-sim', 'serve --serial', ['serve', 'qpos', '--serial', ''], /--serial is ''/],
  ['tapdip-sim', 'serve --dialect', ['serve', 'qpos', '--dialect', 'v5'], /--dialect is 'v5': readers of family qpos speak one language only/],
  ['tapdip-sim', 'serve --dialect', ['serve', 'magtek', '--dialect', 'v6'], /--dialect is 'v6', it takes v5, mms; did you mean 'v5'/],
  ['tapdip-sim', 'serve --dialect', ['serve', 'bluepad', '--dialect', 'emv2'], /--dialect is 'emv2', it takes mped/],
  ['tapdip-sim', 'serve --pin-keys', ['serve', 'qpos', '--pin-keys', 'aes-129'], /--pin-keys is 'aes-129', it takes tdes, aes-128; did you mean 'aes-128'/],
  ['tapdip-sim', 'serve vpcd --pin-keys', ['serve', 'vpcd', '--pin-keys', 'tdes'], /--pin-keys is only for .*qpos/],
  ['tapdip-sim', 'serve --explain', ['serve', 'qpos', '--explain', '/none/x'], /--explain.*\/none\/x/],
  ['tapdip-sim', 'serve --trace', ['serve', 'qpos', '--trace', '/none/x'], /--trace.*\/none\/x/],
  ['tapdip-sim', 'serve --record', ['serve', 'qpos', '--record', '/none/x'], /--record.*\/none\/x/],
  ['tapdip-sim', 'serve --record', ['serve', 'qpos', '--record', '/none/x', '--listen', 'ble:0'], /--record.*\/none\/x/],
  ['tapdip-sim', 'play <file>', ['play', '/none/x'], /<file>: there is no file \/none\/x/],
  ['tapdip-sim', 'play --listen', ['play', 'x', '--listen', 'hid'], /--listen is 'hid', it takes pty, tcp/],
  ['tapdip-sim', 'play --family', ['play', 'x', '--family', 'qops'], /--family is 'qops'.*did you mean 'qpos'/],
  ['tapdip-sim', 'play --dialect', ['play', 'x', '--dialect', 'v6'], /--dialect is 'v6'.*did you mean 'v5'/],
  ['tapdip-sim', 'play --fresh', ['play', '/none/x', '--fresh'], /<file>: there is no file \/none\/x/],
  ['tapdip-sim', 'serve --currency', ['serve', 'qpos', '--currency', 'EUT'], /--currency is 'EUT'.*did you mean/],
  ['tapdip-sim', 'serve --config', ['serve', 'qpos', '--config', '/none/x'], /--config: there is no file \/none\/x/],
  ['tapdip-sim', 'serve --contactless', ['serve', 'qpos', '--contactless', '/none/x'], /--contactless: there is no file \/none\/x/],
  ['tapdip-sim', 'serve vpcd', ['serve', 'vpcd', '--currency', 'JPY'], /--currency is only for .*qpos/],
  ['tapdip-sim', 'config --currency', ['config', '--currency', 'RUR'], /RUB is in its place/],
  ['tapdip-sim', 'serve vpcd', ['serve', 'vpcd', '--battery', '5'], /--battery is only for .*qpos/],
  ['tapdip-sim', 'acquirer --port', ['acquirer', '--port', '65536'], /--port is '65536', it takes a whole number from 0 to 65535/],
  ['tapdip-sim', 'acquirer --iso8583', ['acquirer', '--iso8583', 'x'], /--iso8583 is 'x'/],
  ['tapdip-sim', 'acquirer --iso8583', ['acquirer', '--port', '9', '--iso8583', '9'], /--port and --iso8583 contradict/],
  ['tapdip-sim', 'acquirer --iso-dialect', ['acquirer', '--port', '0', '--iso8583', '0', '--iso-dialect', 'asci'], /--iso-dialect is 'asci'.*did you mean 'ascii'/],
  ['tapdip-sim', 'acquirer --iso-dialect', ['acquirer', '--port', '0', '--iso-dialect', 'ascii'], /--iso-dialect is only for --iso8583/],
  ['tapdip-sim', 'acquirer --rule', ['acquirer', '--port', '0', '--rule', '{'], /--rule is no JSON/],
  ['tapdip-sim', 'acquirer --rule', ['acquirer', '--port', '0', '--rule', '{"do":"dance"}'], /--rule: .*: do is not accepted \(what the rule does: decline, /],
  ['tapdip-sim', 'acquirer --risk', ['acquirer', '--port', '0', '--risk', '{"check":"mood"}'], /--risk: .*: check is not accepted \('amount' \|/],
  ['tapdip-sim', 'acquirer --merchant', ['acquirer', '--port', '0', '--merchant', '[]'], /--merchant: \[\]/],
  ['tapdip-sim', 'acquirer --bonus', ['acquirer', '--port', '0', '--bonus', 'x'], /--bonus is no JSON/],
  ['tapdip-sim', 'bench --port', ['bench', '--port', '65536'], /--port is '65536', it takes a whole number from 0 to 65535/],
  ['tapdip-sim', 'bench --counter', ['bench', '--counter', '/none/x'], /--counter: there is no file \/none\/x/],
  ['tapdip-sim', 'bench --counter', ['bench', '--counter', 'README.md'], /--counter is no JSON: README\.md/],
  ['tapdip-sim', 'bench --counter', ['bench', '--counter', 'package.json'], /--counter: package\.json: tapdip is not accepted/],
  ['tapdip-sim', 'scan --acquirer', ['scan', 'x', '--acquirer', 'here'], /--acquirer is 'here'/],
  ['tapdip-sim', 'image <family>', ['image', 'idtech', '1', '/none/x'], /<family> is 'idtech'/],
  ['tapdip-sim', 'image <version>', ['image', 'qpos', 'a b', '/none/x'], /<version> is 'a b'/],
  ['tapdip-sim', 'image <file>', image, /\/none\/x/],
  ['tapdip-sim', 'report <file>', ['report', '/none/x'], /<file>: there is no file \/none\/x/],
  ['tapdip-sim', 'report <file>', ['report', 'README.md'], /<file>: README\.md, line 1: neither a run nor a trace/],
  ['tapdip-sim', 'report --against', ['report', 'test/vectors/explained.jsonl', '--against', '/none/x'], /--against: there is no file \/none\/x/],
  ['tapdip-sim', 'report --out', ['report', 'test/vectors/explained.jsonl', '--out', '/none/x'], /--out: there is no directory for \/none\/x/],
  ['tapdip-sim', 'run --card', ['run', '--card', 'dad'], /--card is 'dad'.*did you mean 'dda'/],
  ['tapdip-sim', 'run --trace', ['run', '--trace', '/none/x'], /--trace.*\/none\/x/],
  ['tapdip-sim', 'run --amount', ['run', '--amount', '1,005'], /--amount is '1,005'/],
  ['tapdip-sim', 'run --config', ['run', '--config', 'eurmpos'], /did you mean 'eurMpos'/],
  ['tapdip-sim', 'run --host', ['run', '--host', 'aprove'], /did you mean 'approve'/],
  ['tapdip-sim', 'run --magic-amounts', ['run', '--host', 'decline', '--magic-amounts'], /--magic-amounts is only for --host approve/],
  ['tapdip-sim', 'run --pin', ['run', '--pin', '123'], /--pin is '123'/],
  ['tapdip-sim', 'test <files>', ['test', '/none/x'], /\[files\]: there is no file \/none\/x/],
  ['tapdip-sim', 'test --grep', ['test', '--grep', '('], /--grep is '\('.*Invalid regular expression/],
  ['tapdip-sim', 'test --grep', ['test', '--grep', 'no case has this name'], /--grep: none of \d+ cases is meant/],
  ['tapdip-sim', 'test --tags', ['test', '--tags', 'a b'], /--tags is 'a b'/],
  ['tapdip-sim', 'test --workers', ['test', '--workers', '0'], /--workers is '0', it takes a whole number from 1 to 64/],
  ['tapdip-sim', 'test --shard', ['test', '--shard', '4/3'], /--shard is '4\/3', it takes 1\/3/],
  ['tapdip-sim', 'test --retries', ['test', '--retries', '10'], /--retries is '10'/],
  ['tapdip-sim', 'test --seed', ['test', '--seed', 'x'], /--seed is 'x'/],
  ['tapdip-sim', 'serve --seed', ['serve', 'qpos', '--seed', 'x'], /--seed is 'x'/],
  ['tapdip-sim', 'run --seed', ['run', '--seed', '4294967296'], /--seed is '4294967296'/],
  ['tapdip-sim', 'test --hands', ['test', '--hands', 'ftp://robot'], /--hands is 'ftp:\/\/robot', it takes http:\/\/host:port/],
  ['tapdip-sim', 'test --reporter', ['test', '--reporter', 'junti=x'], /--reporter is 'junti'.*did you mean 'junit'/],
  ['tapdip-sim', 'test --over', ['test', '--over', 'tpc'], /--over is 'tpc'.*did you mean 'tcp'/],
  ['tapdip-sim', 'test --reader', ['test', '--reader', 'tcp://127.0.0.1:0'], /--reader is 'tcp:\/\/127\.0\.0\.1:0', it takes/],
  ['tapdip-sim', 'test --reader', ['test', '--reader', 'tcp://127.0.0.1:1', '--over', 'tcp'], /--reader and --over contradict/],
  ['tapdip-sim', 'test --update', ['test', '--update'], /\[files\.\.\.\]/],
  ['tapdip-sim', 'test --update', ['test', 'x', '--update', '--list'], /--update/],
  ['tapdip-sim', 'test --merge', ['test', '--merge', import.meta.filename], /--merge is no JSON/],
  ['tapdip-sim', 'provoke <code>', ['provoke', 'cardRemvoed'], /<code> is 'cardRemvoed'.*did you mean 'cardRemoved'/],
  ['tapdip-sim', 'provoke <code>', ['provoke'], /<code> is missing/],
  ['tapdip-sim', 'provoke --family', ['provoke', 'cardRemoved', '--family', 'qops'], /--family is 'qops'.*did you mean 'qpos'/],
  ['tapdip-sim', 'provoke --dialect', ['provoke', 'cardRemoved', '--family', 'magtek', '--dialect', 'v6'], /--dialect is 'v6', it takes v5, mms/],
  ['tapdip-sim', 'provoke --listen', ['provoke', 'cardRemoved', '--serve', '--listen', 'ptty'], /--listen is 'ptty'/],
  ['tapdip-sim', 'provoke --listen', ['provoke', 'cardRemoved', '--listen', 'pty'], /--listen is only for --serve/],
  ['tapdip-sim', 'provoke --port', ['provoke', 'cardRemoved', '--serve', '--port', '65536'], /--port is '65536'/],
  ['tapdip-sim', 'provoke --serve', ['provoke', 'cardRemoved', '--serve', '--explain'], /--serve and --explain contradict/],
  ['tapdip-sim', 'demo --scene', ['demo', '--scene', '9'], /--scene is '9', it takes a whole number from 1 to 8/],
] // biome-ignore format: a table

/** Text of the user's own, or a value with no rule but the other side's. */
const free = new Set(['pay --app', 'pay --sign', 'order new --email', 'order new --comment', 'order pay --app', 'order pay --sign', 'order pay --tip', 'order pay --surcharge', 'refund --app', 'refund --sign', 'order refund --app', 'order refund --sign', 'order receipt --png', 'order receipt --printer', 'scan <payload>', 'acquirer --state', 'acquirer --token', 'bench --token', '<number>', '--journal', '--merchant', '--merchant-id', '--terminal', '--acquirer', '--amount', '--item', '--lang']) // biome-ignore format: a list

describe('the values of flags', () => {
  it.each(wrong.map(([name, what, words, ...said]) => ({ name, what, words, said })))(
    '$name $what: refused by name, exit 2, nothing done',
    async ({ name, words, said }) => {
      const { out, err, code } = await line(name, words)
      for (const expression of said) expect(err).toMatch(expression)
      expect(err).toMatch(/^tapdip(-sim)?: /)
      expect([out, code]).toEqual(['', 2])
    },
  )

  it('every option and argument of both programs has a wrong value above, or is free text', async () => {
    for (const [name, make] of Object.entries(programs))
      for (const command of everyCommand(await make())) {
        const path = command.parent ? commandPath(command) : ''
        const takesValue = (option: Option) => option.required || option.optional
        const names = [...command.options.filter(takesValue).map(({ long }) => long!), ...command.registeredArguments.map(one => `<${one.name()}>`)] // biome-ignore format: one line
        for (const one of names) {
          const row = `${path} ${one}`.trim()
          expect(free.has(row) || free.has(one) || wrong.some(([, told]) => told === row), `${name} ${row}`).toBe(true)
        }
      }
  })

  it.each<[Name, readonly string[], RegExp]>([
    ['tapdip', ['pya'], /there is no command 'pya'; did you mean 'pay'\?/],
    ['tapdip', ['order', 'reciept', '7'], /did you mean 'receipt'\?/],
    ['tapdip', [...pay, '--statustime', '5'], /there is no option --statustime; did you mean --status-time\?/],
    ['tapdip', ['pay', '1.00', '--currency', 'RUB'], /--acquirer is missing/],
    ['tapdip', ['pay', '--currency', 'RUB', '--acquirer', 'http://127.0.0.1:1'], /<amount> is missing/],
    ['tapdip', ['list', '--time'], /--time takes a value/],
    ['tapdip', ['list', 'all'], /list takes 0 arguments, 1 were given/],
    ['tapdip', ['list', '--lang', 'fr'], /--lang is 'fr', it takes en, ru/],
    ['tapdip-sim', ['--lang', 'rus', 'config'], /--lang is 'rus', it takes en, ru; did you mean 'ru'\?/],
  ])('%s %o: %s', async (name, words, said) => {
    const { err, code } = await line(name, words)
    expect(err).toMatch(said)
    expect(code).toBe(2)
  })
})

/** A line of each command that is right, and reaches nobody: what is put in makes it wrong. */
const right: Readonly<Record<Name, Readonly<Record<string, readonly string[]>>>> = {
  tapdip: {
    ...{ list: ['--over', 'serial'], info: ['tcp://127.0.0.1:1?family=qpos'], pay: [...pay.slice(1), '--reader', 'tcp://127.0.0.1:1?family=qpos'] },
    ...{ refund: refund.slice(1), update: ['tcp://127.0.0.1:1?family=qpos', import.meta.filename] },
    ...{ 'order new': ['1.00'], 'order pay': [...orderPay.slice(2), '--method', 'reader'], 'order refund': orderRefund.slice(2), 'order sync': ['--acquirer', 'http://127.0.0.1:1'] },
    ...Object.fromEntries(['status', 'confirm', 'increment', 'cancel'].map(name => [`order ${name}`, orderRefund.slice(2, -1)])),
    ...{ 'order receipt': ['7', '--fiscal'], 'order repair': [], 'order list': [] },
    ...{ decode: ['9F0200', '--as', 'iso8583'], explain: [import.meta.filename], apdu: ['tcp://127.0.0.1:1?family=vpcd', '00A4040000'], replay: [import.meta.filename, '--reader', 'tcp://127.0.0.1:1'] },
    ...{ 'keys initial': pinOf.slice(2, 6), 'keys wrap': ['--under', 'test', '--key', 'test'], 'keys check': ['--key', 'test'], 'keys pin': pinOf.slice(2), 'keys track': trackOf.slice(2) },
  },
  'tapdip-sim': {
    bench: ['--no-open'],
    ...{ serve: ['qpos', '--listen', 'tcp:0'], acquirer: ['--port', '0', '--iso8583', '0'], scan: ['x', '--acquirer', 'http://127.0.0.1:1'], config: [], image: image.slice(1), run: [], test: [], provoke: ['cardRemoved', '--family', 'qpos'], report: ['test/vectors/explained.jsonl'], demo: [], play: [import.meta.filename] },
  },
} // biome-ignore format: a table

const unfit = {
  nothing: '',
  'too long': 'x'.repeat(5000),
  'a command to the terminal': '/none/a\n\x1b[31mb',
  'a folder': '/usr/lib', // the same length on every machine
} as const
/** What such a value is right for, and why. */
const fit: Readonly<Record<keyof typeof unfit, readonly string[]>> = {
  nothing: ['serve --pin'], // ENTER alone
  'too long': [],
  'a command to the terminal': [],
  'a folder': ['pay --app', 'pay --sign', 'pay --merchant', 'scan <payload>', 'acquirer --token', 'explain --of', 'serve --serial'], // text
}
/** Looked at when the order is there, or the file. */
const later = new Set(['--item', '--png', '--cashier', '--place', 'explain --of'])

/** The flag of a line, given once, with this value. */
const withFlag = (words: readonly string[], flag: string, value: string) => {
  const at = words.indexOf(flag)
  return [...(at < 0 ? words : words.toSpliced(at, 2)), `${flag}=${value}`]
}

const valued = async (make: () => Promise<Command>) =>
  everyCommand(await make())
    .filter(({ commands }) => commands.length === 0)
    .flatMap(command => command.options.filter(one => one.required || one.optional).map(option => ({ path: commandPath(command), option })))

describe.each(Object.keys(unfit) as (keyof typeof unfit)[])('%s as a value', kind => {
  it.each(Object.entries(programs))(
    '%s: every option refuses it by name, and repeats nothing that a terminal would obey',
    async (name, make) => {
      const folder = mkdtempSync(join(tmpdir(), 'tapdip-unfit-'))
      vi.stubEnv('TAPDIP_STATE', folder)
      try {
        await line('tapdip', ['order', 'new', '1.00', '--number', '7'])
        for (const { path, option } of await valued(make)) {
          const flag = option.long!
          const row = `${path} ${flag}`
          if (fit[kind].includes(row) || later.has(flag) || later.has(row)) continue
          if (kind === 'a folder' && !/<(file|uri|url|name|json|key|hex|amount|number|code)>/.test(option.flags)) continue
          if (kind === 'a folder' && /^--(number|order|merchant|cashier)$/.test(flag)) continue // text
          const words = right[name as Name][path]
          expect(words, `no right line for ${name} ${path}`).toBeDefined()
          const { out, err, code } = await line(name as Name, [...path.split(' '), ...withFlag(words, flag, unfit[kind])])
          const told = `${row}: ${err}`
          expect(
            err.split('\n').find(row => row.startsWith(`${name}: `)),
            told,
          ).toContain(flag)
          expect(err, told).not.toMatch(/internal|\bE[A-Z]{4,}\b|TypeError|undefined|NaN|x{100}/)
          expect(err.replaceAll('\n', ''), told).not.toMatch(/\p{Cc}/u)
          expect([out, flag === '--journal' && code === 1 ? 2 : code], told).toEqual(['', 2])
        }
      } finally {
        rmSync(folder, { recursive: true, force: true })
      }
    },
  )
})

it.each(Object.entries(programs))('%s: an option that takes one value is refused when it is given twice', async (name, make) => {
  for (const { path, option } of await valued(make)) {
    const flag = option.long!
    if (option.variadic || Array.isArray(option.defaultValue)) continue
    const values = [
      ...(option.argChoices ?? []),
      '1',
      '10',
      '1234567890',
      'tcp://127.0.0.1:1',
      'http://127.0.0.1:7000/#token=longenough',
      '4012345678909',
      'longenough',
      'tcp:0',
      'ascii',
      '1.00',
      '1/3',
    ]
    const value = values.find(one => {
      try {
        option.parseArg?.(one, undefined)
        return true
      } catch {
        return false
      }
    })
    expect(value, `${path} ${flag}`).toBeDefined()
    const { err, code } = await line(name as Name, [...path.split(' '), `${flag}=${value}`, `${flag}=${value}`, '--lang', 'en'])
    expect([err.split('\n')[0], code]).toEqual([expect.stringContaining(`${flag} is given twice, it takes one value`), 2])
  }
})

describe('--json', () => {
  it('a fault is an object on standard output, the exit code as before', async () => {
    for (const [words, error, code] of [
      [['list', '--over', 'bel', '--json'], { code: 'bad-argument', details: { field: '--over', value: 'bel', meant: 'ble' } }, 2],
      [['decode', '9F0', '--json'], { code: 'bad-hex' }, 2],
      [['info', '--json'], { code: 'bad-argument', details: { field: '<uri>' } }, 2],
      [['info', '--json', 'tcp://127.0.0.1:1?family=qpos'], { code: 'link-failed' }, 1],
      [['explain', '--json', '/none/x'], { code: 'bad-argument' }, 2],
      [[...orderPay, '--journal', '/none/x', '--json'], { code: 'journal', details: { reason: 'not-found' } }, 1],
      [['apdu', '--json', 'x', '00A4040000'], { code: 'bad-uri' }, 2],
    ] as const) {
      const told = await line('tapdip', words)
      expect(JSON.parse(told.out)).toMatchObject({ error: { message: expect.any(String), ...error } })
      expect(told.code, words.join(' ')).toBe(code)
    }
  })

  it('every command that has it says so at its first wrong flag', async () => {
    for (const [name, make] of Object.entries(programs))
      for (const command of everyCommand(await make()).filter(one => one.options.some(({ long }) => long === '--json'))) {
        const told = await line(name as Name, [...commandPath(command).split(' '), '--json', '--no-such-flag'])
        expect(JSON.parse(told.out).error, commandPath(command)).toMatchObject({
          code: 'bad-argument',
          details: { field: expect.stringMatching(/^--/) },
        })
      }
  })
})

describe('--lang ru', () => {
  /** Words of the field and names that Russian keeps. */
  const terms =
    /Transaction Status Information|qpos-nfc-apdu, idtech-apdu, idtech-menu|chip, tap, swipe|CVM Results|TVR, floorLimitExceeded, CVM|idtech, miura, qpos, magtek, bluepad|USB HID|PC\/SC|ISO 8583:1987|ISO 4217|Ctrl-C|Enter, Backspace/g
  /** What is no prose: placeholders, flags, values, code in quotes, examples, lists of names. */
  const plain = (text: string) =>
    text.replace(/\s+/g, ' ').replace(/\((?:допустимо|по умолчанию)[^)]*\)/g, '').replace(terms, '').replace(/`[^`]*`|"[^"]*"|\{[^}]*\}|<[^>]*>|\[[^\]]*\]/g, '').replace(/\S*[:/|]\S*/g, '').replace(/--?[a-z][\w-]*/g, '') // biome-ignore format: one line
  const english = /(?:\b[A-Za-z]{2,}[ ,]+){2}[A-Za-z]{2,}/

  const everyHelp = async (lang: 'en' | 'ru') =>
    (await Promise.all(Object.values(programs).map(make => make()))).flatMap(program => {
      prepare(program, ['--lang', lang])
      return everyCommand(program).map(command => {
        let text = ''
        command.configureOutput({ writeOut: part => void (text += part), getOutHelpWidth: () => 2000 })
        command.outputHelp()
        return [`${program.name()} ${commandPath(command)}`, text] as const
      })
    })

  it('the help of every command has no English sentence', async () => {
    const helps = await everyHelp('ru')
    expect(helps.length).toBeGreaterThan(25)
    for (const [name, text] of helps) {
      expect(text, name).toMatch(/^Использование: /)
      for (const row of text.split('\n')) expect(plain(row.replace(/^Использование: .*/, '').replace(/^ {2}\S.*? {2,}/, '')), `${name}: ${row}`).not.toMatch(english) // biome-ignore format: one line
    }
    // The same test finds the English ones.
    expect((await everyHelp('en')).filter(([, text]) => text.split('\n').some(row => english.test(plain(row.replace(/^ {2}\S.*? {2,}/, ''))))).length).toBe(helps.length) // biome-ignore format: one line
  })

  it('every text of the help has a Russian one', async () => {
    for (const make of Object.values(programs)) {
      const [told, said] = [await make(), await make()]
      localise(said, 'ru')
      const texts = (program: Command) => everyCommand(program).flatMap(command => [command.description(), ...command.options.map(({ long, description }) => `${long} ${description}`), ...command.registeredArguments.map(({ description }) => description)].map(text => [commandPath(command), text] as const)) // biome-ignore format: one line
      const [before, after] = [texts(told), texts(said)]
      for (const [index, [path, text]] of before.entries())
        if (/[a-z]{2,} [a-z]{2,}/.test(text.replace(/^--\S+ /, ''))) expect(after[index][1], `${path}: ${text}`).toMatch(/[а-яё]/)
    }
  })

  it('title and hint of every fault are Russian, its own words stand apart', () => {
    const codes = messageIds.filter(id => id.startsWith('fault.') && id !== 'fault.details').map(id => id.slice('fault.'.length))
    expect(codes.length).toBeGreaterThan(25)
    for (const code of codes.filter(one => one !== 'aborted')) {
      const [title, hint, details, ...rest] = faultLines(new Fault(code as FaultCode, 'the words of the machine'), 'ru')
      expect([title, rest]).toEqual([expect.stringMatching(new RegExp(`^[А-Яа-яA-Z ёЁ,:-]+ \\(${code}\\)$`)), []])
      expect(hint).toMatch(/[а-яё]/)
      expect(details).toBe('Подробности: the words of the machine')
    }
  })

  it('a wrong flag is told in Russian alone', async () => {
    for (const words of [
      ...wrong.filter(([, , , said]) => /it takes|did you mean|only for|contradict/.test(said.source)),
      ['tapdip', '', ['pya']] as const,
    ]) {
      const { err } = await line(words[0], [...words[2], '--lang', 'ru'])
      if (/Подробности/.test(err)) continue // said by what is deeper than the command line
      expect(plain(err.replaceAll(/«[^»]*»/g, '').replaceAll(/(допустимо|есть)[:]? [^;\n]*/g, '')), err).not.toMatch(english)
      expect(err).toMatch(/Не принято|Адрес не понят|--help показывает/)
    }
    expect((await line('tapdip', ['list', '--time', 'x', '--lang=ru'])).err).toBe('tapdip: Не принято (bad-argument): --time: «x»; допустимо целое число от 1 до 600\n  --help показывает, что допустимо.\n') // biome-ignore format: one line
  })

  it('the environment chooses where no flag does', async () => {
    vi.stubEnv('LC_ALL', 'ru_RU.UTF-8')
    expect((await line('tapdip', ['pya'])).err).toMatch(/нет команды «pya»; возможно, «pay»\?/)
    expect((await line('tapdip', ['pya', '--lang', 'en'])).err).toMatch(/there is no command/)
  })

  it('what is said of an order speaks of no reader and no port', () => {
    expect(faultLines(new Fault('not-found', 'the journal has no order 7', { order: '7' })).join()).not.toMatch(/reader/)
    expect(faultLines(new Fault('not-found', 'tcp://a:1: no such host', { uri: 'tcp://a:1' })).join()).toMatch(/reader/)
    expect(faultLines(new Fault('busy', 'order 7 is already paid', { order: '7' })).join()).not.toMatch(/somebody|program|port/)
    expect(faultLines(new Fault('busy', 'order 7 is already paid', { order: '7' }), 'ru').join()).not.toMatch(/Занято|программ|порт/)
  })

  it('one line of a fault, in both languages', () => {
    const fault = new Fault('busy', 'somebody has the port')
    expect(faultMessage(fault)).toBe('In use by somebody else (busy): somebody has the port')
    expect(faultMessage(fault, 'ru')).toBe('Занято другим (busy). Подробности: somebody has the port')
  })
})
