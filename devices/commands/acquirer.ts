/** The acquirer of a command, by its address: `https://…` and JSON, or `iso8583://host:port`. */

import { readFileSync } from 'node:fs'
import type { Command } from 'commander'
import { fromHex } from '../../src/bytes.ts'
import { onlyFor } from '../../src/command/flags.ts'
import { macAlgorithm3 } from '../../src/crypto/mac.ts'
import { Fault, isFault } from '../../src/errors.ts'
import { fileFault } from '../../src/file-fault.ts'
import type { OrderAcquirer, RetailAcquirer } from '../../src/payment/acquirer.ts'
import { httpAcquirer } from '../../src/payment/host/http.ts'
import { iso8583Acquirer } from '../../src/payment/host/iso8583/client.ts'
import type { IsoMac } from '../../src/payment/host/iso8583/codec.ts'
import type { IsoDialect } from '../../src/payment/host/iso8583/dialect.ts'
import { namedDialect, parseIsoDialect } from '../../src/payment/host/iso8583/dialect-file.ts'
import { usageFault } from '../../src/refusal.ts'
import { connect } from '../../src/transport/connect.ts'

/** Close it, and no connection is left. */
export interface CommandAcquirer {
  /** Cash and SBP are for the JSON interface: ISO 8583 has no message for them. */
  readonly acquirer: OrderAcquirer & Partial<RetailAcquirer>
  close(): Promise<void>
}

export interface AcquirerFlags {
  readonly acquirer: string
  readonly terminal: string
  readonly isoDialect?: IsoDialect
}

/** `--acquirer`, and what an ISO 8583 line needs beside it. */
export function acquirerOptions(command: Command): Command {
  return command
    .requiredOption('--acquirer <url>', 'http://127.0.0.1:8080, iso8583://127.0.0.1:8583')
    .option('--iso-dialect <name>', 'what an iso8583: acquirer speaks: a name, or a file (JSON); tapdip when left out', dialectOf)
}

/** Of a host that asks everybody for a token; not for a command line. */
function hostToken(): { readonly token?: string } {
  const { TAPDIP_ACQUIRER_TOKEN: token } = process.env
  return token === undefined || token === '' ? {} : { token }
}

/** 16 bytes in hex in `TAPDIP_ISO_MAC_KEY`: messages have a MAC of ISO/IEC 9797-1 algorithm 3 with padding 1 (ANSI X9.19) in field 64 or 128, and answers need one. @throws Fault `bad-key` */
function lineMac(): { readonly mac?: IsoMac } {
  const { TAPDIP_ISO_MAC_KEY: text } = process.env
  if (text === undefined || text === '') return {}
  if (!/^[0-9a-f]{32}$/i.test(text)) throw new Fault('bad-key', 'TAPDIP_ISO_MAC_KEY is not 32 hex digits', { field: 'TAPDIP_ISO_MAC_KEY' })
  const key = fromHex(text)
  return { mac: data => macAlgorithm3(key, data, 1) }
}

/** A name, or the path of a file: what has a dot or a slash in it. @throws Fault `bad-argument`, `bad-config` */
function dialectOf(given: string): IsoDialect {
  if (!/[./\\]/.test(given)) return namedDialect(given)
  const field = '--iso-dialect'
  let text: string
  try {
    text = readFileSync(given, 'utf8')
  } catch (cause) {
    throw fileFault(field, given, cause, 'read')
  }
  try {
    return parseIsoDialect(JSON.parse(text))
  } catch (cause) {
    if (!isFault(cause)) throw usageFault('usage.json', { field, value: given }, 'bad-config')
    const { path = 'dialect', rule = cause.message } = cause.details
    throw usageFault('usage.part', { field, value: given, path, allowed: rule }, 'bad-config')
  }
}

/** As with http: the line has no encryption of its own, and a PAN never crosses a network in clear. A tunnel of the bank's ends on this machine. */
const ISO_ADDRESS = 'iso8583://127.0.0.1:<1–65535>'

/** @throws Fault `bad-argument` where the address is none */
export function acquirerAt({ acquirer: address, terminal, isoDialect: dialect }: AcquirerFlags): CommandAcquirer {
  const [, place] = /^iso8583:\/\/(.*)$/s.exec(address) ?? []
  const refused = (value: unknown, allowed: string) => usageFault('usage.oneOf', { field: '--acquirer', value: String(value), allowed })
  if (place === undefined) {
    onlyFor('--acquirer iso8583:', { '--iso-dialect': dialect })
    try {
      return { acquirer: httpAcquirer(address, hostToken()), close: async () => {} }
    } catch (error) {
      if (!isFault(error, 'bad-argument') || error.details.field !== 'acquirer') throw error
      throw refused(error.details.value, `${error.details.allowed}, ${ISO_ADDRESS}`)
    }
  }
  const [, digits] = /^(?:127\.0\.0\.1|localhost|\[::1\]):(\d{1,5})\/?$/.exec(place) ?? []
  if (!(Number(digits) >= 1 && Number(digits) <= 65535)) throw refused(address, ISO_ADDRESS)
  const acquirer = iso8583Acquirer({
    ...{ connect: ({ signal }) => connect(`tcp://${place}`, { signal }), terminal },
    ...(dialect && { dialect }),
    ...lineMac(),
  })
  return { acquirer, close: () => acquirer.close() }
}
