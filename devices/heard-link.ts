/** What a line says while its reader is opened. */

import { concat } from '../src/bytes.ts'
import type { Link } from '../src/transport/link.ts'

/** Bytes from the line that are looked at. */
const HEARD = 4096

/** A line that is listened to until its reader is open. */
export interface Heard {
  readonly link: Link
  /** What has come so far, as far as it is looked at. */
  bytes(): Uint8Array
  /** Nothing more is kept. */
  enough(): void
}

export function heardLink(link: Link): Heard {
  let kept: Uint8Array[] | undefined = []
  let length = 0
  async function* listened() {
    for await (const chunk of link.incoming) {
      if (kept && length < HEARD) {
        kept.push(chunk.slice(0, HEARD - length))
        length += chunk.length
      }
      yield chunk
    }
  }
  const incoming = listened()
  return {
    // Getters: what a line agrees on later counts. No heir of the link: its own private fields are its own.
    link: {
      get uri() {
        return link.uri
      },
      get mtu() {
        return link.mtu
      },
      get service() {
        return link.service
      },
      incoming,
      send: bytes => link.send(bytes),
      close: () => link.close(),
    },
    bytes: () => concat(...(kept ?? [])),
    enough: () => {
      kept = undefined
    },
  }
}
