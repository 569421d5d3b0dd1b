/** An app's screen. */

import type { AppState } from '../state/api.ts'

interface Props {
  readonly app: AppState
  /** Answers the screen that is shown. */
  readonly answer: (answer: {
    readonly action: string
    readonly fields?: Readonly<Record<string, string>>
    readonly strokes?: readonly (readonly [number, number])[][]
  }) => void
}

export function AppView({ app }: Props) {
  return <p class="dim">{app.screen.kind}</p>
}
