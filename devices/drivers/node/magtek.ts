/** The driver for MagTek, here at once. */

export { openMagtek } from '../../magtek/driver.ts'
