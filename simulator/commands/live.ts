/** `tapdip-sim serve --live`: a person at this terminal holds the cards, presses the keys and turns the knobs; what they can do and how it stands is always in sight. */

import { helpText } from '../../src/command/help.ts'
import { asFault } from '../../src/errors.ts'
import { faultMessage, type Language, message } from '../../src/messages/messages.ts'
import { loadCard, type VirtualCard } from '../cards/icc.ts'
import { profiles } from '../cards/profiles/index.ts'
import { keyboard } from '../readers/body/cardholder.ts'
import { type Knobs, knobHelp, turnKnob } from '../readers/knobs.ts'

export interface LiveOptions extends Knobs {
  /** In hand from the beginning; the first is held. */
  readonly cards: readonly [VirtualCard, ...VirtualCard[]]
  readonly lang: Language
  /** As the terminal takes it. */
  readonly write: (text: string) => void
  /** Of the terminal. */
  readonly columns: () => number
}

export interface Live {
  /** What was typed, as the terminal gives it in raw mode. */
  type(input: string): void
  /** A line above what stands at the bottom. */
  print(line: string): void
  close(): void
}

/** What is typed as a line: a knob with its value, or the name of a card. */
type Line = { readonly of: 'knob' | 'card'; text: string }

/** The same keys where the keyboard is Russian. */
const russian: Readonly<Record<string, string>> = { ш: 'i', ц: 'w', к: 'r', е: 't', ы: 's', т: 'n', л: 'k', с: 'c', ж: ':', Ж: ':' }

const ESCAPE = '\x1b'
/** Names that are shown beside what is typed. */
const SHOWN = 6

export function openLive({ cards: given, lang, write, columns, ...all }: LiveOptions): Live {
  const { body } = all.reader
  const cards = [...given]
  let held = 0
  let line: Line | undefined
  const press = keyboard(body, {
    get card() {
      return cards[held]
    },
    next() {
      held = (held + 1) % cards.length
    },
  })

  const bottom = (): string => {
    if (line) return line.of === 'knob' ? `${message('live.knob', lang)}: ${line.text}` : `${message('live.card', lang)}: ${line.text}   ${matches(line.text).slice(0, SHOWN).join(' ')}` // biome-ignore format: a line
    const { inSlot, inField, battery } = body
    const name = (card: unknown) => cards.find(one => one === card)?.plan.name ?? '?'
    const nothing = message('live.nothing', lang)
    const power = `${battery.percent} %${battery.charging ? ` ${message('app.charging', lang)}` : ''}`
    return [
      `${message('live.hand', lang)}: ${cards[held].plan.name}`,
      `${message('live.slot', lang)}: ${inSlot ? name(inSlot) : nothing}`,
      `${message('live.field', lang)}: ${inField.length > 0 ? inField.map(name).join(' ') : nothing}`,
      body.isOn ? `${message('live.battery', lang)}: ${power}` : message('live.off', lang),
      message('live.more', lang),
    ].join('  ')
  }
  const draw = () => write(`\r\x1b[K${[...bottom()].slice(0, Math.max(20, columns() - 1)).join('')}`)
  const print = (text: string) => {
    write(`\r\x1b[K${text}\r\n`)
    draw()
  }
  const legend = () => {
    for (const id of ['live.legend.card', 'live.legend.keys', 'live.legend.rest'] as const) print(message(id, lang))
  }

  const takeLine = ({ of, text }: Line) => {
    line = undefined
    if (text.trim() === '') return
    try {
      if (of === 'card') hold(text.trim())
      else if (text.trim() === '?') for (const one of knobHelp((name, english) => helpText(name, english, lang))) print(one)
      else {
        turnKnob(all, text)
        print(`${text.trim()}: ${message('knob.done', lang)}`)
      }
    } catch (error) {
      print(faultMessage(asFault(error), lang))
    }
  }
  /** @throws Fault `bad-config` for a name that is none */
  const hold = (typed: string) => {
    const name = Object.hasOwn(profiles, typed) ? typed : (matches(typed)[0] ?? typed)
    const known = cards.findIndex(({ plan }) => plan.name === name)
    if (known < 0) cards.push(loadCard(name))
    held = known < 0 ? cards.length - 1 : known
  }

  const key = (char: string) => {
    if (!line) {
      const meant = russian[char] ?? char
      if (meant === '?' || meant === 'h') legend()
      else if (meant === ':') line = { of: 'knob', text: '' }
      else if (meant === 'k') line = { of: 'card', text: '' }
      else press(meant)
    } else if (char === '\r' || char === '\n') takeLine(line)
    else if (char === ESCAPE) line = undefined
    else if (char === '\x7f' || char === '\b') line.text = line.text.slice(0, -1)
    else if (/^[\x20-\x7e]$/.test(char) && line.text.length < 80) line.text += char
  }
  const deaf = body.on(({ type }) => {
    if (type === 'card' || type === 'battery' || type === 'power') draw()
  })
  legend()
  return {
    type(input) {
      // Arrows and their like are several characters at once: none of them is meant.
      if (input.startsWith(ESCAPE) && input.length > 1) return
      for (const char of input) key(char)
      draw()
    },
    print,
    close() {
      deaf()
      write('\r\x1b[K')
    },
  }
}

/** Those that begin so, then those that have it in them. */
function matches(typed: string): string[] {
  const wanted = typed.trim().toLowerCase()
  const names = Object.keys(profiles)
  return [...names.filter(name => name.startsWith(wanted)), ...names.filter(name => !name.startsWith(wanted) && name.includes(wanted))]
}
