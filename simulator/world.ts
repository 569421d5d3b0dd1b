/** One simulated counter: a virtual reader with a card and a person to hold it, an acquirer with the issuer behind it, and a clock. `tapdip/simulator`. */

import { type Clock, systemClock } from '../src/clock.ts'
import { initialKey } from '../src/crypto/dukpt.ts'
import { aesInitialKey } from '../src/crypto/dukpt-aes.ts'
import * as door from '../src/door.ts'
import type { TerminalConfig } from '../src/emv/config.ts'
import type { ContactlessConfig } from '../src/emv/contactless/config.ts'
import { contactlessFor } from '../src/emv/contactless/profiles.ts'
import type { Explain } from '../src/emv/explain/explain.ts'
import { mposFor, russianMpos } from '../src/emv/profiles.ts'
import { Fault, isFault } from '../src/errors.ts'
import type { Language } from '../src/messages/messages.ts'
import type { Link } from '../src/transport/link.ts'
import { pipe } from '../src/transport/pipe.ts'
import { type AcquirerHost, type AcquirerOptions, type HostEvent, startAcquirer } from './acquirer/host.ts'
import type { HostRule } from './acquirer/rules.ts'
import type { Controller } from './air/controller.ts'
import { loadCard, type VirtualCard } from './cards/icc.ts'
import type { CardProfile } from './cards/profile/card-profile.ts'
import { VirtualPhone } from './cards/tap/phone.ts'
import { freshSerial, testCaKeys, testPinAesDukpt, testPinDukpt, testRevoked } from './keys.ts'
import { type Battery, Body, bodyRule } from './readers/body/body.ts'
import { type CardholderScript, cardholder, type Pace, type Presentation, type Turn } from './readers/body/cardholder.ts'
import type { PinRules } from './readers/body/pin-pad.ts'
import { dialectOf, needPinPad, virtualFamily } from './readers/index.ts'
import { type Listening, type ListenOptions, listen } from './readers/listen/listen.ts'
import { type PinKeyKind, pinKeyKinds } from './readers/pin-keys.ts'
import type { VirtualReader } from './readers/reader.ts'

export { type AcquirerHost, type HostEvent, startAcquirer } from './acquirer/host.ts'
export { type IsoLine, startIsoLine } from './acquirer/iso8583/host.ts'
export type { HostRule } from './acquirer/rules.ts'
export { loadCard, VirtualCard } from './cards/icc.ts'
export type { CardProfile } from './cards/profile/card-profile.ts'
export { profiles } from './cards/profiles/index.ts'
export { VirtualPhone } from './cards/tap/phone.ts'
export { testCaKeys, testIssuerKeys, testPinAesDukpt, testPinDukpt, testRevoked } from './keys.ts'
export { VirtualBluepad } from './readers/bluepad/bluepad.ts'
export { virtualEmv2 } from './readers/bluepad/emv2.ts'
export { Body } from './readers/body/body.ts'
export { type CardholderScript, cardholder, type Presentation, type Turn } from './readers/body/cardholder.ts'
export { virtualNfc } from './readers/body/nfc.ts'
export { virtualFamilies } from './readers/index.ts'
export { listen } from './readers/listen/listen.ts'
export { VirtualQpos } from './readers/qpos/qpos.ts'
export type { VirtualReader } from './readers/reader.ts'
export { VpcdCard } from './readers/vpcd.ts'

/** Nobody waits: for tests. */
export const instant: Pace = { present: 0, think: 0, key: 0, remove: 0, hold: 1500 }

type AnyCard = string | CardProfile | VirtualCard

/** What a person with this card does; the card's name or profile, and everything of `CardholderScript` that is no card. */
export interface PersonOptions extends Partial<Omit<CardholderScript, 'card' | 'present'>> {
  /** A profile by name, a profile of your own, or a card that has been used before; `mir-maestro` when left out. */
  readonly card?: AnyCard
  /** As in `CardholderScript`: `[{ how: 'dip', leave: true }, 'dip']`. */
  readonly present?: Presentation | Turn<AnyCard> | readonly (Presentation | Turn<AnyCard>)[]
  /** The card lives in their phone, which they have unlocked; `locked`: not before the reader sends them to it. */
  readonly phone?: boolean | 'locked'
}

