/** A recording in place of a reader: `replay:<file>`, opened and played by message. */

import { textOfFile } from '#platform/files'
import type { Clock } from '../src/clock.ts'
import { systemClock } from '../src/clock.ts'
import * as door from '../src/door.ts'
import { Fault, isFault } from '../src/errors.ts'
import { fileFault } from '../src/file-fault.ts'
import type { Dissector } from '../src/recording/dissector.ts'
import { type Playback, playback } from '../src/recording/playback.ts'
import { parseTrace, type Trace } from '../src/transport/replay.ts'
import type { Uri } from '../src/transport/uri.ts'
import { families } from './families.ts'
import type { Family } from './family.ts'

/** A recording, with all that it takes to play it. */
export interface Recording {
  /** What passed the line. */
  readonly trace: Trace
  /** Of the reader. */
  readonly family: Family
  /** That it spoke; undefined where nobody tells. */
  readonly dialect: string | undefined
  /** Takes its line apart. */
  readonly dissector: Dissector
}

/** What may be said of a recording that does not say it itself. */
export interface RecordingOptions {
  /** Name of the reader's family. */
  readonly family?: string | undefined
  /** Language that it spoke. */
  readonly dialect?: string | undefined
}

/**
 * Reads the recording of a line. `field`: what faults call the file.
 * @throws Fault `bad-argument` (no such file, no trace, a family that is not known), `unsupported` (a family that cannot be recorded)
 */
export function readRecording(path: string, options: RecordingOptions = {}, field = 'replay'): Recording {
  door.need('path', path, door.anyText)
  door.need('options', options, door.shape({ family: door.maybe(door.anyText), dialect: door.maybe(door.anyText) }))
  let text: string
  try {
    text = textOfFile(path)
  } catch (cause) {
    throw isFault(cause) ? cause : fileFault(field, path, cause, 'read')
  }
  const trace = parseTrace(text)
  const name = options.family ?? trace.family
  const family = families.find(one => one.name === name)
  const known = families.map(one => one.name).join(', ')
  if (!family) {
    const why = name === undefined ? `${path} does not tell the family of its reader: name one` : `family '${name}' is not known`
    throw new Fault('bad-argument', `${why} (${known}), as in ?family=${families[0].name}`, { field: 'family' })
  }
  const dialect = options.dialect ?? (trace.family === family.name ? trace.dialect : undefined)
  if (!family.dissector) throw new Fault('unsupported', `lines of ${family.name} are not recorded`, { feature: 'replay' })
  const { uri, service } = trace
  return { trace, family, dialect, dissector: family.dissector({ uri, service, dialect }) }
}

/** `replay:payment.jsonl?family=qpos&pace=recorded`. @throws Fault as `readRecording`, `playback` */
export function openRecording(
  uri: Extract<Uri, { scheme: 'replay' }>,
  { clock = systemClock, ...options }: RecordingOptions & { readonly clock?: Clock | undefined },
): { readonly link: Playback; readonly family: Family; readonly dialect: string | undefined } {
  const { query, path } = uri
  const { pace } = query
  if (pace !== undefined && pace !== 'recorded')
    throw new Fault('bad-uri', `'${uri.uri}': pace is recorded, or left out, not '${pace}'`, { uri: uri.uri })
  const told = { family: options.family ?? query.family, dialect: options.dialect ?? query.dialect }
  const { trace, dissector, ...reader } = readRecording(path, told)
  return { ...reader, link: playback(trace, { dissector, clock, ...(pace && { pace: clock }) }) }
}
