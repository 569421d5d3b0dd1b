/** The driver for ID TECH, here at once. */

export { openIdtech } from '../../idtech/driver.ts'
