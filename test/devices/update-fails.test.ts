/** An update that fails at n %: every family that takes firmware is left with a reader that says what it needs, pays nothing, and is completed by a second update. */

import { afterEach, describe, expect, it } from 'vitest'
import { open } from '../../devices/index.ts'
import { virtualFamilies } from '../../simulator/readers/index.ts'
import { turnKnob } from '../../simulator/readers/knobs.ts'
import { type Counter, instant, virtualCounter } from '../../simulator/world.ts'
import { VirtualClock } from '../../src/clock.ts'
import { currency } from '../../src/currency.ts'
import { pay } from '../../src/payment/pay/payment.ts'
import type { Reader } from '../../src/reader/reader.ts'
import { deskAcquirer } from '../simulator/acquirer/desk-acquirer.ts'
import { everyFamily } from './families.ts'

/** V5 readers and called ones take no firmware here. */
const rows = everyFamily.filter(({ family, dialect }) => virtualFamilies[family].image && dialect !== 'v5' && dialect !== 'emv2')
it('are all that have an image', () => {
  expect(new Set(rows.map(({ family }) => family))).toEqual(new Set(['qpos', 'bluepad', 'miura', 'magtek']))
})

let counter: Counter | undefined
let reader: Reader | undefined
const clock = new VirtualClock()
afterEach(async () => {
  await clock.settle(reader?.close() ?? Promise.resolve())
  await counter?.close()
})

describe.each(rows)('$name', ({ family, dialect }) => {
  const opened = async () => {
    await clock.settle(reader?.close() ?? Promise.resolve())
    reader = await clock.settle(open(counter!.link(), { family, ...(dialect && { dialect }), clock }))
    return reader
  }
  const paid = () =>
    clock.settle(
      pay(
        { number: `${clock.now()}`, amount: 10_000n, currency: currency('RUB') },
        { reader: reader!, acquirer: deskAcquirer(counter!.acquirer.desk), clock, merchant: { name: 'M', id: '1', terminal: '1' } },
      ),
    )

  it.each([
    ['update-fails', 0],
    ['update-fails', 13],
    ['update-fails', 100],
    ['update-cut', 57],
  ] as const)('%s %i', async (knob, percent) => {
    reader = undefined
    counter = await virtualCounter({
      ...{ family, ...(dialect && { dialect }), clock, resultTime: 0, battery: { charging: true }, card: 'mir', pace: instant },
    })
    const { image } = virtualFamilies[family]
    const bytes = image!({ version: '2.0.0' })
    turnKnob({ reader: counter.reader }, `${knob} ${percent}`)
    const first = clock.settle((await opened()).updateFirmware!(bytes))
    await expect(first).rejects.toMatchObject({ code: knob === 'update-fails' ? 'reader-error' : 'link-closed' })
    const { update } = counter.reader.firmware.condition
    expect(update.have).toBe(Math.floor((4096 * percent) / 100))
    await clock.advance(5000)
    counter.reader.body.switchOn()
    expect(await clock.settle((await opened()).status())).toMatchObject({ needs: 'firmware' })
    await expect(paid()).rejects.toMatchObject({ code: 'update-required', details: { needs: 'firmware' } })
    await clock.settle(reader!.updateFirmware!(bytes))
    await clock.advance(5000)
    const after = await opened()
    expect(after.info.firmware).toMatch(/2[.-]0[.-]0/)
    expect(await clock.settle(after.status())).not.toHaveProperty('needs')
    expect(await paid()).toMatchObject({ result: 'approved' })
  })
})
