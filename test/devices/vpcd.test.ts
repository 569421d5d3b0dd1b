/** vpcd's socket protocol: bytes, driver and virtual card, over a pipe and over TCP. */

import { getEventListeners } from 'node:events'
import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { open } from '../../devices/index.ts'
import { device, host, type VpcdRequest } from '../../devices/vpcd/codec.ts'
import { openVpcd } from '../../devices/vpcd/driver.ts'
import { loadCard, type VirtualCard } from '../../simulator/cards/icc.ts'
import type { CardProfile } from '../../simulator/cards/profile/profile.ts'
import type { ProfileName } from '../../simulator/cards/profiles/index.ts'
import { listen } from '../../simulator/readers/listen/listen.ts'
import { VpcdCard } from '../../simulator/readers/vpcd.ts'
import { exchange } from '../../src/apdu/exchange.ts'
import { fromHex, hex } from '../../src/bytes.ts'
import { VirtualClock } from '../../src/clock.ts'
import { Fault } from '../../src/errors.ts'
import type { Reader } from '../../src/reader/reader.ts'
import type { Link } from '../../src/transport/link.ts'
import { pipe } from '../../src/transport/pipe.ts'
import { faultOf } from '../transport/link-contract.ts'

const PSE = fromHex('00A404000E315041592E5359532E444446303100')

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

describe('bytes', () => {
  const control = (name: 'powerOff' | 'powerOn' | 'reset' | 'atr') => ({ type: 'control', control: name }) as const
  const requests: readonly (readonly [VpcdRequest, string])[] = [
    [control('powerOff'), '000100'],
    [control('powerOn'), '000101'],
    [control('reset'), '000102'],
    [control('atr'), '000104'],
    [{ type: 'apdu', apdu: PSE }, `0014${hex(PSE)}`],
    [{ type: 'unknown', code: 0x03 }, '000103'],
    [{ type: 'unknown', code: undefined }, '0000'],
  ]

  it.each(requests)('%o both ways', (message, bytes) => {
    expect(hex(host.encode(message))).toBe(bytes)
    expect(device.decoder().push(fromHex(bytes))).toEqual([message])
  })

  it('answers, empty and of the greatest length', () => {
    for (const length of [0, 1, 2, 255, 256, 65535]) {
      const data = new Uint8Array(length).fill(0x5a)
      const frame = device.encode({ type: 'answer', data })
      expect(hex(frame.subarray(0, 2))).toBe(length.toString(16).toUpperCase().padStart(4, '0'))
      expect(host.decoder().push(frame)).toEqual([{ type: 'answer', data }])
    }
  })

  it('refuses what would be read as something else', () => {
    expect(() => host.encode({ type: 'apdu', apdu: Uint8Array.of(1) })).toThrow(Fault)
    expect(() => device.encode({ type: 'answer', data: new Uint8Array(65536) })).toThrow(Fault)
  })

  it('any chunks, and a pause in the middle of a message', () => {
    const answers = fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 6 })
    fc.assert(
      fc.property(answers, fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }), (all, sizes) => {
        const stream = all.flatMap(data => [...device.encode({ type: 'answer', data })])
        const decoder = host.decoder()
        const got: Uint8Array[] = []
        for (let at = 0, n = 0; at < stream.length; n++) {
          const size = sizes[n % sizes.length]
          got.push(...decoder.push(Uint8Array.from(stream.slice(at, at + size))).map(({ data }) => data))
          expect(decoder.idle()).toEqual([])
          at += size
        }
        expect(got).toEqual(all)
      }),
      { seed: 4 },
    )
  })
})

interface Slot {
  readonly reader: Reader
  readonly served: VpcdCard
  readonly card: VirtualCard
  readonly faults: string[]
}

async function overPipe(profile: ProfileName | CardProfile, mtu?: number, clock?: VirtualClock): Promise<Slot> {
  const card = loadCard(profile, clock ? { clock } : {})
  const faults: string[] = []
  const served = new VpcdCard(card, { ...(clock && { clock }), onFault: fault => faults.push(fault.message) })
  const [app, wire] = pipe({ mtu })
  const serving = served.serve(wire)
  const reader = await openVpcd(app, { clock })
  ends.push(
    () => serving,
    () => reader.close(),
  )
  return { reader, served, card, faults }
}

