/** A page has no commands, reports and bench: none of their texts are in its table of messages. */

import type { toolWords as ofTools } from '../node/words.ts'

export const toolWords = {} as typeof ofTools
