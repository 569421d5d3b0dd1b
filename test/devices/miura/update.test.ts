/** Files of a Miura: firmware in an image that is checked before its first block, interrupted and taken up again; configuration; reading. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type MiuraReader, openMiura } from '../../../devices/miura/driver.ts'
import { BLOCK } from '../../../devices/miura/files.ts'
import { miuraImage, tarOf } from '../../../simulator/readers/miura/files.ts'
import type { VirtualReader } from '../../../simulator/readers/reader.ts'
import { virtualReader } from '../../../simulator/world.ts'
import { concat, fromText, text } from '../../../src/bytes.ts'
import { VirtualClock } from '../../../src/clock.ts'
import { currency } from '../../../src/currency.ts'
import type { ReaderEvent } from '../../../src/reader/reader.ts'
import { type PipeEnd, pipe } from '../../../src/transport/pipe.ts'

let clock: VirtualClock
let device: VirtualReader
let reader: MiuraReader
let link: PipeEnd
let serving: Promise<void>
let events: ReaderEvent[]

async function connect(): Promise<void> {
  const [app, far] = pipe({ clock })
  link = app
  serving = device.serve(far)
  reader = await clock.settle(openMiura(app, { clock }))
  events = []
  void (async () => {
    for await (const event of reader.events) events.push(event)
  })()
}

beforeEach(async () => {
  clock = new VirtualClock()
  device = virtualReader({ family: 'miura', clock })
  await connect()
})
afterEach(async () => {
  await clock.settle(reader.close())
  await clock.settle(serving)
  await clock.settle(device.close())
  expect(clock.pending).toBe(0)
})

const image = miuraImage({ version: '2.0.0', size: 60_000 })
const blocks = Math.ceil((image.length - 512 - 1024 - 511) / BLOCK)
const update = (bytes: Uint8Array, signal?: AbortSignal) => clock.settle(reader.updateFirmware!(bytes, { ...(signal && { signal }) }))
const purchase = { amount: 100n, currency: currency('RUB') }
const terminal = { selectApplication: async () => 0, authorise: () => new Promise<never>(() => {}) }

describe('firmware', () => {
  it('is streamed in blocks, installed at the restart, and then runs', async () => {
    const progress: string[] = []
    await clock.settle(reader.updateFirmware!(image, { onProgress: (done, total) => progress.push(`${done}/${total}`) }))
    expect(progress).toHaveLength(blocks)
    const [done, total] = progress.at(-1)!.split('/')
    expect(done).toBe(total)
    expect(events.filter(({ type }) => type === 'update')).toHaveLength(blocks)
    expect(events.at(-1)).toEqual({ type: 'state', state: 'disconnected' })
    await clock.settle(serving)
    await connect()
    expect(reader.info.firmware).toBe('2.0.0')
    expect((await clock.settle(reader.status())).needs).toBeUndefined()
  })

  it('interrupted at each block: the reader says what it needs, and a second try completes', async () => {
    expect(blocks).toBeGreaterThan(3)
    for (let lost = 1; lost <= blocks; lost++) {
      let seen = 0
      const onProgress = () => {
        if (++seen === lost) link.drop()
      }
      const fault = await clock.settle(reader.updateFirmware!(image, { onProgress }).catch(error => error))
      expect(fault).toMatchObject({ code: 'link-closed' })
      await clock.settle(serving)
      await connect()
      expect(reader.info.firmware).toBeUndefined()
      expect((await clock.settle(reader.status())).needs).toBe('firmware')
      await expect(clock.settle(reader.transact(purchase, terminal))).rejects.toMatchObject({
        code: 'update-required',
        details: { needs: 'firmware' },
      })
      expect(device.body.screen.message).not.toBe('reader.presentCard')
      await update(image)
      await clock.settle(serving)
      await connect()
      expect(reader.info.firmware).toBe('2.0.0')
      expect((await clock.settle(reader.status())).needs).toBeUndefined()
    }
  })

  it('cancelled between two blocks: the reader stays, says what it needs, and goes on when asked again', async () => {
    const stop = new AbortController()
    const onProgress = (done: number) => done > BLOCK && stop.abort()
    const fault = await clock.settle(reader.updateFirmware!(image, { onProgress, signal: stop.signal }).catch(error => error))
    expect(fault).toMatchObject({ code: 'aborted' })
    expect((await clock.settle(reader.status())).needs).toBe('firmware')
    await update(image)
    await clock.settle(serving)
    await connect()
    expect(reader.info.firmware).toBe('2.0.0')
  })

  it('refuses what is no image, before the first block', async () => {
    const head = image.slice()
    head[0] ^= 1
    const wrong: [string, Uint8Array, string][] = [
      ['nothing', new Uint8Array(0), 'empty'],
      ['noise', new Uint8Array(2000).fill(7), 'tar'],
      ['a head with another checksum', head, 'tar'],
      ['a tar that ends early', image.subarray(0, 5000), 'tar'],
      ['another vendor’s file', tarOf([{ name: 'qpos.asc', bytes: fromText('x') }]), 'name'],
      ['an archive that is none', tarOf([{ name: 'M000-MPI-V1-47.tar.gz', bytes: fromText('x') }]), 'archive'],
    ]
    for (const [what, bytes, rule] of wrong)
      expect(await update(bytes).catch(error => error), what).toMatchObject({ code: 'bad-argument', details: { field: 'image', rule } })
    expect(events).toEqual([])
    expect((await clock.settle(reader.status())).needs).toBeUndefined()
  })

  it('what only the reader can tell, it refuses at the first block, and stays as it is', async () => {
    const unsigned = await update(miuraImage({ version: '3.0.0', signed: false })).catch(error => error)
    expect(unsigned).toMatchObject({ code: 'bad-argument', details: { field: 'image', rule: 'INVALID_DATA' } })
    expect(events.filter(({ type }) => type === 'update')).toEqual([])
    expect((await clock.settle(reader.status())).needs).toBeUndefined()
    expect(reader.info.firmware).toBe('1.0.0')
  })

  it('an archive that was damaged does not run: the reader says so when it is back', async () => {
    const damaged = image.slice()
    damaged[20_000] ^= 1
    await update(damaged)
    await clock.settle(serving)
    await connect()
    expect((await clock.settle(reader.status())).needs).toBe('firmware')
    await update(image)
    await clock.settle(serving)
    await connect()
    expect(reader.info.firmware).toBe('2.0.0')
  })

  it('a low battery is told, by the host or by the reader', async () => {
    device.body.setBattery({ percent: 8 })
    expect(await update(image).catch(error => error)).toMatchObject({ code: 'low-battery', details: { percent: 8 } })
    device.body.setBattery({ percent: 25 })
    expect(await update(image).catch(error => error)).toMatchObject({ code: 'low-battery', details: { percent: 25 } })
    device.body.plug()
    await update(image)
  })

  it('one thing at a time', async () => {
    const updating = reader.updateFirmware!(image)
    await expect(reader.transact(purchase, terminal)).rejects.toMatchObject({ code: 'busy', details: { what: 'a firmware update' } })
    await clock.settle(updating)
  })
})

describe('configuration', () => {
  it('files of the vendor’s are written, and read back', async () => {
    const long = fromText('A0000006581010\n'.repeat(3000))
    await update(
      tarOf([
        { name: 'emv.cfg', bytes: long },
        { name: 'contactless.cfg', bytes: fromText('limit=3000') },
      ]),
    )
    expect(events.find(({ type }) => type === 'update')).toMatchObject({ what: 'configuration' })
    await clock.settle(serving)
    await connect()
    expect(await clock.settle(reader.readFile('emv.cfg'))).toEqual(long)
    expect(text(await clock.settle(reader.readFile('contactless.cfg')))).toBe('limit=3000')
    await expect(clock.settle(reader.readFile('nothing.cfg'))).rejects.toMatchObject({ code: 'reader-error' })
    expect(concat(long).length).toBeGreaterThan(0x7fff)
  })
})
