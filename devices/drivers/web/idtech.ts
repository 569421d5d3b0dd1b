/** The driver for ID TECH, loaded when its first reader is opened: a page has one reader, seldom two. */

import type { openIdtech as here } from '../../idtech/driver.ts'

export const openIdtech: typeof here = async (...args) => (await import('../../idtech/driver.ts')).openIdtech(...args)
