/** The knobs of a virtual reader while it runs: each does what its line says, and what is no knob changes nothing. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { open } from '../../../devices/index.ts'
import { Air } from '../../../simulator/air/air.ts'
import { knobHelp, knobs, turnKnob } from '../../../simulator/readers/knobs.ts'
import { type Counter, virtualCounter } from '../../../simulator/world.ts'
import type { Reader } from '../../../src/reader/reader.ts'

let counter: Counter
let reader: Reader
beforeEach(async () => {
  counter = await virtualCounter({ resultTime: 0 })
  reader = await open(counter.link(), { family: 'qpos' })
})
afterEach(async () => {
  await reader.close()
  await counter.close()
})
const turn = (line: string) => turnKnob({ reader: counter.reader }, line)

describe('knobs', () => {
  it('battery, charger and firmware are what the host then hears', async () => {
    turn('battery 12')
    turn('charging on')
    turn('firmware 0.9.1')
    expect((await reader.status()).battery).toMatchObject({ percent: 12, charging: true })
    await reader.close()
    reader = await open(counter.link(), { family: 'qpos' })
    expect(reader.info.firmware).toBe('0.9.1')
    turn('require 1.0.0')
    expect(() => counter.reader.firmware.checkReady()).toThrow(expect.objectContaining({ code: 'update-required' }))
    turn('require off')
    counter.reader.firmware.checkReady()
  })

  it('a line that drops, delays or is silent', async () => {
    turn('silent on')
    const stop = new AbortController()
    const asked = reader.status({ signal: stop.signal })
    await new Promise(resolve => setImmediate(resolve))
    stop.abort()
    await expect(asked).rejects.toMatchObject({ code: 'aborted' })
    turn('silent off')
    turn('drop 3')
    turn('corrupt 5')
    turn('latency 7')
    turn('noise 2')
    expect(counter.reader.faults).toMatchObject({ drop: 3, corrupt: 5, delay: 7, noise: 2, silent: false })
    turn('drop off')
    turn('corrupt 0')
    expect(counter.reader.faults).toMatchObject({ drop: undefined, corrupt: undefined })
  })

  it('a reboot loses the link, and the reader is there again', async () => {
    const gone = reader.events[Symbol.asyncIterator]()
    turn('reboot')
    expect((await gone.next()).value).toEqual({ type: 'state', state: 'disconnected' })
    await reader.close()
    reader = await open(counter.link(), { family: 'qpos' })
  })

  it('a tampered reader says so', async () => {
    turn('tamper')
    expect(counter.reader.body.tampered).toBe(true)
  })

  it('signal and range on the air, and nowhere else', () => {
    const radio = new Air().controller()
    turnKnob({ reader: counter.reader, radio }, 'rssi -90')
    turnKnob({ reader: counter.reader, radio }, 'range out')
    expect(radio).toMatchObject({ rssi: -90, inRange: false })
    turnKnob({ reader: counter.reader, radio }, 'range in')
    expect(radio.inRange).toBe(true)
    turnKnob({ reader: counter.reader, radio }, 'bond 02:00:00:00:00:0a')
    expect(radio.bondedTo).toBe('02:00:00:00:00:0A')
    turnKnob({ reader: counter.reader, radio }, 'bond off')
    expect(radio.bondedTo).toBeUndefined()
    expect(() => turnKnob({ reader: counter.reader, radio }, 'bond me')).toThrow(expect.objectContaining({ code: 'bad-argument' }))
    expect(() => turn('rssi -90')).toThrow(expect.objectContaining({ code: 'unsupported' }))
  })

  it.each(['volume 11', 'battery', 'battery 101', 'battery ten', 'charging maybe', 'drop -1', 'reboot now', 'firmware 12345678901234567'])(
    '%s: refused with the rule',
    line => {
      expect(() => turn(line)).toThrow(expect.objectContaining({ code: 'bad-argument' }))
      expect(counter.reader.body.battery.percent).toBe(80)
    },
  )

  it('the help names each', () => {
    expect(knobHelp().map(line => line.split(' ')[0])).toEqual(Object.keys(knobs))
  })
})
