/** The issuer's answer on its way to a tapped card: a second tap (Visa, Discover, JCB), or the same one, held in the field (JCB). */

import { describe, expect, it } from 'vitest'
import { type CheckedRule, parseRules } from '../../../simulator/acquirer/rules.ts'
import { loadCard, type VirtualCard } from '../../../simulator/cards/icc.ts'
import type { CardProfile } from '../../../simulator/cards/profile/profile.ts'
import { type ProfileName, profiles } from '../../../simulator/cards/profiles/index.ts'
import { virtualConfig } from '../../../simulator/world.ts'
import { concat, fromHex, hex } from '../../../src/bytes.ts'
import { VirtualClock } from '../../../src/clock.ts'
import type { Card } from '../../../src/emv/card.ts'
import { russianContactless } from '../../../src/emv/contactless/profiles.ts'
import { tap } from '../../../src/emv/contactless/tap.ts'
import type { Terminal } from '../../../src/emv/terminal.ts'
import { Fault } from '../../../src/errors.ts'
import type { MessageId } from '../../../src/messages/messages.ts'
import { read } from '../../../src/tlv/ber.ts'
import { issuerOf, rub } from './tap-table.ts'

type Settings = NonNullable<Exclude<CardProfile['applications'][number]['contactless'], false>>

/** A card whose PIN is blocked until a script unblocks it. */
const blocked = (name: ProfileName, issuerUpdate: Settings['issuerUpdate']): CardProfile => ({
  ...profiles[name],
  pin: { digits: '1234', triesLeft: 0 },
  applications: profiles[name].applications.map(one => ({ ...one, contactless: { issuerUpdate } })),
})

/** Readers that process issuer updates: TTQ byte 3 b8; JCB's has it in its Terminal Interchange Profile already. */
const contactless = (() => {
  const { schemes, ...rules } = russianContactless()
  const ttq = { visa: fromHex('3600C000'), discover: fromHex('3600C000') } as const
  return { ...rules, schemes: schemes.map(one => ({ ...one, ttq: ttq[one.scheme as keyof typeof ttq] ?? one.ttq })) }
})()

interface Wish {
  readonly card?: VirtualCard
  readonly rules?: readonly CheckedRule[]
  /** The taps after the first: torn at a command, or nobody. */
  readonly later?: readonly ({ readonly tornAt?: number } | 'nobody')[]
}

async function pay(profile: CardProfile, { rules = [], later = [{}], card = loadCard(profile) }: Wish = {}) {
  const clock = new VirtualClock()
  const { asked, authorise } = issuerOf(clock, profile, rules)
  const commands: string[] = []
  const shown: MessageId[] = []
  const terminal: Terminal = {
    selectApplication: () => Promise.reject(new Error('a list was shown on tap')),
    display: message => void shown.push(message),
    authorise,
  }
  let taps = 0
  const field = {
    activate: async (): Promise<Card> => {
      const next = taps++ === 0 ? {} : later[Math.min(taps - 2, later.length - 1)]
      if (next === 'nobody') throw new Fault('timeout', 'nobody came back')
      const held = card.contactless({ ...next, clock })
      commands.push('tap')
      return {
        interface: 'contactless',
        atr: held.atr,
        transmit: async (apdu, options) => {
          const answer = await held.transmit(apdu, options)
          commands.push(`${hex(apdu.subarray(0, 4))} ${hex(answer.subarray(-2))}`)
          return answer
        },
      }
    },
    off: async () => {},
  }
  const outcome = await clock.settle(tap(field, { amount: 1000n, currency: rub }, virtualConfig(), contactless, terminal, { clock }))
  const second = commands.lastIndexOf('tap')
  return { outcome, card, commands, shown, asked, taps, second: second === 0 ? [] : commands.slice(second + 1) }
}

const unblock = parseRules([{ do: 'unblockPin' }])
const wrong = parseRules([{ do: 'wrongArpc' }])
const blockCard = parseRules([{ do: 'decline', code: '41', reason: 'lost', script: 'blockCard' }])

const cards = [
  ['visa-update', profiles['visa-update']],
  ['discover', blocked('discover', 'secondTap')],
  ['jcb', blocked('jcb', 'secondTap')],
] as const

