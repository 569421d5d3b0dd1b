/** A virtual BluePad, its driver and a person with a card on virtual time, every message on the wire seen. */

import { expect } from 'vitest'
import { type DeviceMessage, device as deviceSide, type HostMessage, host as hostSide } from '../../../devices/bluepad/codec.ts'
import { type BluepadOptions as DriverOptions, openBluepad } from '../../../devices/bluepad/driver.ts'
import { Issuer } from '../../../simulator/acquirer/issuer/issuer.ts'
import { testCaKeys } from '../../../simulator/keys.ts'
import { type BluepadOptions, VirtualBluepad } from '../../../simulator/readers/bluepad/bluepad.ts'
import { Body, type PlasticCard } from '../../../simulator/readers/body/body.ts'
import { type CardholderScript, cardholder } from '../../../simulator/readers/body/cardholder.ts'
import { fromHex } from '../../../src/bytes.ts'
import { VirtualClock } from '../../../src/clock.ts'
import { initialKey } from '../../../src/crypto/dukpt.ts'
import { currency } from '../../../src/currency.ts'
import { russianContactless } from '../../../src/emv/contactless/profiles.ts'
import type { Outcome } from '../../../src/emv/outcome.ts'
import { russianMpos } from '../../../src/emv/profiles.ts'
import type { AuthorisationRequest, AuthorisationResponse, Terminal, Transaction } from '../../../src/emv/terminal.ts'
import type { Fault } from '../../../src/errors.ts'
import type { Reader, ReaderEvent } from '../../../src/reader/reader.ts'
import { type PipeEnd, pipe } from '../../../src/transport/pipe.ts'

const bdk = fromHex('0123456789ABCDEFFEDCBA9876543210')
const ksn = fromHex('FFFF9876543210E00000')
export const ipek = initialKey(bdk, ksn)
export const config = russianMpos({
  ...{ merchantId: 'M1', terminalId: 'T1', merchantName: 'Test', acquirerId: '123456', ifdSerial: 'PP091890' },
  caKeys: testCaKeys,
})
export const purchase: Transaction = { amount: 250_000n, currency: currency('RUB') }

export type Pay = Partial<Omit<CardholderScript, 'card'>> & {
  readonly terminal?: Partial<Terminal>
  readonly signal?: AbortSignal
  readonly transaction?: Partial<Transaction>
}

export class Bench {
  readonly clock = new VirtualClock()
  readonly body = new Body({ clock: this.clock })
  readonly faults: Fault[] = []
  readonly events: ReaderEvent[] = []
  /** What went over the wire on this connection, whole messages only. */
  said: DeviceMessage[] = []
  heard: HostMessage[] = []
  /** All bytes that the reader sent. */
  bytes: Uint8Array[] = []
  onSaid: (message: DeviceMessage, count: number) => void = () => {}
  /** The line doubles whatever is said, either way. */
  doubles = false
  readonly asked: AuthorisationRequest[] = []
  readonly device: VirtualBluepad
  link!: PipeEnd
  reader!: Reader
  readonly #bank = new Issuer({ pinBdk: bdk })
  #serving: Promise<void> = Promise.resolve()

  constructor(options: Partial<BluepadOptions> = {}) {
    let seed = 1
    this.device = new VirtualBluepad({
      ...{ body: this.body, clock: this.clock, config, contactless: russianContactless(), pinDukpt: { ipek, ksn } },
      random: length => Uint8Array.from({ length }, () => (seed = (seed * 75 + 74) % 65537) & 0xff),
      language: 'en',
      onFault: fault => this.faults.push(fault),
      ...options,
    })
  }

  connect(mtu?: number): PipeEnd {
    const fromDevice = hostSide.decoder()
    const fromHost = deviceSide.decoder()
    this.said = []
    this.heard = []
    this.bytes = []
    const [a, b] = pipe({
      clock: this.clock,
      mtu,
      line: (bytes, from) => {
        if (from === 'a') this.heard.push(...fromHost.push(bytes))
        else {
          this.bytes.push(bytes.slice())
          for (const message of fromDevice.push(bytes)) {
            this.said.push(message)
            this.onSaid(message, this.said.length)
          }
        }
        return this.doubles ? [{ bytes }, { bytes }] : [{ bytes }]
      },
    })
    this.link = a
    this.#serving = this.device.serve(b)
    return a
  }

  async open(mtu?: number, options: DriverOptions = {}): Promise<Reader> {
    this.reader = await this.clock.settle(openBluepad(this.connect(mtu), { clock: this.clock, ...options }))
    void (async () => {
      for await (const event of this.reader.events) this.events.push(event)
    })()
    return this.reader
  }

  terminal(over: Partial<Terminal> = {}): Terminal {
    return {
      selectApplication: () => Promise.reject(new Error('the app was asked for an application')),
      authorise: async request => {
        this.asked.push(request)
        return this.issuer(request)
      },
      ...over,
    }
  }

  /** The card's bank: it checks cryptogram and PIN. */
  issuer({ transaction, interface: by, cvm, tags, pinBlock }: AuthorisationRequest): AuthorisationResponse {
    const { amount, currency, type = 'purchase' } = transaction
    const merchant = { name: 'Test', id: 'M1', terminal: 'T1' }
    const asked = {
      ...{ key: '1', order: { number: '1', amount, currency }, merchant, type, amount, currency, at: new Date(), interface: by, cvm, tags },
      ...(pinBlock && { pinBlock }),
    }
    const { code, issuerAuthenticationData, scripts } = this.#bank.authorise(asked, this.#bank.panOf(asked), [])
    return {
      ...{ type: code === '00' ? 'approved' : 'declined', code },
      ...(issuerAuthenticationData && { issuerAuthenticationData }),
      ...(scripts && { scripts }),
    }
  }

  /** One payment of this card; the person leaves when it is over, and the reader comes to rest. */
  async pay(card: PlasticCard, { terminal, signal, transaction, ...script }: Pay = {}): Promise<Outcome> {
    this.events.length = 0
    const leave = cardholder(this.body, { card, present: 'dip', ...script })
    try {
      return await this.clock.settle(
        this.reader.transact({ ...purchase, ...transaction }, this.terminal(terminal), { ...(signal && { signal }) }),
      )
    } finally {
      await this.clock.advance(10_000)
      leave()
      this.body.pull()
      this.body.leave()
      await this.clock.advance(10_000)
    }
  }

  async lose(): Promise<void> {
    this.link.drop()
    await this.clock.settle(this.#serving)
    await this.clock.advance(10_000)
  }

  get screens(): string[] {
    return this.body.screens.filter(({ lines }, at, all) => lines[0] !== all[at - 1]?.lines[0]).map(({ lines }) => lines[0])
  }

  pins(): string[] {
    return this.events.flatMap(event => (event.type === 'pin' ? [event.event] : []))
  }

  /** Everything ends, nothing is left, and nothing went wrong inside the reader. */
  async close(): Promise<void> {
    if (this.reader) await this.clock.settle(this.reader.close())
    await this.clock.settle(this.link.close())
    await this.clock.settle(this.#serving)
    await this.clock.settle(this.device.close())
    expect(this.clock.pending).toBe(0)
    expect(this.faults.map(({ code, message }) => `${code}: ${message}`)).toEqual([])
  }
}
