/** What is looked at before a card is asked for: the battery, and what the reader must be given before it pays. */

import { Fault } from '../../errors.ts'
import type { Reader, ReaderEvent } from '../../reader/reader.ts'
import { batteryLevel } from '../../reader/work.ts'
import { compareVersions, isVersion } from '../../version.ts'

/**
 * Versions that the app knows of, as `compareVersions` reads them (`2.0.0`, `v2.0`, `M000-MPI-V1-47`): below `required` no payment is begun, below `current` the app
 * is told that there is something newer. What a reader says and nobody can compare with them is taken for older, never for new.
 */
export interface KnownVersions {
  /** Below it nothing is paid. */
  readonly required?: string
  /** Below it the app is told, and the payment goes on. */
  readonly current?: string
}

/** The reader, and what it must be like before a card is asked for. */
export interface PreflightOptions {
  /** Owned by the caller: it stays open. */
  readonly reader: Reader
  /** A reader at or below this charge, in percent, and not charging, is refused; 5 when left out. */
  readonly minimumBattery?: number
  /** Firmware that readers of this model should have. */
  readonly firmware?: KnownVersions
  /** Cancels the payment wherever it is; what the host may have approved is taken back. */
  readonly signal?: AbortSignal
}

/** What the app should know of a reader that pays all the same. */
export interface Readiness {
  /** A newer version of the firmware than the reader's, where the app knows of one; or one that cannot be compared with what the reader says. */
  readonly newerFirmware?: string
  /** What the reader says, where that cannot be compared. */
  readonly unreadFirmware?: string
  /** The battery, where it is not well and pays all the same: the reader may have told so before anybody listened. */
  readonly battery?: Extract<ReaderEvent, { type: 'battery' }>
}

/**
 * Asks the reader how it is.
 * @throws Fault `low-battery`, `update-required` (details.needs: firmware, configuration, keys; details.version and details.required where the app's minimum is the
 * reason), `unsupported` where the app has a minimum and the reader tells no version at all, `bad-argument` for a minimum that is no version, or what `status` throws
 */
export async function preflight({ reader, minimumBattery = 5, firmware = {}, signal }: PreflightOptions): Promise<Readiness> {
  for (const [name, version] of Object.entries(firmware))
    if (version !== undefined && !isVersion(version))
      throw new Fault('bad-argument', `firmware.${name} is '${version}': it takes a version, as 2.0.0`, { field: `firmware.${name}` })
  const { battery, needs } = await reader.status(signal ? { signal } : {})
  if (needs) throw new Fault('update-required', `the reader needs ${needs} before it pays`, { needs })
  const readiness = compared(reader.info.firmware, firmware)
  if (battery?.percent !== undefined && battery.percent <= minimumBattery && !battery.charging)
    throw new Fault('low-battery', `the reader's battery is at ${battery.percent} %, a payment takes more than ${minimumBattery} %`, {
      percent: battery.percent,
    })
  const level = battery && batteryLevel(battery)
  return level === undefined || level === 'ok'
    ? readiness
    : { ...readiness, battery: { type: 'battery', level, percent: battery!.percent! } }
}

/** @throws Fault `update-required`, `unsupported` */
function compared(version: string | undefined, { required, current }: KnownVersions): Readiness {
  if (required !== undefined) {
    if (!version)
      throw new Fault('unsupported', `the reader tells no version of its firmware, and ${required} is required`, {
        feature: 'firmware',
        required,
      })
    const order = compareVersions(version, required)
    const why = order === undefined ? `cannot be compared with ${required}, which is required` : `is older than ${required}`
    if (order === undefined || order < 0)
      throw new Fault('update-required', `the reader's firmware '${version}' ${why}`, { needs: 'firmware', version, required })
  }
  if (!version || current === undefined) return {}
  const order = compareVersions(version, current)
  if (order === undefined) return { newerFirmware: current, unreadFirmware: version }
  return order < 0 ? { newerFirmware: current } : {}
}
