/** The line of a virtual reader as a host's driver would record it, from its other end: `serve --record`, and the `link` events of `--trace`. */

import { families } from '../devices/families.ts'
import { lineRedaction } from '../devices/family.ts'
import { isFault } from '../src/errors.ts'
import { lineFile } from '../src/line-file.ts'
import type { Tracer } from '../src/trace/event.ts'
import { type Link, linkClosed } from '../src/transport/link.ts'
import { traced, tracedLink } from '../src/transport/trace.ts'

/** Whose line it is. */
export interface DeviceLine {
  readonly family: string
  readonly dialect?: string | undefined
  /** For the head of a recording, as in a trace's. */
  readonly configuration?: string | null
  /** For the head of a recording. */
  readonly seed?: number
}

/** What wraps each link of a virtual reader, so that its line is in `file`, each message as soon as it has passed. @throws Fault `bad-argument` */
export function recordTo(file: string, overwrite: boolean | undefined, line: DeviceLine): (link: Link) => Link {
  const { family, dialect, configuration = null, seed = null } = line
  const write = lineFile(file, {
    ...{ option: '--record', overwrite: overwrite === true, each: true },
    onFailure: what => process.stderr.write(`tapdip-sim: ${what}\n`),
  })
  return link =>
    traced(hungUp(link), { write, redaction: redactionFor(link, line), side: 'device', reader: { family, dialect, configuration, seed } })
}

/** The same, told to a trace. */
export function toldLine(link: Link, line: DeviceLine, tracer: Tracer): Link {
  return tracedLink(hungUp(link), { tracer, redaction: redactionFor(link, line), side: 'device' })
}

function redactionFor({ uri, service }: Link, { family: name, dialect }: DeviceLine) {
  const family = families.find(one => one.name === name)
  return family && lineRedaction(family, { uri, service, dialect })
}

/** A device on the air sees no difference between a host that has hung up and one that is out of range: a recording takes it for the first. */
function hungUp(link: Link): Link {
  const { uri, mtu, service } = link
  if (!uri.startsWith('ble:')) return link
  return {
    ...{ uri, mtu },
    ...(service !== undefined && { service }),
    send: bytes => link.send(bytes),
    incoming: {
      async *[Symbol.asyncIterator]() {
        try {
          yield* link.incoming
        } catch (error) {
          throw isFault(error, 'link-closed') ? linkClosed(uri, 'peer') : error
        }
      },
    },
    close: () => link.close(),
  }
}
