/** The QPOS driver and the virtual QPOS over a bad line: whichever frame is damaged, the payment ends truthfully and the reader pays again. */

import { expect, it } from 'vitest'
import { openQpos } from '../../../devices/qpos/driver.ts'
import { loadCard } from '../../../simulator/cards/icc.ts'
import { testCaKeys } from '../../../simulator/keys.ts'
import { Body } from '../../../simulator/readers/body/body.ts'
import { cardholder } from '../../../simulator/readers/body/cardholder.ts'
import { VirtualQpos } from '../../../simulator/readers/qpos/qpos.ts'
import { fromHex } from '../../../src/bytes.ts'
import { VirtualClock } from '../../../src/clock.ts'
import { currency } from '../../../src/currency.ts'
import { russianMpos } from '../../../src/emv/profiles.ts'
import type { Terminal } from '../../../src/emv/terminal.ts'
import { Fault } from '../../../src/errors.ts'
import { pipe } from '../../../src/transport/pipe.ts'

const site = { merchantId: 'M1', terminalId: 'T1', merchantName: 'Test', acquirerId: '123456', ifdSerial: 'MPOS0001' }
const config = russianMpos({ ...site, caKeys: testCaKeys })
const pinDukpt = { ipek: fromHex('6AC292FAA1315B4D858AB3A3D7D5933A'), ksn: fromHex('FFFF9876543210E00000') }
const purchase = { amount: 250_000n, currency: currency('RUB') }
/** Declines, so that a payment that is told as approved would be plainly wrong. */
const declining: Terminal = { selectApplication: async () => 0, authorise: async () => ({ type: 'declined', code: '51' }) }

/** How a payment ends when the n-th frame of one direction arrives with a bit flipped; and the next payment after it. */
async function damaged(n: number, way: 'a' | 'b'): Promise<{ end: string; next: string; frames: number }> {
  const clock = new VirtualClock()
  const body = new Body({ clock })
  let counting = false
  let frames = 0
  const line = (bytes: Uint8Array, from: 'a' | 'b') => {
    if (!counting || from !== way || ++frames !== n) return [{ bytes }]
    return [{ bytes: bytes.with(bytes.length - 1, bytes.at(-1)! ^ 0x04) }]
  }
  const [a, b] = pipe({ clock, line })
  const device = new VirtualQpos({ body, clock, config, pinDukpt, language: 'en' })
  const serving = device.serve(b)
  const reader = await clock.settle(openQpos(a, { clock }))
  const pay = async () => {
    const stop = cardholder(body, { card: loadCard('mir-maestro'), present: 'dip', pins: ['1234'] })
    const end = await clock.settle(reader.transact(purchase, declining)).catch((fault: Fault) => fault)
    await clock.advance(8000) // the card is taken out
    stop()
    if (body.cardInSlot) body.pull()
    return end instanceof Fault ? end.code : `${end.result} ${end.reason}`
  }
  counting = true
  const end = await pay()
  counting = false
  const next = await pay()
  await clock.settle(reader.close())
  await clock.settle(serving)
  await clock.settle(device.close())
  expect(clock.pending).toBe(0)
  return { end, next, frames }
}

/** The endings by number of the damaged frame; the next payment is as if nothing had been. */
async function endings(way: 'a' | 'b'): Promise<string[]> {
  const ends: string[] = []
  for (let n = 1, frames = 1; n <= frames; n++) {
    const run = await damaged(n, way)
    expect([n, run.next]).toEqual([n, 'declined hostDeclined'])
    ends.push(run.end)
    frames = run.frames
  }
  return ends
}

it('an answer that is damaged is asked for again: the payment ends as if nothing had been', async () => {
  const ends = await endings('b')
  expect(ends.length).toBeGreaterThan(8)
  expect([...new Set(ends)]).toEqual(['declined hostDeclined'])
})

it('a request that is damaged is sent again where the reader says that it has not heard it: the payment ends as if nothing had been', async () => {
  expect([...new Set(await endings('a'))]).toEqual(['declined hostDeclined'])
})
