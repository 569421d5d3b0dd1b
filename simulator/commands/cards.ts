/** `tapdip-sim cards`: the card profiles by name, with a sentence each, for whoever looks for one. */

import type { Command } from 'commander'
import type { CardInterface } from '../../src/emv/outcome.ts'
import { maskPan } from '../../src/mask.ts'
import { loadCard } from '../cards/icc.ts'
import { profiles } from '../cards/profiles/index.ts'

export function addCards(program: Command): void {
  program
    .command('cards')
    .description('the card profiles, with a sentence each: for --card of `serve` and `run`')
    .option('--json', 'one JSON array: name, sentence, masked number, interfaces and applications of each')
    .action(({ json }: { readonly json?: boolean }) => {
      const text = json ? JSON.stringify(cardsJson(), null, 2) : cardLines().join('\n')
      process.stdout.write(`${text}\n`)
    })
}

function cardLines(): string[] {
  const all = Object.entries(profiles)
  const width = Math.max(...all.map(([name]) => name.length))
  return all.map(([name, { about }]) => `${name.padEnd(width)}  ${about}`)
}

function cardsJson() {
  return Object.entries(profiles).map(([name, profile]) => {
    const { contact, contactless, stripe, plan } = loadCard(name)
    const has: Record<CardInterface, boolean> = { chip: contact !== undefined, tap: contactless !== undefined, swipe: stripe !== undefined }
    return {
      ...{ name, about: profile.about, pan: maskPan(profile.pan) },
      interfaces: (['chip', 'tap', 'swipe'] as const).filter(one => has[one]),
      applications: plan.applications.map(({ label }) => label),
      pin: profile.pin !== undefined,
    }
  })
}
