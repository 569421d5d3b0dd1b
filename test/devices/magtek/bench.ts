/** A counter with a virtual MagTek reader of either kind: its line, the real driver, a person, and the issuer that opens what the reader has wrapped up. */

import { openMms } from '../../../devices/magtek/mms/mms.ts'
import { openV5, type V5Model } from '../../../devices/magtek/v5.ts'
import { Issuer } from '../../../simulator/acquirer/issuer/issuer.ts'
import { openSealed } from '../../../simulator/acquirer/sealed.ts'
import { loadCard } from '../../../simulator/cards/icc.ts'
import { testPinDukpt } from '../../../simulator/keys.ts'
import { Body, type PlasticCard } from '../../../simulator/readers/body/body.ts'
import { type CardholderScript, cardholder } from '../../../simulator/readers/body/cardholder.ts'
import { VirtualMms, type VirtualMmsOptions } from '../../../simulator/readers/magtek/mms/mms.ts'
import { VirtualV5, type VirtualV5Options } from '../../../simulator/readers/magtek/v5/v5.ts'
import { instant, virtualConfig } from '../../../simulator/world.ts'
import { VirtualClock } from '../../../src/clock.ts'
import { initialKey } from '../../../src/crypto/dukpt.ts'
import { currency } from '../../../src/currency.ts'
import { russianContactless } from '../../../src/emv/contactless/profiles.ts'
import type { Outcome } from '../../../src/emv/outcome.ts'
import type { AuthorisationRequest, AuthorisationResponse, Terminal, Transaction } from '../../../src/emv/terminal.ts'
import type { Fault } from '../../../src/errors.ts'
import type { AuthorisationMessage } from '../../../src/payment/acquirer.ts'
import type { Reader, ReaderEvent } from '../../../src/reader/reader.ts'
import { type PipeEnd, pipe } from '../../../src/transport/pipe.ts'

export const purchase: Transaction = { amount: 250_000n, currency: currency('RUB') }

/** What is between driver and reader. */
export const carriers = ['v5 hid', 'v5 ble', 'mms slip', 'mms hid', 'mms ble'] as const
export type Carrier = (typeof carriers)[number]

export interface BenchOptions {
  readonly carrier: Carrier
  readonly mtu?: number
  readonly v5?: Partial<VirtualV5Options>
  readonly mms?: Partial<VirtualMmsOptions>
}

export type Device = VirtualV5 | VirtualMms

const tDynamo: V5Model = { name: 'tDynamo', interfaces: ['chip', 'tap', 'swipe'] }

export class Bench {
  readonly clock = new VirtualClock()
  readonly body: Body
  readonly device: Device
  readonly faults: Fault[] = []
  readonly issuer = new Issuer()
  readonly events: ReaderEvent[] = []
  /** What the host was asked, opened. */
  readonly asked: AuthorisationMessage[] = []
  link!: PipeEnd
  reader!: Reader
  readonly #carrier: Carrier
  readonly #mtu: number | undefined
  #serving: Promise<void> = Promise.resolve()

  constructor({ carrier, mtu, v5, mms }: BenchOptions) {
    this.#carrier = carrier
    this.#mtu = mtu
    this.body = new Body({ clock: this.clock })
    let seed = 1
    const [kind, over] = carrier.split(' ')
    const same = {
      ...{ body: this.body, clock: this.clock, config: virtualConfig(), contactless: russianContactless(), language: 'en' as const },
      pinDukpt: { ipek: initialKey(testPinDukpt.bdk, testPinDukpt.ksn), ksn: testPinDukpt.ksn },
      random: (length: number) => Uint8Array.from({ length }, () => (seed = (seed * 75 + 74) % 65537) & 0xff),
      onFault: (fault: Fault) => this.faults.push(fault),
    }
    this.device =
      kind === 'v5'
        ? new VirtualV5({ ...same, carrier: over as 'hid' | 'ble', ...v5 })
        : new VirtualMms({ ...same, carrier: over as 'hid' | 'ble' | 'slip', ...mms })
  }

  /** A new line to the reader, and the driver on it. */
  async open(): Promise<Reader> {
    const [a, b] = pipe({ clock: this.clock, mtu: this.#mtu })
    this.link = a
    this.#serving = this.device.serve(b)
    const [kind, over] = this.#carrier.split(' ')
    const opening =
      kind === 'v5'
        ? openV5(a, { clock: this.clock, carrier: over as 'hid' | 'ble', model: tDynamo })
        : openMms(a, { clock: this.clock, carrier: over as 'hid' | 'ble' | 'slip' })
    this.reader = await this.clock.settle(opening)
    const { reader, events } = this
    void (async () => {
      for await (const event of reader.events) events.push(event)
    })()
    return reader
  }

  async close(): Promise<void> {
    if (this.reader) await this.clock.settle(this.reader.close())
    await this.clock.settle(this.#serving)
    await this.clock.settle(this.device.close())
  }

  /** What the card's bank says to a request. */
  issue(request: AuthorisationRequest): AuthorisationResponse {
    const { transaction, interface: through, cvm, tags, pinBlock } = request
    const message: AuthorisationMessage = {
      ...{ key: `k${this.asked.length}`, order: { number: '1', amount: transaction.amount, currency: transaction.currency } },
      merchant: { name: 'Test', id: 'M1', terminal: 'T1' },
      ...{ type: 'purchase', amount: transaction.amount, currency: transaction.currency, at: new Date(this.clock.now()) },
      ...{ interface: through, cvm, tags, ...(pinBlock && { pinBlock }) },
    }
    this.asked.push(openSealed(message, testPinDukpt.bdk))
    const verdict = this.issuer.authorise(message, this.issuer.panOf(message), [])
    return {
      ...{ type: verdict.code === '00' ? 'approved' : 'declined', code: verdict.code },
      ...(verdict.issuerAuthenticationData && { issuerAuthenticationData: verdict.issuerAuthenticationData }),
      ...(verdict.scripts && { scripts: verdict.scripts }),
    }
  }

  terminal(more: Partial<Terminal> = {}): Terminal {
    return { selectApplication: async () => 0, authorise: async request => this.issue(request), ...more }
  }

  /** A payment of one person's; they go when it is over. */
  async pay(
    card: string | PlasticCard,
    script: Partial<CardholderScript> = {},
    more: Partial<Terminal> = {},
    { transaction = {}, signal }: { readonly transaction?: Partial<Transaction>; readonly signal?: AbortSignal } = {},
  ): Promise<Outcome> {
    const held = typeof card === 'string' ? loadCard(card) : card
    const stop = cardholder(this.body, { card: held, present: 'dip', pins: ['1234'], pace: instant, ...script })
    try {
      return await this.clock.settle(this.reader.transact({ ...purchase, ...transaction }, this.terminal(more), signal ? { signal } : {}))
    } finally {
      await this.clock.advance(4000)
      stop()
      this.body.pull()
      this.body.leave()
    }
  }

  /** Display messages that the app heard. */
  get shown(): string[] {
    return this.events.flatMap(event => (event.type === 'display' ? [event.message] : []))
  }
}
