/** The virtual MagTek readers on the wire, driven by a scripted host, and new firmware for the one that takes it. */

import { afterEach, describe, expect, it } from 'vitest'
import * as magtek from '../../../devices/magtek/codec.ts'
import { v5Codes, v5Events, v5Extended, v5Progress } from '../../../devices/magtek/codec.ts'
import { askExtended, type V5Line } from '../../../devices/magtek/v5-session.ts'
import { openSealed } from '../../../simulator/acquirer/sealed.ts'
import { loadCard } from '../../../simulator/cards/icc.ts'
import { testPinDukpt } from '../../../simulator/keys.ts'
import { cardholder } from '../../../simulator/readers/body/cardholder.ts'
import type { VirtualMms } from '../../../simulator/readers/magtek/mms/mms.ts'
import type { V5Knobs, VirtualV5 } from '../../../simulator/readers/magtek/v5/v5.ts'
import { type TestImage, testImage } from '../../../simulator/readers/update.ts'
import { instant } from '../../../simulator/world.ts'
import { concat, fromHex, fromText, text } from '../../../src/bytes.ts'
import { transactionCounter } from '../../../src/crypto/dukpt.ts'
import type { AuthorisationMessage } from '../../../src/payment/acquirer.ts'
import { Conversation } from '../../../src/reader/conversation.ts'
import { pipe } from '../../../src/transport/pipe.ts'
import { Bench } from './bench.ts'

let bench: Bench
let expected: string[] = []
let end = async () => {}

afterEach(async () => {
  await end()
  end = async () => {}
  await bench.close()
  expect(bench.clock.pending).toBe(0)
  expect(bench.faults.map(({ code }) => code)).toEqual(expected)
  expected = []
})

const none = new Uint8Array(0)
const wait = () => bench.clock.advance(50)

