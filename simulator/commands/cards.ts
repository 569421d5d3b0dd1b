/** `tapdip-sim cards`: the card profiles by name, with a sentence each, for whoever looks for one. */

import type { Command } from 'commander'
import { language } from '../../src/command/line.ts'
import type { CardInterface } from '../../src/emv/outcome.ts'
import { maskPan } from '../../src/mask.ts'
import type { Language } from '../../src/messages/messages.ts'
import { cardsInRussian } from '../../src/messages/tools/cards.ts'
import { loadCard } from '../cards/icc.ts'
import type { CardProfile } from '../cards/profile/card-profile.ts'
import { profiles } from '../cards/profiles/index.ts'

export function addCards(program: Command): void {
  program
    .command('cards')
    .description('the card profiles, with a sentence each: for --card of `serve` and `run`')
    .option('--json', 'one JSON array: name, sentence, masked number, interfaces and applications of each')
    .action(({ json, lang }: { readonly json?: boolean; readonly lang?: string }) => {
      const sentence = sentenceIn(language(lang))
      const text = json ? JSON.stringify(cardsJson(sentence), null, 2) : cardLines(sentence).join('\n')
      process.stdout.write(`${text}\n`)
    })
}

type Sentence = (card: readonly [name: string, profile: CardProfile]) => string

const sentenceIn =
  (asked: Language): Sentence =>
  ([name, { about }]) =>
    (asked === 'ru' ? cardsInRussian[name] : undefined) ?? about

function cardLines(sentence: Sentence): string[] {
  const all = Object.entries(profiles)
  const width = Math.max(...all.map(([name]) => name.length))
  return all.map(card => `${card[0].padEnd(width)}  ${sentence(card)}`)
}

function cardsJson(sentence: Sentence) {
  return Object.entries(profiles).map(([name, profile]) => {
    const { contact, contactless, stripe, plan } = loadCard(name)
    const has: Record<CardInterface, boolean> = { chip: contact !== undefined, tap: contactless !== undefined, swipe: stripe !== undefined }
    return {
      ...{ name, about: sentence([name, profile]), pan: maskPan(profile.pan) },
      interfaces: (['chip', 'tap', 'swipe'] as const).filter(one => has[one]),
      applications: plan.applications.map(({ label }) => label),
      pin: profile.pin !== undefined,
    }
  })
}
