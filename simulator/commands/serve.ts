/** `tapdip-sim serve`: a virtual reader or a bare virtual card that runs until it is interrupted, and prints what it shows. */

import { createInterface } from 'node:readline'
import type { Command } from 'commander'
import { choice, choiceArgument, matching, onlyFor, repeated, wholeNumber } from '../../src/command/flags.ts'
import { helpLanguage, helpText } from '../../src/command/help.ts'
import { interrupted } from '../../src/command/interruption.ts'
import { language } from '../../src/command/line.ts'
import { currency } from '../../src/currency.ts'
import { readProfile } from '../../src/emv/contactless/profile-file.ts'
import { asFault, Fault } from '../../src/errors.ts'
import { faultMessage, type Language, message } from '../../src/messages/messages.ts'
import { oneOf, usageFault } from '../../src/refusal.ts'
import type { Link } from '../../src/transport/link.ts'
import { loadCard, type VirtualCard } from '../cards/icc.ts'
import { profiles } from '../cards/profiles/index.ts'
import { MOST_SEED } from '../chance.ts'
import { type DeviceLine, recordTo, toldLine } from '../device-line.ts'
import { drawnSeed, seededBytes, streams } from '../random.ts'
import type { Screen } from '../readers/body/body.ts'
import { pace, presentations, type Turn } from '../readers/body/cardholder.ts'
import { dialectOf, needPinPad, virtualFamilies } from '../readers/index.ts'
import { type Knobs, knobHelp, turnKnob } from '../readers/knobs.ts'
import { listen, placeOf } from '../readers/listen/listen.ts'
import { type PinKeyKind, pinKeyKinds } from '../readers/pin-keys.ts'
import { VpcdCard } from '../readers/vpcd.ts'
import { readerSubject, setUp } from '../virtual-reader.ts'
import { person, switchRadio, virtualReader } from '../world.ts'
import { inBackground } from './background.ts'
import { type Live, type LiveOptions, openLive } from './live.ts'
import { traceTo } from './trace-file.ts'

/** `vpcd` is a bare card; the others are readers. */
const families = [...Object.keys(virtualFamilies), 'vpcd']

