/** A counter for kernel tests: a virtual card, a cardholder, and an issuer behind the host that checks cryptograms with `src/crypto`. */

import type { VirtualCard } from '../../../simulator/cards/icc.ts'
import { type IssuerAccount, issuerView } from '../../../simulator/cards/issuer-view.ts'
import type { CardProfile } from '../../../simulator/cards/profile/profile.ts'
import { testCaKeys } from '../../../simulator/keys.ts'
import { concat, equal, fromHex, fromText, hex } from '../../../src/bytes.ts'
import { VirtualClock } from '../../../src/clock.ts'
import { iccMasterKey } from '../../../src/crypto/cryptogram.ts'
import { cryptogramVersions, versionArpc, versionCommandMac, versionCryptogram } from '../../../src/crypto/cryptogram-version.ts'
import type { Card } from '../../../src/emv/card.ts'
import type { ApplicationConfig, TerminalConfig } from '../../../src/emv/config.ts'
import { transact } from '../../../src/emv/contact/kernel.ts'
import type { Explanation } from '../../../src/emv/explain/explain.ts'
import type { Outcome } from '../../../src/emv/outcome.ts'
import { russianMpos } from '../../../src/emv/profiles.ts'
import type { KernelOptions } from '../../../src/emv/steps/context.ts'
import type {
  AuthorisationRequest,
  AuthorisationResponse,
  Candidate,
  PinEntry,
  PinRequest,
  Terminal,
  Transaction,
} from '../../../src/emv/terminal.ts'
import { rub, site } from './kernel-fixture.ts'

/** The Russian mPOS with the test CA keys, and `changes` in every application. */
export function mpos(
  changes: Partial<Omit<TerminalConfig, keyof typeof site>> = {},
  application: Partial<ApplicationConfig> = {},
): TerminalConfig {
  const config = russianMpos({ ...site, caKeys: testCaKeys }, changes)
  return { ...config, applications: config.applications.map(row => ({ ...row, ...application })) }
}

/** What the issuer does with a request whose ARQC is right; a wrong one is always declined with 05. */
export interface Verdict {
  readonly type: 'approved' | 'declined' | 'referral'
  /** The ARPC: right, wrong, or none. */
  readonly arpc?: 'right' | 'wrong' | 'none'
  /** Script commands to secure: header in hex and data. */
  readonly script?: { readonly template: 0x71 | 0x72; readonly commands: readonly (readonly [header: string, data: string])[] }
}

function cardKeys({ masterKeys, pan, psn, version }: IssuerAccount) {
  const derive = (key: Uint8Array) => iccMasterKey(key, pan, psn, cryptogramVersions[version].option)
  return { ac: derive(masterKeys.ac), mac: derive(masterKeys.smi), encipherment: derive(masterKeys.smc) }
}

/** Whether the cryptogram in `tags` is that of the card. */
export function cryptogramIsRight(account: IssuerAccount, tags: ReadonlyMap<number, Uint8Array>): boolean {
  const issuerData = account.issuerData(tags.get(0x9f10)!)
  return equal(tags.get(0x9f26)!, versionCryptogram(cryptogramVersions[account.version], cardKeys(account), tags, issuerData))
}

/** The account that a request is about. */
export function accountOf(profile: CardProfile, tags: ReadonlyMap<number, Uint8Array>): IssuerAccount {
  const account = issuerView(profile).find(({ aid }) => equal(aid, tags.get(0x9f06)!))
  if (!account) throw new Error(`no account of ${hex(tags.get(0x9f06)!)}`)
  return account
}

/** The issuer's answer as the card's cryptogram version wants it. */
export function issuerAnswer(profile: CardProfile, { tags }: AuthorisationRequest, verdict: Verdict): AuthorisationResponse {
  const account = accountOf(profile, tags)
  const right = cryptogramIsRight(account, tags)
  const type = right ? verdict.type : 'declined'
  const code = { approved: '00', declined: right ? '51' : '05', referral: '01' }[type]
  const version = cryptogramVersions[account.version]
  const session = { atc: tags.get(0x9f36)!, cryptogram: tags.get(0x9f26)!, unpredictable: tags.get(0x9f37) }
  // Method 1 signs the response code, method 2 a Card Status Update: approve online (byte 2 b8) or not.
  const response = version.arpc === 1 ? fromText(code) : fromHex(type === 'approved' ? '00800000' : '00000000')
  const arpc = versionArpc(version, cardKeys(account), session, response)
  if (verdict.arpc === 'wrong') arpc[0] ^= 1
  const commands = verdict.script?.commands.map(([header, data]) => {
    const head = fromHex(header + hex(Uint8Array.of(data.length / 2 + 8)))
    const command = concat(head, fromHex(data), versionCommandMac(version, cardKeys(account), session, head, fromHex(data)))
    return concat(Uint8Array.of(0x86, command.length), command)
  })
  const body = concat(...(commands ?? []))
  return {
    type,
    code,
    ...(verdict.arpc !== 'none' && { issuerAuthenticationData: concat(arpc, response) }),
    ...(commands && { scripts: [concat(Uint8Array.of(verdict.script!.template, body.length), body)] }),
    ...(type === 'approved' && { authorisationCode: 'A1B2C3' }),
    rrn: '000000000001',
  }
}

