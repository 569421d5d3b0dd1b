/** The driver for QPOS, here at once. */

export { openQpos } from '../../qpos/driver.ts'
