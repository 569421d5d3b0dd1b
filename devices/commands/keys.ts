/** `tapdip keys`: initial keys for a rig, enciphered for `loadKeys`; PIN blocks and tracks opened with test keys. What prints a secret says so. */

import { readFileSync } from 'node:fs'
import type { Command } from 'commander'
import { hex, text } from '../../src/bytes.ts'
import { bytesOf, choice, wholeNumber } from '../../src/command/flags.ts'
import { language } from '../../src/command/line.ts'
import { checkValue } from '../../src/crypto/des.ts'
import { initialKey } from '../../src/crypto/dukpt.ts'
import { aesInitialKey } from '../../src/crypto/dukpt-aes.ts'
import { encipherKey, openPinBlock, openTrack } from '../../src/crypto/key-tools.ts'
import { aesCmac } from '../../src/crypto/mac.ts'
import { fileFault } from '../../src/file-fault.ts'
import { type MessageId, message } from '../../src/messages/messages.ts'
import { usageFault } from '../../src/refusal.ts'

/** What the standards publish for everybody to test with: X9.24-1:2009, Annex A; X9.24-3:2017, Annex B. */
const published: Readonly<Record<string, string>> = {
  test: '0123456789ABCDEFFEDCBA9876543210',
  'test-aes': 'FEDCBA9876543210F1F1F1F1F1F1F1F1',
}
/** Bytes of keys. */
const DES = [8, 16, 24]
const AES = [16, 24, 32]
const KEY = 'hex, @<file>, env:<name>, or a published test key: test, test-aes'

interface Common {
  readonly json?: boolean
  readonly lang?: string
}

export function addKeys(program: Command): void {
  const keys = program
    .command('keys')
    .description('keys of a test rig: derived, enciphered for a reader, and what came under them opened. Test keys only')
  keys
    .command('initial')
    .description('the initial key of a device out of its base derivation key; in clear unless --under is given')
    .requiredOption('--bdk <key>', `base derivation key: ${KEY}`)
    .requiredOption('--ksn <hex>', 'key serial number: 10 bytes for triple DES; 12, or the 8 of the initial key ID, for AES')
    .option('--under <key>', 'prints it enciphered under this key, as `loadKeys` of a reader takes it, and not in clear')
    .option('--kcv <bytes>', 'of the check value, as many as the reader takes: QPOS 8', wholeNumber('--kcv', 1, 8), 3)
    .option('--json', 'one JSON object')
    .action(({ bdk, ksn: serial, under, kcv, ...common }: Common & { bdk: string; ksn: string; under?: string; kcv: number }) => {
      const ksn = bytesOf('--ksn', serial, [8, 10, 12])
      const aes = ksn.length !== 10
      const base = keyOf('--bdk', bdk, aes ? AES : [16])
      const key = aes ? aesInitialKey(base, ksn.subarray(0, 8)) : initialKey(base, ksn)
      if (under === undefined) tell(common, 'keys.clear', { initialKey: hex(key), kcv: hex(kcvOf(key, aes)), ksn: hex(ksn) })
      else {
        const sealed = encipherKey(keyOf('--under', under, aes ? AES : DES), key, { by: aes ? 'aes' : 'des', kcv })
        tell(common, undefined, { key: hex(sealed.key), kcv: hex(sealed.kcv), ksn: hex(ksn) })
      }
    })
  keys
    .command('wrap')
    .description('a key enciphered under another, with its check value, as `loadKeys` of a reader takes it')
    .requiredOption('--under <key>', `key encryption key: ${KEY}`)
    .requiredOption('--key <key>', `the key: ${KEY}`)
    .option('--aes', 'both are AES keys; triple DES when left out')
    .option('--kcv <bytes>', 'of the check value, as many as the reader takes: QPOS 8', wholeNumber('--kcv', 1, 8), 3)
    .option('--json', 'one JSON object')
    .action(({ under, key, aes, kcv, ...common }: Common & { under: string; key: string; aes?: boolean; kcv: number }) => {
      const sizes = aes ? AES : DES
      const sealed = encipherKey(keyOf('--under', under, sizes), keyOf('--key', key, sizes), { by: aes ? 'aes' : 'des', kcv })
      tell(common, undefined, { key: hex(sealed.key), kcv: hex(sealed.kcv) })
    })
  keys
    .command('check')
    .description('the check value of a key')
    .requiredOption('--key <key>', KEY)
    .option('--aes', 'an AES key; triple DES when left out')
    .option('--json', 'one JSON object')
    .action(({ key, aes, ...common }: Common & { key: string; aes?: boolean }) =>
      tell(common, undefined, { kcv: hex(kcvOf(keyOf('--key', key, aes ? AES : DES), aes === true)) }),
    )
  keys
    .command('pin')
    .description('the PIN of a block under DUKPT, in clear')
    .requiredOption('--bdk <key>', `base derivation key: ${KEY}`)
    .requiredOption('--ksn <hex>', 'its key serial number: 10 bytes for triple DES (formats 0 and 3), 12 for AES (format 4)')
    .requiredOption('--block <hex>', '8 bytes, of format 4 16')
    .requiredOption('--pan <digits>', 'the card number that the block is bound to', panDigits)
    .addOption(choice('--format <number>', 'of the block; 0 when left out, 4 with a key serial number of AES', ['0', '3', '4']))
    .option('--json', 'one JSON object')
    .action(
      ({ bdk, ksn, block, pan, format, ...common }: Common & Record<'bdk' | 'ksn' | 'block' | 'pan', string> & { format?: string }) => {
        const serial = bytesOf('--ksn', ksn, [10, 12])
        const aes = serial.length === 12
        const pin = openPinBlock(
          keyOf('--bdk', bdk, aes ? AES : [16]),
          serial,
          bytesOf('--block', block, [aes ? 16 : 8]),
          pan,
          format === undefined ? undefined : (Number(format) as 0 | 3 | 4),
        )
        tell(common, 'keys.clear', { pin: Array.from(pin).join('') })
      },
    )
  keys
    .command('track')
    .description('a track, or other data, under the data key of DUKPT, in clear')
    .requiredOption('--bdk <key>', `base derivation key: ${KEY}`)
    .requiredOption('--ksn <hex>', 'its key serial number: 10 bytes for triple DES, 12 for AES')
    .requiredOption('--data <hex>', 'whole blocks')
    .option('--json', 'one JSON object')
    .action(({ bdk, ksn, data, ...common }: Common & Record<'bdk' | 'ksn' | 'data', string>) => {
      const serial = bytesOf('--ksn', ksn, [10, 12])
      const aes = serial.length === 12
      const opened = openTrack(keyOf('--bdk', bdk, aes ? AES : [16]), serial, blocksOf('--data', data, aes ? 16 : 8))
      const plain = opened.subarray(0, opened.findLastIndex(byte => byte !== 0) + 1)
      const printable = plain.every(byte => byte >= 0x20 && byte <= 0x7e)
      tell(common, 'keys.clear', printable ? { track: text(plain) } : { data: hex(opened) })
    })
}