export interface ReaderOptions {
  /** `qpos` when left out; see `virtualFamilies`. */
  readonly family?: string
  /** Which of the family's languages it speaks; the first when left out. */
  readonly dialect?: string
  /** The name on the case; the family's customary one when left out. */
  readonly serial?: string
  readonly language?: Language
  readonly battery?: Partial<Battery>
  /** Which keys its PIN pad has: of triple DES, PIN blocks of format 0, when left out; `aes-128` is AES DUKPT (ANSI X9.24-3), format 4 of ISO 9564-1. */
  readonly pinKeys?: PinKeyKind
  /** ISO 4217, of the ready profile that it is configured with: `JPY`; roubles, or that of `config`, when left out. */
  readonly currency?: string
  readonly config?: TerminalConfig
  /** What is taken by tap; the rules of its currency when left out: in roubles no verification below 3000.00. */
  readonly contactless?: ContactlessConfig
  readonly clock?: Clock
  /** How long a PIN is and how long its entry may take, and whether ENTER alone goes on without one. */
  readonly pin?: Partial<PinRules>
  /** Milliseconds that a result stays on the display; 1500 when left out. */
  readonly resultTime?: number
  readonly onFault?: (fault: Fault) => void
  /** Hears what the reader's kernel does, and why. */
  readonly explain?: Explain
}

/**
 * A virtual reader with test keys and the configuration of a Russian mPOS, or one for another currency.
 * @throws Fault `bad-argument` for a family or a currency that is not known; `unsupported` where `pinKeys` need a PIN pad that it has not
 */
export function virtualReader(given: ReaderOptions = {}): VirtualReader {
  door.need('options', given, readerOptionsRule)
  const { clock = systemClock, language = 'en', battery, ...options } = given
  const { currency = options.config?.currencyCode ?? 'RUB' } = options
  const family = virtualFamily(options.family ?? 'qpos')
  const serial = options.serial ?? family.serial
  const dialect = options.dialect === undefined ? undefined : dialectOf(options.family ?? 'qpos', options.dialect)
  const aes = options.pinKeys === 'aes-128'
  const [tdesSerial, aesSerial] = [freshSerial(testPinDukpt.ksn), freshSerial(testPinAesDukpt.ksn)]
  if (aes) needPinPad(options.family ?? 'qpos', dialect)
  return family.make({
    body: new Body({ clock, language, ...(battery && { battery }) }),
    clock,
    language,
    serial,
    ...(dialect !== undefined && { dialect }),
    config: options.config ?? virtualConfig(serial, site => mposFor(currency, site)),
    contactless: options.contactless ?? contactlessFor(currency),
    pinDukpt: { ipek: initialKey(testPinDukpt.bdk, tdesSerial), ksn: tdesSerial },
    ...(options.pin && { pin: options.pin }),
    ...(aes && { pinAesDukpt: { ipek: aesInitialKey(testPinAesDukpt.bdk, aesSerial.subarray(0, 8)), ksn: aesSerial } }),
    ...(options.resultTime !== undefined && { resultTime: options.resultTime }),
    ...(options.onFault && { onFault: options.onFault }),
    ...(options.explain && { explain: options.explain }),
  })
}

/** The Russian mPOS profile, or another one, with the test CA keys and their revocation list. */
export function virtualConfig(serial = 'MPOS0000000001', profile = russianMpos): TerminalConfig {
  door.need('serial', serial, door.anyText)
  door.need('profile', profile, door.callable)
  return profile({
    merchantId: '635459020000001',
    terminalId: '63545902',
    merchantName: 'MobileTestMerchant',
    acquirerId: '123456',
    ifdSerial: serial.slice(-8),
    caKeys: testCaKeys,
    revoked: testRevoked,
  })
}

