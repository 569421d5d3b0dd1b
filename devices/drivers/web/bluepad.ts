/** The driver for BluePad, loaded when its first reader is opened: a page has one reader, seldom two. */

import type { openBluepad as here } from '../../bluepad/driver.ts'

export const openBluepad: typeof here = async (...args) => (await import('../../bluepad/driver.ts')).openBluepad(...args)
