/** Texts that only commands, reports and the bench say, for the one table of messages: they run where Node does. */

import { flagTexts } from '../../messages/rules/flags.ts'
import { issuerDataTexts } from '../../messages/rules/issuer-data.ts'
import { ruleMessages } from '../../messages/rules/rules.ts'
import { valueTexts } from '../../messages/rules/values.ts'
import { ruleWords } from '../../messages/rules/words.ts'
import { benchMessages } from '../../messages/tools/bench.ts'
import { commandMessages } from '../../messages/tools/command-line.ts'
import { reportMessages } from '../../messages/tools/report.ts'
import { rigMessages } from '../../messages/tools/rig.ts'

export const toolWords = {
  ...rigMessages,
  ...ruleMessages,
  ...ruleWords,
  ...flagTexts,
  ...valueTexts,
  ...issuerDataTexts,
  ...reportMessages,
  ...commandMessages,
  ...benchMessages,
} as const
