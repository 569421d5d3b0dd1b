/** "What I did" as a scenario: the deeds of somebody at one reader, each at the moment at which it was done, and what each payment came to. */

import { stringify } from 'yaml'
import type { Key } from '../../readers/body/senses.ts'
import type { HandAnswer } from '../schema/bank.ts'
import type { CardInput } from '../schema/card.ts'

/** What the page was told to do, as it was: with the digits that events have as stars. */
export interface Deed {
  /** Of the event that tells of it. */
  readonly n: number
  /** A reader’s, card’s or app’s id, `bank`. */
  readonly id: string
  readonly deed: string
  readonly with: Readonly<Record<string, unknown>>
}

/** An event, taken apart. */
export interface Happened {
  readonly n: number
  readonly reader?: string
  readonly event: { readonly kind: string } & Readonly<Record<string, unknown>>
}

/** What is known beside the events. */
export interface Surroundings {
  readonly name: string
  readonly reader: string
  /** As a scenario has it. */
  readonly readerInput: unknown
  readonly language: string
  readonly cardInput: (id: string) => CardInput | undefined
  readonly rules: readonly unknown[]
  readonly magicAmounts: boolean
  /** Of a request that was answered by hand: 2500.00. */
  readonly amountOf: (request: number) => string | undefined
}

interface Pay {
  amount?: string
  by?: 'cash' | 'sbp'
  application?: string
  expect?: { result: string; reason?: string }
}
type Step = { pay: Pay } | { do: unknown } | { knob: string } | { settle: 'day' }
interface Fault {
  at: unknown
  do: unknown
  step: number
  nth?: number
}

const results = ['approved', 'declined', 'cancelled', 'unknown']

/** Keys that were pressed at one prompt, however slowly, are one deed. */
const prompts = ['reader.enterPin', 'reader.wrongPin', 'reader.lastPinTry']

/** A scenario file. */
export function scenarioOf(happened: readonly Happened[], deeds: ReadonlyMap<number, Deed>, around: Surroundings): string {
  const story = new Story(around)
  for (const one of happened) {
    const { event, reader } = one
    const deed = deeds.get(one.n)
    if (deed) story.did(deed)
    else if (reader === undefined || reader === around.reader) story.see(event)
  }
  return stringify(story.scenario, { lineWidth: 120 })
}

class Story {
  readonly #around: Surroundings
  readonly #steps: Step[] = []
  readonly #faults: Fault[] = []
  readonly #rules: unknown[] = []
  /** What the app was told by its user, as a scenario says it of an app. */
  readonly #own: { tryAgain?: boolean; sign?: boolean } = {}
  /** What the app was asked to pay, and has not begun. */
  #asked: Pay = {}
  /** Labels of the applications that the app shows. */
  #labels: readonly string[] = []
  #screen = { message: '', text: '' }
  /** How often each moment has come since the step began. */
  #counts = new Map<string, number>()
  /** The command to the card since the last screen. */
  #apdu: number | undefined
  #commands = 0
  #paying = false

  constructor(around: Surroundings) {
    this.#around = around
  }

  get scenario(): object {
    const { name, readerInput, language, rules, magicAmounts } = this.#around
    const all = [...this.#rules, ...rules]
    const host = { ...(all.length > 0 && { rules: all }), ...(magicAmounts && { magicAmounts }) }
    return {
      ...{ name: `What was done at ${name}`, reader: readerInput, language, person: 'nobody' },
      ...(Object.keys(host).length > 0 && { host }),
      ...(Object.keys(this.#own).length > 0 && { app: this.#own }),
      ...(this.#faults.length > 0 && { faults: this.#faults }),
      steps: this.#steps.length > 0 ? this.#steps : [{ wait: 0 }],
    }
  }

  see(event: Happened['event']): void {
    if (event.kind === 'screen') this.#seeScreen(event as never)
    if (event.kind === 'card' && (event.event === 'inserted' || event.event === 'tapped')) this.#commands = 0
    if (event.kind === 'apdu') {
      this.#apdu = ++this.#commands
      this.#count(`apdu ${this.#commands}`)
    }
    if (event.kind === 'app' && event.what === 'answer') this.#seeAnswer(event)
    if (event.kind === 'bench' && event.what === 'app') this.#seeApp(event.state as never)
    if (event.kind === 'result') {
      const last = this.#steps.at(-1)
      const { result, reason } = event as { result?: string; reason?: string }
      if (last && 'pay' in last && results.includes(result ?? '')) last.pay.expect = { result: result!, ...(reason && { reason }) }
    }
  }

  #seeScreen({ message = '', lines }: { readonly message?: string; readonly lines: readonly string[] }): void {
    this.#apdu = undefined
    if (message === 'reader.idle') this.#paying = false
    else if (!this.#paying && (message === 'reader.presentCard' || lines.some(line => moneyLine.test(line)))) this.#begin(lines)
    this.#screen = { message, text: lines[0] ?? '' }
    this.#count(this.#screen.message || this.#screen.text)
  }

  #begin(lines: readonly string[]): void {
    this.#paying = true
    const [, shown] = lines.map(line => moneyLine.exec(line)).find(found => found !== null) ?? []
    const amount = this.#asked.amount ?? shown
    this.#step({ pay: { ...(amount !== undefined && { amount }) } })
  }

  #step(step: Step): void {
    this.#steps.push(step)
    this.#asked = {}
    this.#counts = new Map()
    this.#commands = 0
  }

  #count(moment: string): void {
    this.#counts.set(moment, (this.#counts.get(moment) ?? 0) + 1)
  }

  #seeAnswer({ name, content }: Readonly<Record<string, unknown>>): void {
    if (name === 'tryAgain') this.#own.tryAgain = content === true
    if (name === 'captureSignature') this.#own.sign = content !== undefined && content !== null
  }

