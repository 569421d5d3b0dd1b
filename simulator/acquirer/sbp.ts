/** QR codes of the virtual SBP: EMVCo's format, under a name that marks them as no real ones. */

import { isFault } from '../../src/errors.ts'
import type { Sale } from '../../src/payment/acquirer.ts'
import { encodeMerchantCode, parseMerchantCode } from '../../src/payment/receipt/qr-code.ts'

/** Globally unique identifier in the account information: `.test` is no domain that anybody can have (RFC 2606), so no bank's app pays such a code. */
const SYSTEM = 'test.tapdip.sbp'

/** `transaction`: the host's number of it. */
export function sbpPayload({ order, merchant, amount }: Sale, transaction: string, bill: string): string {
  const english = merchant.name.replace(/[^\x20-\x7e]/g, '').trim()
  return encodeMerchantCode({
    ...{ dynamic: true, system: SYSTEM, reference: transaction, category: '5999', currency: order.currency, amount },
    ...{ country: 'RU', name: (english || 'TAPDIP TEST').slice(0, 25), city: 'MOSCOW', bill, terminal: merchant.terminal },
    ...(english !== merchant.name && { localName: { language: 'RU', name: merchant.name.slice(0, 25) } }),
  })
}

/** The transaction that a code is for; undefined where it is no code of this host. */
export function sbpReference(payload: string): string | undefined {
  try {
    const { system, reference } = parseMerchantCode(payload)
    return system === SYSTEM ? reference : undefined
  } catch (error) {
    if (isFault(error, 'bad-argument')) return undefined
    throw error
  }
}