describe.each(cards)('%s on a second tap', (name, profile) => {
  it('EXTERNAL AUTHENTICATE and the script right after SELECT; the PIN is unblocked, the counters begin anew', async () => {
    const { outcome, card, second, shown, asked } = await pay(profile, { rules: unblock })
    expect(outcome).toMatchObject({ result: 'approved', online: true })
    expect(asked).toMatchObject([{ arqc: 'right' }])
    expect(shown).toContain('reader.presentCardAgain')
    // Discover's second tap brings one script, and no authentication data.
    expect(second.slice(1)).toEqual([...(name === 'discover' ? [] : ['00820000 9000']), '84240000 9000'])
    expect(second[0]).toBe('00A40400 9000')
    expect(card.state.pinTriesLeft).toBe(3)
    expect(card.state.applications[0].atc).toBe(0x11)
  })

  it('a card that is blocked stays so', async () => {
    const { outcome, card } = await pay(profile, { rules: blockCard })
    expect(outcome).toMatchObject({ result: 'declined', reason: 'hostDeclined' })
    expect(card.state.blocked).toBe(true)
  })

  it('nobody comes back: the host’s word stands, and the card is as it was', async () => {
    const { outcome, card } = await pay(profile, { rules: unblock, later: ['nobody'] })
    expect(outcome).toMatchObject({ result: 'approved' })
    expect(card.state.pinTriesLeft).toBe(0)
  })

  it('torn at each command of the second tap: done on the third; at the script, whose answer decides nothing, it is over', async () => {
    const whole = await pay(profile, { rules: unblock })
    for (let tornAt = 1; tornAt <= whole.second.length; tornAt++) {
      const { outcome, card, taps } = await pay(profile, { rules: unblock, later: [{ tornAt }, {}] })
      expect(outcome).toMatchObject({ result: 'approved' })
      expect(taps).toBe(tornAt === whole.second.length ? 2 : 3)
      expect(card.state.pinTriesLeft).toBe(3)
    }
  })

  it('what was meant for one transaction is refused after the next', async () => {
    const card = loadCard(profile)
    const { asked } = await pay(profile, { card, rules: unblock, later: ['nobody'] })
    await pay(profile, { card, later: ['nobody'] })
    const held = card.contactless({ clock: new VirtualClock() })
    const send = async (head: string, data: Uint8Array) =>
      hex(await held.transmit(concat(fromHex(head), Uint8Array.of(data.length), data))).slice(-4)
    expect(await send('00A40400', fromHex(profile.applications[0].aid))).toBe('9000')
    expect(await send('00820000', asked[0].issuerAuthenticationData!)).toBe('6300')
    const [command] = [...read(asked[0].scripts![0])].flatMap(({ value }) => [...read(value)].filter(({ tag }) => tag === 0x86))
    expect(await send('84240000', command.value.subarray(5))).toBe('6988')
    expect(card.state.pinTriesLeft).toBe(0)
  })
})

describe('Visa', () => {
  it('a wrong ARPC is told to the card, and decides nothing', async () => {
    const { outcome, second, card } = await pay(profiles['visa-update'], { rules: wrong })
    expect(outcome).toMatchObject({ result: 'approved' })
    expect(second.at(-1)).toBe('00820000 6300')
    expect(card.state.applications[0].lastOnlineAtc).toBe(0x10)
  })

  it('no second tap for a card that takes no updates, nor without an answer for it', async () => {
    expect((await pay(profiles.dda, { rules: unblock })).taps).toBe(1)
  })
})

describe('JCB held in the field', () => {
  const profile = blocked('jcb', 'presentAndHold')

  it('a second GENERATE AC with the ARPC, then the script: one tap', async () => {
    const { outcome, card, commands, taps } = await pay(profile, { rules: unblock })
    expect(outcome).toMatchObject({ result: 'approved', online: true })
    expect(taps).toBe(1)
    expect(commands.slice(-3)).toEqual(['80AE9000 9000', '80AE4000 9000', '84240000 9000'])
    expect(card.state).toMatchObject({ pinTriesLeft: 3, applications: [{ lastOnlineAtc: 0x11 }] })
  })

  it('a wrong ARPC: the card declines what the host approved, a reversal is due', async () => {
    const { outcome } = await pay(profile, { rules: wrong })
    expect(outcome).toMatchObject({ result: 'declined', reason: 'cardDeclined', reversal: true })
  })
})
