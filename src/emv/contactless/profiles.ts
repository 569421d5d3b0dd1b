/** Ready rules for taps: for each region of `regions`, and for any other currency. */

import { currency as currencyOf } from '../../currency.ts'
import * as door from '../../door.ts'
import { elsewhere, type Region, regionOf } from '../regions.ts'
import type { ContactlessConfig, ContactlessScheme, SchemeRules } from './config.ts'
import { parseContactlessConfig } from './config-schema.ts'

/** What of a ready profile's rules an acquirer sets: minor units of its currency. */
export type TapChanges = Partial<Pick<SchemeRules, 'verifyFrom' | 'refuseFrom' | 'offlineUpTo'>>

/**
 * TTQ: EMV mode, contact chip, online PIN, signature, consumer device CVM; for UnionPay fDDA version 01 too. Action codes of Mir and Mastercard are assumed, as in
 * `profiles` of the chip; those of Amex and JCB are their kernels' defaults.
 */
const rows: Readonly<Record<ContactlessScheme, object>> = {
  mir: {
    aids: ['A0000006581010', 'A0000006581099', 'A0000006582010'],
    data: { DF8120: 'FC60242800', DF8121: '0010000000', DF8122: 'FC60ACF800' },
  },
  visa: { aids: ['A0000000031010', 'A0000000032010', 'A0000000032020'], ttq: '36004000' },
  mastercard: {
    aids: ['A0000000041010', 'A0000000043060'],
    data: { DF8120: 'F450848000', DF8121: '0000000000', DF8122: 'F45084800C', DF811D: '01', DF811B: '30' },
  },
  unionpay: { aids: ['A000000333010101', 'A000000333010102', 'A000000333010103'], ttq: '36004080' },
  jcb: { aids: ['A0000000651010'] },
  amex: { aids: ['A00000002501'] },
  discover: { aids: ['A0000001523010'], ttq: '36004000' },
}

/** Every scheme of a region under its one limit; everything goes online. */
function rulesOf({ currency, systems, tap }: Region, changes: TapChanges): ContactlessConfig {
  const rules = { verifyFrom: tap.verifyFrom, offlineUpTo: 0n, ...changes }
  return parseContactlessConfig({
    currencyCode: currencyOf(currency).numeric,
    schemes: systems.map(scheme => ({ scheme, ...rows[scheme], ...rules })),
  })
}

/**
 * What is accepted by tap in a currency (`GBP`, 826): the schemes of its region, verified from the limit of `regions` on. In a currency that has no region there
 * every tap is verified. @throws Fault `bad-argument` for no currency, `bad-config`
 */
export function contactlessFor(currency: string | number, changes: TapChanges = {}): ContactlessConfig {
  door.need('changes', changes, door.object)
  return rulesOf(regionOf(currency) ?? elsewhere(currencyOf(currency)), changes)
}

/** Contactless acceptance of a Russian mPOS: every scheme under one rule, below 3000.00 RUB nobody is verified. @throws Fault `bad-config` */
export function russianContactless(changes: TapChanges = {}): ContactlessConfig {
  return contactlessFor('RUB', changes)
}