export interface Exchange {
  readonly command: Uint8Array
  /** Undefined where the card gave none. */
  readonly response: Uint8Array | undefined
}

/** What crosses the slot, so that tests can look for what must not. */
function watched(card: Card, exchanges: Exchange[]): Card {
  return {
    interface: card.interface,
    atr: card.atr,
    async transmit(apdu, options) {
      const command = apdu.slice()
      const at = exchanges.push({ command, response: undefined }) - 1
      const response = await card.transmit(apdu, options)
      exchanges[at] = { command, response: response.slice() }
      return response
    },
  }
}

export interface Counter {
  readonly profile: CardProfile
  readonly card: VirtualCard
  readonly config?: TerminalConfig
  readonly transaction?: Partial<Transaction>
  readonly options?: KernelOptions
  /** PINs the cardholder enters, in turn; 'bypass' and 'cancel' are keys. The last one is repeated. */
  readonly pins?: readonly string[]
  readonly choose?: (candidates: readonly Candidate[]) => number | undefined
  readonly host?: Verdict | Terminal['authorise']
  readonly clock?: VirtualClock
  /** Called after each explanation. */
  readonly onExplained?: () => void
}

export interface Run {
  readonly outcome: Outcome
  readonly explained: Explanation[]
  readonly requests: AuthorisationRequest[]
  readonly pinRequests: PinRequest[]
  readonly messages: string[]
  /** Commands as the card got them, and with its responses. */
  readonly sent: Uint8Array[]
  readonly exchanges: Exchange[]
  /** The very objects that the cardholder's PIN entries were. */
  readonly entries: PinEntry[]
  tag(tag: number): string | undefined
}

/** One payment over the counter. */
export async function pay(counter: Counter): Promise<Run> {
  const { profile, card, config = mpos(), pins = ['1234'], host = { type: 'approved' }, clock = new VirtualClock() } = counter
  const explained: Explanation[] = []
  const requests: AuthorisationRequest[] = []
  const pinRequests: PinRequest[] = []
  const messages: string[] = []
  const exchanges: Exchange[] = []
  const entries: PinEntry[] = []
  const terminal: Terminal = {
    selectApplication: async candidates => (counter.choose ? counter.choose(candidates) : 0),
    async enterPin(request) {
      const digits = pins[Math.min(pinRequests.length, pins.length - 1)]
      pinRequests.push(request)
      if (digits === 'bypass') return { type: 'bypassed' }
      if (digits === 'cancel') return { type: 'cancelled' }
      const entry: PinEntry =
        request.type === 'offline'
          ? { type: 'offlinePin', pin: Uint8Array.from(digits, Number) }
          : { type: 'onlinePin', block: { format: 0, data: new Uint8Array(8).fill(0xbb), ksn: new Uint8Array(10) } }
      entries.push(entry)
      return entry
    },
    async authorise(request, options) {
      requests.push(request)
      return typeof host === 'function' ? host(request, options) : issuerAnswer(profile, request, host)
    },
    display: message => void messages.push(message),
  }
  const whole: Transaction = { amount: 250_000n, currency: rub, at: new Date(2026, 2, 26, 10, 52, 0), ...counter.transaction }
  const session = card.contact({ clock })
  const explain = (entry: Explanation) => {
    explained.push(entry)
    counter.onExplained?.()
  }
  const options = { clock, explain, ...counter.options }
  const outcome = await clock.settle(transact(watched(session, exchanges), whole, config, terminal, options))
  const tag = (number: number) => {
    const value = outcome.tags.get(number)
    return value && hex(value)
  }
  return { outcome, explained, requests, pinRequests, messages, sent: exchanges.map(({ command }) => command), exchanges, entries, tag }
}
