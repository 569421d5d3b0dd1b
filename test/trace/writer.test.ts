/** The trace as lines: header, order, spans, what is masked, and that what was written is read again. */

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import packageJson from '../../package.json' with { type: 'json' }
import { concat, fromHex, fromText, hex } from '../../src/bytes.ts'
import { VirtualClock } from '../../src/clock.ts'
import { Fault } from '../../src/errors.ts'
import { write as tlv } from '../../src/tlv/ber.ts'
import { isSensitive } from '../../src/tlv/tags.ts'
import type { Told, TraceEvent } from '../../src/trace/event.ts'
import { ruleOfTag } from '../../src/trace/masking.ts'
import { linkChunks, parseTraceLog } from '../../src/trace/read.ts'
import { openTrace, traceEvents } from '../../src/trace/writer.ts'
import { faces, found, secretNumber } from '../canaries.ts'

const PAN = '2200707364918254'
const PIN = '730916482755'
const canaries = [secretNumber('PAN', PAN), secretNumber('the middle of the PAN', PAN.slice(6, -4)), secretNumber('PIN', PIN)]

function written() {
  const clock = new VirtualClock(Date.UTC(2026, 2, 26, 10, 52))
  const lines: string[] = []
  const tracer = openTrace({ write: line => lines.push(line), clock, header: { reader: { family: 'qpos' }, card: 'mir', seed: 7 } })
  const text = () => {
    tracer.flush()
    return `${lines.join('\n')}\n`
  }
  return { clock, lines, tracer, text }
}

describe('lines', () => {
  it('a header, then events on one clock, spans inside each other', async () => {
    const { clock, lines, tracer, text } = written()
    const payment = tracer.span('payment', 'order 1')
    await clock.advance(5)
    const step = tracer.span('step', 'selection', 'reader')
    tracer.tell('reader', { kind: 'light', light: 'waiting' })
    clock.jump(-3_600_000) // somebody sets the wall clock
    await clock.advance(2.5)
    payment('card-removed') // the step was left open
    step()
    tracer.tell('person', { kind: 'card', event: 'removed' })
    tracer.close()
    tracer.tell('person', { kind: 'card', event: 'inserted' })
    expect(lines.map(line => JSON.parse(line))).toEqual([
      {
        ...{ tapdip: 'trace', version: 2, package: packageJson.version, start: '2026-03-26T10:52:00.000Z', clock: 'virtual' },
        ...{
          reader: { family: 'qpos' },
          card: 'mir',
          seed: 7,
          configuration: null,
          masked: ['pan', 'track', 'name', 'pin', 'key', 'sealed'],
        },
      },
      { at: 0, from: 'app', kind: 'span', id: 1, level: 'payment', name: 'order 1' },
      { at: 5, from: 'reader', span: 1, kind: 'span', id: 2, parent: 1, level: 'step', name: 'selection' },
      { at: 5, from: 'reader', span: 2, kind: 'light', light: 'waiting' },
      { at: 7.5, from: 'reader', span: 1, kind: 'spanEnd', id: 2, fault: 'card-removed' },
      { at: 7.5, from: 'app', kind: 'spanEnd', id: 1, fault: 'card-removed' },
      { at: 7.5, from: 'person', kind: 'card', event: 'removed' },
    ])
    expect(parseTraceLog(text())).toMatchObject({ format: 2, header: { card: 'mir' }, lines: [2, 3, 4, 5, 6, 7] })
  })

  it('is what was told at that moment, whatever becomes of it before it is written', () => {
    const { tracer, text } = written()
    const command = fromHex('00B2010C00')
    const content = { type: 'keyEntry', data: fromHex('0102'), list: [{ name: 'first' }], map: new Map([[0x9f02, fromHex('01')]]) }
    tracer.tell('card', { kind: 'apdu', interface: 'contact', name: 'READ RECORD', command, answer: fromHex('9000') })
    tracer.tell('driver', { kind: 'message', way: 'out', type: 'x', content })
    tracer.tell('reader', { kind: 'screen', lines: ['ENTER PIN:'], message: 'reader.enterPin' })
    command.fill(0xff)
    content.data.fill(0xff)
    content.list[0].name = 'second'
    content.map.get(0x9f02)!.fill(0xff)
    expect(text()).toContain('00B2010C00')
    expect(text()).toContain('{"type":"keyEntry","data":"0102","list":[{"name":"first"}],"map":{"9F02":"01"}}')
    expect(text()).not.toContain('FF')
  })

  it('waits for company, not for long: the host, the end of a payment and a moment’s rest bring it out', async () => {
    const { tracer, lines } = written()
    tracer.tell('person', { kind: 'card', event: 'inserted' })
    expect(lines).toHaveLength(0)
    tracer.tell('driver', { kind: 'host', what: 'request', name: 'authorise' })
    expect(lines).toHaveLength(3)
    tracer.tell('person', { kind: 'card', event: 'removed' })
    tracer.tell('app', { kind: 'result', result: 'approved', content: {} })
    expect(lines).toHaveLength(5)
    tracer.tell('person', { kind: 'card', event: 'inserted' })
    await expect.poll(() => lines.length).toBe(6)
    for (let more = 0; more < 256; more++) tracer.tell('reader', { kind: 'light', light: 'off' })
    expect(lines).toHaveLength(262)
    tracer.close()
  })

  it('close ends what is open', () => {
    const memory = traceEvents()
    memory.span('payment', 'one')
    memory.span('presentation', 'chip')
    memory.close()
    expect(memory.events.map(({ kind }) => kind)).toEqual(['span', 'span', 'spanEnd', 'spanEnd'])
  })

  it('a disk that is full ends the trace, is told once, and nothing is thrown', () => {
    let told = 0
    let room = 3
    const tracer = openTrace({
      write: () => {
        if (room-- === 0) throw new Error('ENOSPC')
      },
      onFailure: () => {
        told++
        throw new Error('the listener too')
      },
    })
    for (let i = 0; i < 5; i++) tracer.span('step', 'records')()
    tracer.close()
    expect({ told, room }).toEqual({ told: 1, room: -1 })
  })
})

