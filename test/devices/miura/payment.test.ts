/** Paying at a virtual Miura with its own kernels, over its driver: chip, tap and swipe at any MTU, and every way they go wrong. */

import { afterEach, describe, expect, it } from 'vitest'
import { open } from '../../../devices/index.ts'
import * as miura from '../../../devices/miura/codec.ts'
import { loadCard } from '../../../simulator/cards/icc.ts'
import type { CardProfile } from '../../../simulator/cards/profile/profile.ts'
import { type ProfileName, profiles } from '../../../simulator/cards/profiles/index.ts'
import type { PlasticCard } from '../../../simulator/readers/body/body.ts'
import type { CardholderScript } from '../../../simulator/readers/body/cardholder.ts'
import { cardholder } from '../../../simulator/readers/body/cardholder.ts'
import type { VirtualReader } from '../../../simulator/readers/reader.ts'
import { instant, virtualReader } from '../../../simulator/world.ts'
import { hex, text } from '../../../src/bytes.ts'
import { VirtualClock } from '../../../src/clock.ts'
import type { Outcome } from '../../../src/emv/outcome.ts'
import type { Terminal, Transaction } from '../../../src/emv/terminal.ts'
import type { Fault } from '../../../src/errors.ts'
import type { Reader, ReaderEvent } from '../../../src/reader/reader.ts'
import { type PipeEnd, pipe } from '../../../src/transport/pipe.ts'
import { expectAgreement, issuerOf, personOf, rows, rub } from '../../emv/contactless/tap-table.ts'

let clock: VirtualClock
let device: VirtualReader
let reader: Reader
let link: PipeEnd
let serving: Promise<void>
let events: ReaderEvent[]
/** Messages on the wire, both ways, by name. */
let wire: string[]
const faults: Fault[] = []
/** A list that calls `look` after each push. */
function watched(look: () => unknown): string[] {
  const list: string[] = []
  const push = list.push.bind(list)
  list.push = (...items) => {
    const length = push(...items)
    look()
    return length
  }
  return list
}

/** Names of what each side says, decoded by the other side's codec. */
function tap(line: PipeEnd): PipeEnd {
  const [up, down] = [miura.host.decoder(), miura.device.decoder()]
  const heard = (bytes: Uint8Array) => {
    for (const { type, sw, body } of up.push(bytes)) {
      if (type === 'answer') wire.push(sw === 0x9000 ? `← ${hex(body.subarray(0, 1)) || 'ok'}` : `← ${miura.failureName(sw)}`)
      else {
        const event = miura.decodeEvent(body)
        wire.push(event.type === 'status' ? `· ${event.status}` : `· ${event.type}`)
      }
    }
  }
  const send = line.send.bind(line)
  return Object.assign(Object.create(line), {
    uri: line.uri,
    mtu: line.mtu,
    drop: () => line.drop(),
    close: () => line.close(),
    send: (bytes: Uint8Array) => {
      for (const one of down.push(bytes)) wire.push(`→ ${one.type === 'command' ? one.command : one.type}`)
      return send(bytes)
    },
    incoming: (async function* () {
      for await (const bytes of line.incoming) {
        heard(bytes)
        yield bytes
      }
    })(),
  })
}

async function start({ mtu, battery }: { mtu?: number; battery?: number } = {}): Promise<void> {
  clock = new VirtualClock()
  wire = []
  events = []
  device = virtualReader({
    ...{ family: 'miura', clock, onFault: fault => faults.push(fault) },
    ...(battery !== undefined && { battery: { percent: battery } }),
  })
  await connect(mtu)
}

async function connect(mtu?: number): Promise<void> {
  const [app, far] = pipe({ clock, mtu })
  link = app
  serving = device.serve(far)
  reader = await clock.settle(open(tap(app), { family: 'miura', clock }))
  void (async () => {
    for await (const event of reader.events) events.push(event)
  })()
}

afterEach(async () => {
  await clock.settle(reader.close())
  await clock.settle(serving)
  await clock.settle(device.close())
  expect(clock.pending).toBe(0)
  expect(faults.splice(0).map(({ code, message }) => `${code} ${message}`)).toEqual([])
})

const never: Terminal['selectApplication'] = () => Promise.reject(new Error('the app was asked for an application'))

