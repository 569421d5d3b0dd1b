/** The configuration of a virtual QPOS as its host loads it: records of applications and CA keys (17 A0, 17 A1) into what the kernel runs on. */

import { appTags, type ConfigRecord, capkTags, decodeRecord, type ListOperation } from '../../../devices/qpos/codec.ts'
import { fromBcd, hex, text, uint } from '../../../src/bytes.ts'
import { checkCaKey } from '../../../src/emv/ca-keys.ts'
import type { ApplicationConfig, CaPublicKey, TerminalConfig } from '../../../src/emv/config.ts'
import { type ContactlessConfig, type ContactlessScheme, rulesOfFigures, type SchemeRules } from '../../../src/emv/contactless/config.ts'
import { Fault } from '../../../src/errors.ts'
import { read } from '../../../src/tlv/ber.ts'

/** Scheme by RID: which kernel takes the card. */
const rids: Readonly<Record<string, ContactlessScheme>> = {
  A000000658: 'mir',
  A000000004: 'mastercard',
  A000000003: 'visa',
  A000000025: 'amex',
  A000000065: 'jcb',
  A000000152: 'discover',
  A000000333: 'unionpay',
}

const NO_LIMIT = 999_999_999_999n

interface Loaded {
  readonly application: ApplicationConfig
  readonly terminal: Partial<TerminalConfig>
  readonly rules: SchemeRules | undefined
}

export class QposConfig {
  readonly #base: TerminalConfig
  readonly #applications = new Map<string, Loaded>()
  readonly #keys = new Map<string, CaPublicKey>()
  #own = false

  /** `base`: what a record does not say, and what is loaded as long as no host has changed it. */
  constructor(base: TerminalConfig) {
    this.#base = base
    for (const key of base.caKeys) this.#keys.set(keyName(key), key)
  }

  /** @throws Fault `protocol`, `unsupported` for an operation, `bad-argument` */
  changeApplications(operation: ListOperation, record: Uint8Array): void {
    this.#own = true
    if (operation === 'clear') this.#applications.clear()
    else if (operation === 'add' || operation === 'update') {
      const loaded = applicationOf(decodeRecord(record))
      this.#applications.set(hex(loaded.application.aid), loaded)
    } else if (operation === 'remove') this.#applications.delete(hex(need(decodeRecord(record), 0x9f06)))
    else throw new Fault('unsupported', `a virtual QPOS does not ${operation} applications`, { feature: operation })
  }

  /** @throws Fault as `changeApplications` */
  changeKeys(operation: ListOperation, record: Uint8Array): void {
    if (operation === 'clear') this.#keys.clear()
    else if (operation === 'add' || operation === 'update') {
      const key = keyOf(decodeRecord(record))
      this.#keys.set(keyName(key), key)
    } else throw new Fault('unsupported', `a virtual QPOS does not ${operation} CA keys`, { feature: operation })
  }

