/** `tapdip-sim serve` and `tapdip-sim acquirer`: virtual devices that run until they are interrupted, and print what they show and see. */

import { writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Command } from 'commander'
import { choice, choiceArgument, matching, onlyFor, repeated, wholeNumber } from '../src/command/flags.ts'
import { helpLanguage, helpText } from '../src/command/help.ts'
import { EXIT, language } from '../src/command/line.ts'
import { currency } from '../src/currency.ts'
import { readProfile } from '../src/emv/contactless/profile-file.ts'
import type { Explain } from '../src/emv/explain/explain.ts'
import { explanationJson } from '../src/emv/explain/print.ts'
import { asFault, Fault, isFault } from '../src/errors.ts'
import { bookFault, fileFault } from '../src/file-fault.ts'
import { lineFile } from '../src/line-file.ts'
import { type IsoDialectName, isoDialects } from '../src/payment/host/iso8583/dialect.ts'
import { oneOf, usageFault } from '../src/refusal.ts'
import { type HostEvent, hostEventLine, startAcquirer } from './acquirer/host.ts'
import { startIsoLine } from './acquirer/iso8583/host.ts'
import { parseRisk, type RiskRule } from './acquirer/issuer/risk.ts'
import { parseBonus, parseMerchants } from './acquirer/options.ts'
import { type HostRule, parseRules } from './acquirer/rules.ts'
import { loadCard, type VirtualCard } from './cards/icc.ts'
import { profiles } from './cards/profiles/index.ts'
import type { Body, Screen } from './readers/body/body.ts'
import { keyboard, pace, presentations, type Turn } from './readers/body/cardholder.ts'
import { dialectOf, needPinPad, virtualFamilies } from './readers/index.ts'
import { type Knobs, knobHelp, turnKnob } from './readers/knobs.ts'
import { listen, placeOf } from './readers/listen/listen.ts'
import { type PinKeyKind, pinKeyKinds } from './readers/pin-keys.ts'
import { VpcdCard } from './readers/vpcd.ts'
import { person, switchRadio, virtualReader } from './world.ts'

/** `vpcd` is a bare card; the others are readers. */
const families = [...Object.keys(virtualFamilies), 'vpcd']

interface ServeFlags {
  readonly listen?: string
  /** A list where it was named. */
  readonly card: string | readonly string[]
  readonly present?: readonly Turn<VirtualCard>[]
  readonly phone?: boolean | 'locked'
  readonly pin: readonly string[]
  readonly battery?: number
  readonly charging?: boolean
  readonly serial?: string
  readonly dialect?: string
  readonly pinKeys?: PinKeyKind
  readonly live?: boolean
  readonly quiet?: boolean
  readonly explain?: string
  readonly overwrite?: boolean
  readonly currency?: string
  readonly config?: string
  readonly contactless?: string
  readonly lang?: string
}

