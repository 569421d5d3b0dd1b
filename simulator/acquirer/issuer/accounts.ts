/** The accounts of the cards' bank: money, bonus points, wrong PINs, and cryptograms that were seen. */

import { hex } from '../../../src/bytes.ts'
import type { AuthorisationMessage } from '../../../src/payment/acquirer.ts'
import type { IssuerAccount } from '../../cards/issuer-view.ts'
import type { Names } from '../names.ts'

/** What changes of an account, as it is kept. */
export interface AccountState {
  readonly id: string
  readonly balance: bigint
  /** Bonus points, minor units. */
  readonly points: bigint
  readonly pinFailures: number
  readonly seen: readonly string[]
}

export interface Account {
  /** Tells the account from others, and no card number. */
  readonly id: string
  facts: IssuerAccount
  balance: bigint
  points: bigint
  pinFailures: number
  /** ATC and cryptogram of what was right: none counts twice. The ATC alone tells no repetition: a card that is loaded anew begins at its profile's again. */
  readonly seen: Set<string>
}

export class Accounts {
  readonly #accounts: Account[] = []
  /** Those that somebody has asked the name of: a bank has every card there is, and few of them come. */
  readonly #named = new Map<string, Account>()
  readonly #known: Names

  /** @param balance minor units that each has at the start */
  constructor(facts: readonly IssuerAccount[], balance: bigint, known: Names) {
    this.#known = known
    for (const one of facts) this.#add(one, balance)
  }

  #add(facts: IssuerAccount, balance: bigint): void {
    const named = (account: Account) => this.#name(account)
    let id: string | undefined
    this.#accounts.push({
      get id() {
        id ??= named(this)
        return id
      },
      ...{ facts, balance, points: 0n, pinFailures: 0, seen: new Set() },
    })
  }

  #name(account: Account): string {
    const id = this.#idOf(account.facts)
    if (!this.#named.has(id)) this.#named.set(id, account)
    return id
  }

  #idOf({ pan, aid }: IssuerAccount): string {
    return `${this.#known.card(pan)} ${hex(aid)}`
  }

  /** For a card that is new, or was issued anew: money and what was seen stay. */
  open(facts: readonly IssuerAccount[], balance: bigint): void {
    for (const one of facts) {
      const account = this.get(this.#idOf(one))
      if (account) account.facts = one
      else this.#add(one, balance)
    }
  }

  /** Money of every account of a card. */
  fill(pan: string, balance: bigint): void {
    for (const one of this.#accounts) if (one.facts.pan === pan) one.balance = balance
  }

  /** Wrong PINs of every account of a card are forgotten. */
  forgive(pan: string): void {
    for (const one of this.#accounts) if (one.facts.pan === pan) one.pinFailures = 0
  }

  /** The most that were typed in a row, of the accounts of a card. */
  pinFailures(pan: string): number {
    return Math.max(0, ...this.#accounts.flatMap(one => (one.facts.pan === pan ? one.pinFailures : [])))
  }

  /** All of them as they are kept. */
  get states(): readonly AccountState[] {
    return this.#accounts.map(({ id }) => this.state(id)!)
  }

  /** By its `AccountState.id`. */
  get(id: string | undefined): Account | undefined {
    return id === undefined ? undefined : (this.#named.get(id) ?? this.#accounts.find(one => one.id === id))
  }

  ofPan(pan: string): Account | undefined {
    return this.#accounts.find(({ facts }) => facts.pan === pan)
  }

  /** That of the application which pays, where a card has several. */
  ofMessage({ tags }: AuthorisationMessage, pan: string | undefined): Account | undefined {
    const aid = hex(tags.get(0x84) ?? tags.get(0x4f) ?? tags.get(0x9f06) ?? new Uint8Array(0))
    const same = this.#accounts.filter(({ facts }) => facts.pan === pan)
    return same.find(({ facts }) => aid.startsWith(hex(facts.aid))) ?? same[0]
  }

  state(id: string | undefined): AccountState | undefined {
    const account = this.get(id)
    if (!account) return undefined
    const { balance, points, pinFailures, seen } = account
    return { id: account.id, balance, points, pinFailures, seen: [...seen] }
  }

  /** Accounts as they were kept; those that are not known any more are passed over. */
  restore(states: readonly AccountState[]): void {
    for (const { id, balance, points, pinFailures, seen } of states) {
      const account = this.get(id)
      if (account) Object.assign(account, { balance, points, pinFailures, seen: new Set(seen) })
    }
  }
}

/** A payment with a cryptogram that was right: the card's other cryptogram of the same transaction, its certificate after an ARQC, pays for no second one. */
export function pay(account: Account, { type, amount, tags }: AuthorisationMessage, certified: boolean): void {
  account.balance += type === 'refund' ? amount : -amount
  if (certified) account.seen.add(paidOf(tags))
}

/** One transaction of a card's, whatever cryptograms it made: its counter and the terminal's unpredictable number. */
export function paidOf(tags: ReadonlyMap<number, Uint8Array>): string {
  return `paid ${hex(tags.get(0x9f36) ?? new Uint8Array(0))} ${hex(tags.get(0x9f37) ?? new Uint8Array(0))}`
}