describe('V5', () => {
  let line: V5Line
  const limits = { timeout: 5000 }

  function start(carrier: 'hid' | 'ble' = 'hid', knobs: V5Knobs = {}): VirtualV5 {
    bench = new Bench({ carrier: `v5 ${carrier}`, v5: { knobs, clockSet: true } })
    const device = bench.device as VirtualV5
    const [a, b] = pipe({ clock: bench.clock })
    line = new Conversation(a, carrier === 'hid' ? magtek.v5HidHost : magtek.v5BleHost, { clock: bench.clock })
    const serving = device.serve(b)
    end = async () => {
      await bench.clock.settle(line.close())
      await bench.clock.settle(serving)
    }
    return device
  }

  const ask = async (command: number, data: Uint8Array = none) => bench.clock.settle(askExtended(line, command, data, limits))
  const code = async (command: number, data?: Uint8Array) => (await ask(command, data)).result
  const plain = (request: magtek.V5Request) => bench.clock.settle(line.ask(request, limits))
  const usual = { timeout: 60, cardTypes: 7, options: 0, amount: 250_000n, transactionType: 0, cashback: 0n, currency: 643, reporting: 1 }
  const startOf = (more: Partial<magtek.V5Start> = {}) => magtek.encodeStart({ ...usual, ...more })

  /** What came unasked since the last time. */
  async function news(): Promise<magtek.V5Reply[]> {
    await wait()
    const all: magtek.V5Reply[] = []
    while (line.incoming.size > 0) all.push((await line.incoming.next())!)
    return all
  }
  const ids = (all: magtek.V5Reply[]) => all.flatMap(one => (one.type === 'notification' ? [one.id] : []))
  const statuses = (all: magtek.V5Reply[]) =>
    all.flatMap(one => (one.type === 'notification' && one.id === 0x0300 ? [magtek.decodeStatus(one.data)] : []))
  const dataOf = (all: magtek.V5Reply[], id: number) =>
    all.flatMap(one => (one.type === 'notification' && one.id === id ? [one.data] : []))[0]
  const dip = (name: 'mir-maestro' | 'mir-jcb' | 'visa-signature') =>
    cardholder(bench.body, { card: loadCard(name), present: 'dip', pace: instant })

  it('tells serial number, firmware, battery and the next key; what it does not know has a result of its own', async () => {
    const device = start()
    const property = (n: number) => plain({ type: 'getProperty', property: n })
    expect(await property(magtek.v5Properties.serial)).toMatchObject({ type: 'answer', result: 0, data: fromText('B4F2A61') })
    expect(await property(magtek.v5Properties.firmwareId)).toMatchObject({ result: 0, data: fromText('1.0.0') })
    expect(await property(0x7f)).toMatchObject({ result: 2 })
    expect(await plain({ type: 'getBattery' })).toMatchObject({ result: 0, data: Uint8Array.of(80) })
    expect(await plain({ type: 'getKsn' })).toMatchObject({ result: 0, data: device.firmware.nextPinKsn })
    expect(await plain({ type: 'more' })).toMatchObject({ result: 7 })
    await expect(ask(0x0377)).rejects.toMatchObject({ code: 'unsupported' })
    expect(await plain({ type: 'reset' })).toMatchObject({ result: 0 })
  })

  it('refuses a start field by field (0384–038E), and what has no transaction (038D); a second start (038F)', async () => {
    start()
    const refused = [
      startOf({ cardTypes: 0 }),
      startOf({ options: 0x80 }),
      startOf({ transactionType: 0x77 }),
      startOf({ currency: 9 }),
      concat(startOf().subarray(0, 3), fromHex('00000000000A'), startOf().subarray(9)),
      startOf().subarray(1),
    ]
    const codes: number[] = []
    for (const one of refused) codes.push(await code(v5Extended.start, one))
    expect(codes.map(one => one.toString(16))).toEqual(['385', '386', '388', '38a', '387', '384'])
    expected = bench.faults.map(({ code }) => code)
    expect(await code(v5Extended.cancel)).toBe(v5Codes.noTransaction)
    expect(await code(v5Extended.selection, magtek.encodeSelected(0, 0))).toBe(v5Codes.noTransaction)
    expect(await code(v5Extended.onlineResponse, none)).toBe(v5Codes.noTransaction)
    expect(await code(v5Extended.start, startOf())).toBe(v5Codes.ok)
    expect(await code(v5Extended.start, startOf())).toBe(v5Codes.inProgress)
    expect(await code(v5Extended.onlineResponse, none)).toBe(v5Codes.noTransaction)
    expect(await code(v5Extended.cancel)).toBe(v5Codes.ok)
    expect(statuses(await news()).at(-1)).toMatchObject({ event: v5Events.hostCancelled })
  })

  it('its clock was never set (0396); its keys are gone (0381)', async () => {
    bench = new Bench({ carrier: 'v5 hid' })
    const [a, b] = pipe({ clock: bench.clock })
    line = new Conversation(a, magtek.v5HidHost, { clock: bench.clock })
    const serving = bench.device.serve(b)
    end = async () => {
      await bench.clock.settle(line.close())
      await bench.clock.settle(serving)
    }
    expect(await code(v5Extended.start, startOf())).toBe(v5Codes.noDate)
    await expect(ask(v5Extended.setDate, new Uint8Array(3))).rejects.toMatchObject({ code: 'unsupported' })
    expect(await code(v5Extended.setDate, magtek.encodeDate(new Date(2026, 2, 26, 10, 15)))).toBe(v5Codes.ok)
    bench.body.tamper()
    expect(await code(v5Extended.start, startOf())).toBe(v5Codes.noKeys)
  })

  const { inserted, progress, complete } = v5Events
  it.each([
    [0, [inserted, complete]],
    [1, [progress, inserted, progress, progress, progress, complete]],
  ])('status of a chip payment where %d is asked for', async (reporting, events) => {
    start()
    const stop = dip('visa-signature')
    expect(await code(v5Extended.start, startOf({ reporting }))).toBe(v5Codes.ok)
    const asked = await news()
    expect(ids(asked)).toContain(0x0303)
    const arqc = magtek.decodeEmvData(dataOf(asked, 0x0303))
    expect(await code(v5Extended.onlineResponse, magtek.encodeHostAnswerV5({ code: '05' }, arqc))).toBe(v5Codes.ok)
    await bench.clock.advance(5000)
    const ended = await news()
    stop()
    expect(statuses([...asked, ...ended]).map(({ event }) => event)).toEqual(events)
    // the batch comes before the status that ends it, and says the same
    expect(ids(ended).indexOf(0x0304)).toBeLessThan(ids(ended).lastIndexOf(0x0300))
    const batch = magtek.decodeBatch(dataOf(ended, 0x0304))
    expect(magtek.decodeEmvData(batch.blob).get(magtek.magtekTags.transactionStatus)).toEqual(Uint8Array.of(1))
    expect(statuses(ended).find(({ event }) => event === complete)).toMatchObject({ progress: v5Progress.declined })
  })

  it('a list counts its seconds down for those who ask for all status (2), and refuses what is no choice', async () => {
    start()
    const stop = dip('mir-jcb')
    await code(v5Extended.start, startOf({ reporting: 2, timeout: 30 }))
    const list = await news()
    expect(magtek.decodeSelection(dataOf(list, 0x0302))).toEqual({
      kind: 'application',
      secondsLeft: 30,
      title: 'SELECT APPLICATION',
      items: ['MIR', 'JCB'],
    })
    await bench.clock.advance(5000)
    const left = statuses(await news()).filter(({ progress }) => progress === v5Progress.waitingForApplication)
    expect(left.map(({ secondsLeft }) => secondsLeft)).toEqual([29, 28, 27, 26, 25])
    expect(await code(v5Extended.selection, magtek.encodeSelected(7, 0))).toBe(v5Codes.badSelectionStatus)
    expect(await code(v5Extended.selection, magtek.encodeSelected(0, 2))).toBe(v5Codes.badSelection)
    expect(await code(v5Extended.selection, magtek.encodeSelected(0, 1))).toBe(v5Codes.ok)
    expect(ids(await news())).toContain(0x0303)
    await code(v5Extended.cancel)
    await bench.clock.advance(5000)
    stop()
    bench.body.pull()
  })

  it('a list that nobody answers ends it, when its seconds are over', async () => {
    start('ble')
    const stop = dip('mir-maestro')
    await code(v5Extended.start, startOf({ timeout: 20 }))
    await news()
    await bench.clock.advance(20_000)
    const ended = statuses(await news())
    expect(ended.map(({ event }) => event)).toContain(v5Events.timeout)
    expect(await code(v5Extended.selection, magtek.encodeSelected(0, 1))).toBe(v5Codes.noTransaction)
    stop()
    bench.body.pull()
  })

  it('a host that never answers the cryptogram: the card ends it as unable to go online', async () => {
    start()
    const stop = dip('visa-signature')
    await code(v5Extended.start, startOf())
    await news()
    await bench.clock.advance(65_000)
    const ended = await news()
    stop()
    const batch = magtek.decodeEmvData(magtek.decodeBatch(dataOf(ended, 0x0304)).blob)
    expect(batch.get(magtek.magtekTags.transactionStatus)).toEqual(Uint8Array.of(1))
  })

  it('every swipe has a key of its own, one further than the last', async () => {
    start('ble', { rle: true })
    const counters: number[] = []
    for (let i = 0; i < 4; i++) {
      const stop = cardholder(bench.body, { card: loadCard('visa-signature'), present: 'swipe', pace: instant })
      await code(v5Extended.start, startOf({ cardTypes: 1 }))
      const swiped = (await news()).find(({ type }) => type === 'swipe')
      stop()
      if (swiped?.type !== 'swipe') throw new Error('no swipe')
      const swipe = magtek.decodeSwipe(swiped.report)
      if (swipe.type !== 'sealed') throw new Error('not enciphered')
      expect(text(swipe.masked[1])).toMatch(/^;\d{6}0+\d{4}=\d{4}\d{3}0+\?$/)
      expect(text(swipe.tracks[1])).not.toContain(loadCard('visa-signature').plan.pan)
      counters.push(transactionCounter(swipe.ksn))
      await bench.clock.advance(5000)
    }
    expect(counters).toEqual([0, 1, 2, 3].map(n => counters[0] + n))
  })

  it('extended commands come in parts; what does not follow is refused, and starts again', async () => {
    start()
    const long = concat(startOf(), new Uint8Array(100))
    const parts = magtek.partsOf(v5Extended.start, long)
    expect(parts.length).toBeGreaterThan(2)
    expect(await plain(parts[1])).toMatchObject({ type: 'answer', result: 2 })
    expect(await plain(parts[0])).toMatchObject({ type: 'answer', result: 0x0b })
    expect(await plain(parts[2])).toMatchObject({ type: 'answer', result: 2 })
    const results: magtek.V5Reply[] = []
    for (const part of parts) results.push(await plain(part))
    expect(results.slice(0, -1).every(one => one.type === 'answer' && one.result === 0x0b)).toBe(true)
    expect(results.at(-1)).toMatchObject({ type: 'extendedAnswer', result: 0x384 }) // a start is no longer than it is
    expected = ['protocol']
  })

  it('the host that goes in the middle leaves nothing behind', async () => {
    const device = start()
    await code(v5Extended.start, startOf())
    await end()
    expect(bench.body.screen.message).not.toBe('reader.presentCard')
    const [a, b] = pipe({ clock: bench.clock })
    line = new Conversation(a, magtek.v5HidHost, { clock: bench.clock })
    const serving = device.serve(b)
    end = async () => {
      await bench.clock.settle(line.close())
      await bench.clock.settle(serving)
    }
    await expect(device.serve(pipe({ clock: bench.clock })[0])).rejects.toMatchObject({ code: 'busy' })
    expect(await code(v5Extended.cancel)).toBe(v5Codes.noTransaction)
  })
})