  /** What the kernel runs on now; `contactless` undefined where nothing is taken by tap. No applications: the reader cannot pay. */
  get current(): { readonly terminal: TerminalConfig; readonly contactless: ContactlessConfig | undefined } | undefined {
    if (!this.#own) return undefined
    const loaded = [...this.#applications.values()]
    const terminal: TerminalConfig = {
      ...this.#base,
      ...loaded[0]?.terminal,
      applications: loaded.map(({ application }) => application),
      caKeys: [...this.#keys.values()],
    }
    const schemes = merged(loaded.flatMap(({ rules }) => rules ?? []))
    return { terminal, contactless: schemes.length > 0 ? { currencyCode: terminal.currencyCode, schemes } : undefined }
  }
}

/** Applications of one scheme that have the same rules share its kernel. */
function merged(rules: readonly SchemeRules[]): SchemeRules[] {
  const groups = new Map<string, SchemeRules>()
  for (const one of rules) {
    const { aids, data, ...rest } = one
    const name = JSON.stringify([rest, [...data]], (_, value) => (typeof value === 'bigint' ? String(value) : value))
    const before = groups.get(name)
    groups.set(name, before ? { ...before, aids: [...before.aids, ...aids] } : one)
  }
  return [...groups.values()]
}

const keyName = ({ rid, index }: CaPublicKey) => `${hex(rid)} ${index}`

function need(record: ConfigRecord, tag: number): Uint8Array {
  const value = record.get(tag)
  if (!value) throw new Fault('bad-argument', `the record has no ${tag.toString(16)}`, { field: tag.toString(16) })
  return value
}

function number(record: ConfigRecord, tag: number): bigint {
  const value = fromBcd(need(record, tag))
  if (value === undefined) throw new Fault('bad-argument', `${tag.toString(16)} is no number`, { field: tag.toString(16) })
  return value
}

/** The data objects of an application that are neither EMV's configuration nor the vendor's. */
const known: readonly number[] = [
  ...[0x9f06, 0x5f2a, 0x9f01, 0x9f09, 0x9f15, 0x9f16, 0x9f1a, 0x9f1b, 0x9f1c, 0x9f1e, 0x9f33, 0x9f35, 0x9f40, 0x9f4e, 0x9f66],
  ...Object.values(appTags),
]

function applicationOf(record: ConfigRecord): Loaded {
  const optional = (tag: number) => (record.get(tag)?.length ? record.get(tag) : undefined)
  const [ddol, tdol] = [optional(appTags.ddol), optional(appTags.tdol)]
  const threshold = BigInt(uint(need(record, appTags.threshold)))
  const data = new Map([...record].filter(([tag]) => !known.includes(tag)))
  const application: ApplicationConfig = {
    aid: need(record, 0x9f06),
    match: need(record, appTags.selection)[0] === 0 ? 'partial' : 'exact',
    versions: [need(record, 0x9f09)],
    tacDenial: need(record, appTags.tacDenial),
    tacOnline: need(record, appTags.tacOnline),
    tacDefault: need(record, appTags.tacDefault),
    floorLimit: BigInt(uint(need(record, 0x9f1b))),
    velocityChecking: true, // no record says otherwise
    ...(threshold > 0n && {
      randomSelection: {
        threshold,
        targetPercentage: Number(number(record, appTags.targetPercentage)),
        maximumPercentage: Number(number(record, appTags.maximumPercentage)),
      },
    }),
    ...(ddol && { ddol }),
    ...(tdol && { tdol }),
    ...(data.size > 0 && { data }),
  }
  return { application, terminal: terminalOf(record), rules: rulesOf(record) }
}

function terminalOf(record: ConfigRecord): Partial<TerminalConfig> {
  return {
    currencyCode: Number(number(record, 0x5f2a)),
    countryCode: Number(number(record, 0x9f1a)),
    acquirerId: String(number(record, 0x9f01)).padStart(6, '0'),
    merchantCategoryCode: hex(need(record, 0x9f15)),
    merchantId: text(need(record, 0x9f16)).trimEnd(),
    terminalId: text(need(record, 0x9f1c)).trimEnd(),
    ifdSerial: text(need(record, 0x9f1e)).trimEnd(),
    merchantName: text(need(record, 0x9f4e)),
    capabilities: need(record, 0x9f33),
    additionalCapabilities: need(record, 0x9f40),
    terminalType: need(record, 0x9f35)[0],
  }
}

/** Undefined where the record has no limits for taps, or the scheme no kernel. Kernels with figures of their own go by those of the kernel's space. */
function rulesOf(record: ConfigRecord): SchemeRules | undefined {
  const aid = need(record, 0x9f06)
  const scheme = rids[hex(aid.subarray(0, 5))]
  if (!scheme || !record.has(appTags.tapCvmLimit)) return undefined
  const data = new Map(
    read(record.get(appTags.kernelSpace) ?? new Uint8Array(0), { ff: 'tag' }).map(({ tag, value }) => [tag, value] as const),
  )
  const own = rulesOfFigures(scheme, data)
  const tapLimit = number(record, appTags.tapLimit)
  const ttq = record.get(0x9f66)
  return {
    scheme,
    aids: [aid],
    verifyFrom: number(record, appTags.tapCvmLimit),
    offlineUpTo: number(record, appTags.tapFloorLimit),
    ...(tapLimit < NO_LIMIT && { refuseFrom: tapLimit }),
    ...own,
    statusCheck: record.get(appTags.statusCheck)?.[0] === 1,
    ...(ttq && { ttq }),
    data: new Map([...data].filter(([tag]) => !own || !isFigure(scheme, tag))),
  }
}

/** Figures are derived anew from the rules. */
function isFigure(scheme: ContactlessScheme, tag: number): boolean {
  const zero = new Uint8Array(6)
  return Object.keys(rulesOfFigures(scheme, new Map([[tag, zero]])) ?? {}).length > 0
}

function keyOf(record: ConfigRecord): CaPublicKey {
  const exponent = need(record, capkTags.exponent)
  const first = exponent.findIndex(byte => byte !== 0)
  const expires = hex(need(record, capkTags.expires)).slice(2)
  const key = {
    rid: need(record, 0x9f06),
    index: need(record, 0x9f22)[0],
    modulus: need(record, capkTags.modulus),
    exponent: exponent.subarray(first < 0 ? exponent.length - 1 : first),
    checksum: need(record, capkTags.checksum),
    expires,
  }
  checkCaKey(key)
  return key
}
