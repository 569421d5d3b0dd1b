/** Mir, Protocol 1: ordinary EMV over contactless, with CDA. The kernel's book is not public: docs/emv-coverage.md says what is seen, derived, assumed. */

import { Fault } from '../../../errors.ts'
import type { Step } from '../../explain/explain.ts'
import type { ContactlessKernel } from '../entry.ts'
import { giveUp, mastercardDefaults, setCapabilities } from '../mastercard/data.ts'
import { Exchange } from '../mastercard/exchange.ts'
import { emvMode } from '../mastercard/mastercard.ts'
import { selectNext } from '../mastercard/outcome.ts'
import { UI } from '../outcome.ts'
import { cardError, getProcessingOptions, type KernelEnvironment, keepResponse, lacking, newSession } from '../session.ts'

export interface MirSettings {
  /** Data objects of the kernel: DF51–DF54 (limits, from `kernelData`), action codes as DF8120–DF8122. */
  readonly data?: ReadonlyMap<number, Uint8Array>
}

/** Mir's limits by kernel 2's tags for the same rule with the same sign: amounts above the figure. */
const sameRule = new Map([
  [0xdf51, 0xdf8123],
  [0xdf52, 0xdf8126],
  [0xdf53, 0xdf8124],
  [0xdf54, 0xdf8125],
])

/** Objects in the FCI that tell of Protocol 2 (guess of the facts sheet: DF6F Operation DOL, DF70 Application Information). */
const protocol2 = [0xdf6f, 0xdf70]

/** Verification and action codes go as in kernel 2 by likeness alone; the rest follows from what cards of Protocol 1 and SDKs do. */
const assumed: readonly Step[] = ['cardholderVerification', 'terminalActionAnalysis']

/** Rules of other Books as this kernel's: it goes by them, and none of them is its own. */
function asMir({ options, ...environment }: KernelEnvironment): KernelEnvironment {
  const { explain } = options ?? {}
  if (!explain) return { ...environment, ...(options && { options }) }
  const told = (rule: string, step: Step) =>
    rule.replace(/^Book [^:]*/, head => `Mir, as ${head} [${assumed.includes(step) ? 'assumed' : 'derived'}]`)
  return { ...environment, options: { ...options, explain: entry => explain({ ...entry, rule: told(entry.rule, entry.step) }) } }
}

/**
 * Protocol 1. A card that speaks Protocol 2 is refused by name, in the explanation and with "insert card": its commands are not public.
 * CVM on a phone is taken from AIP B1b2, as kernel 2 does (assumed).
 */
export function mirKernel(environment: KernelEnvironment, settings: MirSettings = {}): ContactlessKernel {
  const mirEnvironment = asMir(environment)
  const own = new Map([
    ...mastercardDefaults,
    [0xdf811b, Uint8Array.of(0xa0)],
    [0x9f1d, new Uint8Array()],
    [0x9f09, Uint8Array.of(1, 0)],
  ] as const)
  for (const [tag, value] of settings.data ?? []) own.set(sameRule.get(tag) ?? tag, value)
  return async activation => {
    const kernel = newSession(activation, mirEnvironment, own)
    setCapabilities(kernel)
    try {
      if (protocol2.some(tag => activation.fci.objects.has(tag)))
        throw new Fault('unsupported', 'the card speaks Mir Protocol 2, whose commands are not public', { feature: 'mir protocol 2' })
      const { sw, data } = await getProcessingOptions(kernel)
      if (sw !== 0x9000) return selectNext(kernel, 'statusBytes', sw)
      keepResponse(kernel, data)
      if (lacking(kernel, [0x82, 0x94]).length > 0) return giveUp(kernel, 'cardDataMissing')
      return await emvMode(kernel, activation, kernel.data.card.get(0x94)!, new Exchange(kernel, undefined))
    } catch (fault) {
      if (fault instanceof Fault && fault.code === 'unsupported') {
        kernel.note({ rule: `Mir: ${fault.message}` }, () => 'try another interface')
        return {
          status: 'tryAnotherInterface',
          alternateInterface: 'contact',
          uiOnOutcome: { message: UI.insertCard, status: 'notReady' },
        }
      }
      const { error, sw } = cardError(fault)
      return giveUp(kernel, error, sw)
    }
  }
}