export function addServe(program: Command): void {
  program
    .command('serve')
    .description('a virtual reader, or with vpcd a bare virtual card, that any program can talk to, until Ctrl-C')
    .addArgument(choiceArgument('<family>', 'whose reader', families))
    .option(
      '--listen <where>',
      'pty (for readers, when left out), tcp:<port>, tcp:<host>:<port>, serial:<path>, ble, ble:<port> for a virtual air, hid, usbip:<port>; vpcd: tcp:…, or pcsc for the slot of a pcscd',
      text => {
        placeOf(text, '--listen')
        return text
      },
    )
    .addOption(
      choice('--card <profile>', 'the card that is presented; with --live several, a comma between them', Object.keys(profiles), all =>
        all.split(',').map(name => oneOf('--card', name.trim(), Object.keys(profiles))),
      ).default('mir-maestro'),
    )
    .addOption(
      choice(
        '--present <how>',
        'tap when left out with --phone, else dip. Several, a comma between them, are done one after another as the reader asks; another card and leaving it in follow a colon: dipWrong,dip:silent,swipe or dip:leave,dip:visa-signature',
        presentations,
        all => all.split(',').map(turnOf),
      ),
    )
    .addOption(choice('--phone [state]', 'the card is in a phone: unlocked, or locked until the reader sends its holder to it', ['locked']))
    .option(
      '--pin <digits>',
      'typed when the reader asks; repeat it for what is typed after a wrong one',
      repeated(matching('--pin', /^\d{0,12}$/, '0-9, 0–12')),
      [],
    )
    .option('--battery <percent>', '0 to 100', wholeNumber('--battery', 0, 100))
    .option('--charging', 'the charger is plugged in')
    .option('--serial <name>', 'the name on the case', matching('--serial', /^[\x21-\x7e]{1,32}$/, '!-~, 1–32'))
    .addOption(
      choice(
        '--dialect <name>',
        'which of the family’s languages it speaks; the first when left out',
        Object.values(virtualFamilies).flatMap(({ dialects = [] }) => dialects),
        name => name,
      ),
    )
    .addOption(
      choice(
        '--pin-keys <kind>',
        'of its PIN pad: tdes, PIN blocks of format 0, when left out; aes-128, AES DUKPT and format 4',
        pinKeyKinds,
      ),
    )
    .option(
      '--live',
      'a person at this keyboard holds the card: i insert, w insert the wrong way round, r remove, t tap, s swipe, n the next card of --card, digits, Enter, Backspace, c cancel',
    )
    .option('--quiet', 'do not print the display')
    .addHelpText('after', ({ command }) => {
      const text = (name: string, english: string) => helpText(name, english, helpLanguage(command))
      const head = text('knobs', 'While it runs, lines on standard input turn its knobs (not with --live):')
      return ['', head, ...knobHelp(text).map(line => `  ${line}`)].join('\n')
    })
    .option('--explain <file>', 'the kernel’s rules, inputs and effects as lines of JSON, for `tapdip explain`')
    .option('--overwrite', 'the file of --explain may be there already')
    .option('--currency <code>', 'ISO 4217: the currency that it is configured for; RUB, or that of --config, when left out')
    .option('--config <file>', 'its terminal configuration (JSON), as `tapdip-sim config` prints one')
    .option('--contactless <file>', 'its rules for taps (JSON), as `tapdip-sim config --taps` prints them')
    .action(async (family: string, flags: ServeFlags) => {
      const { present, phone } = flags
      if (phone && present?.some(({ how }) => how !== 'tap')) throw usageFault('usage.conflict', { field: '--phone', other: '--present' })
      if (flags.dialect !== undefined && family !== 'vpcd') dialectOf(family, flags.dialect, '--dialect')
      if (flags.pinKeys === 'aes-128' && family !== 'vpcd') needPinPad(family, flags.dialect, '--pin-keys')
      if (flags.live) for (const [other, given] of Object.entries({ '--present': present, '--phone': phone, '--pin': flags.pin.length > 0 || undefined })) if (given !== undefined) throw usageFault('usage.conflict', { field: '--live', other }) // biome-ignore format: one line
      const [card, ...others] = [flags.card].flat().map(name => loadCard(name))
      if (others.length > 0 && !flags.live)
        throw new Fault(
          'bad-argument',
          '--card takes one card, several with --live: another one is named in --present dip,tap:visa-signature',
          {
            field: '--card',
          },
        )
      if (family === 'vpcd') return serveCard(card, flags)
      const { config, contactless } = await readProfile(flags, flags.currency === undefined ? undefined : currency(flags.currency))
      const unit = flags.currency ?? (config ?? contactless)?.currencyCode
      const reader = virtualReader({
        family,
        ...(unit !== undefined && { currency: currency(unit).alpha }),
        ...(config && { config }),
        ...(contactless && { contactless }),
        language: language(flags.lang),
        ...(flags.serial && { serial: flags.serial }),
        ...(flags.dialect && { dialect: flags.dialect }),
        ...(flags.pinKeys && { pinKeys: flags.pinKeys }),
        battery: { ...(flags.battery !== undefined && { percent: flags.battery }), charging: flags.charging === true },
        onFault: fault => process.stderr.write(`reader: ${fault.code}: ${fault.message}\n`),
        ...(flags.explain && { explain: explainTo(flags.explain, flags.overwrite) }),
      })
      const { body } = reader
      const pins = flags.pin.length > 0 ? flags.pin : undefined
      const leave = flags.live
        ? live(body, [card, ...others])
        : person(body, card, { pace, ...(present && { present }), ...(phone && { phone }), ...(pins && { pins }) })
      const listening = await listen(flags.listen ?? 'pty', link => reader.serve(link), {
        hid: reader.hid,
        ble: reader.ble && { shape: reader.ble, name: reader.serial },
        onError: fault => process.stderr.write(`reader: ${fault.code}: ${fault.message}\n`),
      })
      switchRadio(reader, listening)
      const dialect = reader.dialect ? `&dialect=${reader.dialect}` : ''
      process.stdout.write(`${reader.serial}: ${listening.uri}${listening.uri.includes('?') ? '&' : '?'}family=${family}${dialect}\n`)
      if (listening.air) process.stdout.write(`air: TAPDIP_AIR=${listening.air}\n`)
      if (!flags.quiet) body.on(event => event.type === 'display' && process.stdout.write(`${displayLine(event.screen)}\n`))
      const deaf = flags.live ? () => {} : hearKnobs({ reader, radio: listening.radio })
      await interrupted()
      deaf()
      leave()
      await listening.close()
      await reader.close()
    })
}