function kcvOf(key: Uint8Array, aes: boolean): Uint8Array {
  return aes ? aesCmac(key, new Uint8Array(16)).slice(0, 3) : checkValue(key)
}

/** A PAN in a refusal is told by its length. @throws Fault `bad-argument` */
function panDigits(digits: string): string {
  if (!/^\d{8,19}$/.test(digits)) throw usageFault('usage.panDigits', { field: '--pan', value: digits.length })
  return digits
}

/** Whole blocks of a cipher, one at least. @throws Fault `bad-argument` */
function blocksOf(flag: string, digits: string, block: number): Uint8Array {
  const bytes = bytesOf(flag, digits)
  if (bytes.length === 0 || bytes.length % block !== 0)
    throw usageFault('usage.bytes', { field: flag, value: bytes.length, allowed: `${block}, ${2 * block}, ${3 * block}, …` })
  return bytes
}

/** The words of a fault never repeat the key. */
function keyOf(flag: string, said: string, sizes: readonly number[]): Uint8Array {
  const digits = (
    Object.hasOwn(published, said)
      ? published[said]
      : said.startsWith('@')
        ? fileText(flag, said.slice(1))
        : said.startsWith('env:')
          ? (process.env[said.slice(4)] ?? '')
          : said
  ).replace(/\s+/g, '')
  if (!/^([\dA-Fa-f]{2})+$/.test(digits)) throw usageFault('usage.key', { field: flag, allowed: KEY })
  return bytesOf(flag, digits, sizes)
}

function fileText(flag: string, file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw fileFault(flag, file, cause, 'read')
  }
}

/** `warning` goes to standard error: what follows is a secret. */
function tell({ json, lang }: Common, warning: MessageId | undefined, said: Readonly<Record<string, string>>): void {
  const spoken = language(lang)
  if (warning) process.stderr.write(`${message(warning, spoken)}\n`)
  const names = { initialKey: 'keys.initialKey', key: 'keys.enciphered', kcv: 'keys.kcv', ksn: 'keys.ksn', pin: 'keys.pin', track: 'keys.track', data: 'keys.data' } as const // biome-ignore format: a table
  if (json) process.stdout.write(`${JSON.stringify(said, null, 2)}\n`)
  else
    for (const [name, value] of Object.entries(said))
      process.stdout.write(`${message(names[name as keyof typeof names], spoken)}: ${value}\n`)
}
