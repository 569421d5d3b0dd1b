/** `serve --live`: what a person at a terminal sees and does: the legend, the state at the bottom, keys and knobs at once, any card; and the word where there is no terminal. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Live, openLive } from '../../../simulator/commands/live.ts'
import type { VirtualReader } from '../../../simulator/readers/reader.ts'
import { loadCard, virtualReader } from '../../../simulator/world.ts'
import type { Language } from '../../../src/messages/messages.ts'
import { start, tapdipSim } from '../../devices/commands/processes.ts'
import { everyFamily } from '../../devices/families.ts'
import { ends } from '../../ends.ts'
import { AtPhone } from '../bench/app/at-phone.ts'

let reader: VirtualReader
let live: Live
let written = ''
const open = (lang: Language = 'en', columns = 200) => {
  live = openLive({
    reader,
    lang,
    cards: [loadCard('mir'), loadCard('visa-signature')],
    write: text => void (written += text),
    columns: () => columns,
  })
}
/** As a terminal has it now: what was drawn over is gone. */
const shown = () =>
  written.split('\n').map(line => line.slice(line.lastIndexOf('\x1b[K') + (line.includes('\x1b[K') ? 3 : 0)).replace(/\r$/, ''))
const bottom = () => shown().at(-1)!

beforeEach(() => {
  written = ''
  reader = virtualReader({ family: 'qpos', battery: { percent: 61 } })
})
afterEach(async () => {
  live.close()
  await reader.close()
})

describe('the line at the bottom', () => {
  it('tells what is in hand, in the slot and in the field, and the battery, as it changes', () => {
    open()
    expect(bottom()).toBe('in hand: mir  slot: –  field: –  battery: 61 %  ? keys')
    live.type('i')
    expect(bottom()).toContain('slot: mir  field: –')
    live.type('n')
    live.type('t')
    expect(bottom()).toBe('in hand: visa-signature  slot: mir  field: visa-signature  battery: 61 %  ? keys')
    live.type('t')
    live.type('r')
    reader.body.setBattery({ percent: 4, charging: true })
    expect(bottom()).toBe('in hand: visa-signature  slot: –  field: –  battery: 4 % charging  ? keys')
    reader.body.switchOff()
    expect(bottom()).toContain('switched off')
  })

  it('is no longer than the terminal is wide, and what the display says stands above it', () => {
    open('ru', 30)
    live.print('| ВВЕДИТЕ ПИН: | * |')
    expect(shown().at(-2)).toBe('| ВВЕДИТЕ ПИН: | * |')
    expect(bottom()).toHaveLength(29)
    expect(bottom()).toMatch(/^в руке: mir {2}щель: –/)
  })
})

describe('keys', () => {
  it('the legend is there from the beginning, and again with ?', () => {
    open()
    const times = () => written.split('i insert  w insert the wrong way round').length - 1
    expect(times()).toBe(1)
    live.type('?')
    expect(times()).toBe(2)
  })

  it('a knob is turned after a colon, while the other keys stay what they are; what is none is told', () => {
    open()
    live.type(':')
    expect(bottom()).toBe('knob: ')
    for (const char of 'battery 17') live.type(char)
    expect(bottom()).toBe('knob: battery 17')
    live.type('\x7f')
    live.type('\r')
    expect(reader.body.battery.percent).toBe(1)
    expect(shown().at(-2)).toBe('battery 1: done')
    live.type(':batery 5\r')
    expect(shown().at(-2)).toContain("did you mean 'battery'")
    live.type(':i\x1b') // not a card: a line that is left
    live.type('\x1b')
    expect(reader.body.cardInSlot).toBe(false)
    live.type('i')
    expect(reader.body.cardInSlot).toBe(true)
    live.type(':?\r')
    expect(written).toContain('update-fails <percent>|off')
  })

  it('any card is taken in hand by its name, or by the beginning of it; it stays the same card', () => {
    open()
    live.type('k')
    for (const char of 'offl') live.type(char)
    expect(bottom()).toMatch(/^card: offl {3}offline-/)
    live.type('ine-pin\r')
    live.type('i')
    expect(bottom()).toContain('in hand: offline-pin  slot: offline-pin')
    const first = reader.body.inSlot
    live.type('rkmir\rkoffline-pin\ri')
    expect(reader.body.inSlot).toBe(first)
    live.type('knothing-like-it\r')
    expect(shown().at(-2)).toContain('nothing-like-it')
    expect(bottom()).toContain('in hand: offline-pin')
  })

  it('a Russian keyboard has them where the other has; arrows are no keys', () => {
    open()
    live.type('ш')
    expect(reader.body.cardInSlot).toBe(true)
    live.type('к')
    expect(reader.body.cardInSlot).toBe(false)
    live.type('\x1b[C')
    live.type('\x1bOs')
    expect(bottom()).toContain('in hand: mir  slot: –')
  })
})

it.each(everyFamily.filter(({ dialect }) => dialect !== 'emv2'))(
  '$name says "Processing" once, not again while it stands there',
  async ({ family, dialect }) => {
    open()
    await using phone = await AtPhone.open({ family, ...(dialect && { dialect }), card: 'mastercard' })
    await phone.pay('5000.00', 'reader')
    const { kind } = await phone.until(screen => screen.kind === 'result' || screen.kind === 'signature')
    if (kind === 'signature') phone.press('sign', { fields: { name: 'Test' } })
    await phone.until('result')
    const said = phone.counter.reader.body.screens.map(({ message, lines }) => `${message} ${lines}`)
    expect(said.filter((line, at) => line === said[at - 1] && /processing|authorising/.test(line))).toEqual([])
    expect(said.some(line => line.includes('reader.processing'))).toBe(true)
  },
)

describe('as a process', () => {
  it('without a terminal it is refused with a word', async () => {
    open()
    const { code, err } = await start(tapdipSim, ['serve', 'qpos', '--listen', 'tcp:0', '--live']).ended
    expect(code).toBe(1)
    expect(err).toContain('--live is for a person at a terminal')
  })

  it.skipIf(process.platform === 'win32')('at a terminal: legend, a card, a knob, and Ctrl-C ends it', async () => {
    open()
    const { spawn } = await import('@lydell/node-pty')
    const pty = spawn(process.execPath, [tapdipSim, 'serve', 'qpos', '--listen', 'tcp:0', '--live', '--card', 'mir'], {
      cols: 100,
      rows: 30,
    })
    ends.push(() => pty.kill('SIGKILL'))
    let out = ''
    const watchers = new Set<() => void>()
    pty.onData(text => {
      out += text
      for (const look of [...watchers]) look()
    })
    const says = (words: string) =>
      new Promise<void>(found => {
        const look = () => {
          if (out.includes(words)) found()
        }
        watchers.add(look)
        look()
      })
    const ended = new Promise<number>(resolve => pty.onExit(({ exitCode }) => resolve(exitCode)))
    await says('slot: –')
    expect(out).toContain('i insert')
    pty.write('i')
    await says('slot: mir')
    pty.write(':battery 12\r')
    await says('battery: 12 %')
    pty.write('\x03')
    expect(await ended).toBe(0)
  })
})
