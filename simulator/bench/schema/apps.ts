/** Apps as the API makes them and waits for them. */

import { z } from 'zod'
import { money } from '../../scenario/schema-world.ts'
import { appPhone, screenKind } from './app.ts'
import { id } from './reader.ts'

export const appInput = z
  .strictObject({
    ...appPhone.omit({ network: true }).shape,
    reader: id.optional().describe('That it was connected to the last time: it does so by itself'),
    amount: money.optional().describe('What stands in the form at first; 2500.00 when left out'),
  })
  .describe('A phone with the app on it')

export const appRestart = z.strictObject({
  how: z.enum(['close', 'kill']).optional().describe('close, when left out, cancels what is under way; kill leaves it as a crash does'),
  after: z
    .int()
    .min(0)
    .max(2_000_000_000)
    .optional()
    .describe('Milliseconds of the session’s clock until it is started again; at once when left out'),
})

export const appWait = z.strictObject({
  kind: screenKind.optional(),
  text: z.string().min(1).max(200).optional().describe('That title, a line or the slip has in it, or /a regular expression/'),
  after: z.int().min(0).optional().describe('The screen’s n is more than this'),
  timeout: z.int().min(0).max(600_000).optional().describe('Milliseconds of the session’s clock; 30 000 when left out'),
})
