/** One reader of a family that the app names, and nothing of the others. */

import { systemClock } from '../src/clock.ts'
import * as door from '../src/door.ts'
import { abortFault, asFault, Fault, isFault } from '../src/errors.ts'
import { tellSetUp } from '../src/reader/passthrough-options.ts'
import type { Reader } from '../src/reader/reader.ts'
import { connect } from '../src/transport/connect.ts'
import type { Link } from '../src/transport/link.ts'
import type { HidShape } from '../src/transport/shape.ts'
import { tracedLink } from '../src/transport/trace.ts'
import { parseUri, type Uri } from '../src/transport/uri.ts'
import { assumptions, type Family, hidShape, lineRedaction, type OpenOptions } from './family.ts'
import { toldReader } from './told-reader.ts'

export const placeRule = door.either('a URI, or a Link', door.anyText, door.linkRule)
export const openRule = door.shape({
  ...{ signal: door.maybe(door.signal), family: door.maybe(door.anyText), dialect: door.maybe(door.anyText) },
  ...{ assumed: door.maybe(door.listOf(door.anyText)), trace: door.maybe(door.callable), tracer: door.maybe(door.tracer) },
})

/**
 * A reader of this one family, as `open` gives it: what an app links is its driver alone, where `open` brings that of every family. An answer in another family's words is
 * the fault that the driver makes of it, without details.looksLike.
 * @param family one of those that the package has (`qposFamily`, `miuraFamily`, …), or the app's own
 * @throws Fault as `open`
 * @example
 * ```ts
 * import { openFamily, qposFamily } from 'tapdip'
 *
 * const reader = await openFamily('serial:/dev/ttyACM0', qposFamily)
 * console.log(reader.info.model)
 * await reader.close()
 * ```
 */
export async function openFamily(where: string | Link, family: Family, options: Omit<OpenOptions, 'family'> = {}): Promise<Reader> {
  door.need('where', where, placeRule)
  door.need('family', family, door.shape({ name: door.anyText, usb: door.listOf(door.object), open: door.callable }))
  door.need('options', options, openRule)
  return telling(where, options, () => {
    const uri = typeof where === 'string' ? parseUri(where) : undefined
    return openOf(uri ?? (where as Link), family, options)
  })
}

/** What goes wrong with the opening is told to the tracer too. */
export async function telling(where: string | Link, options: OpenOptions, work: () => Promise<Reader>): Promise<Reader> {
  try {
    checkAssumed(options)
    tellSetUp(options)
    return await work()
  } catch (error) {
    const { code, message } = asFault(error)
    const uri = typeof where === 'string' ? where : where.uri
    options.tracer?.tell('driver', { kind: 'reader', event: 'failed', content: { uri, fault: code, message } })
    throw error
  }
}

/** @throws Fault `bad-argument` */
function checkAssumed({ assumed = [] }: OpenOptions): void {
  const unknown = assumed.find(one => !assumptions.includes(one))
  if (unknown !== undefined)
    throw new Fault('bad-argument', `assumed '${unknown}' is not known (${assumptions.join(', ')})`, { field: 'assumed' })
}

/** Listens to a line while its reader is opened, and says what a fault of the opening is by what was heard. */
export interface Hearing {
  readonly link: Link
  /** @returns what is thrown instead */
  explain(error: unknown): unknown
  enough(): void
}

export type Listen = (link: Link, family: Family, dialect: string | undefined) => Hearing

export async function openOf(where: Uri | Link, family: Family, options: OpenOptions, listen?: Listen): Promise<Reader> {
  const { signal, bluetooth } = options
  const uri = 'scheme' in where ? where : undefined
  const dialect = dialectOf(options.dialect ?? uri?.query.dialect, family)
  const link = uri ? await connect(withBaud(uri, family), { signal, hid: hidOf(uri, family), ble: family.ble, bluetooth }) : (where as Link)
  return openOver(link, family, dialect, options, listen)
}

export async function openOver(
  link: Link,
  family: Family,
  dialect: string | undefined,
  options: OpenOptions,
  listen: Listen = unheard,
): Promise<Reader> {
  const { tracer } = options
  const { uri, service } = link
  const redaction = lineRedaction(family, { uri, service, dialect })
  const own = recordedLine(link, family, options, dialect)
  const heard = listen(tracer ? tracedLink(own, { tracer, redaction }) : own, family, dialect)
  try {
    return toldReader(await letGoOnAbort(heard.link, options, one => family.open(one, { ...options, dialect })), tracer)
  } catch (error) {
    throw options.signal?.aborted ? error : await heard.explain(error)
  } finally {
    heard.enough()
  }
}

const unheard: Listen = link => ({ link, explain: error => error, enough: () => {} })

/** As `trace` wraps it, who is told what may be written of it. */
export function recordedLine(link: Link, family: Family, { trace }: OpenOptions, dialect?: string): Link {
  const { uri, service } = link
  const redaction = lineRedaction(family, { uri, service, dialect })
  return trace ? trace(link, redaction ? { ...family, redaction } : family, dialect) : link
}

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
export function dialectOf(name: string | undefined, { name: family, dialects = [] }: Family): string | undefined {
  if (name === undefined || dialects.includes(name)) return name
  const known = dialects.length > 0 ? dialects.join(', ') : 'it has only one'
  throw new Fault('bad-argument', `family ${family} has no dialect '${name}' (${known})`, { field: 'dialect' })
}

function hidOf(uri: Uri, family: Family): HidShape | undefined {
  return uri.scheme === 'hid' ? hidShape(family, uri) : undefined
}

function withBaud(uri: Uri, { baud }: Family): Uri {
  return uri.scheme === 'serial' && baud !== undefined ? { ...uri, query: { baud: String(baud), ...uri.query } } : uri
}
