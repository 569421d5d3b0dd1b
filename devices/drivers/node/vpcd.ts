/** The driver for vpcd, here at once. */

export { openVpcd } from '../../vpcd/driver.ts'
