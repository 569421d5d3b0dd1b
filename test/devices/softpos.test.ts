/** SoftPOS: Entry Point and kernels on the host over an NFC channel; the 3000-rouble table, taps that go wrong, and the channel's own endings. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { open } from '../../devices/index.ts'
import { type NfcChannel, openSoftPos, type SoftPosOptions } from '../../devices/softpos/driver.ts'
import { loadCard } from '../../simulator/cards/icc.ts'
import type { CardProfile } from '../../simulator/cards/profile/profile.ts'
import { type ProfileName, profiles } from '../../simulator/cards/profiles/index.ts'
import { VirtualPhone } from '../../simulator/cards/tap/phone.ts'
import { Body } from '../../simulator/readers/body/body.ts'
import { type CardholderScript, cardholder } from '../../simulator/readers/body/cardholder.ts'
import { virtualNfc } from '../../simulator/readers/body/nfc.ts'
import { instant, virtualConfig } from '../../simulator/world.ts'
import { fromHex, hex } from '../../src/bytes.ts'
import { VirtualClock } from '../../src/clock.ts'
import { parseContactlessConfig } from '../../src/emv/contactless/config-schema.ts'
import type { UiRequest } from '../../src/emv/contactless/outcome.ts'
import { russianContactless } from '../../src/emv/contactless/profiles.ts'
import { withoutOnlinePin } from '../../src/emv/contactless/without-pin.ts'
import type { Terminal, Transaction } from '../../src/emv/terminal.ts'
import type { Reader, ReaderEvent } from '../../src/reader/reader.ts'
import { pipe } from '../../src/transport/pipe.ts'
import { expectAgreement, issuerOf, personOf, pinEntry, rows, rub, type Scheme, schemes } from '../emv/contactless/tap-table.ts'
import { faultOf } from '../transport/link-contract.ts'

let clock: VirtualClock
let body: Body
let reader: Reader
const events: ReaderEvent[] = []
const requests: UiRequest[] = []
const options = () => ({ config: virtualConfig(), contactless: russianContactless(), clock, onUi: (one: UiRequest) => requests.push(one) })

beforeEach(async () => {
  clock = new VirtualClock()
  body = new Body({ clock })
  reader = await openSoftPos({ channel: virtualNfc(body), serial: 'SOFT0001', ...options() })
  listen(reader)
})
afterEach(async () => {
  await clock.settle(reader.close())
  expect(clock.pending).toBe(0)
  events.length = 0
  requests.length = 0
})

/** The person sees what the reader tells. */
async function listen(from: Reader) {
  for await (const event of from.events) {
    events.push(event)
    if (event.type === 'display') body.show(event.message)
  }
}

interface Wish extends Partial<Transaction> {
  readonly amount: bigint
  readonly issued?: CardProfile
  /** None: the app has no PIN entry. */
  readonly pin?: string | 'none'
  readonly signal?: AbortSignal
}

async function pay(script: Partial<CardholderScript> & Pick<CardholderScript, 'card'>, { issued, pin = '1234', signal, ...wish }: Wish) {
  const { asked, authorise } = issuerOf(clock, issued)
  const from = events.length
  const leave = cardholder(body, { present: 'tap', pace: instant, ...script })
  const terminal: Terminal = {
    selectApplication: () => Promise.reject(new Error('a list was shown on tap')),
    ...(pin !== 'none' && { enterPin: pinEntry(pin) }),
    authorise,
  }
  const outcome = await clock.settle(reader.transact({ currency: rub, ...wish }, terminal, signal && { signal }))
  await clock.advance(5000)
  leave()
  const told = events.slice(from)
  return { outcome, asked, told, shown: told.flatMap(event => (event.type === 'display' ? [event.message] : [])) }
}

const cardEvents = (told: readonly ReaderEvent[]) => told.flatMap(one => (one.type === 'card' ? [one.event] : []))

describe('the 3000-rouble rule with the kernel on the phone', () => {
  it.each(rows('tap', 'phone'))('$scheme $way $amount', async row => {
    const { script, profile } = personOf(row, clock)
    const seen = await pay(script, { amount: row.amount, issued: profile })
    expectAgreement(row, seen)
    expect(cardEvents(seen.told)).toEqual(['tapped', 'removed'])
    expect(body.cardsInField).toBe(0)
  })

  it('tells what a tap needs a light and a sound for', async () => {
    await pay({ card: loadCard('mir', { clock }) }, { amount: 1000n })
    expect(requests.map(({ status }) => status)).toEqual(expect.arrayContaining(['readyToRead', 'cardReadSuccessfully', 'notReady']))
    expect(reader.info).toEqual({
      ...{ family: 'softpos', model: 'virtual NFC', serial: 'SOFT0001', applicationSelection: 'host' },
      ...{ capabilities: ['tap', 'passthrough'], slots: ['contactless'] },
    })
  })
})

