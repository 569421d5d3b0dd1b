/** Events of the bench as its API tells them. */

import { z } from 'zod'

export const eventsQuery = z.strictObject({
  after: z.coerce
    .number()
    .int()
    .min(0)
    .optional()
    .describe('Number of the last event that is known: what follows is told; 0 is all that is kept; left out, what comes from now on'),
  together: z
    .enum(['yes', 'no'])
    .optional()
    .describe(
      'yes: events that come close to each other, within 30 ms, are one message: a list of them, whose id is the number of the last. What changes the state of a noun waits for nothing',
    ),
  token: z.string().optional().describe('The token, where a header cannot be sent'),
})

/** One event: of the trace, or the whole state of a noun after it has changed. */
export const benchEvent = z
  .object({
    n: z.number().describe('Counts from 1 in each session, without gaps'),
    reader: z.string().optional().describe('Where it happened, if at a reader'),
    event: z.looseObject({ kind: z.string().describe('As in a trace; bench: the state of a noun') }),
  })
  .meta({ id: 'Event' })

export const failure = z
  .object({
    error: z.object({
      code: z.string().describe('As of a Fault; forbidden where somebody may not come in'),
      message: z.string(),
      field: z.string().optional(),
      value: z.string().optional(),
      rule: z.string().optional(),
      first: z.number().optional().describe('Of events: the first that is kept'),
    }),
  })
  .meta({ id: 'Failure' })