/** Puts a person with a card at a reader; the returned function sends them away. */
export function person(body: Body, card: VirtualCard, { phone = false, present, ...script }: Omit<PersonOptions, 'card'> = {}): () => void {
  door.need('body', body, bodyRule)
  const held = phone ? new VirtualPhone(card, { locked: phone === 'locked' }) : card
  const turns = [present ?? (phone ? 'tap' : 'dip')].flat().map((turn): Turn => {
    if (typeof turn === 'string') return { how: turn }
    const { card: other, ...rest } = turn
    return other === undefined ? rest : { ...rest, card: toCard(other) }
  })
  return cardholder(body, { ...script, present: turns, card: held })
}

export interface CounterOptions extends PersonOptions, Omit<ReaderOptions, 'onFault'> {
  readonly rules?: readonly HostRule[]
  /** Minor units on each account. */
  readonly balance?: bigint
  /** Where other programs reach the reader: `pty`, `tcp:<port>`. Left out: only `link()`. */
  readonly listen?: string
  readonly onHost?: (event: HostEvent) => void
  /** What else the acquirer is told: merchants, risk, bonus points, a file for its state. */
  readonly host?: Omit<AcquirerOptions, 'rules' | 'balance' | 'onEvent'>
}

const readerOptions = {
  ...{
    family: door.maybe(door.anyText),
    dialect: door.maybe(door.anyText),
    serial: door.maybe(door.anyText),
    language: door.maybe(door.oneOf(['en', 'ru'])),
  },
  ...{
    battery: door.maybe(door.object),
    pinKeys: door.maybe(door.oneOf(pinKeyKinds)),
    currency: door.maybe(door.anyText),
    config: door.maybe(door.object),
    contactless: door.maybe(door.object),
    clock: door.maybe(door.clock),
  },
  ...{ resultTime: door.maybe(door.milliseconds), onFault: door.maybe(door.callable), explain: door.maybe(door.callable) },
}
const readerOptionsRule = door.shape(readerOptions)
const counterRule = door.shape({
  ...readerOptions,
  ...{
    rules: door.maybe(door.listOf(door.object)),
    balance: door.maybe(door.anyAmount),
    listen: door.maybe(door.anyText),
  },
  ...{ onHost: door.maybe(door.callable), host: door.maybe(door.object), pins: door.maybe(door.listOf(door.anyText)) },
})

/** Everything at the counter. Close it, and nothing is left running. */
export class Counter implements AsyncDisposable {
  readonly reader: VirtualReader
  readonly acquirer: AcquirerHost
  readonly #listening: Listening | undefined
  readonly #faults: Fault[] = []
  #card: VirtualCard
  #leave: () => void
  #line: Link | undefined

  /** Use `virtualCounter`. */
  constructor(reader: VirtualReader, acquirer: AcquirerHost, listening: Listening | undefined, card: VirtualCard, leave: () => void) {
    this.reader = reader
    this.acquirer = acquirer
    this.#listening = listening
    this.#card = card
    this.#leave = leave
  }

  get card(): VirtualCard {
    return this.#card
  }

