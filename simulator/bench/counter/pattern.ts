/** What is waited for on a display or a screen, as a person writes it. */

import { Fault } from '../../../src/errors.ts'

/** A text that a line has in it, or a regular expression between slashes. @throws Fault `bad-argument` */
export function patternOf(field: string, text: string): RegExp {
  const [, expression = text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'), flags = ''] = /^\/(.*)\/([iu]*)$/s.exec(text) ?? []
  try {
    return new RegExp(expression, flags)
  } catch (error) {
    throw new Fault('bad-argument', `${field}: ${(error as Error).message}`, { field, value: text, rule: 'a regular expression' })
  }
}
