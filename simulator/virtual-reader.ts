/** A virtual reader of any family, with test keys and a ready configuration. */

import { type Clock, systemClock } from '../src/clock.ts'
import { initialKey } from '../src/crypto/dukpt.ts'
import { aesInitialKey } from '../src/crypto/dukpt-aes.ts'
import * as door from '../src/door.ts'
import type { TerminalConfig } from '../src/emv/config.ts'
import type { ContactlessConfig } from '../src/emv/contactless/config.ts'
import { contactlessFor } from '../src/emv/contactless/profiles.ts'
import type { Explain } from '../src/emv/explain/explain.ts'
import { mposFor, russianMpos } from '../src/emv/profiles.ts'
import type { Fault } from '../src/errors.ts'
import type { Language } from '../src/messages/messages.ts'
import { configurationDigest } from '../src/trace/digest.ts'
import type { Tracer, TraceSubject } from '../src/trace/event.ts'
import { MOST_SEED } from './chance.ts'
import { freshSerial, testCaKeys, testPinAesDukpt, testPinDukpt, testRevoked } from './keys.ts'
import { drawnSeed, seededBytes, streams } from './random.ts'
import { type Battery, Body } from './readers/body/body.ts'
import type { PinRules } from './readers/body/pin-pad.ts'
import { dialectOf, needPinPad, virtualFamily } from './readers/index.ts'
import { type PinKeyKind, pinKeyKinds } from './readers/pin-keys.ts'
import type { VirtualReader } from './readers/reader.ts'

/** For doors: each of `ReaderOptions`. */
export const readerOptions = {
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
  ...{ pin: door.maybe(door.object), exceptionFile: door.maybe(door.listOf(door.text(1, 19))) },
  ...{ resultTime: door.maybe(door.milliseconds), onFault: door.maybe(door.callable), explain: door.maybe(door.callable) },
  ...{ tracer: door.maybe(door.tracer), random: door.maybe(door.callable), seed: door.maybe(door.whole(0, MOST_SEED)) },
}
const readerOptionsRule = door.shape(readerOptions)
/** The virtual reader of a counter. */
export interface ReaderOptions {
  /** `qpos` when left out; see `virtualFamilies`. */
  readonly family?: string
  /** Which of the family's languages it speaks; the first when left out. */
  readonly dialect?: string
  /** The name on the case; the family's customary one when left out. */
  readonly serial?: string
  /** Of its display; `en` when left out. */
  readonly language?: Language
  /** 80 % off the charger when left out. */
  readonly battery?: Partial<Battery>
  /** Which keys its PIN pad has: of triple DES, PIN blocks of format 0, when left out; `aes-128` is AES DUKPT (ANSI X9.24-3), format 4 of ISO 9564-1. */
  readonly pinKeys?: PinKeyKind
  /** ISO 4217, of the ready profile that it is configured with: `JPY`; roubles, or that of `config`, when left out. */
  readonly currency?: string
  /** What it accepts and how; a Russian mPOS, or one of its `currency`, with test CA keys when left out. */
  readonly config?: TerminalConfig
  /** What is taken by tap; the rules of its currency when left out: in roubles no verification below 3000.00. */
  readonly contactless?: ContactlessConfig
  /** The system's when left out; a `VirtualClock` for tests that wait for nothing. */
  readonly clock?: Clock
  /** How long a PIN is and how long its entry may take, and whether ENTER alone goes on without one. */
  readonly pin?: Partial<PinRules>
  /** Beginnings of card numbers that are on its exception file; it has none when left out. */
  readonly exceptionFile?: readonly string[]
  /** Milliseconds that a result stays on the display; 1500 when left out. */
  readonly resultTime?: number
  /** Hears of what goes wrong inside the reader; the host only gets the family's own error. */
  readonly onFault?: (fault: Fault) => void
  /** Hears what the reader's kernel does, and why. */
  readonly explain?: Explain
  /** Is told of all that happens in the reader: screens, lights, sounds, keys, cards, commands to them, the kernel's rules. */
  readonly tracer?: Tracer
  /** Of what is random: its kernel's numbers, and the part of its key serial numbers that is by chance. One is drawn when left out; a trace's header has it. */
  readonly seed?: number
  /** Unpredictable bytes in place of those of the seed. */
  readonly random?: (length: number) => Uint8Array
}

