/** A reader of the bench, virtual or there: what its routes do to it, and what can be seen of it. */

import type { z } from 'zod'
import { within } from '../../../src/clock.ts'
import type { Key } from '../../readers/body/senses.ts'
import type { PersonInput, waitFor } from '../schema/reader.ts'
import type { ReaderState } from '../schema/types.ts'
import { patternOf } from './pattern.ts'
import type { Place } from './place.ts'

export interface AnyReader {
  readonly id: string
  /** What it was made of. */
  readonly input: Readonly<Record<string, unknown>>
  readonly state: ReaderState
  press(keys: readonly Key[]): void
  insert(card: string, wrongWay?: boolean): void
  pull(): void
  tap(card: string): void
  leave(card?: string): void
  swipe(card: string): void
  switch(on: boolean): void
  plug(charging: boolean): void
  charge(percent: number): void
  tamper(): void
  range(inRange: boolean): void
  knob(line: string): void
  setPerson(input: PersonInput | undefined): void
  until(wanted: Wanted, signal: AbortSignal): Promise<ReaderState>
  close(): Promise<void>
}

export type Wanted = z.output<typeof waitFor>

/** What is looked at while it is waited for. */
interface Looked {
  readonly look: () => Pick<ReaderState, 'screen' | 'light'>
  /** Calls `listener` whenever it may be another. */
  readonly on: (listener: () => void) => () => void
}

/** Resolves when display and lights are so. @throws Fault `timeout`, `aborted`; `bad-argument` for a pattern that is none */
export async function untilShown(place: Place, id: string, wanted: Wanted, signal: AbortSignal, { look, on }: Looked): Promise<void> {
  const { screen, message, light, timeout = 30_000 } = wanted
  const pattern = screen === undefined ? undefined : patternOf('screen', screen)
  const holds = () => {
    const { screen: shown, light: lit } = look()
    return (
      (pattern === undefined || shown.lines.some(line => pattern.test(line))) &&
      (message === undefined || shown.message === message) &&
      (light === undefined || lit === light)
    )
  }
  let stop = () => {}
  await within({ timeout, signal, clock: place.clock, what: `reader ${id}` }, () => {
    return new Promise<void>(resolve => {
      const see = () => void (holds() && resolve())
      stop = on(see)
      see()
    })
  }).finally(() => stop())
}
