/** What the screens of one app work with: the stage that they are shown on, its till, its reader, and the phone around it. */

import type { BleSearch, FoundReader } from '../../../devices/discover.ts'
import type { Clock } from '../../../src/clock.ts'
import type { Currency } from '../../../src/currency.ts'
import type { Fault } from '../../../src/errors.ts'
import type { Merchant, OrderAcquirer, RetailAcquirer } from '../../../src/payment/acquirer.ts'
import type { OrderRecord } from '../../../src/payment/journal/journal.ts'
import type { FiscalShop } from '../../../src/payment/receipt/fiscal.ts'
import type { Till } from '../../../src/payment/till/till.ts'
import type { Reader, ReaderInfo } from '../../../src/reader/reader.ts'
import type { ReaderConnection, RememberedReader } from '../../../src/reader/reconnect.ts'
import type { AppNotice, AppState } from '../schema/app.ts'
import type { Stage } from './stage.ts'

export type Host = OrderAcquirer & Partial<RetailAcquirer>

/** Whether the phone is paired with a reader, or is now: it asks its user once. */
export type Pair = (reader: string, signal: AbortSignal) => Promise<boolean>

/** The readers around the phone. */
export interface Nearby {
  /** Each as it is heard, until `signal` fires. */
  search(options: BleSearch): AsyncIterable<FoundReader>
  /** One of them, by the address that the search gave. @throws Fault as `open` of the package */
  open(uri: string, options: { readonly signal: AbortSignal; readonly pair?: Pair | undefined }): Promise<Reader>
}

/** Milliseconds. */
export interface AppTimes {
  /** A search that finds nobody. */
  readonly search: number
  /** After the first reader that is found. */
  readonly more: number
  /** The last reader is waited for. */
  readonly last: number
  /** Between two questions for what is in process. */
  readonly refresh: number
  /** A silent host is asked for the result of a payment, and told again of a reversal. */
  readonly status: number
}

export interface Phone {
  readonly stage: Stage
  readonly till: Till
  readonly host: Host
  readonly merchant: Merchant
  readonly shop: FiscalShop
  readonly currency: Currency
  readonly clock: Clock
  readonly times: AppTimes
  /** Fires when the app is closed. */
  readonly signal: AbortSignal
  readonly nearby: Nearby
  readonly connection: ReaderConnection
  /** The one that was connected to last. */
  last(): Promise<RememberedReader | undefined>
  /** The phone's own question whether it is to be paired with a reader, while one is connected to; nobody is asked when undefined. */
  pairing: Pair | undefined
  /** SoftPOS: this phone's own field, where it has one. */
  readonly field: (() => Promise<Reader>) | undefined
  /** Newer firmware for a reader, where there is some. */
  readonly firmware: ((reader: ReaderInfo, fault: Fault) => Promise<Uint8Array | undefined>) | undefined
  location: AppState['location']
  readonly notices: readonly AppNotice[]
  /** They have been seen. */
  readNotices(): void
  /** How it stands now. @throws Fault `not-found` */
  order(number: string): OrderRecord
}

/** Fires with either. */
export const either = (...signals: readonly AbortSignal[]): AbortSignal => AbortSignal.any([...signals])
