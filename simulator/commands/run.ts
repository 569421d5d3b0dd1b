/** `tapdip-sim run`: one payment of a virtual card in the kernel, without a reader; its outcome and why each bit is as it is. */

import type { Command } from 'commander'
import { fromHex, hex } from '../../src/bytes.ts'
import { amountOf, choice, matching, onlyFor, wholeNumber } from '../../src/command/flags.ts'
import { EXIT, language } from '../../src/command/line.ts'
import { DukptDevice, initialKey } from '../../src/crypto/dukpt.ts'
import { currency, formatAmount } from '../../src/currency.ts'
import type { Card } from '../../src/emv/card.ts'
import { transact } from '../../src/emv/contact/kernel.ts'
import { tagName } from '../../src/emv/data.ts'
import { explanationJson, printExplanations } from '../../src/emv/explain/print.ts'
import type { Outcome } from '../../src/emv/outcome.ts'
import { eurMpos, russianMpos } from '../../src/emv/profiles.ts'
import type { AuthorisationRequest, AuthorisationResponse, Terminal } from '../../src/emv/terminal.ts'
import { message } from '../../src/messages/messages.ts'
import { explanationsOf, KernelTrace } from '../../src/reader/kernel-trace.ts'
import { write } from '../../src/tlv/ber.ts'
import { describe } from '../../src/tlv/print.ts'
import { configurationDigest } from '../../src/trace/digest.ts'
import type { Tracer } from '../../src/trace/event.ts'
import { parseTraceLog } from '../../src/trace/read.ts'
import { Issuer } from '../acquirer/issuer/issuer.ts'
import { magicOf, magicRules } from '../acquirer/magic.ts'
import { type CheckedRule, parseRules } from '../acquirer/rules.ts'
import { loadCard, type VirtualCard } from '../cards/icc.ts'
import { allAccounts } from '../cards/issuer-view.ts'
import { profiles } from '../cards/profiles/index.ts'
import { MOST_SEED } from '../chance.ts'
import { testPinDukpt } from '../keys.ts'
import { drawnSeed, seededBytes, streams } from '../random.ts'
import { pinBlock } from '../readers/pin-keys.ts'
import { virtualConfig } from '../world.ts'
import { traceTo } from './trace-file.ts'

const configs = { russianMpos: { of: russianMpos, unit: currency('RUB') }, eurMpos: { of: eurMpos, unit: currency('EUR') } } as const
export const hosts = ['approve', 'decline', 'unreachable'] as const

export interface RunOptions {
  readonly config?: keyof typeof configs
  /** In the configuration's currency, `2500.00`. */
  readonly amount?: string
  /** What the card's bank does; `approve` still declines a wrong cryptogram or PIN. */
  readonly host?: (typeof hosts)[number]
  /** The last two digits of the amount say what a bank that approves answers. */
  readonly magicAmounts?: boolean
  /** The card's own PIN when left out. */
  readonly pin?: string
  /** Of what is random in the terminal; one is drawn when left out. */
  readonly seed?: number
  /** Is told of the presentation, its steps, commands and rules. */
  readonly tracer?: Tracer
}

/** One payment: of several applications the first is chosen. @throws Fault `bad-argument` for the amount */
export async function runCard(card: VirtualCard, options: RunOptions = {}): Promise<Outcome> {
  const { of, unit } = configs[options.config ?? 'russianMpos']
  const { seed = drawnSeed() } = options
  const transaction = { amount: amountOf('--amount', options.amount ?? '2500.00', unit), currency: unit, at: new Date() }
  const trace = options.tracer && new KernelTrace(options.tracer, 'reader')
  const chip = card.contact()
  const slot: Card = trace
    ? {
        ...{ interface: chip.interface, atr: chip.atr },
        transmit: (apdu, how) => trace.command('contact', apdu, () => chip.transmit(apdu, how)),
      }
    : chip
  const how = { random: seededBytes(seed ^ streams.kernel), ...(trace && { explain: trace.explain() }) }
  const run = () => transact(slot, transaction, virtualConfig(undefined, of), terminalWith(card, options), how)
  return trace ? trace.presented('chip', run) : run()
}

function terminalWith(
  card: VirtualCard,
  { host = 'approve', magicAmounts = false, pin = card.plan.pin?.digits ?? '1234' }: RunOptions,
): Terminal {
  const keys = new DukptDevice(initialKey(testPinDukpt.bdk, testPinDukpt.ksn), testPinDukpt.ksn)
  const issuer = new Issuer({ accounts: [...allAccounts()] })
  return {
    selectApplication: async () => 0,
    async enterPin(request) {
      const digits = Uint8Array.from(pin, Number)
      if (request.type === 'offline') return { type: 'offlinePin', pin: digits }
      return { type: 'onlinePin', block: pinBlock(digits, request.pan, keys.next()) }
    },
    async authorise(request) {
      const { amount } = request.transaction
      const magic = magicAmounts ? magicOf(amount) : undefined
      // There is no line that could be silent: the kernel hears what it would hear in the end.
      if (host === 'unreachable' || magic?.does === 'unknown') return { type: 'unableToGoOnline' }
      return answer(issuer, request, host === 'decline' ? declined : magic ? magicRules(magic, amount) : [])
    },
  }
}

const declined = parseRules([{ do: 'decline', code: '05', reason: 'declined by --host decline' }])

