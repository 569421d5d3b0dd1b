/** The driver for vpcd, loaded when its first reader is opened: a page has one reader, seldom two. */

import type { openVpcd as here } from '../../vpcd/driver.ts'

export const openVpcd: typeof here = async (...args) => (await import('../../vpcd/driver.ts')).openVpcd(...args)
