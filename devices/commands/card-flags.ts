/** Flags of `tapdip pay` and `tapdip order pay` about the card: the interfaces it may use, and what happens when its chip cannot be read. */

import type { Command } from 'commander'
import { matching, textOf, wholeNumber } from '../../src/command/flags.ts'
import type { CardInterface } from '../../src/emv/outcome.ts'
import { type FallbackRules, fallbackRules } from '../../src/payment/pay/fallback.ts'
import type { PayOptions } from '../../src/payment/pay/payment.ts'
import { oneOf } from '../../src/refusal.ts'

export interface CardFlags {
  readonly interfaces?: string
  readonly prefer?: string
  readonly fallback?: string
  readonly fallbackTries?: number
  readonly fallbackNotFor?: string
}

const interfaces = ['chip', 'tap', 'swipe'] as const
const standIns = ['swipe', 'tap'] as const

export function cardOptions(command: Command): Command {
  return command
    .option('--interfaces <list>', `${interfaces.join(', ')}, with commas between them; all that the reader has when left out`)
    .option('--prefer <list>', 'payment systems that come first on the list of a co-badged chip, with commas between them: MIR')
    .option('--fallback <list>', `what may stand in for a chip that cannot be read: ${standIns.join(', ')}, or none; swipe when left out`)
    .option(
      '--fallback-tries <number>',
      'how often such a card is asked for again before; 2 when left out',
      wholeNumber('--fallback-tries', 0, 9),
    )
    .option('--fallback-not-for <list>', 'first 2 to 6 digits of card numbers whose stripe may not stand in for the chip')
}

/** @throws Fault `bad-argument` */
export function readCardFlags({
  interfaces: given,
  prefer,
  fallback,
  fallbackTries,
  fallbackNotFor,
}: CardFlags): Pick<PayOptions, 'interfaces' | 'fallback' | 'prefer'> {
  const rules: FallbackRules = {
    ...(fallback !== undefined && { to: fallback === 'none' ? [] : listOf('--fallback', fallback, standIns) }),
    ...(fallbackTries !== undefined && { tries: fallbackTries }),
    ...(fallbackNotFor !== undefined && { notFor: fallbackNotFor.split(',').map(beginning) }),
  }
  fallbackRules(rules)
  return {
    ...(given !== undefined && { interfaces: listOf<CardInterface>('--interfaces', given, interfaces) }),
    ...(prefer !== undefined && { prefer: prefer.split(',').map(one => textOf('--prefer', 1, 64)(one.trim())) }),
    ...(Object.keys(rules).length > 0 && { fallback: rules }),
  }
}

/** Of a card number. @throws Fault `bad-argument` */
function beginning(digits: string): string {
  return matching('--fallback-not-for', /^\d{2,6}$/, '0-9, 2–6')(digits.trim())
}

function listOf<T extends string>(flag: string, text: string, values: readonly T[]): T[] {
  const words = text.split(',').map(word => word.trim())
  return [...new Set(words)].map(word => oneOf(flag, word, values))
}
