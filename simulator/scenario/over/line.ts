/** Lines that the reader of a case is served on, and what of a case makes no sense on one of them. */

import { families } from '../../../devices/index.ts'
import { Fault } from '../../../src/errors.ts'
import { listPcscReaders } from '../../../src/transport/pcsc.ts'
import { readerOf } from '../parts.ts'
import type { Deed, ScenarioPlan } from '../schema.ts'
import type { Over } from '../words.ts'

/** Any other line: where the virtual reader listens, as at `serve --listen`, and where it is opened then. */
export interface OwnLine {
  readonly listen: string
  /** What it tells itself when left out. */
  readonly uri?: string | undefined
}

/** As a line is named in the options of a run. */
export type Line = Over | OwnLine

/** Where the virtual reader listens; undefined where it does not. */
export function listenAt(line: Line): string | undefined {
  if (typeof line === 'object') return line.listen
  return { tcp: 'tcp:0', pty: 'pty', ble: 'ble:0', pcsc: undefined, slot: undefined }[line]
}

/** The reader is a slot, and the kernel the app's. */
export const isRaw = (line: Line | undefined): line is 'pcsc' | 'slot' => line === 'pcsc' || line === 'slot'

/** Why a case is not run on this line. */
export function notOver(line: Line, plan: ScenarioPlan): string | undefined {
  const { family } = readerOf(plan.reader ?? 'qpos')
  if (line === 'ble' && !families.find(({ name }) => name === family)?.ble) return `a reader of family ${family} has no Bluetooth LE`
  return isRaw(line) ? notRaw(plan) : undefined
}

/** Deeds that need more of a reader than a slot. */
const ofReaders: readonly unknown[] = ['cut', 'powerOff', 'tamper', 'rival'] satisfies Deed[]

/** A raw slot has no battery, no stripe, no firmware of its own, and no menu: its app asks. */
function notRaw({
  reader,
  card,
  person,
  people = [],
  faults = [],
  screen = [],
  steps = [],
  app,
  expect,
}: ScenarioPlan): string | undefined {
  const { battery, firmware, knobs, pinKeys } = readerOf(reader ?? 'qpos').fields
  if (battery !== undefined || firmware !== undefined || knobs || pinKeys)
    return 'a raw slot has none of the reader’s own: battery, firmware, knobs, keys'
  if (app?.firmware || app?.minimumBattery !== undefined) return 'a raw slot has no firmware and no battery'
  if (expect?.screens?.some(one => one === 'reader.successful')) return 'the screen after the end is a reader’s own'
  const said = JSON.stringify([card, person, people, steps], (_, value) => (typeof value === 'bigint' ? String(value) : value))
  if (/"swipe"/.test(said) || [expect?.interface].flat().includes('swipe')) return 'nobody swipes at a raw slot'
  if (/"wallet"/.test(said)) return 'a raw slot shows one card: that there are two in the field is the reader’s to see'
  const deeds = [...faults, ...screen].flatMap((rule): unknown[] => ('do' in rule ? [rule.do].flat() : 'seeded' in rule ? rule.seeded : []))
  const asked = steps.find(step => 'update' in step || 'knob' in step)
  if (asked) return `a raw slot has no ${Object.keys(asked)[0]}`
  const done = [...deeds, ...steps.flatMap(step => ('do' in step ? [step.do].flat() : []))]
  const far = done.find(deed => ofReaders.includes(deed) || (typeof deed === 'object' && deed !== null && 'knob' in deed))
  return far === undefined ? undefined : `${typeof far === 'string' ? far : 'a knob'} is for a reader, and not for a raw slot`
}

/** The slot of vpcd, as pcscd names it. */
export const VPCD_READER = 'Virtual PCD 00 00'

/**
 * Whether what a line needs runs on this machine, before anything is run on it.
 * @throws Fault `missing-library`; `link-failed` with details.reason `no-pcscd`, `no-vpcd`
 */
export async function needLine(line: Line): Promise<void> {
  if (line !== 'pcsc') return
  const readers = await listPcscReaders()
  if (readers.includes(VPCD_READER)) return
  throw new Fault('link-failed', `pcscd has no slot '${VPCD_READER}'`, { reason: 'no-vpcd', reader: VPCD_READER })
}
