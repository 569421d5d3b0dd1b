/** A reader of any family, over whatever leads to it. */

import { asAnother } from '#drivers/another'
import { openPcsc } from '#platform/transports'
import * as door from '../src/door.ts'
import { Fault, isFault } from '../src/errors.ts'
import type { Reader } from '../src/reader/reader.ts'
import type { Link } from '../src/transport/link.ts'
import { parseUri, type Uri } from '../src/transport/uri.ts'
import { vpcdFamily } from './families/vpcd.ts'
import { families, identify } from './families.ts'
import type { Family, OpenOptions, Sighting } from './family.ts'
import { heardLink } from './heard-link.ts'
import { dialectOf, type Listen, openOf, openOver, openRule, placeRule, recordedLine, telling } from './open-family.ts'
import { openPcscReader } from './pcsc/driver.ts'
import { recordedSlot } from './recorded-slot.ts'
import { toldReader } from './told-reader.ts'

/**
 * A reader, ready to pay: `open('serial:/dev/ttyACM0?family=qpos')`, `open(link, { family: 'qpos' })`. It owns the link from here on. A reader of the PC/SC
 * service has no link and no family: `open('pcsc:')`, `open('pcsc:ACR39')`. `open('replay:payment.jsonl')` plays a recording of a line by what was said.
 * @throws Fault what `connect` (or `openPcsc`) throws for a URI; `bad-argument` for an unknown family, or where nothing tells which; then what the family's driver throws:
 * `timeout`, `link-closed`, `aborted`, `reader-error`, `tampered`, `protocol`, `unsupported`; `protocol` with details.looksLike where what answered speaks as another family
 * @example
 * ```ts
 * import { open } from 'tapdip'
 *
 * const reader = await open('serial:/dev/ttyACM0?family=qpos')
 * try {
 *   console.log(reader.info.model, reader.info.serial, await reader.status())
 * } finally {
 *   await reader.close()
 * }
 * ```
 */
export async function open(where: string | Link, options: OpenOptions = {}): Promise<Reader> {
  door.need('where', where, placeRule)
  door.need('options', options, openRule)
  return telling(where, options, () => opened(where, options))
}

async function opened(where: string | Link, options: OpenOptions): Promise<Reader> {
  const { signal, tracer } = options
  const uri = typeof where === 'string' ? parseUri(where) : undefined
  if (uri?.scheme === 'pcsc') {
    const slot = await openPcsc(uri, { signal })
    return toldReader(
      openPcscReader(options.trace ? recordedSlot(slot, line => recordedLine(line, vpcdFamily, options)) : slot, options),
      tracer,
    )
  }
  if (uri?.scheme === 'replay') return openRecorded(uri, options)
  const family = familyOf(options.family ?? uri?.query.family, uri)
  return openOf(uri ?? (where as Link), family, options, listen)
}

/** A recorded reader, played by message; the clock of the app is today's. */
async function openRecorded(uri: Extract<Uri, { scheme: 'replay' }>, options: OpenOptions): Promise<Reader> {
  const { openRecording } = await import('./recording.ts')
  const { link, family, dialect } = openRecording(uri, options)
  return openOver(link, family, dialectOf(dialect, family), options, listen)
}

/** A reader of another family is told from what it says; whose words those are is looked up when nothing else is left. */
const listen: Listen = (link, { name }, dialect) => {
  const heard = heardLink(link)
  return {
    link: heard.link,
    explain: error => (isFault(error, 'timeout', 'protocol') ? asAnother(error, name, dialect, heard.bytes()) : error),
    enough: heard.enough,
  }
}

/** @throws Fault `bad-argument` */
function familyOf(name: string | undefined, uri: Uri | undefined): Family {
  const known = families.map(one => one.name).join(', ')
  const found = name === undefined ? uri && identify(sighting(uri)) : families.find(one => one.name === name)
  if (found) return found
  const why = name === undefined ? 'nothing tells the family of this reader: name one' : `family '${name}' is not known`
  throw new Fault('bad-argument', `${why} (${known}), as in ?family=${families[0].name}`, { field: 'family' })
}

function sighting(uri: Uri): Sighting {
  if (uri.scheme === 'ble') return { name: uri.name }
  return uri.scheme === 'hid' ? { usb: { vendor: uri.vendor, product: uri.product } } : {}
}