/** `dip`, `dip:leave`, `tap:visa-signature`. @throws Fault `bad-argument` */
function turnOf(text: string): Turn<VirtualCard> {
  const [how, ...more] = text.trim().split(':')
  const cards = more.filter(word => word !== 'leave')
  if (cards.length > 1) throw new Fault('bad-argument', `--present ${text.trim()}: it takes one card`, { field: '--present' })
  return {
    how: oneOf('--present', how, presentations),
    ...(cards.length > 0 && { card: loadCard(cards[0]) }),
    ...(cards.length < more.length && { leave: true }),
  }
}

/** A card without a reader around it: what a person does at a reader has no place here. */
async function serveCard(card: VirtualCard, flags: ServeFlags): Promise<void> {
  const { present, phone, pin, battery, charging, serial, dialect, pinKeys, live, explain, currency: unit, config, contactless, listen: where = 'tcp:0' } = flags // biome-ignore format: a list
  onlyFor(Object.keys(virtualFamilies).join(', '), { '--present': present, '--phone': phone, '--pin': pin, '--battery': battery, '--charging': charging, '--serial': serial, '--dialect': dialect, '--pin-keys': pinKeys, '--live': live, '--explain': explain, '--currency': unit, '--config': config, '--contactless': contactless }) // biome-ignore format: a table
  if (where === 'pty') throw usageFault('usage.oneOf', { field: '--listen', value: where, allowed: 'tcp:<port>, pcsc' })
  const tell = (fault: Fault) => void process.stderr.write(`card: ${fault.code}: ${fault.message}\n`)
  const inserted = new VpcdCard(card, { onFault: tell })
  const listening = await listen(where, link => inserted.serve(link), { onError: tell })
  process.stdout.write(`${card.plan.name}: ${listening.uri}${listening.uri === 'pcsc:' ? '' : '?family=vpcd'}\n`)
  await interrupted()
  await listening.close()
}

/** @throws Fault `bad-argument` */
function explainTo(file: string, overwrite: boolean | undefined): Explain {
  const write = lineFile(file, {
    ...{ option: '--explain', overwrite: overwrite === true },
    onFailure: what => process.stderr.write(`tapdip-sim: ${what}\n`),
  })
  return entry => write(JSON.stringify(explanationJson(entry)))
}

/** The display as one line: `| ENTER PIN: | **** |`. */
export function displayLine({ lines }: Screen): string {
  return `| ${lines.join(' | ')} |`
}

/** A line each; what is none is told, and changes nothing. */
function hearKnobs(all: Knobs): () => void {
  const lines = createInterface({ input: process.stdin })
  lines.on('line', line => {
    if (line.trim() === '') return
    try {
      turnKnob(all, line)
      process.stdout.write(`${line.trim()}: done\n`)
    } catch (error) {
      process.stderr.write(`${asFault(error).message}\n`)
    }
  })
  return () => {
    lines.close()
    process.stdin.unref?.()
  }
}

function live(body: Body, cards: readonly [VirtualCard, ...VirtualCard[]]): () => void {
  const press = keyboard(body, cards)
  const { stdin } = process
  if (stdin.isTTY) stdin.setRawMode(true)
  const hear = (data: Buffer) => {
    if (data.includes(3))
      process.kill(process.pid, 'SIGINT') // Ctrl-C in raw mode
    else press(data.toString('latin1'))
  }
  stdin.on('data', hear)
  return () => {
    stdin.off('data', hear)
    if (stdin.isTTY) stdin.setRawMode(false)
    stdin.pause()
  }
}