function answer(issuer: Issuer, request: AuthorisationRequest, rules: readonly CheckedRule[]): AuthorisationResponse {
  const { transaction, tags, cvm, pinBlock } = request
  const { amount, currency: unit, type = 'purchase', at = new Date() } = transaction
  const order = { number: '1', amount, currency: unit }
  const merchant = { name: 'MobileTestMerchant', id: '635459020000001', terminal: '63545902' }
  const asked = {
    key: '1',
    order,
    merchant,
    type,
    amount,
    currency: unit,
    at,
    interface: request.interface,
    cvm,
    tags,
    ...(pinBlock && { pinBlock }),
  }
  const { code, issuerAuthenticationData, scripts } = issuer.authorise(asked, issuer.panOf(asked), rules)
  return {
    type: code === '00' ? 'approved' : code === '01' ? 'referral' : 'declined',
    code,
    ...(issuerAuthenticationData && { issuerAuthenticationData }),
    ...(scripts && { scripts }),
  }
}

/** What of an outcome a person looks at: AID, TVR, TSI, CVM Results, cryptogram information, response code. */
const shown = [0x9f06, 0x95, 0x9b, 0x9f34, 0x9f27, 0x8a, 0x9f5b]

function outcomeJson({ result, reason, online, cvm, reversal, advice, fallback, tags }: Outcome) {
  const values = shown.flatMap(tag => (tags.has(tag) ? [[tagName(tag), hex(tags.get(tag)!)] as const] : []))
  return {
    result,
    ...(reason && { reason }),
    online,
    cvm,
    ...(reversal && { reversal }),
    ...(advice && { advice }),
    ...(fallback && { fallback }),
    tags: Object.fromEntries(values),
  }
}

function printOutcome({ tags, ...outcome }: ReturnType<typeof outcomeJson>): string {
  const head = Object.entries(outcome).map(([name, value]) => (name === 'result' ? value : value === true ? name : `${name} ${value}`))
  const lines = Object.entries(tags).flatMap(([tag, value]) => [
    `  ${tag.padEnd(4)} ${value}`,
    ...(describe(write(Number.parseInt(tag, 16), fromHex(value))).objects[0]?.words ?? []).map(one => `         ${one}`),
  ])
  return [head.join(', '), ...lines].map(line => `${line}\n`).join('')
}

export function addRun(program: Command): void {
  program
    .command('run')
    .description('one payment of a virtual card in the kernel, without a reader: how it ends, and why')
    .addOption(choice('--card <profile>', 'the card', Object.keys(profiles)).default('mir-maestro'))
    .option('--amount <amount>', 'in the currency of the configuration', '2500.00')
    .addOption(choice('--config <name>', 'the terminal’s configuration', Object.keys(configs)).default('russianMpos'))
    .addOption(choice('--host <what>', 'what the card’s bank does', hosts).default('approve'))
    .option('--magic-amounts', 'with --host approve: the last two digits of the amount say what it answers, 1.05 is declined with 05')
    .option('--pin <digits>', 'what the cardholder enters; the card’s own PIN when left out', matching('--pin', /^\d{4,12}$/, '0-9, 4–12'))
    .option('--explain', 'step, rule, inputs and effect of everything')
    .option(
      '--seed <number>',
      'of what is random in card and terminal, 0 to 4294967295; drawn when left out',
      wholeNumber('--seed', 0, MOST_SEED),
    )
    .option('--trace <file>', 'the same with every command and answer, as lines of JSON: for `tapdip explain`')
    .option('--overwrite', 'the file of --trace may be there already')
    .option('--json', 'one JSON object')
    .action(
      async (flags: {
        card: string
        amount: string
        config: keyof typeof configs
        host: (typeof hosts)[number]
        magicAmounts?: boolean
        pin?: string
        explain?: boolean
        seed?: number
        trace?: string
        overwrite?: boolean
        json?: boolean
        lang?: string
      }) => {
        const { config, host, magicAmounts } = flags
        if (host !== 'approve') onlyFor('--host approve', { '--magic-amounts': magicAmounts })
        const { seed = drawnSeed() } = flags
        const card = loadCard(flags.card, { random: seededBytes(seed ^ streams.card) })
        const { unit } = configs[config]
        const { amount, pin } = flags
        const header = { card: card.plan.name, configuration: configurationDigest(virtualConfig(undefined, configs[config].of)), seed }
        const rules: string[] = []
        const tracer = traceTo(
          { trace: flags.trace, overwrite: flags.overwrite },
          header,
          flags.explain ? line => rules.push(line) : undefined,
        )
        const outcome = await runCard(card, {
          ...{ config, host, amount, seed },
          ...(magicAmounts && { magicAmounts }),
          ...(pin && { pin }),
          ...(tracer && { tracer }),
        })
        const told = outcomeJson(outcome)
        const { result, reason } = outcome
        tracer?.tell('app', { kind: 'result', result, ...(reason && { reason }), content: told })
        tracer?.close()
        const explained = flags.explain ? explanationsOf(parseTraceLog(rules.join('\n')).events) : []
        if (flags.json) {
          const whole = { card: card.plan.name, ...told, ...(flags.explain && { explained: explained.map(explanationJson) }) }
          process.stdout.write(`${JSON.stringify(whole, null, 2)}\n`)
        } else {
          const shown = `${formatAmount(amountOf('--amount', amount, unit), unit)} ${unit.alpha}`
          process.stdout.write(
            `${message('demo.run', language(flags.lang), { card: card.plan.name, amount: shown })}\n${printOutcome(told)}`,
          )
          if (flags.explain) process.stdout.write(`\n${printExplanations(explained, language(flags.lang))}`)
        }
        process.exitCode = EXIT[outcome.result]
      },
    )
}