interface ServeFlags {
  readonly listen?: string
  /** A list where it was named. */
  readonly card: string | readonly string[]
  readonly present?: readonly Turn<string>[]
  readonly phone?: boolean | 'locked'
  readonly pin: readonly string[]
  readonly battery?: number
  readonly charging?: boolean
  readonly updateFails?: number
  readonly serial?: string
  readonly dialect?: string
  readonly pinKeys?: PinKeyKind
  readonly live?: boolean
  readonly quiet?: boolean
  readonly explain?: string
  readonly trace?: string
  readonly record?: string
  readonly overwrite?: boolean
  readonly seed?: number
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
      repeated(matching('--pin', /^(\d{4,12})?$/, '0-9, 4–12')),
      [],
    )
    .option('--battery <percent>', '0 to 100', wholeNumber('--battery', 0, 100))
    .option('--charging', 'the charger is plugged in')
    .option('--update-fails <percent>', 'where its first update of the firmware fails, 0 to 100', wholeNumber('--update-fails', 0, 100))
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
      'a person at this terminal holds the card: i insert, w insert the wrong way round, r remove, t tap, s swipe, n the next card of --card, k any card, digits, Enter, Backspace, c cancel, : a knob, ? all of this',
    )
    .option('--quiet', 'do not print the display')
    .addHelpText('after', ({ command }) => {
      const text = (name: string, english: string) => helpText(name, english, helpLanguage(command))
      const head = text('knobs', 'While it runs, lines on standard input turn its knobs; with --live after a colon:')
      return ['', head, ...knobHelp(text).map(line => `  ${line}`)].join('\n')
    })
    .option('--explain <file>', 'of --trace the kernel’s rules, inputs and effects alone, for `tapdip explain`')
    .option('--trace <file>', 'all that happens in the reader and on its line, as lines of JSON, without card data: for `tapdip explain`')
    .option('--record <file>', 'the line to the host, without card data, to be played again: tapdip-sim play <file>')
    .option('--overwrite', 'the files of --explain, --trace and --record may be there already')
    .option(
      '--seed <number>',
      'of what is random in it and in its cards, 0 to 4294967295: the same seed, the same bytes; drawn when left out, and in the header of --trace and --record',
      wholeNumber('--seed', 0, MOST_SEED),
    )
    .option('--currency <code>', 'ISO 4217: the currency that it is configured for; RUB, or that of --config, when left out')
    .option('--config <file>', 'its terminal configuration (JSON), as `tapdip-sim config` prints one')
    .option('--contactless <file>', 'its rules for taps (JSON), as `tapdip-sim config --taps` prints them')
    .action(async (family: string, flags: ServeFlags) => {
      const { present, phone } = flags
      if (phone && present?.some(({ how }) => how !== 'tap')) throw usageFault('usage.conflict', { field: '--phone', other: '--present' })
      if (flags.dialect !== undefined && family !== 'vpcd') dialectOf(family, flags.dialect, '--dialect')
      if (flags.pinKeys === 'aes-128' && family !== 'vpcd') needPinPad(family, flags.dialect, '--pin-keys')
      if (flags.live) for (const [other, given] of Object.entries({ '--present': present, '--phone': phone, '--pin': flags.pin.length > 0 || undefined })) if (given !== undefined) throw usageFault('usage.conflict', { field: '--live', other }) // biome-ignore format: one line
      const { seed = drawnSeed() } = flags
      const random = seededBytes(seed ^ streams.card)
      const [card, ...others] = [flags.card].flat().map(name => loadCard(name, { random }))
      if (others.length > 0 && !flags.live)
        throw new Fault(
          'bad-argument',
          '--card takes one card, several with --live: another one is named in --present dip,tap:visa-signature',
          {
            field: '--card',
          },
        )
      if (family === 'vpcd') return serveCard(card, { ...flags, seed })
      if (flags.live && !process.stdin.isTTY) throw usageFault('usage.terminal', { field: '--live' }, 'unsupported')
      const { config, contactless } = await readProfile(flags, flags.currency === undefined ? undefined : currency(flags.currency))
      const unit = flags.currency ?? (config ?? contactless)?.currencyCode
      const configured = {
        family,
        ...(unit !== undefined && { currency: currency(unit).alpha }),
        ...(config && { config }),
        ...(contactless && { contactless }),
        ...(flags.serial && { serial: flags.serial }),
      }
      const { dialect: spoken } = flags
      const subject = { ...readerSubject({ family, ...(spoken && { dialect: spoken }), seed }, setUp(configured)), card: card.plan.name }
      const tracer = traceTo(flags, subject)
      const reader = virtualReader({
        ...{ ...configured, seed },
        language: language(flags.lang),
        ...(flags.dialect && { dialect: flags.dialect }),
        ...(flags.pinKeys && { pinKeys: flags.pinKeys }),
        battery: { ...(flags.battery !== undefined && { percent: flags.battery }), charging: flags.charging === true },
        onFault: fault => complain(fault),
        ...(tracer && { tracer }),
      })
      const { body } = reader
      if (flags.updateFails !== undefined) reader.firmware.condition.update.failure = { percent: flags.updateFails, how: 'error' }
      const pins = flags.pin.length > 0 ? flags.pin : undefined
      const leave = flags.live
        ? () => {}
        : person(body, card, {
            pace,
            ...(present && { present: present.map(turn => loaded(turn, random)) }),
            ...(phone && { phone }),
            ...(pins && { pins }),
          })
      let live: Live | undefined
      const say = (line: string, stream: NodeJS.WriteStream = process.stdout) => (live ? live.print(line) : void stream.write(`${line}\n`))
      const complain = (fault: Fault) => say(`reader: ${faultMessage(fault, language(flags.lang))}`, process.stderr)
      const { configuration = null } = subject
      const line: DeviceLine = { family, dialect: reader.dialect, configuration, seed }
      const wrap = recorded(flags, line)
      const heard = (link: Link) => (tracer ? toldLine(link, line, tracer) : link)
      const listening = await listen(flags.listen ?? 'pty', link => reader.serve(heard(wrap(link))), {
        hid: reader.hid,
        ble: reader.ble && { shape: reader.ble, name: reader.serial },
        onError: complain,
      })
      switchRadio(reader, listening)
      const dialect = reader.dialect ? `&dialect=${reader.dialect}` : ''
      process.stdout.write(`${reader.serial}: ${listening.uri}${listening.uri.includes('?') ? '&' : '?'}family=${family}${dialect}\n`)
      if (listening.air) process.stdout.write(`air: TAPDIP_AIR=${listening.air}\n`)
      if (!flags.quiet) body.on(event => event.type === 'display' && say(displayLine(event.screen)))
      const all = { reader, radio: listening.radio }
      const lang = language(flags.lang)
      if (flags.live) live = atTerminal({ ...all, lang, cards: [card, ...others] })
      const deaf = flags.live ? () => live?.close() : hearKnobs(all, lang)
      await interrupted()
      deaf()
      leave()
      await listening.close()
      await reader.close()
      tracer?.close()
    })
}

