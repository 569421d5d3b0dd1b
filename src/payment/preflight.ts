/** What is looked at before a card is asked for: the battery, and what the reader must be given before it pays. */

import { Fault } from '../errors.ts'
import type { Reader } from '../reader/reader.ts'
import { compareVersions } from '../version.ts'

/** Versions that the app knows of: below `required` no payment is begun, below `current` the app is told that there is something newer. */
export interface KnownVersions {
  readonly required?: string
  readonly current?: string
}

export interface PreflightOptions {
  readonly reader: Reader
  /** A reader at or below this charge, in percent, and not charging, is refused; 5 when left out. */
  readonly minimumBattery?: number
  /** Firmware that readers of this model should have. */
  readonly firmware?: KnownVersions
  readonly signal?: AbortSignal
}

export interface Readiness {
  /** A newer version of the firmware than the reader's, where the app knows of one. */
  readonly newerFirmware?: string
}

/**
 * Asks the reader how it is.
 * @throws Fault `low-battery`, `update-required` (details.needs: firmware, configuration, keys), or what `status` throws
 */
export async function preflight({ reader, minimumBattery = 5, firmware = {}, signal }: PreflightOptions): Promise<Readiness> {
  const { battery, needs } = await reader.status(signal ? { signal } : {})
  if (needs) throw new Fault('update-required', `the reader needs ${needs} before it pays`, { needs })
  const { firmware: version } = reader.info
  const { required, current } = firmware
  if (version !== undefined && required !== undefined && compareVersions(version, required) < 0)
    throw new Fault('update-required', `the reader's firmware ${version} is older than ${required}`, {
      needs: 'firmware',
      version,
      required,
    })
  if (battery?.percent !== undefined && battery.percent <= minimumBattery && !battery.charging)
    throw new Fault('low-battery', `the reader's battery is at ${battery.percent} %, a payment takes more than ${minimumBattery} %`, {
      percent: battery.percent,
    })
  return version !== undefined && current !== undefined && compareVersions(version, current) < 0 ? { newerFirmware: current } : {}
}