async function pay(
  script: Partial<CardholderScript> & { card: CardholderScript['card'] },
  transaction: Partial<Transaction> = {},
  terminal: Partial<Terminal> = {},
  { signal, profile }: { signal?: AbortSignal; profile?: CardProfile } = {},
): Promise<{ outcome: Outcome; shown: unknown[]; asked: ReturnType<typeof issuerOf>['asked'] }> {
  const { asked, authorise } = issuerOf(clock, profile)
  const from = device.body.screens.length
  const leave = cardholder(device.body, { present: 'dip', pins: ['1234'], pace: instant, ...script })
  try {
    const outcome = await clock.settle(
      reader.transact(
        { amount: 250_000n, currency: rub, ...transaction },
        { selectApplication: never, authorise, ...terminal },
        { ...(signal && { signal }) },
      ),
    )
    await clock.advance(10_000)
    return { outcome, asked, shown: device.body.screens.slice(from).map(({ message }) => message) }
  } finally {
    leave()
  }
}
const card = (name: ProfileName = 'mir-maestro') => loadCard(name, { clock })

describe('the 3000-rouble rule at a reader with its own kernels', () => {
  const some = rows('tap', 'phone', 'chip', 'swipe').filter(
    ({ amount, scheme }) => amount > 1n && amount < 300_001n && ['MIR', 'Visa', 'Mastercard'].includes(scheme),
  )
  it.each(some)('$scheme $way $amount', async row => {
    await start()
    const { script, profile } = personOf(row, clock)
    const { asked, authorise } = issuerOf(clock, profile)
    const from = device.body.screens.length
    const leave = cardholder(device.body, { pins: ['1234'], pace: instant, ...script })
    const outcome = await clock.settle(reader.transact({ currency: rub, amount: row.amount }, { selectApplication: never, authorise }))
    await clock.advance(10_000)
    leave()
    expectAgreement(row, { outcome, asked, shown: device.body.screens.slice(from).map(({ message }) => message) })
    expect(device.body.screen.message).toBe('reader.idle')
  })
})

describe('on the wire', () => {
  it('co-badged chip: the list is on the reader, the app only learns of it', async () => {
    await start()
    wire.length = 0
    const { outcome, shown } = await pay({ card: card(), choose: 'Maestro' })
    expect(outcome).toMatchObject({
      ...{ result: 'approved', interface: 'chip', cvm: 'onlinePin', online: true },
      application: { label: 'Maestro' },
    })
    expect(shown).toContain('reader.selectApplication')
    expect(wire).toEqual([
      '→ batteryStatus',
      '← E1',
      '→ startContactless',
      '· card',
      '← CONTACTLESS_ABORT_BY_CARD_INSERT',
      '→ startTransaction',
      '· applicationSelection',
      ...Array.from({ length: 6 }, () => '· pinEntry'),
      '← E4',
      '→ continueTransaction',
      '← E3',
      '→ displayText',
      '← ok',
      '· card',
    ])
    expect(events.filter(({ type }) => type !== 'display')).toEqual([
      { type: 'card', event: 'inserted' },
      { type: 'application-selection', where: 'reader' },
      { type: 'pin', event: 'started' },
      ...[1, 2, 3, 4].map(digits => ({ type: 'pin', event: 'digit', digits })),
      { type: 'pin', event: 'ok' },
      { type: 'card', event: 'removed' },
    ])
  })

  it.each([1, 16, 20, 64, undefined])('chip, tap and swipe with an MTU of %s', async mtu => {
    await start(mtu === undefined ? {} : { mtu })
    expect((await pay({ card: card() })).outcome).toMatchObject({ result: 'approved', interface: 'chip' })
    expect((await pay({ card: card('mir'), present: 'tap' })).outcome).toMatchObject({ result: 'approved', interface: 'tap' })
    const { script, profile } = personOf({ way: 'swipe', scheme: 'MIR', amount: 1n }, clock)
    const { outcome, asked } = await pay(script, {}, {}, { profile })
    expect(outcome).toMatchObject({ result: 'approved', interface: 'swipe', cvm: 'signature' })
    expect(asked).toHaveLength(1)
    for (const [tag, value] of outcome.tags) expect(text(value), tag.toString(16)).not.toContain(profile.pan)
  })

  it('noise on the line, and answers that arrive in pieces', async () => {
    await start()
    device.faults.noise = 7
    device.faults.chunk = 3
    for (let i = 0; i < 5; i++) expect((await pay({ card: card() })).outcome).toMatchObject({ result: 'approved' })
  })
})

