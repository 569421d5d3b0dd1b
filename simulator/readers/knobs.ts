/** The knobs of a virtual reader while it runs, as lines of text: battery, charger, firmware, tamper, line faults, signal, reboot. */

import { Fault } from '../../src/errors.ts'
import { oneOf, usageFault } from '../../src/refusal.ts'
import { isVersion } from '../../src/version.ts'
import type { Controller } from '../air/controller.ts'
import { MOST_SEED } from '../chance.ts'
import { type Lie, lies } from './lies.ts'
import type { VirtualReader } from './reader.ts'

export interface Knobs {
  readonly reader: VirtualReader
  /** Of a reader on the virtual air. */
  readonly radio?: Controller | undefined
}

interface Knob {
  /** What follows the word, for the help. */
  readonly takes: string
  readonly what: string
  readonly turn: (knobs: Knobs, value: string) => void
}

const onOff = (value: string): boolean => {
  if (value === 'on' || value === 'off') return value === 'on'
  throw refused(value, 'on, off')
}

function number(value: string, from: number, to: number): number {
  const given = Number(value)
  if (!/^-?\d+$/.test(value) || given < from || given > to) throw usageFault('usage.range', { field: 'knob', value, from, to })
  return given
}

/** `off` or 0: none. */
const every = (value: string): number | undefined => (value === 'off' ? undefined : number(value, 0, 1_000_000) || undefined)

function refused(value: string, allowed: string): Fault {
  return usageFault('usage.oneOf', { field: 'knob', value, allowed })
}

function failUpdate({ firmware }: VirtualReader, value: string, how: 'error' | 'cut'): void {
  firmware.condition.update.failure = value === 'off' ? undefined : { percent: number(value, 0, 100), how }
}

function air({ radio, reader }: Knobs): Controller {
  if (radio) return radio
  throw new Fault('unsupported', `${reader.serial} is on no virtual air: serve it with --listen ble:<port>`, { feature: 'air' })
}