/**
 * A virtual reader with test keys and the configuration of a Russian mPOS, or one for another currency.
 * @throws Fault `bad-argument` for a family or a currency that is not known; `unsupported` where `pinKeys` need a PIN pad that it has not
 *
 * @example
 * ```ts
 * import { listen, loadCard, person, virtualReader } from 'tapdip/simulator'
 *
 * await using reader = virtualReader({ family: 'miura', battery: { percent: 30 } })
 * const leave = person(reader.body, loadCard('visa-signature'))
 * const listening = await listen('tcp:0', link => reader.serve(link))
 * console.log(`${listening.uri}?family=${reader.family}`)
 * leave()
 * await listening.close()
 * ```
 */
export function virtualReader(given: ReaderOptions = {}): VirtualReader {
  door.need('options', given, readerOptionsRule)
  const { clock = systemClock, language = 'en', battery, tracer, ...options } = given
  const family = virtualFamily(options.family ?? 'qpos')
  const made = setUp(options)
  const { serial, config, contactless } = made
  const seed = options.seed ?? (options.random ? undefined : drawnSeed())
  const random = options.random ?? seededBytes(seed! ^ streams.reader)
  tracer?.about?.(readerSubject({ family: options.family, dialect: options.dialect, seed }, made))
  const dialect = options.dialect === undefined ? undefined : dialectOf(options.family ?? 'qpos', options.dialect)
  const listed = options.exceptionFile
  const aes = options.pinKeys === 'aes-128'
  const [tdesSerial, aesSerial] = [freshSerial(testPinDukpt.ksn, random), freshSerial(testPinAesDukpt.ksn, random)]
  if (aes) needPinPad(options.family ?? 'qpos', dialect)
  return family.make({
    body: new Body({ clock, language, ...(battery && { battery }), ...(tracer && { tracer }) }),
    clock,
    language,
    serial,
    ...(dialect !== undefined && { dialect }),
    config,
    contactless,
    pinDukpt: { ipek: initialKey(testPinDukpt.bdk, tdesSerial), ksn: tdesSerial },
    ...(options.pin && { pin: options.pin }),
    ...(listed && { exceptionFile: (pan: string) => listed.some(begin => pan.startsWith(begin)) }),
    ...(aes && { pinAesDukpt: { ipek: aesInitialKey(testPinAesDukpt.bdk, aesSerial.subarray(0, 8)), ksn: aesSerial } }),
    ...(options.resultTime !== undefined && { resultTime: options.resultTime }),
    ...(options.onFault && { onFault: options.onFault }),
    ...(options.explain && { explain: options.explain }),
    random,
  })
}

/** What a virtual reader with these options is configured with. */
export function setUp({
  family = 'qpos',
  config,
  contactless,
  ...options
}: Pick<ReaderOptions, 'family' | 'serial' | 'currency' | 'config' | 'contactless'>) {
  const { currency = config?.currencyCode ?? 'RUB', serial = virtualFamily(family).serial } = options
  const own = () => ({
    serial,
    config: config ?? virtualConfig(serial, site => mposFor(currency, site)),
    contactless: contactless ?? contactlessFor(currency),
  })
  if (config || contactless || options.serial !== undefined) return own()
  const name = `${family} ${currency}`
  const made = usual.get(name) ?? own()
  usual.set(name, made)
  return made
}

/** What readers of a family are configured with where nothing is said but a currency: checked once. */
const usual = new Map<string, { readonly serial: string; readonly config: TerminalConfig; readonly contactless: ContactlessConfig }>()
/** The digest of each of these. */
const digests = new WeakMap<object, string>()

/** What a trace's header tells of such a reader; its configuration is put into a digest where somebody looks. */
export function readerSubject(
  { family = 'qpos', dialect, seed }: Pick<ReaderOptions, 'family' | 'dialect'> & { readonly seed: number | undefined },
  made: ReturnType<typeof setUp>,
): TraceSubject {
  return {
    reader: { family, ...(dialect !== undefined && { dialect }), serial: made.serial },
    get configuration() {
      const digest = digests.get(made) ?? configurationDigest(made.config, made.contactless)
      digests.set(made, digest)
      return digest
    },
    seed: seed ?? null,
  }
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
