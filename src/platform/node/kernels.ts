/** The kernels of this machine, for readers that pass cards through: here at once, for a payment on virtual time waits for no file. */

import * as hostPayment from '../../reader/host/payment.ts'

export function kernels(): typeof hostPayment {
  return hostPayment
}
