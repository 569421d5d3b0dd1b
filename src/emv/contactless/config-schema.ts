/** Checks a contactless configuration, written in TypeScript or as JSON. */

import * as z from 'zod'
import { fromHex, hex } from '../../bytes.ts'
import { usageFault } from '../../refusal.ts'
import { bytes, checkedConfig, currencyCode, dataObjects, minorUnits, randomSelection } from '../config-schema.ts'
import { type ContactlessScheme, contactlessSchemes, kernelIdentifier, knownScheme } from '../schemes.ts'
import type { ContactlessConfig } from './config.ts'
import { figures } from './figures.ts'

const scheme = z
  .strictObject({
    scheme: z.string().regex(/^[a-z0-9][a-z0-9 -]{0,31}$/, '1 to 32 small letters, digits, blanks and hyphens'),
    kernel: z.enum(contactlessSchemes).optional(),
    kernelId: bytes(1, 8).optional(),
    aids: z.array(bytes(5, 16)).min(1).optional(),
    types: z.array(z.enum(['purchase', 'cash', 'cashback', 'refund'])).optional(),
    verifyFrom: minorUnits.refine(value => value > 0n, { error: 'above 0: a kernel that compares with > cannot verify an amount of 0' }),
    refuseFrom: minorUnits.refine(value => value > 0n, { error: 'above 0' }).optional(),
    refuseOnDeviceFrom: minorUnits.refine(value => value > 0n, { error: 'above 0' }).optional(),
    offlineUpTo: minorUnits.default(0n),
    zeroAmountAllowed: z.boolean().optional(),
    statusCheck: z.boolean().optional(),
    extendedSelection: z.boolean().optional(),
    ttq: bytes(4).optional(),
    dynamicLimits: z
      .array(
        z.strictObject({
          programId: bytes(1, 16).optional(),
          set: z.int().min(0).max(15).optional(),
          verifyFrom: minorUnits.optional(),
          refuseFrom: minorUnits.refine(value => value > 0n, { error: 'above 0' }).optional(),
          offlineUpTo: minorUnits.optional(),
          zeroAmountAllowed: z.boolean().optional(),
          statusCheck: z.boolean().optional(),
        }),
      )
      .optional(),
    randomSelection: randomSelection.optional(),
    fastDda00: z.boolean().optional(),
    data: dataObjects(0).default(new Map()),
  })
  .superRefine((it, context) => {
    const rule = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message })
    const [kernel, known] = [kernelNamed(it), knownScheme(it.scheme)]
    if (!it.aids && !known) rule('aids', `${it.scheme} has no AIDs of its own here`)
    if (it.kernelId && !kernelIdentifier(it.kernelId))
      rule('kernelId', 'names a kernel: one byte 01 to 7F, or a domestic one of 3 to 8 (EMV Contactless Book B, table 3-6)')
    if (it.kernel && isKernel(it.scheme) && it.kernel !== it.scheme) rule('kernel', `${it.scheme} cards have their own kernel`)
    if (!kernel) {
      if (!known) rule('kernel', `whose kernel takes the cards of ${it.scheme}: ${contactlessSchemes.join(', ')}`)
      if (known && known.kernels.length > 1) rule('kernel', `${it.scheme} cards ask for ${known.kernels.join(' or ')}: one row for each`)
      return
    }
    const needsTtq = kernel === 'visa' || kernel === 'discover' || kernel === 'unionpay'
    if (needsTtq && !it.ttq) rule('ttq', `${kernel} cards ask for Terminal Transaction Qualifiers (9F66)`)
    if (it.refuseFrom !== undefined && it.refuseOnDeviceFrom !== undefined && it.refuseOnDeviceFrom < it.refuseFrom)
      rule('refuseOnDeviceFrom', 'not below refuseFrom: a verified holder may pay more, not less')
    if (it.refuseOnDeviceFrom !== undefined && !figures[kernel]?.some(([, one]) => one === 'refuseOnDeviceFrom'))
      rule('refuseOnDeviceFrom', `${kernel} has one limit for all: refuseFrom`)
    if (it.randomSelection && kernel !== 'jcb') rule('randomSelection', `${kernel} selects none at random: JCB does`)
    else if (it.randomSelection && it.randomSelection.threshold > it.offlineUpTo)
      rule('randomSelection', 'threshold not above offlineUpTo: it selects below the floor limit')
    if (it.fastDda00 !== undefined && kernel !== 'visa' && kernel !== 'unionpay')
      rule('fastDda00', `${kernel} has no fast DDA: Visa and UnionPay have`)
    const key = kernel === 'visa' ? 'programId' : kernel === 'amex' ? 'set' : undefined
    for (const [i, one] of it.dynamicLimits?.entries() ?? []) {
      const named = one.programId ? 'programId' : 'set'
      if (!key) rule(`dynamicLimits.${i}`, `${kernel} has no dynamic reader limits: Visa and American Express have`)
      else if (one[key] === undefined || (one.programId && one.set !== undefined))
        rule(`dynamicLimits.${i}`, `by ${key}, not by ${one[named] === undefined ? 'nothing' : named}`)
      if (kernel === 'amex' && (one.zeroAmountAllowed !== undefined || one.statusCheck !== undefined))
        rule(`dynamicLimits.${i}`, 'zero amount and status check are no limits of American Express')
    }
    for (const [tag] of figures[kernel] ?? [])
      if (it.data.has(tag)) rule('data', `${hex(Uint8Array.of(tag >> 16, (tag >> 8) & 0xff, tag & 0xff))} is derived from the rules`)
  })
  .transform(({ scheme, kernel, kernelId, aids, ...rest }) => ({
    ...{ scheme, aids: aids ?? knownScheme(scheme)?.aids.map(aid => fromHex(aid)) ?? [] },
    ...(!isKernel(scheme) && { kernel: kernel ?? knownScheme(scheme)?.kernels[0] }),
    ...(kernelId && { kernelId: kernelIdentifier(kernelId)! }),
    ...rest,
  }))