describe('without a PIN entry', () => {
  const above = 300_000n

  it.each(Object.keys(schemes) as Scheme[])('%s: no PIN below, and above no PIN is promised', async scheme => {
    const card = loadCard(schemes[scheme], { clock })
    const issued = profiles[schemes[scheme]]
    expect((await pay({ card }, { amount: above - 1n, pin: 'none', issued })).outcome).toMatchObject({ result: 'approved', cvm: 'none' })
    const { outcome, asked, shown } = await pay({ card }, { amount: above, pin: 'none', issued })
    expect(shown).not.toContain('reader.enterPin')
    expect(outcome.cvm).not.toBe('onlinePin')
    expect(outcome.pinBlock).toBeUndefined()
    for (const { request } of asked) {
      const capability = request.tags.get(0x9f33)
      if (capability) expect(capability[1] & 0x40).toBe(0)
      const ttq = request.tags.get(0x9f66)
      if (ttq) expect(ttq[0] & 0x04).toBe(0)
    }
    // A holder who should have been verified and was not: the issuer knows, and decides.
    if (outcome.result === 'approved' && outcome.cvm === 'none') expect(asked[0].request.tags.get(0x95)![2] & 0x80).toBe(0x80)
  })

  it('every kernel reads that there is none, where it looks for it', () => {
    const schemeRules = (['mastercard', 'visa', 'amex', 'jcb', 'discover', 'unionpay', 'mir'] as const).map(scheme => ({
      ...{ scheme, aids: ['A000000000000001'], verifyFrom: 1000, ttq: '36004000' },
    }))
    const own = { scheme: 'mastercard', aids: ['A000000000000002'], verifyFrom: 1000, data: { DF8118: '78', DF811E: 'F0', DF812C: '20' } }
    const { schemes: got } = withoutOnlinePin(parseContactlessConfig({ currencyCode: 643, schemes: [...schemeRules, own] }))
    for (const { ttq } of got) if (ttq) expect(hex(ttq)).toBe('32004000')
    const said = (index: number, ...tags: number[]) => tags.map(tag => hex(got[index].data.get(tag) ?? new Uint8Array()))
    expect(said(0, 0xdf8118, 0xdf8119, 0xdf811e)).toEqual(['20', '08', '10'])
    expect(said(2, 0x9f6e)).toEqual(['98A00003'])
    expect(said(3, 0x9f53)).toEqual(['528000'])
    expect(said(6, 0xdf8118)).toEqual(['20'])
    expect(said(7, 0xdf8118, 0xdf811e, 0xdf812c)).toEqual(['38', 'F0', '10'])
  })

  it('a signature where the card has one, and the phone of the cardholder', async () => {
    const signature = await pay(
      { card: loadCard('visa-signature', { clock }) },
      { amount: above, pin: 'none', issued: profiles['visa-signature'] },
    )
    expect(signature.outcome).toMatchObject({ result: 'approved', cvm: 'signature' })
    expect(signature.shown).toContain('reader.approvedSign')
    const phone = new VirtualPhone(loadCard('mastercard', { clock }))
    const device = await pay({ card: phone }, { amount: above, pin: 'none', issued: profiles.mastercard })
    expect(device.outcome).toMatchObject({ result: 'approved', cvm: 'device' })
  })
})

describe('no list is ever shown', () => {
  const tappable = Object.keys(profiles).filter(name => loadCard(name).canTap) as ProfileName[]
  const several = tappable.filter(name => profiles[name].applications.length > 1)

  it('there are co-badged cards among the profiles', () => {
    expect(several).toContain('mir-maestro')
  })

  it.each(tappable)('%s', async name => {
    const { told, outcome } = await pay({ card: loadCard(name, { clock }) }, { amount: 1000n, issued: profiles[name] })
    expect(told.filter(({ type }) => type === 'application-selection')).toEqual([])
    expect(['approved', 'declined', 'cancelled']).toContain(outcome.result)
  })
})

