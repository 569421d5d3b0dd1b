/** Keys of a keyboard on a face: digits, Enter, Escape, Backspace; and the letters that act with the card in the hand. */

import type { Key } from '../../../readers/body/keys.ts'
import type { Target } from '../faces/face-view.tsx'

const named: Readonly<Record<string, Key>> = { Enter: 'enter', Escape: 'cancel', Backspace: 'clear', Delete: 'clear' }

/** The key of the keypad that a key of the keyboard presses. */
export function keyOf({ key, ctrlKey, metaKey, altKey }: Pick<KeyboardEvent, 'key' | 'ctrlKey' | 'metaKey' | 'altKey'>): Key | undefined {
  if (ctrlKey || metaKey || altKey) return undefined
  return /^[0-9]$/.test(key) ? (key as Key) : named[key]
}

/** By the place of the key, so that a Russian keyboard has them too. */
const letters: Readonly<Record<string, Target | 'away'>> = { KeyI: 'slot', KeyT: 'antenna', KeyS: 'swipe', KeyP: 'away' }

/** What a letter does with the card in the hand: insert, tap, swipe; P pulls it out, or takes it away. */
export function letterOf({ code, ctrlKey, metaKey, altKey }: KeyboardEvent): Target | 'away' | undefined {
  return ctrlKey || metaKey || altKey ? undefined : letters[code]
}
