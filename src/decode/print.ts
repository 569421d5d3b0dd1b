/** A line to a reader as lines of text: who says what, from byte to byte, and what is no frame. */

import * as door from '../door.ts'
import type { Language } from '../messages/messages.ts'
import { message } from '../messages/messages.ts'
import { markOf } from '../tlv/certainty.ts'
import { printFields } from './fields.ts'
import type { DescribedLine } from './frames.ts'

const partRule = door.shape({ kind: door.oneOf(['message', 'noise']), offset: door.whole(0, 2 ** 32), length: door.whole(0, 2 ** 32) })

/** For people: one head for each message, its fields below; `?` before what was guessed, `!` before what is wrong. */
export function printLine(line: DescribedLine, language: Language = 'en'): string {
  door.need('line', line, door.shape({ parts: door.listOf(partRule) }))
  return line.parts
    .flatMap(part => {
      const { offset, length } = part
      const place = { from: offset, to: offset + length - 1, count: length }
      if (part.kind === 'noise') {
        const { wrong, at } = part
        return [
          `! ${message('decode.noise', language, place)}`,
          ...(wrong === undefined ? [] : [`  ! ${message('decode.atByte', language, { rule: wrong, at: at ?? offset })}`]),
        ]
      }
      const { from, type, guessed, frames, fields, certainty } = part
      const many = frames === undefined ? '' : `, ${message('decode.frames', language, { count: frames })}`
      return [
        `${message(`decode.${from}`, language)}: ${type}${markOf(certainty)} (${message('decode.place', language, place)}${many})`,
        ...(guessed ? [`  ? ${guessed}`] : []),
        ...printFields(fields),
      ]
    })
    .join('\n')
}
