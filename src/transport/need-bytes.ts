/** Recordings that hold only lengths can be read, and nothing else. */

import { Fault } from '../errors.ts'

/** @throws Fault `unsupported` where only lengths were recorded */
export function needBytes({ chunks }: { readonly chunks: readonly { readonly bytes?: Uint8Array; readonly line: number }[] }): void {
  const blank = chunks.find(chunk => chunk.bytes === undefined)
  if (blank)
    throw new Fault('unsupported', `line ${blank.line} has no bytes: this recording can be read, not replayed`, {
      feature: 'replay',
      line: blank.line,
    })
}
