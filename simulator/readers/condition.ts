/** Whether a virtual reader can pay at all: its battery, its seals, and the firmware it has or needs. */

import { type Clock, systemClock } from '../../src/clock.ts'
import { Fault } from '../../src/errors.ts'
import { compareVersions } from '../../src/version.ts'
import type { Body } from './body/body.ts'
import { UpdateBay } from './update.ts'

export interface ConditionOptions {
  readonly body: Body
  readonly clock?: Clock
  /** The version that runs, `1.0.0` when left out; milliseconds that each block of a new one takes; and the oldest version that may pay. */
  readonly software?: { readonly version?: string; readonly blockTime?: number; readonly required?: string }
  /** Percent at which the reader warns, and below which it takes no payment; charging lifts both. */
  readonly lowBattery?: { readonly low: number; readonly critical: number }
}

/** Percent below which no new firmware is taken unless the charger is plugged in. */
const UPDATE_BATTERY = 30

export class Condition {
  /** Where new firmware is taken. */
  readonly update: UpdateBay
  /** A knob: the oldest version that may pay. */
  requiredVersion: string | undefined
  readonly #body: Body
  readonly #limits: { readonly low: number; readonly critical: number }

  constructor({
    body,
    clock = systemClock,
    software = {},
    lowBattery = { low: 15, critical: 5 },
    family,
  }: ConditionOptions & { readonly family: string }) {
    const { version = '1.0.0', blockTime, required } = software
    this.#body = body
    this.#limits = lowBattery
    this.requiredVersion = required
    this.update = new UpdateBay({
      ...{ family, version, clock, blockTime },
      ready: () => this.#charged(UPDATE_BATTERY),
      cut: () => body.switchOff(),
    })
  }

  get battery(): 'ok' | 'low' | 'critical' {
    const { percent, charging } = this.#body.battery
    const { low, critical } = this.#limits
    return charging || percent >= low ? 'ok' : percent >= critical ? 'low' : 'critical'
  }

  /** It pays no more before it has new firmware: an image is half there, or a newer version is required. */
  get needsUpdate(): boolean {
    const { requiredVersion: required, update } = this
    // What cannot be compared is not known to be new enough.
    return update.needed || (required !== undefined && (compareVersions(update.version, required) ?? -1) < 0)
  }

  /** The version as a host is told it: none while it needs another, since only the loader runs. */
  get told(): string {
    return this.needsUpdate ? '' : this.update.version
  }

  /** Before a payment. Shows on the display why there can be none. @throws Fault `tampered`, `update-required`, `low-battery` */
  check(): void {
    if (this.#body.tampered) {
      this.#body.show('reader.outOfService')
      throw new Fault('tampered', 'the reader was opened and has lost its keys')
    }
    if (this.needsUpdate) {
      this.#body.show('reader.updateNeeded')
      throw new Fault('update-required', `firmware ${this.update.version} may not pay`, { version: this.update.version })
    }
    this.#charged(this.#limits.critical)
  }

  /** Unless it is charging. @throws Fault `low-battery` */
  #charged(least: number): void {
    const { percent, charging } = this.#body.battery
    if (charging || percent >= least) return
    this.#body.show('reader.lowBattery')
    this.#body.sound('error')
    throw new Fault('low-battery', `the battery is at ${percent} %`, { percent })
  }
}