describe('taps that go wrong', () => {
  it.each(Object.keys(schemes) as Scheme[])('%s taken away during any command, held again: paid once', async scheme => {
    for (let pullAt = 1; pullAt <= 10; pullAt++) {
      const card = loadCard(schemes[scheme], { clock })
      const { outcome, asked, shown, told } = await pay({ card, pullAt }, { amount: 1000n, issued: profiles[schemes[scheme]] })
      expect(outcome).toMatchObject({ result: 'approved', interface: 'tap' })
      expect(asked).toMatchObject([{ arqc: 'right' }])
      expect(shown).toContain('reader.presentCardAgain')
      expect(cardEvents(told)).toEqual(['tapped', 'removed', 'tapped', 'removed'])
    }
  })

  it.each(['Visa', 'Mastercard'] as const)('a locked %s phone above the limit: see phone, unlock, tap again', async scheme => {
    const phone = new VirtualPhone(loadCard(schemes[scheme], { clock }), { locked: true })
    const { outcome, shown, asked } = await pay({ card: phone }, { amount: 300_000n, issued: profiles[schemes[scheme]] })
    expect(shown).toContain('reader.seePhone')
    expect(outcome).toMatchObject({ result: 'approved', cvm: 'device' })
    expect(asked).toMatchObject([{ arqc: 'right' }])
  })

  it('two cards in the wallet: one card only', async () => {
    const { outcome, shown } = await pay({ card: loadCard('dda', { clock }), wallet: [loadCard('mir', { clock })] }, { amount: 1000n })
    expect(shown).toContain('reader.presentOneCard')
    expect(outcome).toMatchObject({ result: 'approved' })
  })

  it('a card that stays is asked to leave; the payment does not wait for ever', async () => {
    const terminal: Terminal = { selectApplication: async () => 0, authorise: issuerOf(clock, profiles.mir).authorise }
    body.tap(loadCard('mir', { clock }))
    const began = clock.now()
    expect(await clock.settle(reader.transact({ amount: 1000n, currency: rub }, terminal))).toMatchObject({ result: 'approved' })
    expect(clock.now() - began).toBe(5000)
    expect(body.screen.message).toBe('reader.removeCard')
    body.leave()
  })

  it('nobody comes; the holder cancels the PIN; the merchant cancels', async () => {
    const nobody: Terminal = { selectApplication: async () => 0, authorise: async () => ({ type: 'unableToGoOnline' }) }
    expect(await clock.settle(reader.transact({ amount: 1n, currency: rub }, nobody))).toMatchObject({
      ...{ result: 'cancelled', reason: 'cardTimeout' },
    })
    expect(body.screen.message).toBe('reader.cancelled')
    const tired = await pay({ card: loadCard('mir', { clock }) }, { amount: 300_000n, pin: 'cancelled' })
    expect(tired.outcome).toMatchObject({ result: 'cancelled', reason: 'cardholderCancelled' })
    expect(tired.asked).toEqual([])
    const stop = new AbortController()
    const waiting = reader.transact({ amount: 1n, currency: rub }, nobody, { signal: stop.signal })
    await clock.advance(100)
    stop.abort()
    expect(await clock.settle(waiting)).toMatchObject({ result: 'cancelled', reason: 'merchantCancelled' })
  })

  it('an amount above what a tap may pay: no card is asked for', async () => {
    const contactless = russianContactless({ refuseFrom: 100_000n })
    const strict = await openSoftPos({
      channel: virtualNfc(body),
      ...options(),
      contactless: { ...contactless, schemes: [contactless.schemes[1]] },
    })
    const terminal: Terminal = { selectApplication: async () => 0, authorise: async () => ({ type: 'unableToGoOnline' }) }
    const outcome = await clock.settle(strict.transact({ amount: 100_000n, currency: rub }, terminal))
    expect(outcome).toMatchObject({ result: 'declined', reason: 'tryAnotherInterface' })
    await strict.close()
  })
})

