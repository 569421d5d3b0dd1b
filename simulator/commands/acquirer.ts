/** `tapdip-sim acquirer`: a virtual acquirer and issuer that runs until it is interrupted, and prints what it sees. */

import type { Command } from 'commander'
import { choice, onlyFor, repeated, secretOf, wholeNumber } from '../../src/command/flags.ts'
import { interrupted } from '../../src/command/interruption.ts'
import { isFault } from '../../src/errors.ts'
import { bookFault } from '../../src/file-fault.ts'
import { type IsoDialectName, isoDialects } from '../../src/payment/host/iso8583/dialect.ts'
import { usageFault } from '../../src/refusal.ts'
import { type HostEvent, hostEventLine, startAcquirer } from '../acquirer/host.ts'
import { startIsoLine } from '../acquirer/iso8583/host.ts'
import { parseRisk, type RiskRule } from '../acquirer/issuer/risk.ts'
import { parseBonus, parseMerchants } from '../acquirer/options.ts'
import { type HostRule, parseRules } from '../acquirer/rules.ts'

interface AcquirerFlags {
  readonly iso8583?: number
  readonly isoDialect?: IsoDialectName
  readonly port: number
  readonly state?: string
  readonly rule: readonly string[]
  readonly magicAmounts?: boolean
  readonly risk: readonly string[]
  readonly merchant: readonly string[]
  readonly bonus?: string
  readonly token?: string
  readonly quiet?: boolean
}

export function addAcquirer(program: Command): void {
  program
    .command('acquirer')
    .description('a virtual acquirer and issuer on a loopback port, until Ctrl-C')
    .option('--port <number>', '0 takes a free one', wholeNumber('--port', 0, 65535), 8080)
    .option('--iso8583 <port>', 'ISO 8583:1987 on this port too; 0 takes a free one', wholeNumber('--iso8583', 0, 65535))
    .addOption(choice('--iso-dialect <name>', 'what --iso8583 speaks; tapdip when left out', Object.keys(isoDialects)))
    .option('--state <file>', 'keeps orders and accounts across restarts (SQLite); memory only when left out')
    .option(
      '--rule <json>',
      '{"when":{"amount":{"above":1000000}},"do":"decline","code":"51","reason":"…"}; may be repeated',
      repeated(),
      [],
    )
    .option('--magic-amounts', 'the last two digits of an amount say what the host answers, where no --rule does: 1.05 is declined with 05')
    .option(
      '--risk <json>',
      '{"check":"velocity","per":"card","seconds":60,"count":3}, refused before the bank is asked; may be repeated',
      repeated(),
      [],
    )
    .option('--merchant <json>', '{"id":"635459020000001","stages":2}: who may be paid, all when left out; may be repeated', repeated(), [])
    .option('--bonus <json>', '{"award":1.5,"spend":50,"pan":"2200"}: percent that comes back as points, and that points may pay')
    .option(
      '--token <text>',
      'asked of everybody; a random one, asked of pages in a browser only, when left out',
      secretOf('--token', 8, 256),
    )
    .option('--quiet', 'do not print what the host sees')
    .action(async ({ port, iso8583, isoDialect, state, rule, magicAmounts, risk, merchant, bonus, token, quiet }: AcquirerFlags) => {
      if (port !== 0 && port === iso8583) throw usageFault('usage.conflict', { field: '--port', other: '--iso8583' })
      if (iso8583 === undefined) onlyFor('--iso8583', { '--iso-dialect': isoDialect })
      const merchants = merchant.map(text => taken('--merchant', text, one => parseMerchants([one])))
      const host = await startAcquirer({
        port,
        rules: rule.map(text => taken('--rule', text, one => parseRules([one])) as HostRule),
        ...(magicAmounts && { magicAmounts }),
        risk: risk.map(text => taken('--risk', text, one => parseRisk([one])) as RiskRule),
        ...(merchants.length > 0 && { merchants: parseMerchants(merchants) }),
        ...(bonus !== undefined && { bonus: parseBonus(taken('--bonus', bonus, parseBonus)) }),
        ...(state !== undefined && { state }),
        ...(token !== undefined && { token }),
        ...(!quiet && { onEvent: (event: HostEvent) => void process.stdout.write(`${hostEventLine(event)}\n`) }),
      }).catch(error => {
        throw state !== undefined && (isFault(error, 'journal') || (isFault(error, 'bad-argument') && error.details.field === 'path'))
          ? bookFault('--state', state, error, 'bad-argument')
          : error
      })
      try {
        const line =
          iso8583 === undefined ? undefined : await startIsoLine(host.desk, { port: iso8583, ...(isoDialect && { dialect: isoDialect }) })
        process.stdout.write(`acquirer: ${host.url}\n`)
        if (token === undefined)
          process.stdout.write(`token for pages in a browser (Authorization: Bearer, to change something here): ${host.token}\n`)
        if (line) process.stdout.write(`acquirer: ${line.url}\n`)
        await interrupted()
        await line?.close()
      } finally {
        await host.close()
      }
    })
}

/** What a flag has in JSON, if `check` takes it: what it refuses is told with the flag. */
function taken(flag: string, text: string, check: (value: unknown) => unknown): unknown {
  const value = parsed(text, flag)
  try {
    check(value)
  } catch (error) {
    if (!isFault(error, 'bad-config', 'bad-argument')) throw error
    const { path, rule } = error.details
    const within = String(path ?? '').replace(/^0(\.|$)/, '')
    // The library's sentence is English; what it allows needs no translation.
    const allowed = String(rule ?? error.message).replace(/^Invalid [^.:]*[.:] expected ([^,]*).*$/is, '$1')
    throw usageFault('usage.part', { field: flag, value: text, path: within || text, allowed }, error.code)
  }
  return value
}

function parsed(text: string, flag: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw usageFault('usage.json', { field: flag, value: text })
  }
}