describe('without the field', () => {
  it('chip only: the host asks for the card, and again for its removal', async () => {
    await start()
    const { outcome, shown } = await pay({ card: card() }, { interfaces: ['chip'] })
    expect(outcome).toMatchObject({ result: 'approved', interface: 'chip' })
    expect(shown.filter((one, at) => one !== shown[at - 1])).toEqual([
      ...['reader.insertCard', 'reader.processing', 'reader.selectApplication', 'reader.enterPin'],
      ...['reader.processing', 'reader.approved', 'reader.removeCard', 'reader.idle'],
    ])
    expect(wire).not.toContain('→ startContactless')
  })

  it('a chip card swiped first is sent to the slot', async () => {
    await start()
    const { outcome, shown } = await pay({ card: card(), present: 'swipe' })
    expect(outcome).toMatchObject({ result: 'approved', interface: 'chip' })
    // A tap is waited for once more, in the reader's own words; a second swipe is asked for the slot alone.
    const invitations = shown.filter(one => one === 'reader.presentCard' || one === 'reader.insertCard')
    expect(invitations).toEqual(['reader.presentCard', 'reader.presentCard', 'reader.insertCard'])
  })

  it('its stripe alone is fallback', async () => {
    await start()
    const { outcome } = await pay({ card: card('mir'), present: 'swipe' }, { interfaces: ['swipe'] }, {}, { profile: profiles.mir })
    expect(outcome).toMatchObject({ result: 'approved', interface: 'swipe' })
    expect(outcome.tags.get(0x9f39)).toEqual(Uint8Array.of(0x80))
  })

  it('a stripe that wants a PIN: typed on the reader, in its block, checked by the issuer', async () => {
    await start()
    const profile = { ...profiles.mir, serviceCode: '120' }
    const { outcome, asked } = await pay({ card: loadCard(profile, { clock }), present: 'swipe' }, {}, {}, { profile })
    expect(outcome).toMatchObject({ result: 'approved', interface: 'swipe', cvm: 'onlinePin' })
    expect(asked).toMatchObject([{ pin: 'right' }])
    expect((await pay({ card: loadCard(profile, { clock }), present: 'swipe', cancelAt: 1 })).outcome).toMatchObject({
      result: 'cancelled',
      reason: 'cardholderCancelled',
    })
  })

  it('a stripe that is misread is drawn through again', async () => {
    await start()
    const { script, profile } = personOf({ way: 'swipe', scheme: 'MIR', amount: 1n }, clock)
    const good = script.card
    let first = true
    const worn: PlasticCard = {
      get stripe() {
        const read = first ? { track2: 'garbage' } : good.stripe!
        first = false
        return read
      },
    }
    const { outcome, shown } = await pay({ card: worn, present: 'swipe' }, { interfaces: ['swipe'] }, {}, { profile })
    expect(outcome).toMatchObject({ result: 'approved', interface: 'swipe' })
    expect(shown.filter(one => one === 'reader.swipeCard')).toHaveLength(2)
  })

  it('nobody comes, and CANCEL while the host waits', async () => {
    await start()
    const nobody = { card: {}, present: 'tap' } as const
    expect((await pay({ ...nobody, pace: { present: 1e9 } }, { interfaces: ['chip'] })).outcome).toMatchObject({
      result: 'cancelled',
      reason: 'cardTimeout',
    })
    expect((await pay({ card: card(), cancelAt: 'card' }, { interfaces: ['chip'] })).outcome).toMatchObject({
      result: 'cancelled',
      reason: 'cardholderCancelled',
    })
  })
})