export const knobs: Readonly<Record<string, Knob>> = {
  battery: {
    takes: '<percent>',
    what: 'the charge; 0 switches it off',
    turn: ({ reader }, value) => reader.body.setBattery({ percent: number(value, 0, 100) }),
  },
  charging: { takes: 'on|off', what: 'the charger', turn: ({ reader }, value) => reader.body.plug(onOff(value)) },
  firmware: {
    takes: '<version>',
    what: 'the version that runs',
    turn: ({ reader }, value) => reader.firmware.condition.update.install(value),
  },
  require: {
    takes: '<version>|off',
    what: 'the oldest firmware that may pay: an older one wants an update first',
    turn: ({ reader }, value) => {
      if (value !== 'off' && !isVersion(value)) throw refused(value, '2.0.0, off')
      reader.firmware.condition.requiredVersion = value === 'off' ? undefined : value
    },
  },
  'update-fails': {
    takes: '<percent>|off',
    what: 'the next update fails there: its memory takes no more',
    turn: ({ reader }, value) => failUpdate(reader, value, 'error'),
  },
  'update-cut': {
    takes: '<percent>|off',
    what: 'the power fails there in the next update: the switch puts it on again',
    turn: ({ reader }, value) => failUpdate(reader, value, 'cut'),
  },
  menus: {
    takes: 'on|off',
    what: 'idtech: its host is asked for the application; off: the card’s own order decides',
    turn: ({ reader }, value) => {
      if (reader.menus === undefined)
        throw new Fault('unsupported', `it is settled who chooses at a reader of family ${reader.family}`, { feature: 'menus' })
      reader.menus = onOff(value)
    },
  },
  lie: {
    takes: `${lies.join('|')}|off`,
    what: 'it says what is not so: another amount or date than it was told, another card than it has read, an approval that nobody gave',
    turn: ({ reader }, value) => {
      reader.firmware.lie = value === 'off' ? undefined : (oneOf('knob', value, lies) as Lie)
    },
  },
  tamper: { takes: '', what: 'opens the case: it has lost its keys', turn: ({ reader }) => reader.body.tamper() },
  power: {
    takes: 'on|off',
    what: 'the switch',
    turn: ({ reader }, value) => (onOff(value) ? reader.body.switchOn() : reader.body.switchOff()),
  },
  reboot: {
    takes: '',
    what: 'off and on, as after its 24 hours; the link is lost',
    turn: ({ reader }) => {
      reader.body.switchOff()
      reader.body.switchOn()
    },
  },
  latency: {
    takes: '<ms>',
    what: 'before each of its messages',
    turn: ({ reader }, value) => {
      reader.faults.delay = number(value, 0, 600_000)
    },
  },
  drop: {
    takes: '<n>|off',
    what: 'every n-th of its messages is lost',
    turn: ({ reader }, value) => {
      reader.faults.drop = every(value)
    },
  },
  corrupt: {
    takes: '<n>|off',
    what: 'every n-th of its messages is damaged',
    turn: ({ reader }, value) => {
      reader.faults.corrupt = every(value)
    },
  },
  noise: {
    takes: '<bytes>',
    what: 'before each of its messages',
    turn: ({ reader }, value) => {
      reader.faults.noise = number(value, 0, 10_000)
    },
  },
  silent: {
    takes: 'on|off',
    what: 'says nothing any more',
    turn: ({ reader }, value) => {
      reader.faults.silent = onOff(value)
    },
  },
  gone: {
    takes: 'on|off',
    what: 'hangs up instead of a message',
    turn: ({ reader }, value) => {
      reader.faults.gone = onOff(value)
    },
  },
  chance: {
    takes: '<percent>|off',
    what: 'how probable it is that a message meets the faults above',
    turn: ({ reader }, value) => {
      reader.faults.probability = value === 'off' ? undefined : number(value, 0, 100) / 100
    },
  },
  seed: {
    takes: '<number>',
    what: 'of chance: the same one meets the same messages',
    turn: ({ reader }, value) => {
      reader.faults.seed = number(value, 1, MOST_SEED)
    },
  },
  rssi: {
    takes: '<dBm>',
    what: 'how loud it is on the air',
    turn: (all, value) => {
      air(all).rssi = number(value, -127, 20)
    },
  },
  bond: {
    takes: 'other|<address>|off',
    what: 'on the air: whom it is bonded to; any other host is refused',
    turn: (all, value) => {
      const radio = air(all)
      if (value === 'off') radio.bondedTo = undefined
      else if (value === 'other') radio.bondedTo = 'FF:FF:FF:FF:FF:FF'
      else if (/^([0-9A-F]{2}:){5}[0-9A-F]{2}$/i.test(value)) radio.bondedTo = value.toUpperCase()
      else throw refused(value, 'other, 02:00:00:00:00:07, off')
    },
  },
  range: {
    takes: 'in|out',
    what: 'whether it is near',
    turn: (all, value) => {
      if (value !== 'in' && value !== 'out') throw refused(value, 'in, out')
      air(all).inRange = value === 'in'
    },
  },
}

/** Each knob with what it takes. `text` puts what it does into another language. */
export function knobHelp(text: (name: string, english: string) => string = (_, english) => english): string[] {
  return Object.entries(knobs).map(([name, { takes, what }]) => `${`${name} ${takes}`.trim().padEnd(22)} ${text(`knob ${name}`, what)}`)
}

/** Turns a knob by a line, `battery 3`. @throws Fault `bad-argument` for a knob or value that is none, `unsupported` for one that this reader has not */
export function turnKnob(all: Knobs, line: string): void {
  const [name, value = '', ...rest] = line.trim().split(/\s+/)
  const knob = knobs[oneOf('knob', name, Object.keys(knobs))]
  if (rest.length > 0 || (knob.takes === '') !== (value === '')) throw refused(line.trim(), `${name} ${knob.takes}`.trim())
  knob.turn(all, value)
}
