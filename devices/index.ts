/** The package `tapdip`: everything of src, the reader families, and `open`. */

import { systemClock } from '../src/clock.ts'
import * as door from '../src/door.ts'
import { abortFault, asFault, Fault, isFault } from '../src/errors.ts'
import { tellSetUp } from '../src/reader/host-payment.ts'
import type { Reader } from '../src/reader/reader.ts'
import { connect } from '../src/transport/connect.ts'
import type { Link } from '../src/transport/link.ts'
import type { HidShape } from '../src/transport/shape.ts'
import { tracedLink } from '../src/transport/trace.ts'
import { parseUri, type Uri } from '../src/transport/uri.ts'
import { assumptions, type Family, families, hidShape, identify, lineRedaction, type OpenOptions, type Sighting } from './families.ts'
import { openPcscReader } from './pcsc/driver.ts'
import { recordedSlot } from './recorded-slot.ts'
import { openRecording } from './recording.ts'
import { toldReader } from './told-reader.ts'
import { asAnother, heardLink } from './wrong-family.ts'

export * from '../src/index.ts'
export { type DescribedFrames, describeFrames, type FrameKind, frameKinds } from './anatomy.ts'
export type { UiMessage as Emv2UiMessage } from './bluepad/codec-emv2.ts'
export type { HostQuestion, HostReply } from './bluepad/codec-host.ts'
export { type Emv2Call, type Emv2Event, type Emv2Identification, type Emv2Options, type Emv2Port, openEmv2 } from './bluepad/emv2.ts'
export type { CarryToHost, HostCall } from './bluepad/host-link.ts'
export * from './discover.ts'
export * from './families.ts'
export { fileMemory } from './memory.ts'
export { type Recording, type RecordingOptions, readRecording } from './recording.ts'
export { type ActivateOptions, type NfcCard, type NfcChannel, openSoftPos, type SoftPosOptions } from './softpos/driver.ts'

const placeRule = door.either('a URI, or a Link', door.anyText, door.linkRule)
const openRule = door.shape({
  ...{ signal: door.maybe(door.signal), family: door.maybe(door.anyText), dialect: door.maybe(door.anyText) },
  ...{ assumed: door.maybe(door.listOf(door.anyText)), trace: door.maybe(door.callable), tracer: door.maybe(door.tracer) },
})

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
  try {
    return await opened(where, options)
  } catch (error) {
    const { code, message } = asFault(error)
    const uri = typeof where === 'string' ? where : where.uri
    options.tracer?.tell('driver', { kind: 'reader', event: 'failed', content: { uri, fault: code, message } })
    throw error
  }
}

async function opened(where: string | Link, options: OpenOptions): Promise<Reader> {
  const { signal, tracer, bluetooth, assumed = [] } = options
  tellSetUp(options)
  const unknown = assumed.find(one => !assumptions.includes(one))
  if (unknown !== undefined)
    throw new Fault('bad-argument', `assumed '${unknown}' is not known (${assumptions.join(', ')})`, { field: 'assumed' })
  const uri = typeof where === 'string' ? parseUri(where) : undefined
  if (uri?.scheme === 'pcsc') {
    const slot = await (await import('../src/transport/pcsc.ts')).openPcsc(uri, { signal })
    return toldReader(openPcscReader(options.trace ? recordedSlot(slot, line => recordedLine(line, vpcd, options)) : slot, options), tracer)
  }
  if (uri?.scheme === 'replay') return openRecorded(uri, options)
  const family = familyOf(options.family ?? uri?.query.family, uri)
  const dialect = dialectOf(options.dialect ?? uri?.query.dialect, family)
  const link = uri ? await connect(withBaud(uri, family), { signal, hid: hidOf(uri, family), ble: family.ble, bluetooth }) : (where as Link)
  return openOver(link, family, dialect, options)
}

/** A recorded reader, played by message; the clock of the app is today's. */
function openRecorded(uri: Extract<Uri, { scheme: 'replay' }>, options: OpenOptions): Promise<Reader> {
  const { link, family, dialect } = openRecording(uri, options)
  return openOver(link, family, dialectOf(dialect, family), options)
}

async function openOver(link: Link, family: Family, dialect: string | undefined, options: OpenOptions): Promise<Reader> {
  const { tracer } = options
  const { uri, service } = link
  const redaction = lineRedaction(family, { uri, service, dialect })
  const own = recordedLine(link, family, options, dialect)
  const heard = heardLink(tracer ? tracedLink(own, { tracer, redaction }) : own)
  try {
    return toldReader(await letGoOnAbort(heard.link, options, one => family.open(one, { ...options, dialect })), tracer)
  } catch (error) {
    throw options.signal?.aborted ? error : asAnother(error, family.name, dialect, heard.bytes())
  } finally {
    heard.enough()
  }
}

/** As `trace` wraps it, who is told what may be written of it. */
function recordedLine(link: Link, family: Family, { trace }: OpenOptions, dialect?: string): Link {
  const { uri, service } = link
  const redaction = lineRedaction(family, { uri, service, dialect })
  return trace ? trace(link, redaction ? { ...family, redaction } : family, dialect) : link
}

/** What passes a slot is recorded as the line of such a card program. */
const vpcd = families.find(({ name }) => name === 'vpcd')!

/** Milliseconds that a driver has to end by itself what it has begun to say, when it is given up. */
const GRACE = 300

/** A reader that is given up while it is being opened keeps no line open, whatever it is silent about. @throws Fault as `work` */
async function letGoOnAbort(
  link: Link,
  { signal, clock = systemClock }: OpenOptions,
  work: (link: Link) => Promise<Reader>,
): Promise<Reader> {
  let cancel = () => {}
  const abort = () => {
    cancel = clock.timer(GRACE, () => void link.close().catch(() => {}))
  }
  signal?.addEventListener('abort', abort, { once: true })
  if (signal?.aborted) abort()
  try {
    return await work(link)
  } catch (error) {
    throw signal?.aborted && isFault(error, 'link-closed') ? abortFault(signal) : error
  } finally {
    signal?.removeEventListener('abort', abort)
    cancel()
  }
}

/** @throws Fault `bad-argument` */
function dialectOf(name: string | undefined, { name: family, dialects = [] }: Family): string | undefined {
  if (name === undefined || dialects.includes(name)) return name
  const known = dialects.length > 0 ? dialects.join(', ') : 'it has only one'
  throw new Fault('bad-argument', `family ${family} has no dialect '${name}' (${known})`, { field: 'dialect' })
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

function hidOf(uri: Uri, family: Family): HidShape | undefined {
  return uri.scheme === 'hid' ? hidShape(family, uri) : undefined
}

function withBaud(uri: Uri, { baud }: Family): Uri {
  return uri.scheme === 'serial' && baud !== undefined ? { ...uri, query: { baud: String(baud), ...uri.query } } : uri
}
