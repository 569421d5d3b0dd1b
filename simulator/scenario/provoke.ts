/** Every error on demand: which scenario of `scenarios/provoke/` ends in which code, at which readers, and where a code that no scenario ends in is tested. */

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { TVR } from '../../src/emv/data.ts'
import type { Reason } from '../../src/emv/outcome.ts'
import type { FaultCode } from '../../src/errors.ts'
import { type MessageId, messageIds } from '../../src/messages/messages.ts'
import type { PaymentReason } from '../../src/payment/journal/recorder.ts'
import type { Same } from '../same.ts'
import type { Case } from './matrix.ts'
import { casesIn, shippedScenarios } from './suite.ts'

export const provokeKinds = ['fault', 'reason', 'tvr'] as const
export type ProvokeKind = (typeof provokeKinds)[number]

/** A way in which something ends. */
export interface ProvokeCode {
  readonly kind: ProvokeKind
  /** `card-mute`, `cardMute`, `TVR.expired`. */
  readonly code: string
}

type After<Kind extends string, Id> = Id extends `${Kind}.${infer Name}` ? Name : never
type NamedFault = Exclude<After<'fault', MessageId>, 'details'>
type NamedReason = After<'reason', MessageId>

/** The table of messages names every code of a Fault and every reason of a payment, those of an Outcome among them, and no other: a difference does not compile. */
export const unionsAreWhole: readonly [
  Same<NamedFault, FaultCode>,
  Same<NamedReason, PaymentReason>,
  Same<Reason & PaymentReason, Reason>,
] = [true, true, true]

const named = (kind: ProvokeKind) =>
  messageIds.filter(id => id.startsWith(`${kind}.`) && id !== 'fault.details').map(id => ({ kind, code: id.slice(kind.length + 1) }))

/** All of them: codes of Faults, reasons, bits of TVR. */
export const provokeCodes: readonly ProvokeCode[] = [
  ...named('fault'),
  ...named('reason'),
  ...Object.keys(TVR).map(bit => ({ kind: 'tvr' as const, code: `TVR.${bit}` })),
]

/** Why no scenario ends in a code, and the test that covers it. */
export interface Elsewhere {
  readonly why: string
  readonly test: string
}

const ownFunction = 'a function of the library throws it; a reader or a payment makes an outcome of it'
const kernelOutcome = 'a Card throws it, and the kernel makes a reason of it'
const byTill = 'an acquirer client throws it; payment and till make an outcome of it, reason or unknown'

/** Codes that no scenario ends in. */
export const elsewhere: Readonly<Record<string, Elsewhere>> = {
  'bad-hex': { why: ownFunction, test: 'test/devices/commands/command-line.test.ts' },
  'bad-config': { why: 'what is configured wrong is refused before anything begins', test: 'test/emv/config.test.ts' },
  'bad-uri': { why: 'a reader by URI is opened before a scenario begins', test: 'test/devices/open.test.ts' },
  tlv: { why: ownFunction, test: 'test/tlv/ber.test.ts' },
  dol: { why: ownFunction, test: 'test/tlv/dol.test.ts' },
  apdu: { why: ownFunction, test: 'test/apdu/apdu.test.ts' },
  'bad-swipe': { why: ownFunction, test: 'test/src/magstripe.test.ts' },
  'bad-key': { why: ownFunction, test: 'test/emv/oda/oda.test.ts' },
  'card-removed': { why: kernelOutcome, test: 'test/simulator/cards/card-behaviour.test.ts' },
  'card-mute': { why: kernelOutcome, test: 'test/simulator/cards/card-behaviour.test.ts' },
  'link-failed': { why: 'a link that cannot be opened; that of a virtual reader always can', test: 'test/reader/reconnect.test.ts' },
  'missing-library': { why: 'a package that is not installed; a virtual reader needs none', test: 'test/payment/pay/blame.test.ts' },
  'host-no-answer': { why: byTill, test: 'test/simulator/acquirer/acquirer.test.ts' },
  'host-error': { why: byTill, test: 'test/simulator/acquirer/acquirer.test.ts' },
  internal: { why: 'an invariant of ours broke: nothing that is known leads to it', test: 'test/payment/pay/blame.test.ts' },
  kernelUnsupported: {
    why: 'the rules for taps of a virtual reader name only payment systems that it has a kernel for',
    test: 'test/payment/pay/abroad.test.ts',
  },
}

/** A code with its scenario, where there is one: `can` are the cases that end in it, one for each reader, `cannot` those that are skipped. */
export interface Recipe extends ProvokeCode {
  readonly file?: string
  readonly can: readonly Case[]
  readonly cannot: readonly Case[]
  readonly elsewhere?: Elsewhere
}

/** Where a code's scenario lies. */
export function recipeFile({ kind, code }: ProvokeCode, folder = shippedScenarios()): string {
  return join(folder, 'provoke', kind, `${code.replace(/^TVR\./, '')}.yaml`)
}

/** @throws Fault `bad-config` for a file that is no scenario */
export function recipeOf(one: ProvokeCode, folder?: string): Recipe {
  const file = recipeFile(one, folder)
  const other = elsewhere[one.code]
  if (!existsSync(file)) return { ...one, can: [], cannot: [], ...(other && { elsewhere: other }) }
  const cases = casesIn([file])
  return {
    ...{ ...one, file },
    can: cases.filter(({ plan }) => plan.skip === undefined),
    cannot: cases.filter(({ plan }) => plan.skip !== undefined),
    ...(other && { elsewhere: other }),
  }
}

/** What the list of recipes lacks, or has too much: a sentence for each, none where it is whole. */
export function gaps(recipes: readonly Recipe[], readers: readonly string[]): string[] {
  return provokeCodes.flatMap(({ kind, code }) => {
    const recipe = recipes.find(one => one.code === code && one.kind === kind)
    if (!recipe) return [`${code} is not in the list`]
    const { can, cannot, elsewhere: other } = recipe
    if (other) return can.length + cannot.length > 0 ? [`${code} has a scenario, and a row that says that it has none`] : []
    if (can.length === 0) return [`no scenario ends in ${code}`]
    const named = [...can, ...cannot].map(({ matrix }) => matrix.reader)
    return readers.filter(reader => !named.includes(reader)).map(reader => `${code}: nothing is said of ${reader}`)
  })
}