interface AcquirerFlags {
  readonly iso8583?: number
  readonly isoDialect?: IsoDialectName
  readonly port: number
  readonly state?: string
  readonly rule: readonly string[]
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
    .option(
      '--risk <json>',
      '{"check":"velocity","per":"card","seconds":60,"count":3}, refused before the bank is asked; may be repeated',
      repeated(),
      [],
    )
    .option('--merchant <json>', '{"id":"635459020000001","stages":2}: who may be paid, all when left out; may be repeated', repeated(), [])
    .option('--bonus <json>', '{"award":1.5,"spend":50,"pan":"2200"}: percent that comes back as points, and that points may pay')
    .option('--token <text>', 'asked of everybody; a random one, asked of pages in a browser only, when left out')
    .option('--quiet', 'do not print what the host sees')
    .action(async ({ port, iso8583, isoDialect, state, rule, risk, merchant, bonus, token, quiet }: AcquirerFlags) => {
      if (port !== 0 && port === iso8583) throw usageFault('usage.conflict', { field: '--port', other: '--iso8583' })
      if (iso8583 === undefined) onlyFor('--iso8583', { '--iso-dialect': isoDialect })
      const merchants = merchant.map(text => taken('--merchant', text, one => parseMerchants([one])))
      const host = await startAcquirer({
        port,
        rules: rule.map(text => taken('--rule', text, one => parseRules([one])) as HostRule),
        risk: risk.map(text => taken('--risk', text, one => parseRisk([one])) as RiskRule),
        ...(merchants.length > 0 && { merchants: parseMerchants(merchants) }),
        ...(bonus !== undefined && { bonus: parseBonus(taken('--bonus', bonus, parseBonus)) }),
        ...(state !== undefined && { state }),
        ...(token !== undefined && { token }),
        ...(!quiet && { onEvent: (event: HostEvent) => void process.stdout.write(`${hostEventLine(event)}\n`) }),
      }).catch(error => {
        throw state !== undefined && isFault(error, 'journal') ? bookFault('--state', state, error, 'bad-argument') : error
      })
      try {
        const line =
          iso8583 === undefined ? undefined : await startIsoLine(host.desk, { port: iso8583, ...(isoDialect && { dialect: isoDialect }) })
        process.stdout.write(`acquirer: ${host.url}\n`)
        if (token === undefined) process.stdout.write(`token for pages: ${host.token}\n`)
        if (line) process.stdout.write(`acquirer: ${line.url}\n`)
        await interrupted()
        await line?.close()
      } finally {
        await host.close()
      }
    })
}

export function addImage(program: Command): void {
  const makers = Object.keys(virtualFamilies).filter(name => virtualFamilies[name].image)
  program
    .command('image')
    .description('a firmware image for a virtual reader, signed with the test key: for `tapdip update`')
    .addArgument(choiceArgument('<family>', 'whose reader', makers))
    .argument('<version>', 'up to 16 characters', matching('<version>', /^[\x21-\x7e]{1,16}$/, '!-~, 1–16'))
    .argument('<file>', 'where it is written')
    .option('--unsigned', 'with a signature that no reader takes')
    .action((family: string, version: string, file: string, { unsigned }: { unsigned?: boolean }) => {
      const { image } = virtualFamilies[family]
      try {
        writeFileSync(file, image!({ version, signed: !unsigned }))
      } catch (cause) {
        throw fileFault('<file>', file, cause, 'write')
      }
    })
}

export function addScan(program: Command): void {
  program
    .command('scan')
    .description('pays an SBP QR code of a virtual acquirer, as the customer’s bank would')
    .argument('<payload>', 'what the code says')
    .requiredOption('--acquirer <url>', 'http://127.0.0.1:8080')
    .action(async (payload: string, { acquirer }: { readonly acquirer: string }) => {
      if (!URL.canParse('v1/qr-payments', acquirer) || !/^https?:/.test(acquirer))
        throw usageFault('usage.oneOf', { field: '--acquirer', value: acquirer, allowed: 'http://127.0.0.1:8080' })
      const init = {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...authorization() },
        body: JSON.stringify({ payload }),
      }
      const response = await fetch(new URL('v1/qr-payments', acquirer), init).catch(cause => {
        throw new Fault('host-unreachable', `cannot connect to ${acquirer}`, {}, { cause })
      })
      const answer = (await response.json().catch(cause => {
        throw new Fault('host-error', `${acquirer} is no virtual acquirer: its answer ${response.status} is no JSON`, {}, { cause })
      })) as { readonly state?: string; readonly error?: string }
      process.stdout.write(`${answer.error ?? answer.state}\n`)
      process.exitCode = response.ok ? EXIT.ok : EXIT.declined
    })
}

/** For a host that asks everybody for a token. */
function authorization(): Record<string, string> {
  const { TAPDIP_ACQUIRER_TOKEN: token } = process.env
  return token ? { authorization: `Bearer ${token}` } : {}
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

function interrupted(): Promise<void> {
  return new Promise(resolve => {
    const stop = () => {
      clearInterval(awake)
      process.off('SIGINT', stop)
      process.off('SIGTERM', stop)
      resolve()
    }
    const awake = setInterval(() => {}, 2 ** 30) // signals alone do not keep a process
    process.on('SIGINT', stop)
    process.on('SIGTERM', stop)
  })
}
