/** The drivers of the families, here at once. */

export { openBluepad } from '../bluepad/driver.ts'
export { openIdtech } from '../idtech/driver.ts'
export { openMagtek } from '../magtek/driver.ts'
export { openMiura } from '../miura/driver.ts'
export { openQpos } from '../qpos/driver.ts'
export { openVpcd } from '../vpcd/driver.ts'