async function overTcp(profile: ProfileName): Promise<Slot> {
  const card = loadCard(profile)
  const served = new VpcdCard(card)
  const listening = await listen('tcp:0', link => served.serve(link))
  const reader = await open(`${listening.uri}?family=vpcd`)
  ends.push(
    () => listening.close(),
    () => reader.close(),
  )
  return { reader, served, card, faults: [] }
}

/** A card program made by hand: says what `answers` say, one for each message that wants an answer, or several at once; undefined says nothing. */
function byHand(answers: readonly (string | undefined)[]): { link: Link; heard: string[] } {
  const [link, wire] = pipe()
  const heard: string[] = []
  const decoder = device.decoder()
  const left = [...answers]
  void (async () => {
    for await (const chunk of wire.incoming)
      for (const message of decoder.push(chunk)) {
        heard.push(message.type === 'control' ? message.control : message.type === 'apdu' ? hex(message.apdu) : '?')
        if (message.type === 'control' && message.control !== 'atr') continue
        const answer = left.shift()
        for (const one of answer?.split(' ') ?? []) await wire.send(device.encode({ type: 'answer', data: fromHex(one) }))
      }
  })().catch(() => {})
  ends.push(() => wire.close())
  return { link, heard }
}

describe.each([
  ['pipe', () => overPipe('mir-maestro')],
  ['pipe, a byte at a time', () => overPipe('mir-maestro', 1)],
  ['tcp', () => overTcp('mir-maestro')],
] as const)('a raw slot over %s', (_, make) => {
  it('gives the card: ATR, responses, a new session after a reset', async () => {
    const { reader, card } = await make()
    expect(reader.info).toMatchObject({ family: 'vpcd', applicationSelection: 'host' })
    expect(reader.info.capabilities).toContain('passthrough')
    expect(await reader.status()).toEqual({ card: 'present' })
    const slot = await reader.openCard!()
    expect(slot.interface).toBe('contact')
    expect(hex(slot.atr)).toBe(hex(card.atr))
    const { sw, data } = await exchange(slot, { cla: 0, ins: 0xa4, p1: 4, p2: 0, data: PSE.subarray(5, 19), le: 0 })
    expect(sw).toBe(0x9000)
    expect(hex(data)).toMatch(/^6F/)
    const record = fromHex('00B2010C00')
    expect(hex(await slot.transmit(record))).toMatch(/^70.*9000$/)
    await slot.close()
    const again = await reader.openCard!()
    expect(hex(await again.transmit(record))).not.toMatch(/9000$/) // nothing is selected after the reset
    await again.close()
  })

  it('one slot at a time, and the reader is free when it is closed', async () => {
    const { reader } = await make()
    const slot = await reader.openCard!()
    expect(await faultOf(reader.openCard!())).toBe('busy')
    expect(await reader.status()).toEqual({ card: 'present' })
    await slot.close()
    await slot.close()
    await (await reader.openCard!()).close()
  })

  it('a pulled card ends the command, the slot and the reader', async () => {
    const { reader, served } = await make()
    const seen: string[] = []
    const events = (async () => {
      for await (const event of reader.events) seen.push(event.type === 'card' ? event.event : event.type)
    })()
    const slot = await reader.openCard!()
    await served.pull()
    expect(await faultOf(slot.transmit(PSE))).toBe('card-removed')
    expect(slot.removed.aborted).toBe(true)
    expect(await faultOf(slot.transmit(PSE))).toBe('card-removed')
    await slot.close()
    await events
    expect(seen).toEqual(['inserted', 'removed', 'state'])
    expect(await faultOf(reader.openCard!())).toBe('link-closed')
  })
})

it('nothing is left behind by a thousand slots', async () => {
  const { reader } = await overPipe('visa-signature')
  let removed: AbortSignal | undefined
  for (let n = 0; n < 1000; n++) {
    const slot = await reader.openCard!()
    removed = slot.removed
    await slot.transmit(PSE)
    await slot.close()
  }
  expect(getEventListeners(removed!, 'abort')).toEqual([])
})

