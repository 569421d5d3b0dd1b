/** The acquirer of a command, by its address: `https://…` and JSON, or `iso8583://host:port`. */

import { isFault } from '../../src/errors.ts'
import type { OrderAcquirer, RetailAcquirer } from '../../src/payment/acquirer.ts'
import { httpAcquirer } from '../../src/payment/http-acquirer.ts'
import { iso8583Acquirer } from '../../src/payment/iso8583-acquirer.ts'
import { usageFault } from '../../src/refusal.ts'
import { connect } from '../../src/transport/connect.ts'

/** Close it, and no connection is left. */
export interface CommandAcquirer {
  /** Cash and SBP are for the JSON interface: ISO 8583 has no message for them. */
  readonly acquirer: OrderAcquirer & Partial<RetailAcquirer>
  close(): Promise<void>
}

/** Of a host that asks everybody for a token; not for a command line. */
function hostToken(): { readonly token?: string } {
  const { TAPDIP_ACQUIRER_TOKEN: token } = process.env
  return token === undefined || token === '' ? {} : { token }
}

/** As with http: the line has no encryption of its own, and a PAN never crosses a network in clear. A tunnel of the bank's ends on this machine. */
const ISO_ADDRESS = 'iso8583://127.0.0.1:<1–65535>'

/** @throws Fault `bad-argument` where the address is none */
export function acquirerAt(address: string, terminal: string): CommandAcquirer {
  const [, place] = /^iso8583:\/\/(.*)$/s.exec(address) ?? []
  const refused = (value: unknown, allowed: string) => usageFault('usage.oneOf', { field: '--acquirer', value: String(value), allowed })
  if (place === undefined) {
    try {
      return { acquirer: httpAcquirer(address, hostToken()), close: async () => {} }
    } catch (error) {
      if (!isFault(error, 'bad-argument') || error.details.field !== 'acquirer') throw error
      throw refused(error.details.value, `${error.details.allowed}, ${ISO_ADDRESS}`)
    }
  }
  const [, digits] = /^(?:127\.0\.0\.1|localhost|\[::1\]):(\d{1,5})\/?$/.exec(place) ?? []
  if (!(Number(digits) >= 1 && Number(digits) <= 65535)) throw refused(address, ISO_ADDRESS)
  const acquirer = iso8583Acquirer({ connect: ({ signal }) => connect(`tcp://${place}`, { signal }), terminal })
  return { acquirer, close: () => acquirer.close() }
}