/** The links as they are, where nothing is recorded. @throws Fault `bad-argument` */
function recorded({ record, overwrite }: ServeFlags, line: DeviceLine): (link: Link) => Link {
  return record === undefined ? link => link : recordTo(record, overwrite, line)
}

/** `dip`, `dip:leave`, `tap:visa-signature`. @throws Fault `bad-argument` */
function turnOf(text: string): Turn<string> {
  const [how, ...more] = text.trim().split(':')
  const cards = more.filter(word => word !== 'leave')
  if (cards.length > 1) throw new Fault('bad-argument', `--present ${text.trim()}: it takes one card`, { field: '--present' })
  for (const name of cards) loadCard(name) // what is none is refused here
  return {
    how: oneOf('--present', how, presentations),
    ...(cards.length > 0 && { card: cards[0] }),
    ...(cards.length < more.length && { leave: true }),
  }
}

function loaded({ card, ...turn }: Turn<string>, random: (length: number) => Uint8Array): Turn<VirtualCard> {
  return card === undefined ? turn : { ...turn, card: loadCard(card, { random }) }
}

/** A card without a reader around it: what a person does at a reader has no place here. */
async function serveCard(card: VirtualCard, flags: ServeFlags): Promise<void> {
  const { present, phone, pin, battery, charging, updateFails, serial, dialect, pinKeys, live, explain, trace, currency: unit, config, contactless, listen: where = 'tcp:0' } = flags // biome-ignore format: a list
  onlyFor(Object.keys(virtualFamilies).join(', '), { '--present': present, '--phone': phone, '--pin': pin, '--battery': battery, '--charging': charging, '--update-fails': updateFails, '--serial': serial, '--dialect': dialect, '--pin-keys': pinKeys, '--live': live, '--explain': explain, '--trace': trace, '--currency': unit, '--config': config, '--contactless': contactless }) // biome-ignore format: a table
  if (where === 'pty') throw usageFault('usage.oneOf', { field: '--listen', value: where, allowed: 'tcp:<port>, pcsc' })
  const tell = (fault: Fault) => void process.stderr.write(`card: ${faultMessage(fault, language(flags.lang))}\n`)
  const inserted = new VpcdCard(card, { onFault: tell })
  const wrap = recorded(flags, { family: 'vpcd', ...(flags.seed !== undefined && { seed: flags.seed }) })
  const listening = await listen(where, link => inserted.serve(wrap(link)), { onError: tell })
  process.stdout.write(`${card.plan.name}: ${listening.uri}${listening.uri === 'pcsc:' ? '' : '?family=vpcd'}\n`)
  await interrupted()
  await listening.close()
}

/** The display as one line: `| ENTER PIN: | **** |`. */
export function displayLine({ lines }: Screen): string {
  return `| ${lines.join(' | ')} |`
}

/** A line each; what is none is told, and changes nothing. In the background of a shell nothing is read. */
function hearKnobs(all: Knobs, lang: Language): () => void {
  if (inBackground()) return () => {}
  const lines = createInterface({ input: process.stdin })
  lines.on('line', line => {
    if (line.trim() === '') return
    try {
      turnKnob(all, line)
      process.stdout.write(`${line.trim()}: ${message('knob.done', lang)}\n`)
    } catch (error) {
      process.stderr.write(`${faultMessage(asFault(error), lang)}\n`)
    }
  })
  return () => {
    lines.close()
    process.stdin.unref?.()
  }
}

/** What a person types at this terminal, key by key, until it is over. */
function atTerminal(options: Omit<LiveOptions, 'write' | 'columns'>): Live {
  const { stdin, stdout } = process
  const live = openLive({ ...options, write: text => void stdout.write(text), columns: () => stdout.columns ?? 80 })
  stdin.setRawMode(true)
  const hear = (data: Buffer) => {
    if (data.includes(3))
      process.kill(process.pid, 'SIGINT') // Ctrl-C in raw mode
    else live.type(data.toString('utf8'))
  }
  stdin.on('data', hear)
  return {
    ...live,
    close() {
      stdin.off('data', hear)
      stdin.setRawMode(false)
      stdin.pause()
      live.close()
    },
  }
}