describe('trouble', () => {
  it('a silent card is mute within its time, and can be reset', async () => {
    const clock = new VirtualClock()
    const { reader, faults } = await overPipe('silent-later', undefined, clock)
    const slot = await reader.openCard!()
    const codes: string[] = []
    for (let n = 0; n < 12 && !codes.includes('card-mute'); n++)
      codes.push(
        await clock.settle(
          slot.transmit(PSE).then(
            () => 'answered',
            error => (error as Fault).code,
          ),
        ),
      )
    expect(codes[0]).toBe('answered')
    expect(codes.at(-1)).toBe('card-mute')
    expect(faults.join()).toMatch(/did not answer/)
    expect(await faultOf(slot.transmit(PSE))).toBe('card-mute')
    await clock.settle(slot.close())
    const again = await clock.settle(reader.openCard!())
    expect(hex(await clock.settle(again.transmit(PSE)))).toBeTruthy()
    await clock.settle(again.close())
    await clock.settle(reader.close())
    expect(clock.pending).toBe(0)
  })

  it('an answer that comes too late is never taken for that of another command', async () => {
    const clock = new VirtualClock()
    const late = '6F00'
    const { link } = byHand(['3B00', '3B00', undefined, `${late} 3B00`, '9000'])
    const reader = await openVpcd(link, { clock })
    const slot = await reader.openCard!()
    expect(await clock.settle(faultOf(slot.transmit(PSE)))).toBe('card-mute')
    expect(await faultOf(slot.transmit(PSE))).toBe('card-mute') // not sent: what came now could answer either
    await slot.close()
    const again = await clock.settle(reader.openCard!())
    expect(hex(again.atr)).toBe('3B00')
    expect(hex(await again.transmit(PSE))).toBe('9000')
    await reader.close()
    expect(clock.pending).toBe(0)
  })

  it('AbortSignal ends a command at once', async () => {
    const clock = new VirtualClock()
    const { reader } = await overPipe('silent', undefined, clock)
    const slot = await reader.openCard!()
    const stop = new AbortController()
    const sent = faultOf(slot.transmit(PSE, { signal: stop.signal }))
    stop.abort()
    expect(await sent).toBe('aborted')
    expect(await faultOf(slot.transmit(PSE))).toBe('card-mute')
    expect(await faultOf(reader.openCard!({ signal: AbortSignal.abort() }))).toBe('busy')
  })

  it('what answers no ATR is no card program', async () => {
    expect(await faultOf(openVpcd(byHand(['6D00']).link))).toBe('protocol')
    const clock = new VirtualClock()
    expect(await clock.settle(faultOf(openVpcd(byHand([undefined]).link, { clock })))).toBe('timeout')
  })

  it('a cold reset is off, on, ATR; an empty answer is a mute card', async () => {
    const { link, heard } = byHand(['3B00', '3B00', ''])
    const reader = await openVpcd(link)
    const slot = await reader.openCard!()
    expect(await faultOf(slot.transmit(PSE))).toBe('card-mute')
    await slot.close()
    expect(heard).toEqual(['atr', 'powerOff', 'powerOn', 'atr', hex(PSE), 'powerOff'])
    expect(await faultOf(reader.openCard!({ interface: 'contactless' }))).toBe('unsupported')
    await reader.close()
  })

  it('a card without power does not answer, and says why to who serves it', async () => {
    const faults: string[] = []
    const [app, wire] = pipe()
    const served = new VpcdCard(loadCard('visa-signature'), { onFault: fault => faults.push(`${fault.code}: ${fault.message}`) })
    const serving = served.serve(wire)
    await app.send(fromHex(`0014${hex(PSE)}000103000104`))
    for await (const chunk of app.incoming) {
      expect(hex(chunk.subarray(2))).toBe(hex(served.card.atr)) // the only answer is that to the last request
      break
    }
    expect(faults).toEqual([expect.stringMatching(/^card-mute: .*power on/), expect.stringMatching(/^protocol: .*control 3/)])
    await app.close()
    await serving
  })
})
