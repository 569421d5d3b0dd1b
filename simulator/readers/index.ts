/** The virtual readers by family. */

import { concat } from '../../src/bytes.ts'
import { oneOf, usageFault } from '../../src/refusal.ts'
import { VirtualBluepad } from './bluepad/bluepad.ts'
import { VirtualIdtech } from './idtech/idtech.ts'
import { VirtualMms } from './magtek/mms/mms.ts'
import { VirtualV5 } from './magtek/v5/v5.ts'
import { miuraImage } from './miura/files.ts'
import { VirtualMiura } from './miura/miura.ts'
import { VirtualQpos } from './qpos/qpos.ts'
import { qposImage } from './qpos/upkeep.ts'
import type { VirtualReader, VirtualReaderOptions } from './reader.ts'
import { testImage } from './update.ts'

/** One family of virtual readers. */
export interface VirtualFamily {
  /** The serial number of a reader that is given none. */
  readonly serial: string
  /** What its readers speak, the first where nothing is said; left out where there is one language. */
  readonly dialects?: readonly string[]
  /** Which of them have a PIN pad; left out where none has one. */
  readonly pinPad?: true | readonly string[]
  /** A reader of it. @throws Fault `unsupported` for a dialect that has no bytes */
  readonly make: (options: VirtualReaderOptions) => VirtualReader
  /** A test image of its firmware, as the file that a host sends; left out where it takes none. */
  readonly image?: (options: {
    /** Of the image. */
    readonly version: string
    /** False: its signature is another's; true when left out. */
    readonly signed?: boolean
  }) => Uint8Array
}

/** Head and body, one after the other. */
function plainImage(family: string): NonNullable<VirtualFamily['image']> {
  return options => {
    const { head, body } = testImage({ family, ...options })
    return concat(head, body)
  }
}

/** Every family by its name, as `virtualReader` and `tapdip-sim serve` take it. */
export const virtualFamilies: Readonly<Record<string, VirtualFamily>> = {
  idtech: { serial: 'IDTECH-VP3300-00001', make: options => new VirtualIdtech(options) },
  miura: { serial: '01000123', pinPad: true, make: options => new VirtualMiura(options), image: miuraImage },
  qpos: { serial: 'MPOS0000000001', pinPad: true, make: options => new VirtualQpos(options), image: qposImage },
  magtek: {
    serial: 'B4F2A61',
    dialects: ['v5', 'mms'],
    pinPad: ['mms'],
    make: options => (options.dialect === 'mms' ? new VirtualMms(options) : new VirtualV5(options)),
    image: plainImage('magtek'), // for one that speaks MMS: a V5 reader takes none
  },
  bluepad: {
    serial: 'PP0918900518',
    dialects: ['mped'],
    pinPad: true,
    make: options => new VirtualBluepad(options),
    image: plainImage('bluepad'),
  },
}

/** @throws Fault `bad-argument` */
export function virtualFamily(name: string): VirtualFamily {
  return virtualFamilies[oneOf('family', name, Object.keys(virtualFamilies))]
}

/** The language that a virtual reader of `family` is to speak. @throws Fault `bad-argument` */
export function dialectOf(family: string, dialect: string, field = 'dialect'): string {
  const { dialects = [] } = virtualFamily(family)
  if (dialects.length === 0) throw usageFault('usage.noDialect', { field, value: dialect, family })
  return oneOf(field, dialect, dialects)
}

/** Before a reader of `family` is given keys of AES for its PIN pad. @throws Fault `unsupported` where it has no PIN pad */
export function needPinPad(family: string, dialect: string | undefined, field = 'pinKeys'): void {
  const { pinPad = [], dialects = [] } = virtualFamily(family)
  const spoken = dialect ?? dialects[0]
  if (pinPad === true || (spoken !== undefined && pinPad.includes(spoken))) return
  const name = dialects.length > 1 ? `${family} (${spoken})` : family
  const able = Object.entries(virtualFamilies).flatMap(([other, { pinPad: has }]) =>
    has ? [has === true ? other : `${other} (${has.join(', ')})`] : [],
  )
  throw usageFault('usage.noPinPad', { feature: 'aesPinKeys', field, family: name, able: able.join(', ') }, 'unsupported')
}