const configuration = z
  .strictObject({ currencyCode, schemes: z.array(scheme).min(1), routing: z.array(z.string()).min(1).optional() })
  .superRefine(({ currencyCode: code, schemes, routing = [] }, context) => {
    const rule = (path: (string | number)[], message: string) => context.addIssue({ code: 'custom', path, message })
    if (routing.length > 0 && code === ROUBLE) rule(['routing'], 'in Russia the card’s own priority decides, not the merchant')
    for (const [at, name] of routing.entries())
      if (!schemes.some(one => one.scheme === name) || routing.indexOf(name) < at)
        rule(['routing', at], `'${name}' is a scheme of these rules, once`)
  })

/** ISO 4217 numeric. */
const ROUBLE = 643

function isKernel(name: string): name is ContactlessScheme {
  return (contactlessSchemes as readonly string[]).includes(name)
}

/** The kernel of a row as it was written; undefined where it has to be named, or there is none. */
function kernelNamed({
  scheme,
  kernel,
}: {
  readonly scheme: string
  readonly kernel?: ContactlessScheme | undefined
}): ContactlessScheme | undefined {
  const known = knownScheme(scheme)?.kernels ?? []
  return kernel ?? (isKernel(scheme) ? scheme : known.length === 1 ? known[0] : undefined)
}

/**
 * Checks a configuration, as TypeScript or JSON (hex for bytes, digits for amounts).
 * @throws Fault `bad-config` with details.path and details.rule; the message has all of them. `unsupported` for a payment system by name whose kernel is not public,
 * where no other one is named to take its cards
 */
export function parseContactlessConfig(input: unknown): ContactlessConfig {
  const config = checkedConfig(configuration, input)
  for (const { scheme, kernel } of config.schemes)
    if (!isKernel(scheme) && !kernel)
      throw usageFault('usage.kernelNotPublic', { field: 'scheme', value: scheme, kernel: ownKernel(scheme) }, 'unsupported')
  return config
}

function ownKernel(scheme: string): string {
  return knownScheme(scheme)?.own ?? scheme
}
