/** The Miura driver against a reader that answers by a script: what a virtual reader would not say. */

import { describe, expect, it } from 'vitest'
import * as miura from '../../../devices/miura/codec.ts'
import { type MiuraReader, openMiura } from '../../../devices/miura/driver.ts'
import { fromHex, fromText, hex } from '../../../src/bytes.ts'
import { VirtualClock } from '../../../src/clock.ts'
import { currency } from '../../../src/currency.ts'
import type { Terminal, Transaction } from '../../../src/emv/terminal.ts'
import type { ReaderEvent } from '../../../src/reader/reader.ts'
import { pipe } from '../../../src/transport/pipe.ts'

type Said = { readonly sw?: number; readonly body?: Uint8Array } | { readonly event: miura.ReaderEventMessage }
type Script = Partial<Record<miura.CommandName, readonly Said[]>>

const noCard = { type: 'card', present: false, emv: false, swiped: false, data: new Map() } as const
const noTracks = { track1: false, track2: false, track3: false }
const card = (more: Partial<miura.CardEvent> = {}): Said => ({ event: { ...noCard, tracks: noTracks, ...more } })
const battery = (percent: number): Said => ({ body: miura.encodeBattery({ charging: 0, percent }) })
const software: Said = {
  body: miura.encodeSoftwareInfo({
    serial: '00000007',
    software: [
      { name: 'M000-MPI', version: '1-47' },
      { name: 'M000-OS', version: '7-12' },
    ],
  }),
}
const usual: Script = {
  reset: [software],
  getConfiguration: [{ sw: 0x6d00 }],
  cardStatus: [card()],
  keyboardStatus: [{}],
  batteryStatus: [battery(90)],
  displayText: [{}],
  abort: [{}],
}
const result = (type: miura.ResultType, tags: [number, string][] = []): Said => ({
  body: miura.encodeResult({ type, tags: new Map(tags.map(([tag, value]) => [tag, fromHex(value)])) }),
})

/** A reader that says what the script lists for a command, one after another, the last again and again; all of it at once to RESET and CARD STATUS. */
async function bench(script: Script) {
  const clock = new VirtualClock()
  const [app, wire] = pipe({ clock })
  const heard: miura.Command[] = []
  const counts = new Map<string, number>()
  const decoder = miura.device.decoder()
  const serving = (async () => {
    try {
      for await (const chunk of wire.incoming)
        for (const message of decoder.push(chunk)) {
          if (message.type !== 'command') continue
          heard.push(message)
          const list = script[message.command] ?? usual[message.command] ?? [{ sw: 0x6d00 }]
          const at = counts.get(message.command) ?? 0
          counts.set(message.command, at + 1)
          const all =
            message.command === 'cardStatus' || message.command === 'reset' || list.length === 1
              ? list
              : [list[Math.min(at, list.length - 1)]]
          for (const said of all) {
            const event = 'event' in said
            const { sw = 0x9000, body = new Uint8Array(0) } = event ? { body: miura.encodeEvent(said.event) } : said
            await wire.send(miura.device.encode({ type: event ? 'event' : 'answer', nad: 1, sw, body }))
          }
        }
    } catch {}
  })()
  const say = (said: Said) => {
    const body = 'event' in said ? miura.encodeEvent(said.event) : (said.body ?? new Uint8Array(0))
    return wire.send(miura.device.encode({ type: 'event' in said ? 'event' : 'answer', nad: 1, sw: 0x9000, body }))
  }
  const reader: MiuraReader = await clock.settle(openMiura(app, { clock }))
  const events: ReaderEvent[] = []
  void (async () => {
    for await (const event of reader.events) events.push(event)
  })()
  const pay = (transaction: Partial<Transaction> = {}, terminal: Partial<Terminal> = {}) =>
    clock.settle(
      reader.transact(
        { amount: 100n, currency: currency('RUB'), ...transaction },
        {
          selectApplication: () => Promise.reject(new Error('asked')),
          authorise: async () => ({ type: 'approved', code: '00' }),
          ...terminal,
        },
      ),
    )
  const end = async () => {
    await clock.settle(reader.close())
    await clock.settle(serving)
    expect(clock.pending).toBe(0)
  }
  return { clock, reader, heard, events, say, pay, end }
}