describe('the channel', () => {
  const nobody: Terminal = { selectApplication: async () => 0, authorise: async () => ({ type: 'unableToGoOnline' }) }
  const over = (channel: Partial<NfcChannel>, more: Partial<SoftPosOptions> = {}) => {
    const log: string[] = []
    const whole: NfcChannel = {
      activate: () => new Promise(() => {}), // listens to nothing
      off: async () => void log.push('off'),
      close: async () => void log.push('close'),
      ...channel,
    }
    return openSoftPos({ channel: whole, ...options(), ...more }).then(opened => ({ opened, log }))
  }

  it('that does not listen is given up in time, the field off', async () => {
    const { opened, log } = await over({}, { cardTimeout: 10_000 })
    const began = clock.now()
    const outcome = await clock.settle(opened.transact({ amount: 1n, currency: rub }, nobody))
    expect(outcome).toMatchObject({ result: 'cancelled', reason: 'cardTimeout' })
    expect(clock.now() - began).toBe(10_000)
    expect(log).toContain('off')
    await opened.close()
    expect(log.at(-1)).toBe('close')
  })

  it('an error of the platform during a command is a card that went: it is asked for again', async () => {
    const card = loadCard('mir', { clock })
    let taps = 0
    const { opened } = await over({
      activate: async () => {
        const held = card.contactless({ clock })
        const lost = taps++ === 0
        return {
          atr: fromHex('3B80'),
          transmit: (apdu, how) => (lost ? Promise.reject(new Error('TagLostException')) : held.transmit(apdu, how)),
        }
      },
    })
    const { authorise } = issuerOf(clock, profiles.mir)
    const outcome = await clock.settle(opened.transact({ amount: 1000n, currency: rub }, { ...nobody, authorise }))
    expect(outcome).toMatchObject({ result: 'approved' })
    expect(taps).toBe(2)
    await opened.close()
  })

  it('a card that answers no command in time is mute', async () => {
    let taps = 0
    const { opened } = await over(
      {
        activate: async () => {
          taps++
          return { transmit: () => new Promise(() => {}) }
        },
      },
      { cardTimeout: 10_000 },
    )
    const stop = new AbortController()
    const waiting = opened.transact({ amount: 1n, currency: rub }, nobody, { signal: stop.signal })
    await clock.advance(12_000)
    stop.abort()
    expect(await clock.settle(waiting)).toMatchObject({ result: 'cancelled' })
    expect(taps).toBeGreaterThan(1)
    await opened.close()
  })

  it('gone before a card came: link-closed, and the reader is disconnected', async () => {
    let gone = () => {}
    const closed = new Promise<void>(resolve => {
      gone = resolve
    })
    const { opened } = await over({ closed })
    const waiting = faultOf(opened.transact({ amount: 1n, currency: rub }, nobody))
    await clock.advance(10)
    gone()
    expect(await clock.settle(waiting)).toBe('link-closed')
    const seen: ReaderEvent[] = []
    for await (const event of opened.events) seen.push(event)
    expect(seen).toEqual([])
    await opened.close()
  })

  it.each(['comes back', 'does not come back', 'finds no reader'] as const)(
    'the issuer’s word for the card stands when the card %s',
    async how => {
      const { schemes: all, ...rules } = russianContactless()
      const contactless = { ...rules, schemes: all.map(one => (one.scheme === 'visa' ? { ...one, ttq: fromHex('3600C000') } : one)) }
      const card = loadCard('dda', { clock })
      let gone = () => {}
      const closed = new Promise<void>(resolve => {
        gone = resolve
      })
      const sent: string[] = []
      let taps = 0
      const { opened } = await over(
        {
          closed,
          activate: async () => {
            if (taps++ > 0 && how === 'finds no reader') gone()
            if (taps > 1 && how !== 'comes back') return new Promise(() => {})
            const held = card.contactless({ clock })
            return {
              async transmit(apdu, options) {
                sent.push(hex(apdu))
                const answer = hex(await held.transmit(apdu, options))
                // Card Transaction Qualifiers, byte 2 b7: the card takes an issuer update.
                return fromHex(
                  answer.replace(/9F6C02(..)(..)/, (_, b1, b2) => `9F6C02${b1}${hex(Uint8Array.of(Number.parseInt(b2, 16) | 0x40))}`),
                )
              },
            }
          },
        },
        { contactless, cardTimeout: 10_000 },
      )
      const authorise: Terminal['authorise'] = async () => ({
        ...{ type: 'approved', code: '00', issuerAuthenticationData: fromHex('0102030405060708') },
      })
      const outcome = await clock.settle(opened.transact({ amount: 1000n, currency: rub }, { ...nobody, authorise }))
      expect(outcome).toMatchObject({ result: 'approved', interface: 'tap', online: true })
      expect(taps).toBe(2)
      expect(sent.some(command => command.startsWith('0082'))).toBe(how === 'comes back')
      await clock.settle(opened.close())
    },
  )

  it('hands a card to the app, and takes no chip, no swipe, no link', async () => {
    body.tap(loadCard('mir', { clock }))
    const slot = await clock.settle(reader.openCard!())
    expect(slot.interface).toBe('contactless')
    const answer = await slot.transmit(fromHex('00A404000E325041592E5359532E444446303100'))
    expect(hex(answer.subarray(-2))).toBe('9000')
    body.leave()
    expect(slot.removed.aborted).toBe(true)
    expect(await faultOf(slot.transmit(fromHex('00A4040000')))).toBe('card-removed')
    await slot.close()
    expect(await faultOf(reader.openCard!({ interface: 'contact' }))).toBe('unsupported')
    expect(await faultOf(reader.transact({ amount: 1n, currency: rub, interfaces: ['chip', 'swipe'] }, nobody))).toBe('unsupported')
    expect(await faultOf(open(pipe({ clock })[0], { family: 'softpos' }))).toBe('bad-argument')
  })
})
