/** Every card profile in the field: what a tap of it comes to, that no list is shown, that both sides count together, and that the page which lists them is true. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Command } from 'commander'
import { describe, expect, it } from 'vitest'
import { loadCard, type VirtualCard } from '../../../simulator/cards/icc.ts'
import { parseProfile } from '../../../simulator/cards/profile/profile.ts'
import { brandOf, tapBrandOf } from '../../../simulator/cards/profile/words.ts'
import { type ProfileName, profiles } from '../../../simulator/cards/profiles/index.ts'
import { VirtualPhone } from '../../../simulator/cards/tap/phone.ts'
import { addServe } from '../../../simulator/commands/serve.ts'
import { virtualConfig } from '../../../simulator/world.ts'
import { concat, fromHex, startsWith } from '../../../src/bytes.ts'
import { VirtualClock } from '../../../src/clock.ts'
import type { ContactlessConfig } from '../../../src/emv/contactless/config.ts'
import { russianContactless } from '../../../src/emv/contactless/profiles.ts'
import { tap } from '../../../src/emv/contactless/tap.ts'
import type { Outcome } from '../../../src/emv/outcome.ts'
import type { Terminal } from '../../../src/emv/terminal.ts'
import type { MessageId } from '../../../src/messages/messages.ts'
import { read, readOne } from '../../../src/tlv/ber.ts'
import { expectConsistent, issuerOf, pinEntry, rub } from './tap-table.ts'

const names = Object.keys(profiles) as ProfileName[]
const tappable = names.filter(name => loadCard(name).canTap)

/** Visa's MSD too: TTQ byte 1 b8. */
const contactless = ((): ContactlessConfig => {
  const { schemes, ...rules } = russianContactless()
  return { ...rules, schemes: schemes.map(one => (one.scheme === 'visa' ? { ...one, ttq: fromHex('B6004000') } : one)) }
})()

async function pay(name: ProfileName, amount: bigint, phone: boolean) {
  const clock = new VirtualClock()
  const card = loadCard(name, { clock })
  const held = phone ? new VirtualPhone(card) : card
  const { asked, authorise } = issuerOf(clock, profiles[name])
  const shown: MessageId[] = []
  const terminal: Terminal = {
    selectApplication: () => Promise.reject(new Error('a list was shown on tap')),
    enterPin: pinEntry(profiles[name].pin?.digits ?? '1234'),
    display: message => void shown.push(message),
    authorise,
  }
  const field = { activate: async () => held.contactless({ clock }), off: async () => {} }
  const outcome = await clock.settle(tap(field, { amount, currency: rub }, virtualConfig(), contactless, terminal, { clock }))
  return { outcome, asked, shown }
}

type Ending = Pick<Outcome, 'result' | 'reason'>
const declined = (reason: NonNullable<Outcome['reason']>): Ending => ({ result: 'declined', reason })

/** Profiles whose tap is not approved; the others are, online. */
const refused: Partial<Record<ProfileName, Ending>> = {
  'blocked-application': declined('noApplication'),
  'blocked-card': declined('noApplication'),
  'refuses-initiation': declined('noApplication'),
  girocard: declined('kernelUnsupported'),
  interac: declined('kernelUnsupported'),
  'own-scheme': declined('noApplication'), // nobody knows it, and no row has it
  'offline-decline': declined('offlineDeclined'),
  expired: declined('hostDeclined'),
  'wrong-cda': declined('cardError'),
}
/** Plastic whose data authentication fails: the issuer declines (63). */
const refusedAsPlastic: typeof refused = {
  'wrong-issuer-certificate': declined('hostDeclined'),
  'wrong-icc-certificate': declined('hostDeclined'),
}
/** A reader that counts on the phone's verification takes no ARQC from a phone whose key it cannot check (Book C-2, S910; Mir's by assumption). */
const refusedAsPhone: typeof refused = {
  'wrong-issuer-certificate': declined('tryAnotherInterface'),
  'wrong-icc-certificate': declined('tryAnotherInterface'),
}

describe.each(tappable)('%s by tap', name => {
  const ways = [false, true].flatMap(phone => [299_999n, 300_000n].map(amount => ({ phone, amount })))

  it.each(ways)('$amount, in a phone: $phone', async ({ phone, amount }) => {
    const seen = await pay(name, amount, phone)
    const { result, reason }: Ending = (phone ? refusedAsPhone : refusedAsPlastic)[name] || (refused[name] ?? { result: 'approved' })
    expect([seen.outcome.result, seen.outcome.reason]).toEqual([result, reason])
    expect(seen.shown).not.toContain('reader.selectApplication' satisfies MessageId)
    if (result !== 'approved') return
    expectConsistent(seen, amount)
    expect(seen.asked).toMatchObject([{ code: '00' }])
    const first = parseProfile(profiles[name]).applications.filter(({ aid, state }) => brandOf(aid) && !state.blocked)
    const best = first.reduce((best, one) => ((one.priority || 16) < (best.priority || 16) ? one : best))
    expect(startsWith(seen.outcome.application!.aid, best.aid)).toBe(true)
  })
})

