/** The kernels of a configuration, each under the reader's own rule of verification. */

import { equal } from '../../bytes.ts'
import * as door from '../../door.ts'
import {
  amexLimitSets,
  type ContactlessConfig,
  type ContactlessScheme,
  contactlessRule,
  kernelData,
  kernelOf,
  type SchemeRules,
  schemeKernels,
  visaLimitSets,
} from './config.ts'
import type { ContactlessKernel } from './entry.ts'
import { amexKernel } from './kernels/amex.ts'
import { discoverKernel } from './kernels/discover.ts'
import { jcbKernel } from './kernels/jcb.ts'
import { mirKernel } from './kernels/mir.ts'
import { unionPayKernel } from './kernels/unionpay.ts'
import { visaKernel } from './kernels/visa.ts'
import type { DataExchangeHandler } from './mastercard/exchange.ts'
import { mastercardKernel } from './mastercard/mastercard.ts'
import type { TornLog } from './mastercard/torn-log.ts'
import { UI } from './outcome.ts'
import type { KernelEnvironment } from './session.ts'

/** A kernel for each row of a configuration: by its identifier, and by the AID where several rows have one kernel under rules of their own. */
export function kernelsOf(
  config: ContactlessConfig,
  environment: KernelEnvironment,
  torn?: TornLog,
  exchange?: DataExchangeHandler,
): (id: Uint8Array, aid?: Uint8Array) => ContactlessKernel | undefined {
  door.need('config', config, contactlessRule)
  door.need('environment', environment, door.object)
  const fastDda00Of = ({ fastDda00 }: SchemeRules) => ({ ...(fastDda00 !== undefined && { fastDda00 }) })
  const makers: Record<ContactlessScheme, (rules: SchemeRules) => ContactlessKernel> = {
    mastercard: rules => mastercardKernel(environment, { data: kernelData(rules), ...(torn && { torn }), ...(exchange && { exchange }) }),
    visa: rules => visaKernel(environment, { data: kernelData(rules), limitSets: visaLimitSets(rules), ...fastDda00Of(rules) }),
    mir: rules => mirKernel(environment, { data: kernelData(rules) }),
    amex: rules => amexKernel(environment, { data: kernelData(rules), limitSets: amexLimitSets(rules) }),
    discover: rules => discoverKernel(environment, { data: kernelData(rules) }),
    jcb: rules =>
      jcbKernel(environment, { data: kernelData(rules), ...(rules.randomSelection && { randomSelection: rules.randomSelection }) }),
    unionpay: rules => unionPayKernel(environment, { data: kernelData(rules), ...fastDda00Of(rules) }),
  }
  const rows = config.schemes.map(rules => {
    const name = kernelOf(rules)
    const make = () => verifying(rules, makers[name](rules))
    // Kernel 2 refuses what a configuration asks of it in vain, and does so before any card is asked for.
    return { id: rules.kernelId ?? schemeKernels[name], aids: rules.aids, kernel: name === 'mastercard' ? make() : whenRun(make) }
  })
  return (id, aid) => {
    const own = rows.filter(one => equal(one.id, id))
    return (own.find(({ aids }) => aid && aids.some(one => equal(one, aid))) ?? own[0])?.kernel
  }
}

/** A tap runs one kernel of all that are configured: the others are not made. */
function whenRun(make: () => ContactlessKernel): ContactlessKernel {
  let kernel: ContactlessKernel | undefined
  return activation => {
    kernel ??= make()
    return kernel(activation)
  }
}

/**
 * A reader's own rule above those of its kernels: from the scheme's limit on, an outcome that has verified nobody sends the card to another interface. Some kernels
 * decline or switch by themselves; kernel 2 leaves it to the action codes (Book C-2, CVM.24), and a D-PAS card may fall back to none (Book C-6). Limits of a card's
 * own set (dynamic reader limits) are its kernel's to hold.
 */
function verifying({ verifyFrom, dynamicLimits }: SchemeRules, kernel: ContactlessKernel): ContactlessKernel {
  return async activation => {
    const outcome = await kernel(activation)
    const { amount, type } = activation.transaction
    if (activation.restart || dynamicLimits || type === 'refund' || amount < verifyFrom) return outcome
    if ((outcome.status !== 'approved' && outcome.status !== 'onlineRequest') || (outcome.cvm ?? 'none') !== 'none') return outcome
    const { dataRecord, discretionaryData } = outcome
    return {
      status: 'tryAnotherInterface',
      alternateInterface: 'contact',
      uiOnOutcome: { message: UI.insertCard, status: 'notReady' },
      ...(dataRecord && { dataRecord }),
      ...(discretionaryData && { discretionaryData }),
    }
  }
}
