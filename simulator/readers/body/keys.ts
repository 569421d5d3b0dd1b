/** The keys that a person presses. */

/** The keys of a keypad. */
export const keys = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'enter', 'cancel', 'clear'] as const
/** One key of a keypad. */
export type Key = (typeof keys)[number]
