/** `tapdip-sim config`: a ready profile as a file of JSON, to begin one's own with. */

import type { Command } from 'commander'
import { hex } from '../../src/bytes.ts'
import { currency } from '../../src/currency.ts'
import { contactlessFor } from '../../src/emv/contactless/profiles.ts'
import { mposFor } from '../../src/emv/profiles.ts'
import { virtualConfig } from '../world.ts'

export function addConfig(program: Command): void {
  program
    .command('config')
    .description('the virtual terminal’s configuration with the test CA keys, as JSON for `tapdip pay --config`')
    .option('--currency <code>', 'ISO 4217', 'RUB')
    .option('--taps', 'its rules for taps instead, for `tapdip pay --contactless`')
    .action(({ currency: code, taps }: { readonly currency: string; readonly taps?: boolean }) => {
      const { alpha } = currency(code)
      const told = taps ? contactlessFor(alpha) : virtualConfig(undefined, site => mposFor(alpha, site))
      process.stdout.write(`${JSON.stringify(told, asJson, 2)}\n`)
    })
}

/** Bytes as hex, amounts as digits, maps as objects with tags in hex: what `parseTerminalConfig` reads. */
function asJson(_: string, value: unknown): unknown {
  if (value instanceof Uint8Array) return hex(value)
  if (value instanceof Map) return Object.fromEntries([...value].map(([tag, one]) => [tag.toString(16).padStart(2, '0'), one]))
  return typeof value === 'bigint' ? String(value) : value
}
