/** The faces by name, and which one a reader has. */

import type { Face } from './face.ts'
import { keypad } from './keypad.ts'

const none = { keys: [] } as const

export const faces = {
  'qpos-mini': {
    ...{ title: 'QPOS mini', width: 64, height: 112, radius: 9, shell: 'dark' },
    display: { box: [8, 15, 48, 26], glass: 'lcd', columns: 18 },
    keys: keypad([8, 47, 48, 57], 2.6, ['1 2 3', '4 5 6', '7 8 9', '. 0 .', 'cancel clear enter']),
    lights: { x: 32, y: 7.5, gap: 7 },
    slot: { x: 4.5, width: 55 },
    swipe: { edge: 'right' },
    antenna: { x: 32, y: 28, radius: 17 },
  },
  'bluepad-50': {
    ...{ title: 'BluePad-50', width: 68, height: 118, radius: 11, shell: 'light' },
    display: { box: [9, 17, 50, 30], glass: 'lcd', columns: 18 },
    keys: keypad([9, 53, 50, 57], 2.2, ['1 2 3', '4 5 6', '7 8 9', 'cancel 0 clear', 'enter enter enter']),
    lights: { x: 34, y: 8.5, gap: 8 },
    slot: { x: 6.5, width: 55 },
    swipe: { edge: 'right' },
    antenna: { x: 34, y: 32, radius: 18 },
  },
  'miura-m010': {
    ...{ title: 'M010', width: 70, height: 116, radius: 6, shell: 'dark' },
    display: { box: [8, 14, 54, 30], glass: 'blue', columns: 21 },
    keys: keypad([8, 50, 54, 58], 3, ['1 2 3', '4 5 6', '7 8 9', '. 0 .', 'cancel clear enter']),
    lights: { x: 35, y: 7, gap: 9 },
    slot: { x: 7.5, width: 55 },
    swipe: { edge: 'left' },
    antenna: { x: 35, y: 29, radius: 18 },
  },
  tdynamo: {
    ...{ title: 'tDynamo', width: 66, height: 66, radius: 8, shell: 'dark', ...none },
    lights: { x: 33, y: 9, gap: 9 },
    slot: { x: 5.5, width: 55 },
    swipe: { edge: 'right' },
    antenna: { x: 33, y: 36, radius: 18 },
  },
  dynaflex: {
    ...{ title: 'DynaFlex II PED', width: 80, height: 108, radius: 7, shell: 'dark' },
    display: { box: [8, 14, 64, 36], glass: 'colour', columns: 21 },
    keys: keypad([10, 55, 60, 46], 2, ['1 2 3', '4 5 6', '7 8 9', 'clear 0 .', 'cancel cancel cancel enter enter enter']),
    lights: { x: 40, y: 7, gap: 11 },
    slot: { x: 12.5, width: 55 },
    swipe: { edge: 'right' },
    antenna: { x: 40, y: 32, radius: 18 },
  },
  'dynaflex-go': {
    ...{ title: 'DynaFlex II Go', width: 64, height: 84, radius: 8, shell: 'dark', ...none },
    lights: { x: 32, y: 10, gap: 9 },
    slot: { x: 4.5, width: 55 },
    swipe: { edge: 'right' },
    antenna: { x: 32, y: 44, radius: 20 },
  },
  vp3300: {
    ...{ title: 'VP3300', width: 64, height: 58, radius: 5, shell: 'light', ...none },
    lights: { x: 32, y: 8, gap: 9 },
    slot: { x: 4.5, width: 55 },
    swipe: { edge: 'right' },
    antenna: { x: 32, y: 32, radius: 17 },
  },
  phone: {
    ...{ title: 'SoftPOS', width: 68, height: 128, radius: 10, shell: 'handset', glass: [3.5, 9, 61, 110] },
    display: { box: [5.5, 19, 57, 41], glass: 'colour', columns: 16 },
    keys: keypad([9, 64, 50, 50], 2.2, ['1 2 3', '4 5 6', '7 8 9', 'clear 0 enter', 'cancel cancel cancel']),
    lights: { x: 34, y: 14.5, gap: 9 },
    antenna: { x: 34, y: 92, radius: 20 },
  },
  /** A reader without a display whose looks nobody here knows. */
  slot: {
    ...{ title: 'PC/SC', width: 70, height: 60, radius: 5, shell: 'light', ...none },
    lights: { x: 35, y: 8, gap: 9 },
    slot: { x: 7.5, width: 55 },
    antenna: { x: 35, y: 33, radius: 17 },
  },
} as const satisfies Readonly<Record<string, Face>>

export type FaceName = keyof typeof faces

const byFamily: Readonly<Record<string, FaceName>> = {
  qpos: 'qpos-mini',
  bluepad: 'bluepad-50',
  miura: 'miura-m010',
  magtek: 'tdynamo',
  'magtek/mms': 'dynaflex',
  idtech: 'vp3300',
  softpos: 'phone',
  vpcd: 'phone',
}

/** The face of a reader, by family and dialect; a model without a display has one of its own. */
export function faceOf({
  family,
  dialect,
  model,
}: {
  readonly family: string
  readonly dialect?: string | undefined
  readonly model?: string | undefined
}): FaceName {
  if (model && /\bGo\b/.test(model)) return 'dynaflex-go'
  return byFamily[`${family}/${dialect}`] ?? byFamily[family] ?? 'slot'
}
