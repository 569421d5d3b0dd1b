/** The driver for MagTek, loaded when its first reader is opened: a page has one reader, seldom two. */

import type { openMagtek as here } from '../../magtek/driver.ts'

export const openMagtek: typeof here = async (...args) => (await import('../../magtek/driver.ts')).openMagtek(...args)