describe('MMS', () => {
  let line: Conversation<magtek.MmsMessage, magtek.MmsMessage>
  let reference = 0

  function start(): VirtualMms {
    bench = new Bench({ carrier: 'mms slip' })
    const [a, b] = pipe({ clock: bench.clock })
    line = new Conversation(a, magtek.mmsSide('slip', 'host'), { clock: bench.clock })
    const device = bench.device as VirtualMms
    const serving = device.serve(b)
    end = async () => {
      await bench.clock.settle(line.close())
      await bench.clock.settle(serving)
    }
    return device
  }

  async function ask(id: number, payload: Uint8Array = none): Promise<magtek.MmsMessage> {
    const own = (reference = (reference % 255) + 1)
    const message: magtek.MmsMessage = { type: 'request', from: 'host', reference: own, id, payload }
    return bench.clock.settle(
      line.ask(message, { timeout: 5000, accept: answer => answer.type === 'response' && answer.reference === own }),
    )
  }
  const { mmsCommands, mmsDetails, mmsSummaries } = magtek

  it('echoes, tells its properties, and refuses what it does not know', async () => {
    start()
    const echo = magtek.encodeEcho(fromHex('00C0DBAA5AFF'))
    expect((await ask(mmsCommands.echo, echo)).payload).toEqual(echo)
    const serial = await ask(mmsCommands.getProperty, magtek.encodeGetProperty(magtek.mmsProperties.serial))
    expect(magtek.propertyText(magtek.propertyOf(serial.payload, magtek.mmsProperties.serial))).toBe('B571AF2')
    expect((await ask(mmsCommands.getProperty, magtek.encodeGetProperty([9, 9, 9]))).status).toMatchObject({
      summary: mmsSummaries.failed,
    })
    expect((await ask(0x7777)).status).toEqual({ summary: mmsSummaries.notStarted, detail: mmsDetails.badParameter })
    for (const id of [mmsCommands.cancel, mmsCommands.resume, mmsCommands.reportSelection])
      expect((await ask(id)).status).toEqual({ summary: mmsSummaries.notStarted, detail: mmsDetails.noTransaction })
  })

  it('one transaction at a time', async () => {
    start()
    const one = magtek.encodeMmsStart({
      ...{ timeout: 60, swipe: true, chip: true, tap: true, quickChip: false },
      ...{ amount: 100n, cashback: 0n, currency: 643, transactionType: 0 },
    } as magtek.MmsStart)
    expect((await ask(mmsCommands.start, one)).status).toMatchObject({ summary: mmsSummaries.started })
    expect((await ask(mmsCommands.start, one)).status).toEqual({ summary: mmsSummaries.notStarted, detail: mmsDetails.inProgress })
    expect((await ask(mmsCommands.cancel)).status).toMatchObject({ summary: mmsSummaries.done })
    await wait()
    // What stands on the display is told as well.
    let last = await line.incoming.next()
    while (last?.id === magtek.mmsNotifications.uiRequest) last = await line.incoming.next()
    expect(last).toMatchObject({ type: 'notification', id: magtek.mmsNotifications.transactionDone })
    expect(last!.status!.detail >> 8).toBe(magtek.endDetails.hostCancelled)
  })

  it('an image with another hash is refused; so is a commit of what was never loaded', async () => {
    const device = start()
    const { head, body } = testImage({ family: 'magtek', version: '2.0.0', size: 600 })
    const content = concat(head, body)
    const refusal = { summary: mmsSummaries.notStarted, detail: mmsDetails.imageFailure }
    const hash = new Uint8Array(32)
    expect((await ask(mmsCommands.loadFirmware, magtek.encodeLoad({ image: 1, hash, content }))).status).toEqual(refusal)
    expect((await ask(mmsCommands.commitFirmware, magtek.encodeCommit({ image: 1, hash }))).status).toEqual(refusal)
    expect(device.firmware.condition.update).toMatchObject({ version: '1.0.0', needed: false })
    expected = ['bad-argument']
  })
})