/** SELECT and GET PROCESSING OPTIONS with a PDOL of zeros; whether the transaction began. */
async function begin(card: { transmit(apdu: Uint8Array): Promise<Uint8Array> }, aid: Uint8Array): Promise<boolean> {
  const fci = await card.transmit(concat(fromHex('00A40400'), Uint8Array.of(aid.length), aid, Uint8Array.of(0)))
  if (fci.length <= 2) return false
  const proprietary = [...read(readOne(fci.subarray(0, -2)).value)].find(({ tag }) => tag === 0xa5)!
  const pdol = [...read(proprietary.value)].find(({ tag }) => tag === 0x9f38)?.value ?? new Uint8Array()
  let length = 0
  for (let at = 0; at < pdol.length; at += 2) {
    if ((pdol[at] & 0x1f) === 0x1f) at++
    length += pdol[at + 1]
  }
  const values = concat(Uint8Array.of(0x83, length), new Uint8Array(length))
  const answer = await card.transmit(concat(fromHex('80A80000'), Uint8Array.of(values.length), values, Uint8Array.of(0)))
  return answer.length > 2
}

describe('one transaction counter', () => {
  const counts = (card: VirtualCard) => card.state.applications.map(({ atc }) => atc)
  const working = tappable.filter(name => {
    const { muteAt, removedAt, garbageAt } = parseProfile(profiles[name]).faults
    return loadCard(name).plan.chip === 'works' && muteAt === undefined && removedAt === undefined && garbageAt.length === 0
  })

  it.each(working)('%s: every application counts by chip, tap and phone together', async name => {
    for (const [index, one] of loadCard(name).plan.applications.entries()) {
      const { aid } = one
      if (!tapBrandOf(one)) continue
      const clock = new VirtualClock()
      const card = loadCard(name, { clock })
      let expected = counts(card)[index]
      for (const side of [
        card.contactless({ clock }),
        contactOf(card, clock),
        new VirtualPhone(card).contactless({ clock }),
        contactOf(card, clock),
      ]) {
        if (await clock.settle(begin(side, aid))) expected++
        expect(counts(card)[index]).toBe(expected)
      }
      if (!refused[name] || name === 'expired' || name === 'offline-decline')
        expect(expected).toBe(loadCard(name).state.applications[index].atc + 4)
    }
  })
})

/** The chip, with GET RESPONSE done where it speaks T=0. */
function contactOf(card: VirtualCard, clock: VirtualClock) {
  const chip = card.contact({ clock })
  return {
    async transmit(apdu: Uint8Array): Promise<Uint8Array> {
      const answer = await chip.transmit(apdu)
      return answer.length === 2 && answer[0] === 0x61 ? chip.transmit(Uint8Array.of(0x00, 0xc0, 0x00, 0x00, answer[1])) : answer
    },
  }
}

describe('docs/cards.md', () => {
  const page = readFileSync(join(import.meta.dirname, '../../../docs/cards.md'), 'utf8')
  const section = (title: string) => page.split(`## ${title}\n`)[1].split('\n## ')[0]
  const rows = section('Every profile')
    .split('\n')
    .flatMap(line => {
      const row = /^\| `([a-z0-9-]+)` \| (.+) \| (.+) \|$/.exec(line)
      return row ? [row.slice(1)] : []
    })
  const brands = {
    mir: 'Mir',
    visa: 'Visa',
    mastercard: 'Mastercard',
    amex: 'Amex',
    jcb: 'JCB',
    discover: 'Discover',
    unionpay: 'UnionPay',
  }

  /** A profile's row: its own words, and how it can be presented. */
  const rowOf = (name: ProfileName) => {
    const card = loadCard(name)
    const taps = card.plan.applications.flatMap(plan => {
      const [brand, one] = [tapBrandOf(plan), plan.contactless]
      return brand && one !== false ? [`${one?.as ? 'as ' : ''}${brands[brand]}${one?.magstripe ? ' (stripe)' : ''}`] : []
    })
    const unlike = [...new Set(taps)].join(', ')
    const chip = card.plan.chip === 'works' ? `chip ${card.plan.protocol}, ` : ''
    return [name, card.plan.about, `${chip}stripe${card.canTap ? `, tap, phone: ${unlike}` : ''}`]
  }

  it('lists every profile, in its own words, with the interfaces it has', () => {
    expect(rows).toEqual(names.map(rowOf))
  })

  it('has each in the table of purposes, and nothing else there', () => {
    const named = section('Profiles')
      .split('\n')
      .filter(line => line.startsWith('| '))
      .flatMap(line => [...line.matchAll(/`([a-z0-9]+(?:-[a-z0-9]+)*)`/g)].map(([, name]) => name))
    expect(named.toSorted()).toEqual(names.toSorted())
  })

  it('is what `tapdip-sim serve --card` offers', () => {
    const program = new Command()
    addServe(program)
    for (const command of program.commands) {
      const card = command.options.find(({ long }) => long === '--card')!
      expect(card.argChoices ?? card.description.split(': ').at(-1)!.split(', ')).toEqual(names)
    }
  })
})