describe('endings', () => {
  it('the host declines, or does not answer', async () => {
    await start()
    const declines: Terminal['authorise'] = async () => ({ type: 'declined', code: '05' })
    expect((await pay({ card: card() }, {}, { authorise: declines })).outcome).toMatchObject({ result: 'declined', reason: 'hostDeclined' })
    const silent: Terminal['authorise'] = async () => ({ type: 'unableToGoOnline' })
    expect((await pay({ card: card() }, {}, { authorise: silent })).outcome).toMatchObject({
      result: 'declined',
      reason: 'unableToGoOnline',
    })
    const byTap = await pay({ card: card('mir'), present: 'tap' }, {}, { authorise: declines })
    expect(byTap.outcome).toMatchObject({ result: 'declined', reason: 'hostDeclined', interface: 'tap' })
    expect(byTap.shown.slice(-2)).toEqual(['reader.declined', 'reader.idle'])
  })

  it('a wrong PIN, then the right one', async () => {
    await start()
    const { outcome } = await pay({ card: card('offline-pin'), pins: ['9999', '1234'] })
    expect(outcome).toMatchObject({ result: 'approved', cvm: 'offlinePin' })
    const told = events.flatMap(event => (event.type === 'pin' && event.event !== 'digit' ? [event.event] : []))
    expect(told).toEqual(['started', 'wrong', 'started', 'ok'])
  })

  it('CANCEL at the card, at the list, at the PIN', async () => {
    await start()
    for (const cancelAt of ['card', 'list', 1] as const)
      expect((await pay({ card: card(), cancelAt })).outcome, String(cancelAt)).toMatchObject({
        result: 'cancelled',
        reason: 'cardholderCancelled',
      })
    expect((await pay({ card: card() })).outcome).toMatchObject({ result: 'approved' })
  })

  it('a chip without contacts that answer may be swiped', async () => {
    await start()
    const whole = card()
    const { outcome } = await pay({ card: { stripe: whole.stripe } })
    expect(outcome).toMatchObject({ result: 'declined', reason: 'cardMute', fallback: true })
  })

  it('the merchant cancels at every message on the wire: a result, and the next payment goes through', async () => {
    await start()
    wire.length = 0
    await pay({ card: card() })
    const length = wire.length
    const results = new Set<string>()
    for (let at = 1; at < length; at++) {
      const stop = new AbortController()
      wire = watched(() => wire.length === at && stop.abort())
      const { outcome } = await pay({ card: card() }, {}, {}, { signal: stop.signal })
      results.add(`${outcome.result} ${outcome.reason ?? ''}`.trim())
      if (outcome.result === 'cancelled' && outcome.response?.type === 'approved') expect(outcome.reversal).toBe(true)
      expect(device.body.screen.message).toBe('reader.idle')
    }
    expect([...results].sort()).toEqual(['approved', 'cancelled merchantCancelled'])
    wire = []
    expect((await pay({ card: card() })).outcome).toMatchObject({ result: 'approved' })
  })

  it('cancelled while the host decides: nobody knows', async () => {
    await start()
    const stop = new AbortController()
    const waits: Terminal['authorise'] = () => {
      clock.timer(10, () => stop.abort())
      return new Promise(() => {})
    }
    const { outcome } = await pay({ card: card() }, {}, { authorise: waits }, { signal: stop.signal })
    expect(outcome).toMatchObject({ result: 'unknown', reason: 'merchantCancelled' })
    expect(wire.slice(-5)).toContain('→ abort')
    expect((await pay({ card: card() })).outcome).toMatchObject({ result: 'approved' })
  })

  it('the card pulled at every command: always an ending, and the reader pays again after it', async () => {
    await start()
    const endings: string[] = []
    for (let pullAt = 1; ; pullAt++) {
      const { outcome } = await pay({ card: card(), pullAt })
      endings.push(`${outcome.result} ${outcome.reason ?? ''}`.trim())
      if (outcome.result === 'approved') break
      expect(pullAt).toBeLessThan(60)
      expect(device.body.screen.message).toBe('reader.idle')
      expect(outcome.reversal === true).toBe(outcome.online && outcome.response?.type === 'approved')
    }
    expect(endings.length).toBeGreaterThan(8)
    expect(new Set(endings.slice(0, -1))).toEqual(new Set(['cancelled cardRemoved', 'declined cardRemoved']))
  })

  it('the link lost at every message on the wire: a fault before the host was asked, unknown after, never a wrong answer', async () => {
    await start()
    wire.length = 0
    await pay({ card: card() })
    const length = wire.length
    const ends = new Set<string>()
    for (let at = 1; at <= length; at++) {
      wire = watched(() => wire.length === at && link.drop())
      let asked = false
      const authorise: Terminal['authorise'] = async request => {
        asked = true
        return issuerOf(clock).authorise(request)
      }
      const end = await pay({ card: card() }, {}, { authorise }).then(
        ({ outcome }) => `${outcome.result} ${outcome.reason ?? ''}`.trim(),
        (fault: Fault) => fault.code,
      )
      ends.add(end)
      if (end === 'link-closed') expect(asked).toBe(false)
      else expect(asked).toBe(true)
      await clock.settle(serving)
      await clock.advance(10_000)
      device.body.pull()
      await clock.advance(10_000)
      expect(events.at(-1)).toEqual({ type: 'state', state: 'disconnected' })
      await clock.settle(reader.close())
      await connect()
    }
    expect([...ends].sort()).toEqual(['approved', 'link-closed', 'unknown linkLost'])
  })

  it('two in a row: the card that was left in the slot is not charged twice', async () => {
    await start()
    const leave = cardholder(device.body, { card: card(), present: 'dip', pins: ['1234'], pace: instant })
    const { authorise } = issuerOf(clock)
    const terminal = { selectApplication: never, authorise }
    expect(await clock.settle(reader.transact({ amount: 1n, currency: rub }, terminal))).toMatchObject({ result: 'approved' })
    expect(device.body.cardInSlot).toBe(true)
    const from = device.body.screens.length
    expect(await clock.settle(reader.transact({ amount: 2n, currency: rub }, terminal))).toMatchObject({ result: 'approved' })
    const shown = device.body.screens.slice(from).map(({ message }) => message)
    expect(shown.indexOf('reader.removeCard')).toBeLessThan(shown.indexOf('reader.presentCard'))
    await clock.advance(10_000)
    leave()
  })

  it('one thing at a time; what it says of itself, idle and in a payment', async () => {
    await start()
    expect(reader.info).toEqual({
      ...{ family: 'miura', model: 'M000', serial: '01000123', firmware: '1.0.0', configuration: '1-0', applicationSelection: 'reader' },
      capabilities: ['chip', 'tap', 'swipe', 'pinPad', 'display', 'firmwareUpdate'],
    })
    expect(await clock.settle(reader.status())).toEqual({ battery: { percent: 80, charging: false }, card: 'absent' })
    const paying = pay({ card: card(), pace: { ...instant, think: 1000 } })
    await clock.advance(500)
    expect(await reader.status()).toEqual({ battery: { percent: 80, charging: false }, card: 'present' })
    await expect(
      reader.transact({ amount: 1n, currency: rub }, { selectApplication: never, authorise: () => new Promise(() => {}) }),
    ).rejects.toMatchObject({
      code: 'busy',
    })
    expect((await paying).outcome.result).toBe('approved')
    await expect(reader.openCard!()).rejects.toMatchObject({ code: 'unsupported', details: { feature: 'passthrough' } })
  })

  it('a low battery is told before the card is asked for, and the charger lifts it', async () => {
    await start({ battery: 4 })
    expect(await clock.settle(reader.status())).toMatchObject({ battery: { percent: 4, charging: false } })
    const fault = await pay({ card: card() }).catch(error => error)
    expect(fault).toMatchObject({ code: 'low-battery', details: { percent: 4 } })
    expect(wire).not.toContain('→ startContactless')
    device.body.plug()
    expect((await pay({ card: card() })).outcome).toMatchObject({ result: 'approved' })
    device.body.setBattery({ percent: 15, charging: false })
    await clock.settle(reader.status())
    expect(events.filter(({ type }) => type === 'battery')).toEqual([
      { type: 'battery', level: 'ok', percent: 4 },
      { type: 'battery', level: 'low', percent: 15 },
    ])
  })

  it('a reader that falls silent in the middle is given up, told to reset, and pays again', async () => {
    await start()
    const stop = device.body.on(event => {
      if (event.type === 'display' && event.screen.message === 'reader.enterPin') device.faults.silent = true
    })
    const ends = await pay({ card: card(), pins: [] }).catch(error => error)
    expect(ends).toMatchObject({ code: 'timeout' })
    stop()
    device.faults.silent = false
    await clock.advance(20_000)
    expect((await pay({ card: card() })).outcome).toMatchObject({ result: 'approved' })
  })

  it('an opened reader pays no more', async () => {
    await start()
    device.body.tamper()
    await expect(pay({ card: card() })).rejects.toMatchObject({ code: 'tampered', details: { needs: 'keys' } })
    expect(faults.splice(0).map(({ code }) => code)).toEqual(['tampered'])
  })
})
