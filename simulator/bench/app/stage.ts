/** Where screens of an app are shown one after the other, in either language, and answered: each answer names the screen that it is for. */

import { abortFault, Fault } from '../../../src/errors.ts'
import { faultLines, type Language, type MessageId, message, messageTexts } from '../../../src/messages/messages.ts'
import type { Signature } from '../../../src/payment/receipt/signature.ts'
import { oneOf } from '../../../src/refusal.ts'
import type { AppAnswer, AppScreen } from '../schema/app.ts'

type Params = Readonly<Record<string, string | number>>
export type Line = AppScreen['lines'][number]
export type Row = NonNullable<AppScreen['rows']>[number]
export type Action = AppScreen['actions'][number]

/** Texts of the table in the app's language. */
export interface Words {
  readonly language: Language
  text(id: MessageId, params?: Params): string
  line(id: MessageId, params?: Params, tone?: Line['tone']): Line
  row(id: MessageId, value: string, tone?: Row['tone']): Row
  /** `id` is what an answer says. */
  action(id: string, label: MessageId, look?: Action['look'], more?: { readonly params?: Params; readonly disabled?: boolean }): Action
}

/** A screen but for its number. */
export type Content = Omit<AppScreen, 'n' | 'revision' | 'lines' | 'actions'> & {
  readonly lines?: readonly Line[]
  readonly actions?: readonly Action[]
}
/** Made anew whenever something of it, or the language, changes. */
export type Make = (words: Words) => Content

/** What was answered. */
export interface Answered {
  readonly action: string
  /** Those of the screen that the answer left out are as they were. */
  readonly fields: Readonly<Record<string, string>>
  readonly signature: Signature | undefined
}

export interface Stage {
  readonly screen: AppScreen
  language: Language
  /** Another screen. `hear` is called for every answer to it; without one it takes none. */
  show(make: Make, hear?: (answer: Answered) => void): void
  /** Another screen, and its first answer. @throws Fault `aborted` */
  ask(make: Make, signal: AbortSignal): Promise<Answered>
  /** Another screen that stays, drawn anew, until `take` makes something of an answer. @throws Fault `aborted` */
  converse<T>(make: Make, signal: AbortSignal, take: (answer: Answered) => T | undefined): Promise<T>
  /** Something that the screen shows has changed. */
  update(): void
  /** @throws Fault `busy` where the screen has gone, or waits for nothing; `bad-argument` for an action or a field that it has not */
  answer(answer: AppAnswer): void
}

export function openStage(first: Language, onChange: (screen: AppScreen) => void): Stage {
  let language = first
  let n = 0
  let revision = 0
  let make: Make = () => ({ kind: 'closed', title: '' })
  let hear: ((answer: Answered) => void) | undefined
  let answered = false
  let screen = drawn()

  function drawn(): AppScreen {
    const { lines = [], actions = [], ...content } = make(wordsIn(language))
    return { n, revision, lines: [...lines], actions: [...actions], ...content, ...(answered && { answered }) }
  }
  const draw = () => {
    screen = drawn()
    onChange(screen)
  }
  const stage: Stage = {
    get screen() {
      return screen
    },
    get language() {
      return language
    },
    set language(other) {
      language = other
      stage.update()
    },
    show(next, listener) {
      ;[make, hear, answered] = [next, listener, false]
      n++
      revision = 0
      draw()
    },
    ask: (next, signal) => stage.converse(next, signal, answer => answer),
    converse(next, signal, take) {
      return new Promise((resolve, reject) => {
        if (signal.aborted) return reject(abortFault(signal))
        const abort = () => {
          hear = undefined
          reject(abortFault(signal))
        }
        signal.addEventListener('abort', abort, { once: true })
        stage.show(next, answer => {
          const taken = take(answer)
          answered = taken !== undefined
          if (answered) hear = undefined
          stage.update()
          if (taken === undefined) return
          signal.removeEventListener('abort', abort)
          resolve(taken)
        })
      })
    },
    update() {
      revision++
      draw()
    },
    answer(answer) {
      if (answer.screen !== n) throw new Fault('busy', `screen ${answer.screen} has gone: it is ${n} now`, { field: 'screen', n })
      if (!hear) throw new Fault('busy', `screen ${n} waits for no answer`, { field: 'screen', n })
      hear(checked(answer, screen))
    },
  }
  return stage
}

/** @throws Fault `bad-argument` */
function checked({ action, fields = {}, strokes }: AppAnswer, screen: AppScreen): Answered {
  const { actions, choices = [], fields: known = [] } = screen
  const typed = known.some(({ live }) => live) ? ['typed'] : []
  const offered = [...actions.filter(({ disabled }) => !disabled), ...choices].map(({ id }) => id)
  oneOf('action', action, [...offered, ...typed])
  for (const name of Object.keys(fields))
    oneOf(
      `fields.${name}`,
      name,
      known.map(({ id }) => id),
    )
  return {
    action,
    fields: { ...Object.fromEntries(known.map(({ id, value }) => [id, value])), ...fields },
    signature: strokes && { strokes: strokes.map(stroke => stroke.map(([x, y]) => ({ x, y }))) },
  }
}

export function wordsIn(language: Language): Words {
  const text: Words['text'] = (id, params) => message(id, language, params)
  return {
    ...{ language, text },
    line: (id, params, tone) => ({ id, text: text(id, params), ...(tone && { tone }) }),
    row: (id, value, tone) => ({ id, label: text(id), value, ...(tone && { tone }) }),
    action: (id, label, look, { params, disabled } = {}) => ({
      ...{ id, label: text(label, params) },
      ...(look && { look }),
      ...(disabled && { disabled }),
    }),
  }
}

/** What went wrong, for who sells: without the name of the fault, and without a detail that is in another language. */
export function faultWords(fault: Fault, language: Language): string {
  return faultLines(fault, language)[0].replace(` (${fault.code})`, '')
}

/** What is wrong with what was typed: without the name of the fault, which is for programs. */
export function wrong({ details, message: english }: Fault, language: Language): string {
  const says = String(details.says)
  if (!(says in messageTexts)) return english
  return message(says as MessageId, language, Object.fromEntries(Object.entries(details).map(([name, value]) => [name, String(value)])))
}
