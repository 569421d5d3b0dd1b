/** A reader's face as data: what is where, in millimetres of a drawing. The drawings are plain: no maker's measures are claimed. */

import type { Key } from '../../../readers/body/keys.ts'

/** A rectangle: left, top, width, height. */
export type Box = readonly [x: number, y: number, width: number, height: number]

/** One key of the keypad. */
export interface KeyPlace {
  readonly key: Key
  readonly box: Box
}

/** How a display looks. */
export type Glass = 'lcd' | 'blue' | 'colour'

/** One face. */
export interface Face {
  /** As people call the model. */
  readonly title: string
  readonly width: number
  readonly height: number
  /** Of its corners. */
  readonly radius: number
  /** What the case is made of, to the eye. */
  readonly shell: 'dark' | 'light' | 'handset'
  /** Left out where it has none. */
  readonly display?: { readonly box: Box; readonly glass: Glass; readonly columns: number }
  /** Of a phone: all of its glass, with the display's words in a part of it and keys that are there while they are read. */
  readonly glass?: Box
  readonly keys: readonly KeyPlace[]
  /** The four lights of a contactless reader (EMV Contactless Book A, 9.2), from the left: their middle and how far they are apart. */
  readonly lights: { readonly x: number; readonly y: number; readonly gap: number }
  /** Where the chip goes in: on the lower edge, from `x` on. Left out where it has none. */
  readonly slot?: { readonly x: number; readonly width: number }
  /** Where a stripe goes through. Left out where it does not. */
  readonly swipe?: { readonly edge: 'right' | 'left' }
  /** The middle of the field, where the sign of contactless payment is. */
  readonly antenna: { readonly x: number; readonly y: number; readonly radius: number }
}

/** ISO/IEC 7810, ID-1: what every card here measures, in millimetres. */
export const CARD = { long: 85.6, short: 53.98, radius: 3.18 } as const

/** Room that is kept around a face, so that nothing jumps: above for a card at the antenna, below for one in the slot, beside for one that is drawn through. */
export const ROOM = { above: 17, below: 36, side: 11 } as const