describe('new firmware for an MMS reader', () => {
  const image = (fields: Partial<TestImage> = {}) => {
    const { head, body } = testImage({ family: 'magtek', version: '2.0.0', size: 3000, ...fields })
    return concat(head, body)
  }
  const open = async (carrier: 'mms hid' | 'mms ble' = 'mms hid', blockTime = 0) => {
    bench = new Bench({ carrier, mtu: 64, mms: { software: { blockTime } } })
    await bench.open()
  }
  const update = (bytes: Uint8Array, options: { signal?: AbortSignal; onProgress?: (done: number, total: number) => void } = {}) =>
    bench.clock.settle(bench.reader.updateFirmware!(bytes, options))

  async function reopen(): Promise<void> {
    await bench.clock.advance(5000)
    await bench.clock.settle(bench.reader.close())
    await bench.open()
  }
  const pays = async () => expect(await bench.pay('visa-signature')).toMatchObject({ result: 'approved' })

  it.each(['mms hid', 'mms ble'] as const)('is sent whole over %s, told on the way, and runs after a restart', async carrier => {
    await open(carrier)
    const progress: number[] = []
    const bytes = image()
    await update(bytes, { onProgress: (done, total) => progress.push(done / total) })
    expect(progress.length).toBeGreaterThan(20)
    expect(progress).toEqual([...progress].sort((a, b) => a - b))
    expect([progress[0], progress.at(-1)]).toEqual([0, 1])
    expect(bench.events).toContainEqual({ type: 'update', what: 'firmware', done: bytes.length, total: bytes.length })
    await reopen()
    expect(bench.reader.info.firmware).toBe('2.0.0')
    await pays()
  })

  it.each([
    ['for another family', image({ family: 'qpos' })],
    ['unsigned', image({ signed: false })],
    ['no image', new Uint8Array(4000)],
    ['damaged', image().map((byte, at) => (at === 2000 ? byte ^ 1 : byte))],
    ['cut short', image().slice(0, -1)],
    ['empty', none],
  ])('%s: refused before anything is lost', async (what, bytes) => {
    await open()
    await expect(update(bytes)).rejects.toMatchObject({ code: 'bad-argument', details: { field: 'image' } })
    expected = what === 'empty' ? [] : ['bad-argument']
    expect(await bench.clock.settle(bench.reader.status())).not.toHaveProperty('needs')
    await pays()
  })

  it('with a battery too low for it', async () => {
    await open()
    bench.body.setBattery({ percent: 4 })
    await expect(update(image())).rejects.toMatchObject({ code: 'low-battery' })
    bench.body.plug()
    await update(image())
  })

  it('the link lost at every piece: the reader is as it was, and the second try completes', async () => {
    await open()
    const bytes = image({ size: 400 })
    let pieces = 0
    for (let stopAt = 2; ; stopAt++) {
      pieces = 0
      const ended = await update(bytes, {
        onProgress: () => {
          if (++pieces === stopAt) bench.link.drop()
        },
      }).catch((error: unknown) => error)
      if (pieces < stopAt) {
        expect(ended).toBeUndefined()
        break
      }
      // the last piece may be the reader's to take before it knows: it was not told to use it
      expect(ended).toMatchObject({ code: 'link-closed' })
      await reopen()
      expect(bench.reader.info.firmware).toBe('1.0.0')
      expect(await bench.clock.settle(bench.reader.status())).not.toHaveProperty('needs')
      expect(stopAt).toBeLessThan(100)
    }
    expect(pieces).toBeGreaterThan(8)
    await reopen()
    expect(bench.reader.info.firmware).toBe('2.0.0')
    await pays()
  })

  it('given up by the app on the way: nothing has changed', async () => {
    await open('mms ble')
    const stop = new AbortController()
    const onProgress = (done: number) => done > 1000 && stop.abort()
    await expect(update(image(), { signal: stop.signal, onProgress })).rejects.toMatchObject({ code: 'aborted' })
    await pays()
    await update(image())
    await reopen()
    expect(bench.reader.info.firmware).toBe('2.0.0')
  })

  it('the power cut at every block while it is taken into use: no payment until a second try completes it', async () => {
    for (const blocks of [0, 1, 2]) {
      await open('mms hid', 1000)
      bench.clock.timer(blocks * 1000 + 500, () => bench.body.switchOff())
      await expect(update(image())).rejects.toMatchObject({ code: 'link-closed' })
      await bench.clock.advance(5000)
      await bench.clock.settle(bench.reader.close())
      bench.body.switchOn()
      await bench.open()
      await expect(bench.pay('visa-signature')).rejects.toMatchObject({ code: 'update-required' })
      expect(await bench.clock.settle(bench.reader.status())).toMatchObject({ needs: 'firmware' })
      await update(image())
      await reopen()
      expect(bench.reader.info.firmware).toBe('2.0.0')
      await pays()
      expect(bench.faults.map(({ code }) => code)).toEqual(['update-required'])
      if (blocks < 2) await bench.close()
    }
    expected = ['update-required']
  })
})

describe('what the acquirer opens', () => {
  const message = (tags: [number, Uint8Array][]) => ({ tags: new Map(tags), cvm: 'none' }) as unknown as AuthorisationMessage

  it('what is not sealed, or with another key, or no data at all, stays as it is', () => {
    bench = new Bench({ carrier: 'v5 hid' })
    const { sealed, dataKsn } = magtek.magtekTags
    for (const tags of [
      [],
      [[sealed, new Uint8Array(16)]],
      [
        [sealed, new Uint8Array(7)],
        [dataKsn, testPinDukpt.ksn],
      ],
      [
        [sealed, new Uint8Array(64).fill(0x5a)],
        [dataKsn, testPinDukpt.ksn],
      ],
    ] as [number, Uint8Array][][]) {
      const one = message(tags)
      expect(openSealed(one, testPinDukpt.bdk)).toBe(one)
    }
  })
})
