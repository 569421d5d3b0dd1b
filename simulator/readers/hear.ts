/** Hears what one host says, message by message, until its link is over. */

import type { Clock } from '../../src/clock.ts'
import { isFault } from '../../src/errors.ts'
import type { Decoder } from '../../src/reader/side.ts'
import type { Link } from '../../src/transport/link.ts'

/** Milliseconds without a byte after which an unfinished frame is dropped. */
const QUIET = 300

/**
 * Gives each message to `hear`, one after another; resolves when the link has ended or was lost, without closing it.
 * @throws what `hear` throws, but for `link-closed`
 */
export async function hearHost<In>(
  link: Link,
  decoder: Decoder<In>,
  clock: Clock,
  hear: (message: In) => void | Promise<void>,
): Promise<void> {
  const hearAll = async (messages: readonly In[]) => {
    for (const message of messages) await hear(message)
  }
  let cancelQuiet = () => {}
  try {
    for await (const chunk of link.incoming) {
      cancelQuiet()
      await hearAll(decoder.push(chunk))
      cancelQuiet = clock.timer(QUIET, () => hearAll(decoder.idle()))
    }
  } catch (error) {
    if (!isFault(error, 'link-closed')) throw error
  } finally {
    cancelQuiet()
  }
}
