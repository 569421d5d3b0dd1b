/** The kernels of a page, for readers that pass cards through: loaded by the first payment that needs them. */

export function kernels(): Promise<typeof import('../../reader/host/payment.ts')> {
  return import('../../reader/host/payment.ts')
}
