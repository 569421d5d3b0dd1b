/** A recording of a QPOS line: the course of a payment, and nothing of the card, its PIN or the keys. */

import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { open } from '../../../devices/index.ts'
import * as qpos from '../../../devices/qpos/codec.ts'
import { redaction } from '../../../devices/qpos/redaction.ts'
import { type Counter, profiles, virtualCounter } from '../../../simulator/world.ts'
import { concat, fromHex, hex } from '../../../src/bytes.ts'
import { currency } from '../../../src/currency.ts'
import { httpAcquirer } from '../../../src/payment/host/http.ts'
import { pay } from '../../../src/payment/pay/payment.ts'
import { traced } from '../../../src/transport/trace.ts'

let counter: Counter
afterEach(() => counter?.close())

describe('a recorded payment', () => {
  it.each(['dip', 'tap'] as const)('by %s: no card number, track, PIN block or cryptogram in it; the frames are whole', async present => {
    counter = await virtualCounter({ resultTime: 0, card: 'mastercard', present, pins: ['1234'] })
    const lines: string[] = []
    const reader = await open(counter.link(), {
      family: 'qpos',
      trace: (link, family) => traced(link, { write: line => lines.push(line), redaction: family.redaction }),
    })
    const result = await pay(
      { number: '1', amount: 300_000n, currency: currency('RUB') },
      { reader, acquirer: httpAcquirer(counter.acquirer.url), merchant: { name: 'M', id: '1', terminal: '1' } },
    )
    await reader.close()
    expect(result).toMatchObject({ result: 'approved', cvm: 'onlinePin' })
    expect(JSON.parse(lines[0])).toMatchObject({ tapdip: 'trace', bytes: 'redacted' })
    const bytes = lines.slice(1).map(line => JSON.parse(line) as { in?: string; out?: string })
    const all = bytes.map(one => one.in ?? one.out ?? '').join('')
    for (const secret of [profiles.mastercard.pan, '9F26', '5F24', 'C7']) expect(all.includes(secret), secret).toBe(false)
    const heard = qpos.host.decoder().push(concat(...bytes.map(one => fromHex(one.in ?? ''))))
    const asked = qpos.device.decoder().push(concat(...bytes.map(one => fromHex(one.out ?? ''))))
    expect(asked.map(one => ('command' in one ? one.command : one.type))).toEqual(
      expect.arrayContaining(['getQposId', 'getQposInfo', 'doTrade']),
    )
    expect(heard.some(({ type }) => type === 'completed')).toBe(true)
  })
})

describe('the redaction', () => {
  it('gives as many bytes as it got, whatever they are, in any pieces', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.uint8Array({ maxLength: 60 }), fc.constant(qpos.host.encode({ type: 'query' })))),
        fc.constantFrom('in', 'out'),
        (chunks, direction) => {
          const hide = redaction(direction as 'in' | 'out')
          const given = [...chunks.map(chunk => hide(chunk.slice(), false)), hide(new Uint8Array(), true)]
          expect(concat(...given).length).toBe(concat(...chunks).length)
        },
      ),
    )
  })

  it('keys and answers of the card are zeros, amounts and choices stay', () => {
    const key = { key: new Uint8Array(16).fill(7), kcv: new Uint8Array(8).fill(9) }
    const loaded = qpos.host.encode({ type: 'command', command: 'setMasterKey', delay: 5, key: { ...key, index: 1 } })
    const shown = redaction('out')(loaded, false)
    expect(hex(shown)).not.toContain('0707')
    expect(qpos.device.decoder().push(shown)).toHaveLength(1)
    const choice = qpos.host.encode({ type: 'command', command: 'selectEmvApp', delay: 30, index: 1 })
    expect(redaction('out')(choice, false)).toEqual(choice)
    const apdu = qpos.device.encode({ type: 'completed', code: 0x17, sub: 0x10, result: 0, data: new Uint8Array(20).fill(0x5a) })
    expect(hex(redaction('in')(apdu, false))).not.toContain('5A5A')
  })
})
