/** A reader that is opened as another family: its line is let go of, and what it said is told as what it is, its own family by name. */

import fc from 'fast-check'
import { expect, it } from 'vitest'
import { open } from '../../devices/index.ts'
import { asAnother } from '../../devices/wrong-family.ts'
import { virtualReader } from '../../simulator/world.ts'
import { concat, fromText } from '../../src/bytes.ts'
import { VirtualClock } from '../../src/clock.ts'
import { asFault, Fault } from '../../src/errors.ts'
import { faultLines } from '../../src/messages/messages.ts'
import { pipe } from '../../src/transport/pipe.ts'
import { type Dialect, dialects } from './bad-lines.ts'

const nameOf = ({ family, dialect }: Dialect) => (dialect ? `${family} ${dialect}` : family)
const pairs = dialects.flatMap(real => dialects.filter(asked => asked !== real).map(asked => ({ real, asked })))
/** Readers that say something to whoever comes, or whatever they hear: each says it in its own words. */
const talk = ['miura', 'magtek v5']

interface Tried {
  readonly fault: Fault | undefined
  /** What the reader said. */
  readonly said: Uint8Array
  readonly released: boolean
}

/** Opens `real` as `asked`, and then as what it is. */
async function tried(real: Dialect, asked: Dialect): Promise<Tried> {
  const clock = new VirtualClock()
  const device = virtualReader({ ...real, clock, resultTime: 0, onFault: () => {} })
  const said: Uint8Array[] = []
  const attempt = async (as: Dialect) => {
    const [host, far] = pipe({
      clock,
      line: (bytes, from) => {
        if (from === 'b') said.push(bytes)
        return [{ bytes }]
      },
    })
    let over = false
    const serving = device.serve(far).finally(() => {
      over = true
    })
    try {
      const reader = await clock.settle(open(host, { ...as, clock }))
      await clock.settle(reader.close())
      await serving
      return { fault: undefined, released: over }
    } catch (error) {
      await clock.advance(1)
      return { fault: asFault(error), released: over }
    }
  }
  const first = await attempt(asked)
  const heard = concat(...said)
  if (asked !== real) expect(await attempt(real)).toEqual({ fault: undefined, released: true })
  await clock.settle(device.close())
  expect(clock.pending).toBe(0)
  return { ...first, said: heard }
}

it.each(pairs)('$real.family $real.dialect opened as $asked.family $asked.dialect', async ({ real, asked }) => {
  const { fault, said, released } = await tried(real, asked)
  expect(released).toBe(true)
  if (!talk.includes(nameOf(real))) {
    expect([said.length, fault?.code]).toEqual([0, 'timeout'])
    return
  }
  const [family, dialect] = [asked.family, asked.dialect].map(String)
  expect(fault?.code).toBe('protocol')
  expect(fault?.details).toMatchObject({
    family: asked.dialect ? `${family} (${dialect})` : family,
    looksLike: nameOf(real),
    bytes: expect.any(Number),
  })
})

it.each(dialects)('what $family $dialect says to its own driver is known as its own by every other', async real => {
  const { fault, said } = await tried(real, real)
  expect(fault).toBeUndefined()
  expect(said.length).toBeGreaterThan(0)
  const silence = new Fault('timeout', 'no answer', { ms: 300 })
  expect(asAnother(silence, real.family, real.dialect, said)).toBe(silence)
  for (const asked of dialects) {
    // Another dialect of V5 has no check of its own: what it says is told by one that has.
    if (asked === real || nameOf(asked) === 'magtek v5') continue
    expect(asAnother(silence, asked.family, asked.dialect, said).details.looksLike).toBe(nameOf(real))
  }
})

it('what is no reader is told as that, in both languages', () => {
  const fault = asAnother(new Fault('timeout', 'no answer'), 'qpos', undefined, fromText('HTTP/1.1 400 Bad Request\r\n\r\n'))
  expect(fault.code).toBe('protocol')
  expect(fault.details).toEqual({ family: 'qpos', bytes: 28, says: 'usage.otherReader', rule: expect.any(String) })
  expect(faultLines(fault, 'en')[0]).toBe(
    'The reader said something unexpected (protocol): what is at this line has answered (28 bytes), but not as family qpos, nor as any other that is known',
  )
  expect(faultLines(fault, 'ru')[0]).toContain('на этой линии ответили (байтов: 28), но не как family qpos')
})

it('a line that gives back what it hears is no reader of another family', async () => {
  const clock = new VirtualClock()
  const [host, far] = pipe({ clock })
  void (async () => {
    for await (const chunk of far.incoming) await far.send(chunk)
  })().catch(() => {})
  const fault = await clock.settle(open(host, { family: 'idtech', clock }).then(undefined, asFault))
  expect(fault).toMatchObject({ code: 'protocol', details: { family: 'idtech' } })
  expect((fault as Fault).details.looksLike).toBeUndefined()
})

it('silence, and any other ending, stay what they are; no bytes break it', () => {
  const silence = new Fault('timeout', 'no answer')
  expect(asAnother(silence, 'qpos', undefined, new Uint8Array(0))).toBe(silence)
  const lost = new Fault('link-closed', 'gone')
  expect(asAnother(lost, 'qpos', undefined, fromText('hello'))).toBe(lost)
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 600 }),
      fc.constantFrom(...dialects, { family: 'vpcd' } as Dialect),
      (bytes, { family, dialect }) => {
        expect(['timeout', 'protocol']).toContain(asAnother(silence, family, dialect, bytes).code)
      },
    ),
  )
})
