/** The drivers of the families, each loaded when the first of its readers is opened: a page has one reader, seldom two. */

import type * as here from './node.ts'

type Late<Name extends keyof typeof here> = (...args: Parameters<(typeof here)[Name]>) => ReturnType<(typeof here)[Name]>

export const openBluepad: Late<'openBluepad'> = async (...args) => (await import('../bluepad/driver.ts')).openBluepad(...args)
export const openIdtech: Late<'openIdtech'> = async (...args) => (await import('../idtech/driver.ts')).openIdtech(...args)
export const openMagtek: Late<'openMagtek'> = async (...args) => (await import('../magtek/driver.ts')).openMagtek(...args)
export const openMiura: Late<'openMiura'> = async (...args) => (await import('../miura/driver.ts')).openMiura(...args)
export const openQpos: Late<'openQpos'> = async (...args) => (await import('../qpos/driver.ts')).openQpos(...args)
export const openVpcd: Late<'openVpcd'> = async (...args) => (await import('../vpcd/driver.ts')).openVpcd(...args)
