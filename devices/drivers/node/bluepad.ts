/** The driver for BluePad, here at once. */

export { openBluepad } from '../../bluepad/driver.ts'
