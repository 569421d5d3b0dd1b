/** New firmware for a virtual BluePad: refused before anything is lost, interrupted anywhere and completed by a second try. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { loadCard } from '../../../simulator/cards/icc.ts'
import { type TestImage, testImage } from '../../../simulator/readers/update.ts'
import { concat } from '../../../src/bytes.ts'
import { Bench } from './bench.ts'

let bench: Bench
const SIZE = 3000
const BLOCKS = 6 // of 512 bytes

function image(fields: Partial<TestImage> = {}): Uint8Array {
  const { head, body } = testImage({ family: 'bluepad', version: '2.0.0', size: SIZE, ...fields })
  return concat(head, body)
}

beforeEach(async () => {
  bench = new Bench()
  await bench.open()
})
afterEach(() => bench.close())

const update = (bytes: Uint8Array, options: { signal?: AbortSignal; onProgress?: (done: number, total: number) => void } = {}) =>
  bench.clock.settle(bench.reader.updateFirmware!(bytes, options))
const blocks = () => bench.heard.filter(({ type }) => type === 'fileData').length

async function reopen(): Promise<void> {
  await bench.clock.advance(5000)
  await bench.clock.settle(bench.reader.close())
  await bench.open()
}

it('is taken block by block; the reader restarts with it', async () => {
  const progress: [number, number][] = []
  await update(image(), { onProgress: (...step) => progress.push(step) })
  expect(progress).toEqual([512, 1024, 1536, 2048, 2560, 3000].map(done => [done, SIZE]))
  expect(bench.events.filter(({ type }) => type === 'update')).toHaveLength(BLOCKS)
  expect(bench.events.at(-1)).toEqual({ type: 'state', state: 'disconnected' })
  await reopen()
  expect(bench.reader.info.firmware).toBe('tapdip 2.0.0')
  expect(await bench.pay(loadCard('mir-maestro'), { pins: ['1234'] })).toMatchObject({ result: 'approved' })
})

describe('refused before the first block', () => {
  it.each([
    ['for another family', image({ family: 'qpos' })],
    ['unsigned', image({ signed: false })],
    ['no image', new Uint8Array(4000)],
    ['cut short', image().slice(0, -1)],
    ['longer than it says', concat(image(), new Uint8Array(1))],
    ['empty', new Uint8Array(0)],
  ])('%s', async (_, bytes) => {
    await expect(update(bytes)).rejects.toMatchObject({ code: 'bad-argument', details: { field: 'image' } })
    expect(blocks()).toBe(0)
    expect(await bench.clock.settle(bench.reader.status())).not.toHaveProperty('needs')
    expect(await bench.pay(loadCard('mir-maestro'), { pins: ['1234'] })).toMatchObject({ result: 'approved' })
  })

  it('with a battery too low for it, unless it is charging', async () => {
    bench.body.setBattery({ percent: 29 })
    await expect(update(image())).rejects.toMatchObject({ code: 'low-battery' })
    expect(blocks()).toBe(0)
    bench.body.plug()
    await update(image())
  })
})

it('damaged on its way into the file: refused at the end, and the old one no longer pays', async () => {
  const bytes = image()
  bytes[bytes.length - 1] ^= 1
  await expect(update(bytes)).rejects.toMatchObject({ code: 'bad-argument' })
  expect(await bench.clock.settle(bench.reader.status())).toMatchObject({ needs: 'firmware' })
  await update(image())
  await reopen()
  expect(bench.reader.info.firmware).toBe('tapdip 2.0.0')
})

describe('interrupted', () => {
  for (const [how, cut] of [
    ['by the loss of the link', () => bench.link.drop()],
    ['by a power cut', () => bench.body.switchOff()],
  ] as const) {
    it(`${how} at each block: the reader says what it needs, and a second try goes on from there`, async () => {
      for (let at = 1; at <= BLOCKS; at++) {
        await bench.clock.settle(bench.reader.close())
        await bench.clock.settle(bench.device.close())
        bench = new Bench()
        await bench.open()
        bench.onSaid = ({ type }) => type === 'fileDataAnswer' && blocks() === at && cut()
        await expect(update(image())).rejects.toMatchObject({ code: 'link-closed' })
        bench.onSaid = () => {}
        await bench.clock.advance(1000)
        bench.body.switchOn()
        await reopen()
        expect(await bench.clock.settle(bench.reader.status())).toMatchObject({ needs: 'firmware' })
        await expect(bench.pay(loadCard('mir-maestro'))).rejects.toMatchObject({ code: 'update-required' })
        await update(image())
        expect(blocks()).toBe(BLOCKS - at)
        await reopen()
        expect(bench.reader.info.firmware).toBe('tapdip 2.0.0')
        expect(await bench.clock.settle(bench.reader.status())).not.toHaveProperty('needs')
        bench.faults.splice(0)
      }
    })
  }

  it('by the app, between two blocks', async () => {
    const stop = new AbortController()
    const updating = update(image(), { signal: stop.signal, onProgress: done => done >= 1024 && stop.abort() })
    await expect(updating).rejects.toMatchObject({ code: 'aborted' })
    expect(blocks()).toBe(2)
    expect(await bench.clock.settle(bench.reader.status())).toMatchObject({ needs: 'firmware' })
    await update(image())
  })
})

it('a slow one: twenty minutes, in which the reader does nothing else', async () => {
  await bench.clock.settle(bench.reader.close())
  await bench.clock.settle(bench.device.close())
  bench = new Bench({ software: { version: '1.0.0', blockTime: (20 * 60_000) / 24 } })
  await bench.open()
  const since = bench.clock.now()
  const updating = update(image({ size: 24 * 512 }))
  await expect(bench.reader.transact({} as never, {} as never)).rejects.toMatchObject({ code: 'busy' })
  await updating
  expect(bench.clock.now() - since).toBeGreaterThanOrEqual(20 * 60_000)
  expect(bench.clock.now() - since).toBeLessThan(21 * 60_000)
})
