/** An app's screen. */

import type { AppAnswer, AppPhone, AppState } from '../../schema/app.ts'

interface Props {
  readonly app: AppState
  /** Answers the screen that is shown. */
  readonly answer: (answer: AppAnswer) => void
  /** Another setting of the phone. */
  readonly change: (phone: AppPhone) => void
}

export function AppView({ app }: Props) {
  return <p class="dim">{app.screen.title}</p>
}
