/** Paying at a virtual ID TECH reader with its own kernels, over its driver: chip, tap and swipe at any MTU, menus, raw commands, and every way they go wrong. */

import { afterEach, describe, expect, it } from 'vitest'
import * as idtech from '../../../devices/idtech/codec.ts'
import type { Assumption } from '../../../devices/index.ts'
import { open } from '../../../devices/index.ts'
import { loadCard } from '../../../simulator/cards/icc.ts'
import type { CardProfile } from '../../../simulator/cards/profile/profile.ts'
import { type ProfileName, profiles } from '../../../simulator/cards/profiles/index.ts'
import type { CardholderScript } from '../../../simulator/readers/body/cardholder.ts'
import { cardholder } from '../../../simulator/readers/body/cardholder.ts'
import { VirtualIdtech } from '../../../simulator/readers/idtech/idtech.ts'
import { instant, virtualConfig, virtualReader } from '../../../simulator/world.ts'
import { concat, equal, fromHex, hex, text } from '../../../src/bytes.ts'
import { VirtualClock } from '../../../src/clock.ts'
import type { Outcome } from '../../../src/emv/outcome.ts'
import type { Terminal, Transaction } from '../../../src/emv/terminal.ts'
import type { Fault } from '../../../src/errors.ts'
import type { MessageId } from '../../../src/messages/messages.ts'
import { hostKernel } from '../../../src/reader/passthrough.ts'
import type { Reader, ReaderEvent } from '../../../src/reader/reader.ts'
import { type PipeEnd, type PipeOptions, pipe } from '../../../src/transport/pipe.ts'
import { expectAgreement, issuerOf, personOf, pinEntry, rows, rub } from '../../emv/contactless/tap-table.ts'

let clock: VirtualClock
let device: VirtualIdtech
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
  const [up, down] = [idtech.host.decoder(), idtech.device.decoder()]
  const send = line.send.bind(line)
  return Object.assign(Object.create(line), {
    ...{ uri: line.uri, mtu: line.mtu },
    drop: () => line.drop(),
    close: () => line.close(),
    send: (bytes: Uint8Array) => {
      for (const one of down.push(bytes))
        wire.push(`→ ${one.type === 'command' ? one.command : one.type}${one.swapped ? ', CRC swapped' : ''}`)
      return send(bytes)
    },
    incoming: (async function* () {
      for await (const bytes of line.incoming) {
        for (const one of up.push(bytes))
          wire.push(one.type === 'answer' ? `← ${idtech.statusName(one.status)}` : `· ${one.code.toString(16)}`)
        yield bytes
      }
    })(),
  })
}

interface Setup {
  readonly mtu?: number
  readonly battery?: number
  readonly assumed?: readonly Assumption[]
  /** What arrives of what each side says. */
  readonly line?: PipeOptions['line']
}

async function start({ mtu, battery, assumed, line }: Setup = {}): Promise<void> {
  clock = new VirtualClock()
  wire = []
  events = []
  const made = virtualReader({
    ...{ family: 'idtech', clock, onFault: fault => faults.push(fault) },
    ...(battery !== undefined && { battery: { percent: battery } }),
  })
  if (!(made instanceof VirtualIdtech)) throw new Error('another family')
  device = made
  await connect({ ...(mtu && { mtu }), ...(assumed && { assumed }), ...(line && { line }) })
}

