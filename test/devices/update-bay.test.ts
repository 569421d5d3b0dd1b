/** The firmware of a virtual reader: images are checked before anything is erased, taken block by block, and interrupted without losing the reader. */

import { describe, expect, it } from 'vitest'
import { Body } from '../../simulator/readers/body/body.ts'
import { Condition } from '../../simulator/readers/condition.ts'
import { HEAD_LENGTH, testImage } from '../../simulator/readers/update.ts'
import { VirtualClock } from '../../src/clock.ts'
import { type Fault, isFault } from '../../src/errors.ts'

const clock = new VirtualClock()
const reader = (software = {}, percent = 80) => {
  const body = new Body({ clock, battery: { percent } })
  return { body, condition: new Condition({ body, clock, family: 'qpos', software }) }
}

function refusal(work: () => void): Fault {
  try {
    work()
  } catch (error) {
    if (isFault(error)) return error
    throw error
  }
  throw new Error('it was taken')
}

describe('new firmware', () => {
  const { head, body: bytes } = testImage({ family: 'qpos', version: '2.0.0', size: 1000 })

  it.each([
    ['another family', testImage({ family: 'miura', version: '2.0.0' }).head, 'family'],
    ['a signature of somebody else', testImage({ family: 'qpos', version: '2.0.0', signed: false }).head, 'signature'],
    ['a version that was not signed', head.with(20, 0x39), 'signature'],
    ['no image', new Uint8Array(HEAD_LENGTH), 'magic'],
    ['half a head', head.subarray(0, 40), 'magic'],
  ])('refuses %s before anything is erased', (_, wrong, rule) => {
    const { condition } = reader()
    expect(refusal(() => condition.update.begin(wrong)).details.rule).toBe(rule)
    expect(condition.needsUpdate).toBe(false)
    condition.check()
  })

  it('interrupted after each block, it pays no more, says so, and a second try goes on where the first stopped', async () => {
    for (let blocks = 0; blocks <= 4; blocks++) {
      const { body, condition } = reader()
      condition.update.begin(head)
      for (let at = 0; at < blocks * 250; at += 250) await condition.update.write(at, bytes.subarray(at, at + 250))
      expect(refusal(() => condition.check()).code).toBe('update-required')
      expect(body.screens.at(-1)!.lines).toEqual(['UPDATE REQUIRED'])
      expect(condition.update.version).toBe('1.0.0')
      condition.update.begin(head)
      expect(condition.update.have).toBe(blocks * 250)
      for (let at = condition.update.have; at < 1000; at += 250) await condition.update.write(at, bytes.subarray(at, at + 250))
      condition.update.commit()
      expect(condition.update.version).toBe('2.0.0')
      condition.check()
    }
  })

  it('takes no gap, no byte too many, and runs nothing that is damaged or not whole', async () => {
    const { condition } = reader()
    await expect(condition.update.write(0, bytes)).rejects.toMatchObject({ code: 'bad-argument', details: { rule: 'order' } })
    condition.update.begin(head)
    await expect(condition.update.write(1, bytes.subarray(1, 9))).rejects.toMatchObject({ details: { field: 'offset' } })
    await expect(condition.update.write(0, new Uint8Array(1001))).rejects.toMatchObject({ details: { field: 'offset' } })
    await condition.update.write(0, bytes.subarray(0, 999))
    expect(refusal(() => condition.update.commit()).details.rule).toBe('length')
    await condition.update.write(
      999,
      bytes.subarray(999).map(byte => byte ^ 1),
    )
    expect(refusal(() => condition.update.commit()).details.rule).toBe('hash')
    expect(condition.update.have).toBe(0)
    await condition.update.write(0, bytes)
    condition.update.commit()
    expect(condition.update.version).toBe('2.0.0')
  })

  it('is not begun on a low battery, unless it is charging', () => {
    const { body, condition } = reader({}, 20)
    expect(refusal(() => condition.update.begin(head))).toMatchObject({ code: 'low-battery', details: { percent: 20 } })
    body.setBattery({ charging: true })
    condition.update.begin(head)
  })

  it('may be required, and take 20 minutes', async () => {
    const { condition } = reader({ version: '1.9.0', required: '1.10.0', blockTime: 60_000 })
    expect(refusal(() => condition.check()).code).toBe('update-required')
    const { head: newer, body: code } = testImage({ family: 'qpos', version: '1.10.0', size: 2000 })
    condition.update.begin(newer)
    const begun = clock.now()
    for (let at = 0; at < 2000; at += 100) {
      const writing = condition.update.write(at, code.subarray(at, at + 100))
      await clock.advance(60_000)
      await writing
    }
    condition.update.commit()
    expect(clock.now() - begun).toBe(20 * 60_000)
    condition.check()
  })
})