describe('what is masked', () => {
  const record = tlv(0x70, [tlv(0x5a, fromHex(PAN)), tlv(0x57, fromHex(`${PAN}D3012201000000000F`)), tlv(0x5f20, fromText('IVANOV/IVAN')), tlv(0x5f24, fromHex('301231'))]) // biome-ignore format: a record

  it('a record of the card: lengths and harmless objects stay', () => {
    const memory = traceEvents()
    const answer = concat(record, fromHex('9000'))
    memory.tell('card', { kind: 'apdu', interface: 'contact', name: 'READ RECORD', command: fromHex('00B2010C00'), answer })
    const [event] = memory.events as [Extract<TraceEvent, { kind: 'apdu' }>]
    expect(event.answer).toHaveLength(answer.length * 2)
    expect(event.answer).toContain('5A082200700000008254')
    expect(event.answer).toContain('5F2403301231')
    expect(event.masked).toEqual(['pan', 'track', 'name'])
    expect(hex(answer)).toContain(PAN) // the caller's bytes are its own
  })

  it('a name that was met, in the lines of a slip', () => {
    const memory = traceEvents()
    const receipt = { cardholder: 'IVANOV/IVAN' }
    memory.tell('app', { kind: 'result', result: 'approved', content: { receipt, slip: ['Card: MIR', 'Cardholder: IVANOV/IVAN'] } })
    memory.tell('driver', { kind: 'message', way: 'in', type: 'x', content: { holder: fromText('PETROVA/ANNA ') } })
    memory.tell('reader', { kind: 'screen', lines: ['PETROVA/ANNA', 'OK'] })
    expect(memory.events.map(({ masked }) => masked)).toEqual([['name'], ['name'], ['name']])
    expect(memory.events[0]).toMatchObject({ content: { slip: ['Card: MIR', `Cardholder: ${'*'.repeat(11)}`] } })
    expect(memory.events[2]).toMatchObject({ lines: ['*'.repeat(12), 'OK'] })
  })

  it('VERIFY, PIN CHANGE in a script, typed digits: whatever they are', () => {
    const memory = traceEvents()
    const verify = fromHex(`0020008008${'2C'}${PIN}FF`)
    const change = concat(fromHex('8424000008'), fromHex(`2C${PIN}FF`))
    memory.tell('card', { kind: 'apdu', interface: 'contact', name: 'VERIFY', command: verify, answer: fromHex('9000') })
    memory.tell('driver', { kind: 'message', way: 'out', type: 'result', content: { scripts: tlv(0x72, tlv(0x86, change)) } })
    memory.tell('reader', { kind: 'screen', lines: ['ENTER PIN:'], message: 'reader.enterPin' })
    for (const key of [...PIN]) memory.tell('person', { kind: 'key', key })
    memory.tell('reader', { kind: 'screen', lines: ['1 MIR', '2 MAESTRO'], message: 'reader.selectApplication' })
    memory.tell('person', { kind: 'key', key: '2' })
    expect(found(canaries, faces(memory.events))).toEqual([])
    expect(memory.events.flatMap(one => (one.kind === 'key' ? [one.key] : []))).toEqual([...'*'.repeat(12), '2'])
    expect(memory.events[1]).toMatchObject({ content: { scripts: expect.stringContaining('860D8424000008') }, masked: ['pin'] })
  })

  it.each<[string, unknown]>([
    ['an object by tag', new Map([[0x57, fromHex(`${PAN}D3012201`)]])],
    ['hex by tag name', { tags: { '57': `${PAN}D3012201`, '5A': PAN } }],
    ['text', { reason: `card ${PAN} is blocked` }],
    ['text with blanks', { reason: PAN.replace(/(....)/g, '$1 ') }],
    ['the stripe', `%B${PAN}^IVANOV/IVAN^30122010000000000?`],
    ['bytes of a stripe', { data: fromText(`;${PAN}=30122010000000000?`) }],
    ['bytes that nobody names', { data: concat(fromHex('0107FF'), fromHex(PAN), fromHex('00')) }],
    ['an object among other bytes', { data: concat(fromHex('D0FFEE'), tlv(0x5a, fromHex(PAN)), fromHex('8177')) }],
    ['a list', { pans: [PAN, { pan: PAN }] }],
    ['digits as bytes', { digits: fromText(PIN), pin: PIN, pinBlock: { data: fromHex(`2C${PIN}FF`), format: 0 } }],
    ['a fault', new Fault('host-error', `no account ${PAN}`, { pan: PAN })],
  ])('%s', (_, content) => {
    const memory = traceEvents()
    memory.tell('host', { kind: 'host', what: 'answer', name: 'authorise', content })
    memory.tell('driver', { kind: 'message', way: 'in', type: 'data', content })
    expect(memory.events).toHaveLength(2)
    expect(found(canaries, faces(memory.events))).toEqual([])
  })

  it('a card number that was met is known wherever it comes again', () => {
    const memory = traceEvents()
    memory.tell('card', {
      kind: 'apdu',
      interface: 'contact',
      name: 'READ RECORD',
      command: fromHex('00B2010C00'),
      answer: concat(record, fromHex('9000')),
    })
    memory.tell('card', {
      kind: 'apdu',
      interface: 'contact',
      name: 'GENERATE AC',
      command: concat(fromHex('80AE80000C'), fromHex(`0000${PAN}0000`)),
    })
    memory.tell('app', { kind: 'app', what: 'event', name: 'x', content: { order: PAN, a: { number: `x${PAN}` } } })
    memory.span('payment', PAN)
    expect(found(canaries, faces(memory.events))).toEqual([])
  })

  it('what is no secret stays: amounts, references, order numbers, serial numbers', () => {
    const memory = traceEvents()
    const content = { amount: 250_000n, rrn: '603812345678', number: '20260326105200001', merchant: { id: '635459020000001' }, ksn: '62994900000000000001' } // biome-ignore format: one object
    memory.tell('host', { kind: 'host', what: 'request', name: 'authorise', content })
    expect(memory.events[0]).toMatchObject({ content: { ...content, amount: '250000' } })
    expect(memory.events[0]).not.toHaveProperty('masked')
  })

  it('an application is no card number, whatever the digits of its identifier', () => {
    const { tracer, text } = written()
    const rule = { kind: 'kernel', step: 'selection', rule: 'Book 1, 12.3.2', inputs: {} } as const
    tracer.tell('reader', { ...rule, effect: ['candidate MIR (A0000006581010)', `PAN ${PAN}`, `A0000006581010${PAN}00112233445566`] })
    const { effect } = parseTraceLog(text()).events[0] as TraceEvent & { kind: 'kernel' }
    expect(effect.slice(0, 2)).toEqual(['candidate MIR (A0000006581010)', 'PAN 220070******8254'])
    expect(effect[2]).not.toContain(PAN)
  })

  it.each<[string, string]>([
    ['a track that begins in the middle of a byte', `F${PAN}D30122010000F`],
    ['more digits before it than a number has', `FF123456789${PAN}D3012201F`],
    ['a number in a run of digits', `FF0000${PAN}0000FF`],
    ['a number that begins in the middle of a byte', `F${PAN}F`],
    ['two tracks in a row', `FF${PAN}D3012201FF${PAN}D3012201F`],
  ])('packed digits that nobody names: %s', (_, digits) => {
    const memory = traceEvents()
    memory.tell('driver', {
      kind: 'message',
      way: 'in',
      type: 'data',
      content: { x: fromHex(digits.padEnd(digits.length + (digits.length % 2), 'F')) },
    })
    expect(memory.events[0].masked?.length).toBeGreaterThan(0)
    expect(found(canaries.slice(0, 1), faces(memory.events))).toEqual([])
    expect(JSON.stringify(memory.events)).not.toContain(PAN)
  })

  it('every sensitive tag has its rule', () => {
    for (let tag = 0x40; tag < 0xffff; tag++) expect(ruleOfTag(tag) !== undefined).toBe(isSensitive(tag))
  })

  it('whatever is told, telling does not throw, and the lines can be read', () => {
    fc.assert(
      fc.property(
        fc.array(fc.anything({ withTypedArray: true, withMap: true, withSet: true, withBigInt: true, withDate: true })),
        things => {
          const { tracer, text } = written()
          for (const content of things) tracer.tell('app', { kind: 'app', what: 'event', name: 'x', content })
          tracer.close()
          expect(parseTraceLog(text()).format).toBe(2)
        },
      ),
    )
    const getter = {
      get pan() {
        throw new Error('no')
      },
    }
    const memory = traceEvents()
    memory.tell('app', { kind: 'app', what: 'event', name: 'x', content: getter })
    expect(memory.events).toEqual([])
  })
})