async function connect({ mtu, assumed, line }: Setup = {}): Promise<void> {
  const [app, far] = pipe({ clock, mtu, line })
  link = app
  serving = device.serve(far)
  reader = await clock.settle(open(tap(app), { family: 'idtech', clock, assumed }))
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
const choose =
  (label: string): Terminal['selectApplication'] =>
  async candidates =>
    candidates.findIndex(one => one.label === label)

interface Paid {
  readonly outcome: Outcome
  readonly asked: ReturnType<typeof issuerOf>['asked']
  readonly shown: readonly (MessageId | undefined)[]
}

async function pay(
  script: Partial<CardholderScript> & { card: CardholderScript['card'] },
  transaction: Partial<Transaction> = {},
  terminal: Partial<Terminal> = {},
  { signal, profile, by = reader }: { signal?: AbortSignal; profile?: CardProfile; by?: Reader } = {},
): Promise<Paid> {
  const { asked, authorise } = issuerOf(clock, profile)
  const from = device.body.screens.length
  const leave = cardholder(device.body, { present: 'dip', pins: ['1234'], pace: instant, ...script })
  try {
    const outcome = await clock.settle(
      by.transact(
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
const ending = ({ result, reason }: Outcome) => `${result} ${reason ?? ''}`.trim()

describe('a reader without a PIN pad, with its own kernels', () => {
  const some = rows('tap', 'phone', 'swipe').filter(
    ({ amount, scheme, way }) =>
      amount > 1n && amount < (way === 'tap' ? 300_000n : 300_001n) && ['MIR', 'Visa', 'Mastercard'].includes(scheme),
  )
  it.each(some)('$scheme $way $amount', async row => {
    await start()
    const { script, profile } = personOf(row, clock)
    const paid = await pay(script, { amount: row.amount }, {}, { profile })
    expectAgreement(row, paid)
    expect(device.body.screen.message).toBe('reader.idle')
  })

  it.each(['mir', 'mastercard', 'dda'] as const)('%s by tap of 3000 roubles: no PIN is asked for', async name => {
    await start()
    const { outcome, shown } = await pay({ card: card(name), present: 'tap' }, { amount: 300_000n })
    expect(outcome.cvm).not.toBe('onlinePin')
    expect(outcome.pinBlock).toBeUndefined()
    expect(shown).not.toContain('reader.enterPin')
  })
})

describe('on the wire', () => {
  it('co-badged chip: the card’s priority decides, nobody is asked', async () => {
    await start()
    wire.length = 0
    const { outcome, shown } = await pay({ card: card() })
    expect(outcome).toMatchObject({ result: 'approved', interface: 'chip', online: true, application: { label: 'MIR' } })
    expect(shown).not.toContain('reader.selectApplication')
    expect(wire).toEqual([
      ...['→ battery', '← ok', '→ activate', '← accepted', '← ok', '→ contactAuthenticate', '← accepted', '← ok'],
      ...['→ contactApplyHost', '← accepted', '· 6101', '← ok'], // "remove card" on the host's display
    ])
    expect(events.filter(({ type }) => type !== 'display')).toEqual([{ type: 'card', event: 'inserted' }])
    const told = events.flatMap(event => (event.type === 'display' ? [event.message] : []))
    expect(told).toEqual(['reader.presentCard', 'reader.processing', 'reader.removeCard'])
  })

  it.each([1, 16, 20, 64, undefined])('chip, tap and swipe with an MTU of %s', async mtu => {
    await start(mtu === undefined ? {} : { mtu })
    expect((await pay({ card: card() })).outcome).toMatchObject({ result: 'approved', interface: 'chip' })
    expect((await pay({ card: card() }, { interfaces: ['chip'] })).outcome).toMatchObject({ result: 'approved', interface: 'chip' })
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

  it('chip only: by 60-10', async () => {
    await start()
    wire.length = 0
    const { outcome } = await pay({ card: card() }, { interfaces: ['chip'] })
    expect(outcome).toMatchObject({ result: 'approved', interface: 'chip' })
    expect(wire).toContain('→ contactStart')
    expect(wire).not.toContain('→ activate')
  })

  it('only the interfaces that were asked for are open', async () => {
    await start()
    const stripe = () => pay({ card: card('mir'), present: 'swipe' }, { interfaces: ['swipe'] }, {}, { profile: profiles.mir })
    const { outcome } = await stripe()
    expect(outcome).toMatchObject({ result: 'approved', interface: 'swipe' })
    expect(outcome.tags.get(0x9f39)).toEqual(Uint8Array.of(0x80))
    expect((await pay({ card: card('mir'), present: 'tap' }, { interfaces: ['tap'] })).outcome).toMatchObject({ result: 'approved' })
    // a chip, where only its stripe or its field may be read
    const dipped = await pay({ card: card() }, { interfaces: ['tap', 'swipe'] })
    expect(dipped.outcome).toMatchObject({ result: 'cancelled', reason: 'cardTimeout', online: false })
  })
})

describe('a menu of the reader’s', () => {
  it('the app chooses, where it is opened for that', async () => {
    await start({ assumed: ['idtech-menu'] })
    expect(reader.info.applicationSelection).toBe('host')
    device.menus = true
    for (const label of ['MIR', 'JCB']) {
      wire.length = 0
      const { outcome } = await pay({ card: card('mir-jcb') }, {}, { selectApplication: choose(label) })
      expect(outcome).toMatchObject({ result: 'approved', application: { label } })
      expect(wire.filter(one => one === '· 6101' || one === '→ lcd')).toEqual(['· 6101', '→ lcd', '· 6101'])
    }
    expect(events.filter(({ type }) => type === 'application-selection')[0]).toEqual({
      ...{ type: 'application-selection', where: 'host', labels: ['MIR', 'JCB'] },
    })
  })

  it('nobody chooses: cancelled by the cardholder; a choice that is none is the app’s fault', async () => {
    await start({ assumed: ['idtech-menu'] })
    device.menus = true
    const { outcome } = await pay({ card: card() }, {}, { selectApplication: async () => undefined })
    expect(outcome).toMatchObject({ result: 'cancelled', reason: 'cardholderCancelled' })
    await expect(pay({ card: card() }, {}, { selectApplication: async () => 7 })).rejects.toMatchObject({ code: 'bad-argument' })
    await expect(pay({ card: card() })).rejects.toMatchObject({ code: 'internal' })
    expect((await pay({ card: card() }, {}, { selectApplication: async () => 0 })).outcome).toMatchObject({ result: 'approved' })
  })

  it('not opened for it: refused by name, and the reader is free again', async () => {
    await start()
    expect(reader.info.applicationSelection).toBe('reader')
    device.menus = true
    await expect(pay({ card: card() })).rejects.toMatchObject({ code: 'unsupported', details: { feature: 'menu' } })
    expect(wire).toContain('→ cancel')
    device.menus = false
    expect((await pay({ card: card() })).outcome).toMatchObject({ result: 'approved' })
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
  })

  it('nobody comes; CANCEL at the reader', async () => {
    await start()
    const nobody = { card: {}, present: 'tap', pace: { present: 1e9 } } as const
    for (const interfaces of [['chip'], ['chip', 'tap', 'swipe']] as const)
      expect((await pay(nobody, { interfaces })).outcome, interfaces.join()).toMatchObject({ result: 'cancelled', reason: 'cardTimeout' })
    expect((await pay({ card: card(), cancelAt: 'card' })).outcome).toMatchObject({ result: 'cancelled', reason: 'cardholderCancelled' })
    expect((await pay({ card: card() })).outcome).toMatchObject({ result: 'approved' })
  })

  it('a chip without contacts that answer may be swiped', async () => {
    await start()
    const mute = { result: 'declined', reason: 'cardMute', fallback: true }
    expect((await pay({ card: { stripe: card().stripe } })).outcome).toMatchObject(mute)
    clock.timer(1000, () => device.body.insert({}))
    expect((await pay({ card: {}, pace: { present: 1e9 } }, { interfaces: ['chip'] })).outcome).toMatchObject(mute)
    device.body.pull()
    await clock.advance(10_000)
    const swiped = await pay({ card: card('mir'), present: 'swipe' }, { interfaces: ['swipe'] }, {}, { profile: profiles.mir })
    expect(swiped.outcome).toMatchObject({ result: 'approved', interface: 'swipe', cvm: 'signature' })
    expect(swiped.outcome.tags.get(0x9f39)).toEqual(Uint8Array.of(0x80))
    // … where the chip is not asked for as well
    expect((await pay({ card: card('mir'), present: 'swipe' })).outcome).toMatchObject({ result: 'approved', interface: 'chip' })
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
      results.add(ending(outcome))
      if (outcome.result === 'cancelled' && outcome.response?.type === 'approved') expect(outcome.reversal).toBe(true)
      expect(device.body.screen.message).toBe('reader.idle')
    }
    expect([...results]).toEqual(['cancelled merchantCancelled'])
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
    expect(wire.slice(-2)).toEqual(['→ cancel', '← ok'])
    expect((await pay({ card: card() })).outcome).toMatchObject({ result: 'approved' })
  })

  it('the card pulled at every command: always an ending, and the reader pays again after it', async () => {
    await start()
    const endings: string[] = []
    for (let pullAt = 1; ; pullAt++) {
      const { outcome } = await pay({ card: card(), pullAt })
      endings.push(ending(outcome))
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
        ({ outcome }) => ending(outcome),
        (fault: Fault) => fault.code,
      )
      ends.add(end)
      expect(asked, end).toBe(end !== 'link-closed')
      await clock.settle(serving)
      await clock.advance(10_000)
      device.body.pull()
      await clock.advance(10_000)
      expect(events.at(-1)).toEqual({ type: 'state', state: 'disconnected' })
      await clock.settle(reader.close())
      wire = []
      await connect()
    }
    expect([...ends].sort()).toEqual(['approved', 'link-closed', 'unknown linkLost'])
  })

  it('two in a row: the card that was left in the slot is not charged twice', async () => {
    await start()
    const leave = cardholder(device.body, { card: card(), present: 'dip', pace: instant })
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
      ...{ family: 'idtech', model: 'VP3300', serial: '0330000001', firmware: 'VP3300 FW v1.0.0', applicationSelection: 'reader' },
      capabilities: ['chip', 'tap', 'swipe'],
    })
    expect(await clock.settle(reader.status())).toEqual({ battery: { percent: 80 } })
    const terminal = { selectApplication: never, authorise: issuerOf(clock).authorise }
    const paying = reader.transact({ amount: 1n, currency: rub }, terminal)
    await clock.advance(500)
    expect(device.body.screen.message).toBe('reader.presentCard')
    wire.length = 0
    expect(await reader.status()).toEqual({ battery: { percent: 80 } })
    expect(wire).toEqual([])
    await expect(reader.transact({ amount: 1n, currency: rub }, terminal)).rejects.toMatchObject({ code: 'busy' })
    device.body.insert(card())
    expect(await clock.settle(paying)).toMatchObject({ result: 'approved' })
    device.body.pull()
    await clock.advance(10_000)
    await expect(reader.openCard!()).rejects.toMatchObject({ code: 'unsupported', details: { feature: 'passthrough' } })
    expect(reader.updateFirmware).toBeUndefined()
    expect(reader.configure).toBeUndefined()
  })

  it('a low battery is told before the card is asked for', async () => {
    await start({ battery: 4 })
    const fault = await pay({ card: card() }).catch(error => error)
    expect(fault).toMatchObject({ code: 'low-battery', details: { percent: 4 } })
    expect(wire).not.toContain('→ activate')
    device.body.setBattery({ percent: 15, charging: false })
    expect((await pay({ card: card() })).outcome).toMatchObject({ result: 'approved' })
    expect(events.filter(({ type }) => type === 'battery')).toEqual([{ type: 'battery', level: 'low', percent: 15 }])
  })

  it('it waits for a card in short waits, one after another: who stands there sees and hears nothing of it', async () => {
    await start()
    for (const interfaces of [undefined, ['chip'] as const]) {
      wire.length = 0
      const [screens, signals] = [device.body.screens.length, device.body.signals.length]
      const wanted = interfaces ? { interfaces } : {}
      expect((await pay({ card: card(), pace: { ...instant, present: 21_000 } }, wanted)).outcome).toMatchObject({ result: 'approved' })
      const shown = device.body.screens.slice(screens).map(({ message }) => message)
      expect(shown.filter(one => one === 'reader.presentCard' || one === 'reader.insertCard')).toHaveLength(1)
      expect(device.body.signals.slice(signals).filter(({ what }) => what === 'light:waiting')).toHaveLength(1)
      expect(wire.filter(one => one === `→ ${interfaces ? 'contactStart' : 'activate'}`)).toHaveLength(5) // 2, 3, 5, 10, 10 s
      expect(wire).not.toContain('→ cancel')
    }
  })

  it.each([1, 1999, 2000, 2001, 5000, 10_000, 10_500])('a cancel after %i ms, in a wait and between two, is heard', async ms => {
    await start()
    const stop = new AbortController()
    clock.timer(ms, () => stop.abort())
    const { outcome } = await pay({ card: card(), pace: { ...instant, present: 70_000 } }, {}, {}, { signal: stop.signal })
    expect(outcome).toMatchObject({ result: 'cancelled', reason: 'merchantCancelled' })
    expect(device.body.screen.message).toBe('reader.idle')
    expect((await pay({ card: card() })).outcome).toMatchObject({ result: 'approved' })
  })

  it.each(['dip', 'tap'] as const)(
    'a lost answer to 02-40 (%s) costs seconds: the card is asked for again, and charged once',
    async present => {
      await start()
      let lost = false
      const stop = device.body.on(event => {
        if (lost || event.type !== 'card' || (event.event !== 'inserted' && event.event !== 'tapped')) return
        lost = device.faults.silent = true
        clock.timer(400, () => delete device.faults.silent)
      })
      const began = clock.now()
      const { outcome, asked } = await pay({ card: card('mir'), present })
      stop()
      expect(outcome).toMatchObject({ result: 'approved' })
      expect(asked).toHaveLength(1)
      expect(clock.now() - began - 10_000).toBeLessThanOrEqual(5000) // pay() lets the display end: 10 s
    },
  )

  it('a command that comes three times, each time: the payment ends, and no copy waits for a card of its own', async () => {
    const command = fromHex('5669564F7465636832000240')
    let copies = 3
    await start({
      line: bytes => Array.from({ length: equal(bytes.subarray(0, command.length), command) ? copies : 1 }, () => ({ bytes })),
    })
    await expect(pay({ card: card(), present: 'tap', pace: { ...instant, present: 700_000 } })).rejects.toMatchObject({
      code: 'reader-error',
      details: { code: 'failed' },
    })
    expect(wire.slice(wire.lastIndexOf('→ activate'))).toContain('→ cancel')
    expect(device.body.screen.message).toBe('reader.cancelled')
    await clock.advance(10_000)
    copies = 1
    expect((await pay({ card: card() })).outcome).toMatchObject({ result: 'approved' })
  })

  it('a reader that falls silent in the middle is given up, cancelled, and pays again', async () => {
    await start()
    const stop = device.body.on(event => {
      if (event.type === 'display' && event.screen.message === 'reader.presentCard') device.faults.silent = true
    })
    await expect(pay({ card: card() })).rejects.toMatchObject({ code: 'timeout' })
    stop()
    device.faults.silent = false
    await clock.advance(20_000)
    expect((await pay({ card: card() })).outcome).toMatchObject({ result: 'approved' })
  })

  it('an opened reader pays no more', async () => {
    await start()
    device.body.tamper()
    await expect(pay({ card: card() })).rejects.toMatchObject({ code: 'tampered', details: { code: 'noDataKey', needs: 'keys' } })
    expect(faults.splice(0).map(({ code }) => code)).toEqual(['tampered'])
  })

  it('what another host left running is cancelled on opening', async () => {
    await start()
    const paying = reader.transact({ amount: 1n, currency: rub }, { selectApplication: never, authorise: () => new Promise(() => {}) })
    await clock.advance(100)
    link.drop()
    await expect(clock.settle(paying)).rejects.toMatchObject({ code: 'link-closed' })
    await clock.settle(serving)
    await clock.settle(reader.close())
    await connect()
    expect((await pay({ card: card() })).outcome).toMatchObject({ result: 'approved' })
  })
})

describe('what only a real reader does', () => {
  /** A reader that answers commands by name, byte for byte; the rest it does not know. */
  async function scripted(
    answers: Partial<Record<idtech.CommandName, readonly { command?: number; status: number; data?: Uint8Array }[]>>,
  ) {
    const [app, far] = pipe({ clock })
    const decoder = idtech.device.decoder()
    const said: { name: string; data: string }[] = []
    void (async () => {
      for await (const bytes of far.incoming)
        for (const { type, data, ...more } of decoder.push(bytes)) {
          const name = type === 'command' && 'command' in more ? more.command : undefined
          if (!name) continue
          said.push({ name, data: hex(data) })
          const own = idtech.commandByte(name)
          for (const { command = own, status, data: told = new Uint8Array(0) } of answers[name] ?? [
            { status: name === 'battery' ? 0x0c : 0 },
          ])
            await far.send(idtech.device.encode({ type: 'answer', command, status, data: told }))
        }
    })().catch(() => {})
    return { said, other: await clock.settle(open(app, { family: 'idtech', clock })) }
  }

  it('a tap with its card data masked and enciphered: a receipt’s PAN, and all of it for the acquirer', async () => {
    await start()
    const enciphered = concat(
      idtech.writeEnciphered(0x57, new Uint8Array(32).fill(7)),
      idtech.writeEnciphered(0x5a, new Uint8Array(16).fill(8)),
    )
    const data = idtech.encodeActivated({
      ...{ captured: 'contactless', encrypted: { stripe: false, emv: true }, enciphered },
      tags: new Map([
        [0x9f26, new Uint8Array(8).fill(1)],
        [idtech.tags.ksn, new Uint8Array(10).fill(2)],
      ]),
      masked: new Map([[0x57, fromHex('4761CCCCCCCC0010D2012CCCCCCCCCCCCC')]]),
    })
    const { other, said } = await scripted({ activate: [{ status: 0x23, data }] })
    expect(await clock.settle(other.status())).toEqual({})
    const { outcome } = await pay({ card: {} }, {}, { authorise: async () => ({ type: 'approved', code: '00' }) }, { by: other })
    expect(outcome).toMatchObject({ result: 'approved', interface: 'tap', online: true })
    expect(hex(outcome.tags.get(0xc4)!)).toBe('4761FFFFFFFF0010')
    expect(outcome.tags.has(0x57)).toBe(false)
    expect(outcome.tags.get(0xdfff01)).toEqual(enciphered)
    expect(said.find(({ name }) => name === 'activate')?.data).toBe('029F02060000002500009C01005F2A020643')
    await clock.settle(other.close())
  })

  it('a tap answered 00: approved by the card’s TC, else by the host alone', async () => {
    await start()
    for (const [captured, cid, online] of [
      ['contactless', 0x40, false],
      ['contactless', 0x80, true],
      ['contactlessMsd', undefined, true],
    ] as const) {
      const tags = new Map([[0x9f36, Uint8Array.of(0, 1)], ...(cid === undefined ? [] : ([[0x9f27, Uint8Array.of(cid)]] as const))])
      const data = idtech.encodeActivated({ captured, encrypted: { stripe: false, emv: false }, tags })
      const { other } = await scripted({ activate: [{ status: 0, data }] })
      const authorise: Terminal['authorise'] = async () => ({ type: 'declined', code: '05' })
      const { outcome } = await pay({ card: {} }, {}, { authorise }, { by: other })
      expect(outcome).toMatchObject({ result: online ? 'declined' : 'approved', interface: 'tap', online })
      await clock.settle(other.close())
    }
  })

  it('a chip that is answered as by 60-10: on with 60-11 and 60-12, as in the vendor’s scripts', async () => {
    await start()
    const result = (code: number) => [
      { status: 0x63, command: 0x60 },
      { status: 0, command: 0x60, data: idtech.encodeContactResult({ code, tags: new Map([[0x9f36, Uint8Array.of(0, 1)]]) }) },
    ]
    const answers = { activate: result(0x0010), contactAuthenticate: result(0x0004), contactApplyHost: result(0x0002) }
    const { other, said } = await scripted(answers)
    const authorise: Terminal['authorise'] = async () => ({
      ...{ type: 'approved', code: '00', issuerAuthenticationData: fromHex('11223344556677883030') },
    })
    const { outcome } = await pay({ card: {} }, { interfaces: ['chip', 'swipe'] }, { authorise }, { by: other })
    expect(outcome).toMatchObject({ result: 'approved', interface: 'chip', online: true })
    expect(said.slice(-3)).toEqual([
      { name: 'activate', data: '029F02060000002500009C01005F2A020643DFEF370105' },
      { name: 'contactAuthenticate', data: '000078' },
      { name: 'contactApplyHost', data: '018A023030910A11223344556677883030' },
    ])
    await clock.settle(other.close())
  })
})

describe('raw commands', () => {
  const config = virtualConfig()

  it('the kernel on the host pays by chip, with its own list and PIN', async () => {
    await start({ assumed: ['idtech-apdu'] })
    expect(reader.info).toMatchObject({ capabilities: ['chip', 'tap', 'swipe', 'passthrough'], slots: ['contact'] })
    const by = hostKernel(reader, { config, clock })
    const { outcome, asked } = await pay(
      { card: card(), present: 'dip' },
      { interfaces: ['chip'] },
      { selectApplication: choose('Maestro'), enterPin: pinEntry('1234') },
      { by },
    )
    expect(outcome).toMatchObject({ result: 'approved', interface: 'chip', cvm: 'onlinePin', application: { label: 'Maestro' } })
    expect(asked).toMatchObject([{ arqc: 'right', pin: 'right' }])
    expect(wire).toContain('→ exchangeApdu')
    expect(wire.at(-1)).toBe('← ok')
    // … and the reader's own kernel is there as before
    expect((await pay({ card: card() })).outcome).toMatchObject({ result: 'approved' })
  })

  it('the card pulled at every command', async () => {
    await start({ assumed: ['idtech-apdu'] })
    const by = hostKernel(reader, { config, clock })
    const endings: string[] = []
    const terminal = { selectApplication: choose('MIR'), enterPin: pinEntry('1234') }
    for (let pullAt = 1; ; pullAt++) {
      const { outcome } = await pay({ card: card(), pullAt }, { interfaces: ['chip'] }, terminal, { by })
      endings.push(ending(outcome))
      if (outcome.result === 'declined') expect(outcome.reversal).toBe(outcome.response?.type === 'approved')
      if (outcome.result === 'approved') break
      expect(pullAt).toBeLessThan(60)
    }
    expect(endings.length).toBeGreaterThan(8)
    for (const one of endings.slice(0, -1))
      expect(['cancelled cardRemoved', 'declined cardRemoved', 'declined cardDeclined']).toContain(one)
  })

  it('a slot: nobody comes, cancelled, busy, closed', async () => {
    await start({ assumed: ['idtech-apdu'] })
    await expect(clock.settle(reader.openCard!({ timeout: 3000 }))).rejects.toMatchObject({ code: 'timeout' })
    await expect(reader.openCard!({ interface: 'contactless' })).rejects.toMatchObject({ code: 'unsupported' })
    const stop = new AbortController()
    const opening = reader.openCard!({ signal: stop.signal })
    await clock.advance(1000)
    await expect(reader.openCard!()).rejects.toMatchObject({ code: 'busy' })
    stop.abort()
    await expect(clock.settle(opening)).rejects.toMatchObject({ code: 'aborted' })
    device.body.insert(card('mir'))
    const slot = await clock.settle(reader.openCard!())
    expect(slot.atr!.length).toBeGreaterThan(2)
    const select = Uint8Array.from([0x00, 0xa4, 0x04, 0x00, 0x0e, ...new TextEncoder().encode('1PAY.SYS.DDF01'), 0])
    expect((await clock.settle(slot.transmit(select))).slice(-2)).toEqual(Uint8Array.of(0x90, 0))
    const both = [slot.transmit(select), slot.transmit(select).catch((fault: Fault) => fault.code)]
    expect(await clock.settle(Promise.all(both).then(([, second]) => second))).toBe('busy')
    device.body.pull()
    await expect(clock.settle(slot.transmit(select))).rejects.toMatchObject({ code: 'card-removed' })
    expect(slot.removed.aborted).toBe(true)
    await clock.settle(slot.close())
    await expect(slot.transmit(select)).rejects.toMatchObject({ code: 'aborted' })
    await clock.advance(10_000)
  })

  it('a reader that wants the CRC of pass-through commands in the other order gets it', async () => {
    await start({ assumed: ['idtech-apdu'] })
    device.passThroughOrder = 'msb'
    wire.length = 0
    device.body.insert(card('mir'))
    const slot = await clock.settle(reader.openCard!())
    await clock.settle(slot.close())
    expect(wire).toEqual(['→ getAtr', '← crcError', '→ getAtr, CRC swapped', '← ok', '→ powerOff, CRC swapped', '← ok'])
    device.body.pull()
    await clock.advance(10_000)
  })
})