  /** Where the reader is for other programs: `serial:/dev/pts/4?family=qpos`. @throws Fault `bad-argument` when the counter listens nowhere */
  get uri(): string {
    if (!this.#listening)
      throw new Fault('bad-argument', "the counter listens nowhere: give listen: 'pty' or 'tcp:0', or use link()", { field: 'listen' })
    const { family, dialect } = this.reader
    return `${this.#listening.uri}?family=${family}${dialect ? `&dialect=${dialect}` : ''}`
  }

  /** Of `listen: 'ble:<port>'`: what other programs, and `open` here, are given as the environment's `TAPDIP_AIR`. */
  get air(): string | undefined {
    return this.#listening?.air
  }

  /** The reader's radio on the virtual air: signal, range, link loss. */
  get radio(): Controller | undefined {
    return this.#listening?.radio
  }

  /**
   * A new connection to the reader in memory: `open(counter.link(), { family: counter.reader.family })`.
   * @throws Fault `busy` while the one before is open
   */
  link(): Link {
    if (this.#line)
      throw new Fault('busy', `${this.reader.serial} is connected to ${this.#line.uri}: close that first`, { uri: this.#line.uri })
    const [host, device] = pipe()
    const { uri, mtu, incoming } = host
    const over = () => {
      if (this.#line === line) this.#line = undefined
    }
    const line: Link = {
      ...{ uri, mtu, incoming },
      send: bytes => host.send(bytes),
      close() {
        over()
        return host.close()
      },
    }
    this.#line = line
    this.reader
      .serve(device)
      .catch(async fault => {
        if (isFault(fault, 'busy')) return device.drop(fault) // another program has it: as on TCP, the host is told
        this.#faults.push(fault)
        await device.close()
      })
      .finally(over)
    return line
  }

  /** The next person comes, with this card; the one before takes theirs away. */
  next({ card, ...script }: PersonOptions = {}): VirtualCard {
    this.#leave()
    this.reader.body.pull()
    this.reader.body.leave()
    if (card !== undefined) this.#card = toCard(card)
    this.#leave = person(this.reader.body, this.#card, { pace: instant, ...script })
    return this.#card
  }

  async close(): Promise<void> {
    this.#leave()
    await this.#listening?.close()
    await this.reader.close()
    await this.acquirer.close()
    if (this.#faults.length > 0) throw this.#faults[0]
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

/** A reader that is switched off is not on the air. */
export function switchRadio(reader: VirtualReader, listening: Listening | undefined): void {
  door.need('reader', reader, door.shape({ body: bodyRule }))
  door.need('listening', listening, door.maybe(door.object))
  const { body } = reader
  body.on(event => event.type === 'power' && listening?.radio?.power(event.on))
}

/** How a reader shows itself where it does not sit on a plain line. */
function plugsOf({ hid, ble, serial }: VirtualReader): Pick<ListenOptions, 'hid' | 'ble'> {
  return { ...(hid && { hid }), ...(ble && { ble: { shape: ble, name: serial } }) }
}

function toCard(card: AnyCard): VirtualCard {
  return typeof card === 'object' && 'contact' in card ? card : loadCard(card)
}

/**
 * A counter with a reader, a person with a card, and an acquirer on a loopback port.
 * @throws Fault `bad-argument` or `bad-config` for a card or a rule; `busy` when the port is taken
 */
export async function virtualCounter(options: CounterOptions = {}): Promise<Counter> {
  door.need('options', options, counterRule)
  const {
    card = 'mir-maestro',
    rules,
    balance,
    listen: where,
    onHost,
    host,
    clock,
    family,
    dialect,
    serial,
    language,
    battery,
    pinKeys,
    currency,
    config,
    contactless,
    explain,
    resultTime,
    ...script
  } = options
  const holding = toCard(card)
  const acquirerOptions: AcquirerOptions = {
    ...host,
    ...(rules && { rules }),
    ...(balance !== undefined && { balance }),
    ...(onHost && { onEvent: onHost }),
  }
  const acquirer = await startAcquirer(acquirerOptions)
  try {
    const reader = virtualReader({
      ...(clock && { clock }),
      ...(family && { family }),
      ...(dialect && { dialect }),
      ...(serial && { serial }),
      ...(language && { language }),
      ...(battery && { battery }),
      ...(pinKeys && { pinKeys }),
      ...(currency && { currency }),
      ...(config && { config }),
      ...(contactless && { contactless }),
      ...(explain && { explain }),
      ...(resultTime !== undefined && { resultTime }),
    })
    const listening = where === undefined ? undefined : await listen(where, link => reader.serve(link), plugsOf(reader))
    switchRadio(reader, listening)
    return new Counter(reader, acquirer, listening, holding, person(reader.body, holding, { pace: instant, ...script }))
  } catch (error) {
    await acquirer.close()
    throw error
  }
}