describe('reading', () => {
  const bytes = fc.uint8Array({ maxLength: 40 })
  const told: fc.Arbitrary<Told> = fc.oneof(
    fc.record({
      kind: fc.constant('link' as const),
      way: fc.constantFrom('out' as const, 'in' as const),
      length: fc.nat(),
      bytes: bytes.map(hex),
    }),
    fc.record({ kind: fc.constant('message' as const), way: fc.constant('in' as const), type: fc.string(), content: fc.jsonValue() }),
    fc.record({
      kind: fc.constant('apdu' as const),
      interface: fc.constant('contact' as const),
      name: fc.string(),
      command: bytes,
      answer: bytes,
    }),
    fc.record({ kind: fc.constant('screen' as const), lines: fc.array(fc.string()) }),
    fc.record({ kind: fc.constant('key' as const), key: fc.string() }),
    fc.record({ kind: fc.constant('journal' as const), stage: fc.string(), content: fc.dictionary(fc.string(), bytes) }),
  )

  it('gives back what was written, and a memory has the same', () => {
    fc.assert(
      fc.property(fc.array(told), all => {
        const { tracer, clock, text } = written()
        const memory = traceEvents({ clock })
        for (const one of all) for (const each of [tracer, memory]) each.tell('driver', one)
        expect(parseTraceLog(text()).events).toEqual(JSON.parse(JSON.stringify(memory.events)))
      }),
    )
  })

  it('a line that breaks off at the end is left out; elsewhere it is named', () => {
    const { tracer, text } = written()
    tracer.tell('reader', { kind: 'light', light: 'off' })
    tracer.tell('reader', { kind: 'light', light: 'waiting' })
    expect(parseTraceLog(text().slice(0, -10)).events).toHaveLength(1)
    expect(() => parseTraceLog(text().replace('"kind":"light","light":"off"}', '"ki'))).toThrow('line 2 is no JSON object')
  })

  it.each([
    ['{"at":-1,"from":"reader","kind":"light","light":"off"}', 'line 2: at is the number -1; it takes milliseconds, 0 or more'],
    ['{"at":1,"from":"moon","kind":"light","light":"off"}', 'line 2: from is the text "moon"; it takes one of app, driver, link,'],
    ['{"at":1,"from":"reader","kind":"smell"}', 'line 2: kind is the text "smell"; it takes one of span, spanEnd, link,'],
    ['{"at":1,"from":"link","kind":"link","way":"up","length":1}', 'line 2: way is the text "up"; it takes one of out, in'],
    ['{"at":1,"from":"link","kind":"link","way":"out"}', 'line 2: length is undefined; it takes a whole number'],
    [
      '{"at":1,"from":"card","kind":"apdu","interface":"contact","name":"x","command":"0"}',
      'line 2: command is the text "0"; it takes bytes in hex',
    ],
    [
      '{"at":1,"from":"card","kind":"kernel","step":"x","rule":"x","inputs":{"9F02":1},"effect":[]}',
      'line 2: inputs.9F02 is the number 1; it takes bytes in hex',
    ],
  ])('%s', (line, words) => {
    const { text } = written()
    expect(() => parseTraceLog(`${text()}${line}\n`)).toThrow(words)
  })

  it('refuses what is no trace, and another version', () => {
    expect(() => parseTraceLog('')).toThrow('line 1: a trace begins with its header')
    expect(() => parseTraceLog('{"tapdip":"trace","version":3}')).toThrow('trace version the number 3, this is 2')
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          fc.array(fc.json()).map(all => all.join('\n')),
        ),
        text => {
          try {
            parseTraceLog(text)
          } catch (error) {
            expect(error).toBeInstanceOf(Fault)
          }
        },
      ),
    )
  })

  it('reads a recording of before, of two connections, and explanations of before', () => {
    const old = [
      '{"tapdip":"trace","version":1,"uri":"tcp://x","start":"2026-03-26T10:52:00.000Z","bytes":"redacted"}',
      '{"at":1,"out":"A500"}',
      '{"at":2,"in":3}',
      '{"at":3,"end":"peer"}',
      '{"tapdip":"trace","version":1,"uri":"tcp://x","start":"2026-03-26T10:52:01.000Z","bytes":"redacted"}',
      '{"at":1,"out":"A501"}',
    ].join('\n')
    const log = parseTraceLog(old)
    expect(log.events.map(({ at }) => at)).toEqual([1, 2, 3, 1001])
    expect(linkChunks(log)).toEqual({
      ...{ chunks: [{ at: 1, direction: 'out', length: 2, bytes: fromHex('A500'), line: 2 }, { at: 2, direction: 'in', length: 3, line: 3 }] }, // biome-ignore format: two
      end: 'peer',
    })
    const explained = '{"step":"restrictions","rule":"Book 3, 10.4","inputs":{"5F24":"301231"},"effect":["TVR expired"]}'
    expect(parseTraceLog(explained)).toMatchObject({
      ...{ format: 'explanations', events: [{ kind: 'kernel', step: 'restrictions', effect: ['TVR expired'] }] },
    })
  })
})
