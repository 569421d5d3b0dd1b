/** The driver for QPOS, loaded when its first reader is opened: a page has one reader, seldom two. */

import type { openQpos as here } from '../../qpos/driver.ts'

export const openQpos: typeof here = async (...args) => (await import('../../qpos/driver.ts')).openQpos(...args)
