/** What both ends of an MPED line owe each other: what is heard, what is acknowledged, and what is neither, frame by frame. */

import { describe, expect, it } from 'vitest'
import type { DeviceMessage, HostMessage, LineItem } from '../../../devices/bluepad/codec.ts'
import * as mped from '../../../devices/bluepad/codec.ts'

type Frame = Extract<LineItem, { type: 'frame' }>

const idle: DeviceMessage = { type: 'idleAnswer', status: 1, xml: '<IdleResponse><BatteryStatus>80%</BatteryStatus></IdleResponse>' }
const event: DeviceMessage = {
  type: 'event',
  status: 0x14,
  xml: '<EventInfoResponse><CancelAllowed>true</CancelAllowed></EventInfoResponse>',
}
const sale: HostMessage = { type: 'sale', currency: 978, amount: 1000, cardPresent: true, transactionId: '', xml: '' }
const end: DeviceMessage = {
  type: 'saleAnswer',
  status: 1,
  answer: { financial: 1, amount: 1000, transactionId: 'x', merchantReceipt: 'm'.repeat(90), customerReceipt: 'c'.repeat(90), xml: '' },
}
const ack = { reply: 'ack' } as const
const nak = { reply: 'nak' } as const
const heard = <T>(message: T) => ({ reply: 'ack', message })

function framesOf(frames: readonly Uint8Array[]): Frame[] {
  return frames.map(bytes => mped.line.decoder().push(bytes)[0] as Frame)
}
const said = (message: DeviceMessage, max?: number) => framesOf(mped.device.frames(message, max))

/** A host hears a reader, which says a frame again after a NAK alone. */
const host = () => mped.listener(mped.host, { unasked: false })

describe('what a host hears', () => {
  it('a message in parts: each is acknowledged, the last one brings it', () => {
    const ear = host()
    const [first, second, third] = said(end, 100)
    expect(third.last).toBe(true)
    expect([first, second, third].map(item => ear.take(item))).toEqual([ack, ack, heard(end)])
  })

  it('what lacks a part is no message, and is not remembered as one: said again in full it is heard, and again it is a copy', () => {
    const ear = host()
    const [first, second, third] = said(end, 100)
    expect([first, third].map(item => ear.take(item))).toEqual([ack, ack])
    // The end alone, asked for again, is still not the message: before it was acknowledged as a copy of what nobody had heard.
    expect([first, second, third].map(item => ear.take(item))).toEqual([ack, ack, heard(end)])
    ear.refused()
    expect(ear.take(third)).toEqual(ack)
  })

  it('a message that is whole by itself is heard behind the rest of another', () => {
    const ear = host()
    const [first] = said(end, 100)
    const [answer] = said(idle)
    expect(ear.take(first)).toEqual(ack)
    expect(ear.take(answer)).toEqual(heard(idle))
  })

  it('and heard again, as often as it is asked for, where it stood behind such a rest', () => {
    const ear = host()
    const [first] = said(end, 100)
    const [answer] = said(idle)
    ear.take(first)
    ear.take(answer)
    for (let times = 0; times < 3; times++) {
      ear.speaks()
      ear.spoke()
      expect(ear.take(answer)).toEqual(heard(idle))
    }
  })

  it('two messages of one frame each, alike, with none of ours between: one, said twice', () => {
    const ear = host()
    const [one] = said(event)
    expect(ear.take(one)).toEqual(heard(event))
    expect(ear.take(one)).toEqual({})
  })

  it('a copy is acknowledged where a NAK asked for it, once: another ACK would pass for that of the next frame', () => {
    const ear = host()
    const [one] = said(event)
    ear.take(one)
    ear.refused()
    expect(ear.take(one)).toEqual(ack)
    expect(ear.take(one)).toEqual({})
    expect(ear.take({ type: 'damaged' })).toEqual(nak)
    expect(ear.take(one)).toEqual(ack)
  })

  it('a NAK that was met with a new frame asks for no copy of it', () => {
    const ear = host()
    const [one] = said(event)
    ear.refused()
    expect(ear.take(one)).toEqual(heard(event))
    expect(ear.take(one)).toEqual({})
  })

  it('the same again is new once what we have said was taken, and not before', () => {
    const ear = host()
    const [answer] = said(idle)
    ear.take(answer)
    ear.speaks()
    expect(ear.take(answer)).toEqual({})
    ear.spoke()
    expect(ear.take(answer)).toEqual(heard(idle))
  })

  it('what came while we spoke, and was the sign that we were heard, is no new message when it comes again', () => {
    const ear = host()
    const [answer] = said(idle)
    const [one] = said(event)
    ear.take(answer)
    ear.speaks()
    expect(ear.take(one)).toEqual(heard(event))
    ear.spoke()
    expect(ear.take(one)).toEqual({})
  })

  it.each(['ack', 'nak', 'end', 'poll'] as const)('%s stands alone', type => {
    expect(host().take({ type })).toEqual({ control: type })
  })
})

describe('what a reader hears', () => {
  it('a host says again of itself what was not acknowledged: each copy is acknowledged, and acted on once', () => {
    const ear = mped.listener(mped.device, { unasked: true })
    const [one] = framesOf(mped.host.frames(sale))
    expect(ear.take(one)).toEqual(heard(sale))
    ear.speaks() // it tells of the payment already, and has no ACK yet
    expect([one, one].map(item => ear.take(item))).toEqual([ack, ack])
    ear.spoke()
    expect(ear.take(one)).toEqual(heard(sale))
  })
})

describe('delivery', () => {
  const frames = mped.host.frames(sale, 12)
  const deliver = async (answers: readonly (mped.Control | 'silence')[], repeats?: number) => {
    const left = [...answers]
    const written: Uint8Array[] = []
    const result = await mped.deliver(frames.slice(0, 2), {
      write: async bytes => void written.push(bytes),
      said: async () => left.shift() ?? 'silence',
      ...(repeats !== undefined && { repeats }),
    })
    return [result, written.map(bytes => frames.indexOf(bytes)).join('')]
  }

  it.each([
    ['each taken', ['ack', 'ack'], undefined, 'taken', '01'],
    ['refused twice, then taken', ['nak', 'nak', 'ack', 'ack'], undefined, 'taken', '0001'],
    ['refused three times', ['nak', 'nak', 'nak'], undefined, 'refused', '000'],
    ['refusals are of one frame', ['nak', 'nak', 'ack', 'nak', 'nak', 'ack'], undefined, 'taken', '000111'],
    ['silence is the end where nothing is repeated', ['silence'], undefined, 'silent', '0'],
    ['silence is met by the same frame', ['silence', 'silence', 'ack', 'ack'], 2, 'taken', '0001'],
    ['until it was long enough', ['silence', 'silence', 'silence'], 2, 'silent', '000'],
    ['silence is no refusal', ['nak', 'silence', 'nak', 'silence', 'ack', 'ack'], 2, 'taken', '000001'],
    ['the peer ends it', ['ack', 'end'], 2, 'ended', '01'],
  ] as const)('%s', async (_, answers, repeats, result, written) => {
    expect(await deliver(answers, repeats)).toEqual([result, written])
  })
})
