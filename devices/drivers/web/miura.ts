/** The driver for Miura, loaded when its first reader is opened: a page has one reader, seldom two. */

import type { openMiura as here } from '../../miura/driver.ts'

export const openMiura: typeof here = async (...args) => (await import('../../miura/driver.ts')).openMiura(...args)
