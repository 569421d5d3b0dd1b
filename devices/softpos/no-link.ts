/** SoftPOS where a link was handed in. */

import { Fault } from '../../src/errors.ts'
import type { Reader } from '../../src/reader/reader.ts'
import type { Link } from '../../src/transport/link.ts'

/** The family table's `open`: there is no byte pipe to a phone's own field. @throws Fault `bad-argument`, and closes the link */
export async function noLink(link: Link): Promise<Reader> {
  await link.close()
  throw new Fault('bad-argument', 'SoftPOS is opened over an NFC channel, not over a link: openSoftPos({ channel, … })', {
    field: 'family',
  })
}