describe('opening', () => {
  it('what another host has left is answered first, and is not the answer', async () => {
    const stale: Said = { sw: miura.failures.USER_CANCELLED }
    const { reader, end } = await bench({ reset: [stale, {}, software] })
    expect(reader.info).toMatchObject({ serial: '00000007', firmware: '1-47', model: 'M000' })
    expect(reader.info.configuration).toBeUndefined()
    await end()
  })

  it('a reader that refuses says why; a silent one is given up', async () => {
    const clock = new VirtualClock()
    const [app] = pipe({ clock })
    await expect(clock.settle(openMiura(app, { clock }))).rejects.toMatchObject({ code: 'timeout' })
    expect(clock.pending).toBe(0)
    await expect(bench({ reset: [{ sw: 0x9fcf }] })).rejects.toMatchObject({
      code: 'reader-error',
      details: { code: 'CONTACTLESS_HARDWARE_ERROR' },
    })
  })

  it('charging, charged and what cannot be known', async () => {
    for (const [charging, expected] of [
      [0x01, { percent: 3, charging: true }],
      [0x02, { percent: 3, charging: true }],
      [0xf0, { percent: 3 }],
    ] as const) {
      const { reader, clock, end } = await bench({ batteryStatus: [{ body: miura.encodeBattery({ charging, percent: 3 }) }] })
      expect((await clock.settle(reader.status())).battery).toEqual(expected)
      await end()
    }
  })
})