  #seeApp(state: { readonly screen?: { readonly kind: string; readonly choices?: readonly { readonly label: string }[] } } | null): void {
    if (state?.screen?.kind === 'chooseApplication') this.#labels = state.screen.choices?.map(({ label }) => label) ?? []
  }

  did({ id, deed, with: what }: Deed): void {
    if (/^a\d/.test(id)) this.#app(deed, what)
    else if (id === 'bank') this.#bank(deed, what)
    else if (id === this.#around.reader) this.#atReader(this.#deedOf(deed, what))
  }

  #atReader(done: unknown): void {
    if (done === undefined) return
    if (this.#paying) this.#at(done)
    else this.#steps.push(isKnob(done) ? done : { do: done })
  }

  /** At the moment at which it was done: while a command was under way, or on a screen. */
  #at(done: unknown): void {
    const step = this.#steps.length - 1
    const { message, text } = this.#screen
    const moment = this.#apdu === undefined ? message || text : `apdu ${this.#apdu}`
    const at = this.#apdu === undefined ? { screen: message || text } : { apdu: this.#apdu }
    const before = this.#faults.at(-1)
    if (isPress(done) && before?.step === step && isPress(before.do) && prompts.includes(message) && sameAt(before.at, at)) {
      const keys = [before.do.press, done.press].flat()
      // After ENTER the same prompt is another one.
      if (![before.do.press].flat().includes('enter')) {
        before.do = { press: keys }
        return
      }
    }
    const nth = this.#counts.get(moment) ?? 1
    this.#faults.push({ at, do: done, step, ...(nth > 1 && { nth }) })
  }

  #deedOf(deed: string, what: Readonly<Record<string, unknown>>): unknown {
    const card = () => cardPlan(this.#around.cardInput(String(what.card)))
    switch (deed) {
      case 'press':
        return { press: what.keys as readonly Key[] }
      case 'insert':
      case 'tap':
      case 'swipe':
        return { [deed]: card() }
      case 'pull':
      case 'leave':
        return 'pull'
      case 'switch':
        return { knob: `power ${what.on ? 'on' : 'off'}` }
      case 'plug':
        return { knob: `charging ${what.charging ? 'on' : 'off'}` }
      case 'battery':
        return { knob: `battery ${what.percent}` }
      case 'tamper':
        return 'tamper'
      case 'knob':
        return { knob: String(what.line) }
      default:
        return undefined
    }
  }

  #app(deed: string, what: Readonly<Record<string, unknown>>): void {
    if (deed !== 'answer') return
    const { action, fields } = what as { action: string; fields?: { amount?: string } }
    if (action === 'pay' && fields?.amount) this.#asked = { amount: fields.amount }
    if (action === 'cash' || action === 'sbp') this.#step({ pay: { ...this.#asked, by: action } })
    const [, index] = /^application:(\d+)$/.exec(action) ?? []
    const last = this.#steps.at(-1)
    if (index !== undefined && last && 'pay' in last) last.pay.application = this.#labels[Number(index)]
  }

  #bank(deed: string, what: Readonly<Record<string, unknown>>): void {
    if (deed === 'settle') this.#steps.push({ settle: 'day' })
    if (deed === 'gone') {
      const host = { host: what.gone ? 'gone' : 'back' }
      if (this.#paying) this.#at(host)
      else this.#steps.push({ do: host })
    }
    if (deed !== 'answer') return
    const { n, ...answer } = what as { n: number } & HandAnswer
    const amount = this.#around.amountOf(n)
    const rule = ruleOf(answer as HandAnswer)
    if (rule) this.#rules.push({ ...rule, ...(amount !== undefined && { when: { amount: { is: amount.replace('.', '') } } }), times: 1 })
  }
}

/** What a display says of money: `2500.00 RUB`. */
const moneyLine = /^(\d+(?:\.\d+)?) [A-Z]{3}$/

function isPress(done: unknown): done is { readonly press: readonly Key[] } {
  return typeof done === 'object' && done !== null && 'press' in done
}

function isKnob(done: unknown): done is { readonly knob: string } {
  return typeof done === 'object' && done !== null && 'knob' in done
}

function sameAt(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}

function cardPlan(input: CardInput | undefined): unknown {
  if (input === undefined) return 'mir-maestro'
  if ('own' in input) return { own: input.own }
  return input.with ? { profile: input.profile, with: input.with } : input.profile
}

/** As a rule of the host; undefined for what it does anyhow. */
function ruleOf(answer: HandAnswer): object | undefined {
  switch (answer.do) {
    case 'approve':
      return undefined
    case 'decline':
      return { do: 'decline', code: answer.code ?? '05', reason: answer.reason ?? 'declined by hand' }
    case 'refer':
      return { do: 'refer', reason: answer.reason ?? 'call the bank' }
    case 'partial':
      return { do: 'partial', amount: answer.amount.replace('.', '') }
    case 'drop':
      return { do: 'dropAnswer' }
    case 'late':
      return { do: 'delay', ms: answer.ms }
    case 'script':
      return answer.script === 'unblockPin'
        ? { do: 'unblockPin' }
        : { do: 'decline', code: answer.script === 'blockCard' ? '43' : '57', reason: 'blocked by its bank', script: answer.script }
    default:
      return { do: answer.do }
  }
}
