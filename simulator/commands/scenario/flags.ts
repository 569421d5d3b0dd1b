/** What `test` and `provoke` are asked on a command line. */

import type { Over, parseShard, reporterNames } from '../../scenario/words.ts'

export interface TestFlags {
  readonly grep?: RegExp
  readonly tags?: readonly string[]
  readonly workers?: number
  readonly shard?: ReturnType<typeof parseShard>
  readonly retries: number
  readonly seed: number
  readonly reporter: readonly Reporter[]
  readonly list?: boolean
  readonly merge?: boolean
  readonly update?: boolean
  readonly over?: Over
  readonly reader?: string
  readonly hands?: string
  readonly lang?: string
}

export interface Reporter {
  readonly name: (typeof reporterNames)[number]
  readonly file?: string
}

export interface ProvokeFlags {
  readonly family?: string
  readonly dialect?: string
  readonly list?: boolean
  readonly explain?: boolean
  readonly serve?: boolean
  readonly listen?: string
  readonly port?: number
  readonly json?: boolean
  readonly lang?: string
}
