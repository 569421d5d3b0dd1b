/** The acquirer of a command, by its address: `https://…` and JSON, or `iso8583://host:port`. */

import { Fault } from '../../src/errors.ts'
import type { OrderAcquirer, RetailAcquirer } from '../../src/payment/acquirer.ts'
import { httpAcquirer } from '../../src/payment/http-acquirer.ts'
import { iso8583Acquirer } from '../../src/payment/iso8583-acquirer.ts'
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

/** @throws Fault `bad-argument`, `bad-uri` where the address is not one */
export function acquirerAt(address: string, terminal: string): CommandAcquirer {
  const [, place] = /^iso8583:\/\/(.+)$/.exec(address) ?? []
  if (place === undefined) return { acquirer: httpAcquirer(address, hostToken()), close: async () => {} }
  // As with http: the line has no encryption of its own, and a PAN never crosses a network in clear. A tunnel of the bank's ends on this machine.
  if (!/^(127\.0\.0\.1|localhost|\[::1\]):\d+$/.test(place))
    throw new Fault('bad-argument', `acquirer address '${address}': iso8583 is for this machine only, where a tunnel to the bank ends`, {
      field: 'acquirer',
    })
  const acquirer = iso8583Acquirer({ connect: ({ signal }) => connect(`tcp://${place}`, { signal }), terminal })
  return { acquirer, close: () => acquirer.close() }
}
