/** Cards and phones of every scheme that leave the field at each command: the payment is made once, by what the scheme has for that. */

import { describe, expect, it } from 'vitest'
import { loadCard, type VirtualCard } from '../../../../simulator/cards/icc.ts'
import type { CardProfile } from '../../../../simulator/cards/profile/profile.ts'
import { profiles } from '../../../../simulator/cards/profiles/index.ts'
import { virtualConfig } from '../../../../simulator/world.ts'
import { fromHex, hex, uint } from '../../../../src/bytes.ts'
import { VirtualClock } from '../../../../src/clock.ts'
import type { Card } from '../../../../src/emv/card.ts'
import { TornLog } from '../../../../src/emv/contactless/mastercard/torn-log.ts'
import { russianContactless } from '../../../../src/emv/contactless/profiles.ts'
import { tap } from '../../../../src/emv/contactless/tap.ts'
import type { Terminal } from '../../../../src/emv/terminal.ts'
import { issuerOf, pinEntry, rub, schemes } from '../tap-table.ts'

const cards = { ...schemes, 'Mastercard stripe': 'mastercard-stripe' } as const
type Name = keyof typeof cards
const devices = ['card', 'phone'] as const
type Device = (typeof devices)[number]

/** One payment whose first tap may be torn; the commands of each tap, and what the issuer made of it. */
async function pay(profile: CardProfile, device: Device, tornAt?: number, card: VirtualCard = loadCard(profile)) {
  const clock = new VirtualClock()
  const { asked, authorise } = issuerOf(clock, profile)
  const taps: string[][] = []
  const terminal: Terminal = {
    selectApplication: () => Promise.reject(new Error('a list was shown on tap')),
    enterPin: pinEntry('1234'),
    authorise,
  }
  const field = {
    activate: async (): Promise<Card> => {
      const commands: string[] = []
      taps.push(commands)
      const held = card.contactless({ clock, device, ...(taps.length === 1 && tornAt !== undefined && { tornAt }) })
      return {
        interface: 'contactless',
        atr: held.atr,
        transmit: (apdu, options) => {
          commands.push(hex(apdu.subarray(0, 2)))
          return held.transmit(apdu, options)
        },
      }
    },
    off: async () => {},
  }
  const torn = new TornLog()
  const outcome = await clock.settle(
    tap(field, { amount: 300_000n, currency: rub }, virtualConfig(), russianContactless(), terminal, { clock, torn }),
  )
  return { outcome, taps, asked }
}

describe.each(Object.keys(cards) as Name[])('%s', name => {
  const profile = profiles[cards[name]]

  it.each(devices)('a %s torn at each command: paid once, with a cryptogram or code that the issuer takes', async device => {
    const { taps } = await pay(profile, device)
    expect(taps).toHaveLength(1)
    for (let tornAt = 1; tornAt <= taps[0].length; tornAt++) {
      const again = await pay(profile, device, tornAt)
      expect(again.taps).toHaveLength(2)
      expect(again.taps[0]).toHaveLength(tornAt)
      expect(again.outcome).toMatchObject({ result: 'approved', cvm: device === 'phone' ? 'device' : 'onlinePin' })
      expect(again.asked).toMatchObject([{ code: '00' }])
    }
  })

  it('a card that is read no further than its records has counted, and counts on', async () => {
    const card = loadCard(profile)
    const [before] = card.state.applications
    await pay(profile, 'card', 4, card)
    expect(card.state.applications[0].atc).toBe(before.atc + 2)
  })
})

describe('what recovers a torn GENERATE AC', () => {
  it('Mastercard: RECOVER AC, the cryptogram and the counter of the first tap', async () => {
    const card = loadCard('mastercard')
    const { taps } = await pay(profiles.mastercard, 'card')
    const { outcome, taps: torn } = await pay(profiles.mastercard, 'card', taps[0].length, card)
    expect([torn[0].at(-1), torn[1].at(-1)]).toEqual(['80AE', '80D0'])
    expect(uint(outcome.tags.get(0x9f36)!)).toBe(0x11)
  })

  it('JCB: ECHO, the cryptogram and the counter of the first tap; a phone too, and one that is held for its issuer', async () => {
    const held = {
      ...profiles.jcb,
      applications: profiles.jcb.applications.map(one => ({ ...one, contactless: { issuerUpdate: 'presentAndHold' as const } })),
    }
    for (const [profile, device] of [
      [profiles.jcb, 'card'],
      [profiles.jcb, 'phone'],
      [held, 'card'],
    ] as const) {
      const card = loadCard(profile)
      const { taps } = await pay(profile, device)
      const at = taps[0].indexOf('80AE') + 1
      const { outcome, taps: torn } = await pay(profile, device, at, card)
      expect(torn[0].at(-1)).toBe('80AE')
      expect(torn[1].filter(one => one === '80AE' || one === '80DF')).toEqual(profile === held ? ['80DF', '80AE'] : ['80DF'])
      expect(outcome).toMatchObject({ result: 'approved' })
      expect(uint(outcome.tags.get(0x9f36)!)).toBe(0x11)
      expect(card.state.applications[0].atc).toBe(0x11)
    }
  })

  it('JCB’s card answers ECHO after GET PROCESSING OPTIONS, with its last cryptogram, and counts one transaction', async () => {
    const card = loadCard('jcb')
    const select = '00A4040007A000000065101000'
    const gpo = '80A800000683040272800000'
    const open = async () => {
      const held = card.contactless({ clock: new VirtualClock() })
      const send = async (command: string) => hex(await held.transmit(fromHex(command)))
      await send(select)
      expect(await send('80DF000000')).toBe('6985')
      expect(await send(gpo)).toMatch(/9000$/)
      return send
    }
    const first = await open()
    expect(await first('80DF000000')).toBe('6985')
    const cdol = '00'.repeat(29)
    const answer = await first(`80AE90001D${cdol}00`)
    expect(answer).toMatch(/^7781.*9F4B.*9F500100.*9000$/)
    const second = await open()
    expect(await second('80DF000000')).toBe(answer)
    expect(card.state.applications[0].atc).toBe(0x11)
    expect(await second('80DF000000')).toBe('6985')
    const third = await open()
    await third(`80AE90001D${'11'.repeat(29)}00`)
    expect(await (await open())('80DF000000')).not.toBe(answer)
  })

  it('others know neither', async () => {
    for (const name of ['mir', 'dda', 'amex', 'discover', 'unionpay'] as const) {
      const card = loadCard(name).contactless({ clock: new VirtualClock() })
      const aid = profiles[name].applications[0].aid.replaceAll(' ', '')
      await card.transmit(fromHex(`00A40400${hex(Uint8Array.of(aid.length / 2))}${aid}00`))
      expect(hex(await card.transmit(fromHex('80DF000000')))).toBe('6D00')
      expect(hex(await card.transmit(fromHex('80D0000004000000000000')))).toMatch(/^6[7D]00$/)
    }
  })
})
