/** The driver for Miura, here at once. */

export { openMiura } from '../../miura/driver.ts'