describe('a payment', () => {
  /** A TC for 2500.00 RUB on 26 March 2026, 10:52:07. */
  const certificate: [number, string][] = [
    ...([
      [0x9f27, '40'],
      [0x9f26, '0102030405060708'],
      [0x9f36, '0001'],
      [0x9f37, '11223344'],
    ] as [number, string][]),
    ...([
      [0x9f02, '000000250000'],
      [0x5f2a, '0643'],
      [0x9c, '00'],
      [0x9a, '260326'],
      [0x9f21, '105207'],
    ] as [number, string][]),
  ]

  it('the start is that of the vendor’s own code, tag for tag', async () => {
    const { heard, pay, end } = await bench({
      startContactless: [{ sw: 0x9f43 }],
      startTransaction: [result('approved', certificate)],
    })
    const at = new Date(2026, 2, 26, 10, 52, 7)
    expect(await pay({ at, amount: 250_000n })).toMatchObject({ result: 'approved', interface: 'chip', online: false })
    const [tap, chip] = heard.filter(({ command }) => command.startsWith('start')).map(({ data }) => hex(data))
    expect(tap).toBe('E01C' + '9C0100' + '9F0206000000250000' + '9A03260326' + '9F2103105207' + '5F2A020643')
    expect(chip).toBe('E026' + '9C0100' + '9F0206000000250000' + '9A03260326' + '9F2103105207' + 'DFA2040101' + 'DFA2030100' + '5F2A020643')
    await end()
  })

  it.each([
    [0x9f41, { result: 'cancelled', reason: 'cardholderCancelled' }],
    [0x9f42, { result: 'cancelled', reason: 'cardTimeout' }],
    [0x9f25, { result: 'declined', reason: 'cardError' }],
    [0x9f28, { result: 'declined', reason: 'noApplication', fallback: undefined }],
    [0x9f30, { result: 'declined', reason: 'cardMute', fallback: true }],
    [0x9f23, { result: 'cancelled', reason: 'cardRemoved' }],
    [0x9f40, { result: 'declined', reason: 'cardError' }],
  ])('SW %s is an outcome', async (sw, expected) => {
    const { pay, end } = await bench({ startContactless: [{ sw: 0x9f43 }], startTransaction: [{ sw }] })
    expect({ fallback: undefined, ...(await pay()) }).toMatchObject({ ...expected, interface: 'chip', online: false })
    await end()
  })

  it('SW 9F21: the reader does not take what it was told', async () => {
    const { pay, end } = await bench({ startContactless: [{ sw: 0x9f21 }] })
    await expect(pay()).rejects.toMatchObject({ code: 'unsupported', details: { code: 'INVALID_DATA' } })
    await end()
  })

  it.each([
    [0x9f26, 'COMMAND_NOT_ALLOWED'],
    [0x9f22, 'TERMINAL_NOT_READY'],
    [0x9fcf, 'CONTACTLESS_HARDWARE_ERROR'],
    [0x9fee, '9FEE'],
  ])('SW %s is a fault of the reader', async (sw, code) => {
    const { pay, end } = await bench({ startContactless: [{ sw }] })
    await expect(pay()).rejects.toMatchObject({ code: 'reader-error', details: { code } })
    await end()
  })

  it('"use another interface": the payment’s own others, or none', async () => {
    for (const [sw, words] of [
      [0x9fc1, 'Insert card.'],
      [0x9fc2, 'Insert card.'],
      [0x9fc3, 'Insert card.'],
    ] as const) {
      const { pay, heard, say, end, clock } = await bench({ startContactless: [{ sw }], startTransaction: [result('declined')] })
      const paying = pay({ interfaces: ['chip', 'tap'] })
      await clock.advance(10)
      await say(card({ present: true, emv: true }))
      expect(await paying).toMatchObject({ result: 'declined', reason: 'offlineDeclined', interface: 'chip' })
      expect(heard.filter(({ command }) => command === 'displayText').map(({ data }) => new TextDecoder().decode(data))[0]).toBe(words)
      expect(await pay({ interfaces: ['tap'] })).toMatchObject({ result: 'declined', reason: 'tryAnotherInterface' })
      await end()
    }
  })

  it('a decision that it was not configured for: the transaction is aborted', async () => {
    const { pay, heard, end } = await bench({ startContactless: [result('decisionRequired')] })
    await expect(pay()).rejects.toMatchObject({ code: 'unsupported', details: { feature: 'decision' } })
    expect(heard.map(({ command }) => command)).toContain('abort')
    await end()
  })

  it('an answer that is no template, once the host has approved: unknown', async () => {
    const script = { startContactless: [result('onlineRequired')], continueTransaction: [{ body: fromHex('E100') }] }
    const { pay, end } = await bench(script)
    expect(await pay()).toMatchObject({ result: 'unknown', reason: 'readerError', online: true })
    await end()
  })

  it('an approval of the reader’s does not overrule the host', async () => {
    const { pay, end } = await bench({ startContactless: [result('onlineRequired')], continueTransaction: [result('approved')] })
    expect(await pay({}, { authorise: async () => ({ type: 'declined', code: '05' }) })).toMatchObject({
      result: 'declined',
      reason: 'hostDeclined',
    })
    await end()
  })

  it('tracks in clear go to the acquirer, and nowhere else', async () => {
    const data = new Map([[miura.tags.track2, fromText(';2200000000000103=30121010000?')]])
    const { pay, say, end, clock } = await bench({})
    const paying = pay({ interfaces: ['swipe'] })
    await clock.advance(10)
    await say(card({ swiped: true, tracks: { ...noTracks, track2: true }, data }))
    const outcome = await paying
    expect(outcome).toMatchObject({ result: 'approved', interface: 'swipe', cvm: 'signature' })
    expect(hex(outcome.tags.get(0xc4)!)).toBe('220000FFFFFF0103')
    await end()
  })

  it('PIN events, one by one', async () => {
    const { say, events, clock, end } = await bench({})
    const status = (more: Partial<miura.StatusEvent>): Said => ({ event: { type: 'status', status: 'pinEntry', text: '', ...more } })
    for (const one of [
      { pinDigits: 0 },
      { pinDigits: 1 },
      { pinDigits: 2 },
      { pinTries: 1 },
      { pinDigits: 1 },
      { pinStatus: miura.PIN_OK },
      { pinStatus: 0x55 },
    ])
      await say(status(one))
    await say({ event: { type: 'other', data: new Map([[miura.tags.barcode, fromText('4006381333931')]]) } })
    await clock.advance(10)
    const told = events.flatMap(event => (event.type === 'pin' ? [event.event === 'digit' ? event.digits : event.event] : []))
    expect(told).toEqual(['started', 1, 2, 'wrong', 'lastTry', 'started', 1, 'ok'])
    await end()
  })
})
