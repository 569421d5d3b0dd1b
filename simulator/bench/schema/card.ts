/** Cards of the bench as its API tells and takes them. */

import { z } from 'zod'
import { cardNames } from '../../scenario/schema-world.ts'
import { id } from './reader.ts'

/** A profile’s fields, whole or changed: checked when the card is made. */
const fields = z.record(z.string(), z.unknown())

const phone = z.enum(['locked', 'unlocked']).describe('It lives in a phone')

const common = {
  phone: phone.optional(),
  wallet: z.array(id).max(5).optional().describe('What is held to a reader with it'),
}

export const cardInput = z
  .union([
    z.strictObject({
      profile: z.enum(cardNames).describe('A ready profile'),
      with: fields.optional().describe('What is different, as in a scenario'),
      ...common,
    }),
    z.strictObject({ own: fields.describe('A whole card profile of your own'), ...common }),
  ])
  .describe('A card of a ready profile, perhaps changed, or of your own')
export type CardInput = z.output<typeof cardInput>

export const cardPatch = z.strictObject({
  phone: z.union([phone, z.null()]).optional().describe('null: it is plastic again'),
  wallet: common.wallet,
  pinTriesLeft: z.int().min(0).max(15).optional().describe('Of the offline PIN'),
  fresh: z.literal(true).optional().describe('Its memory is that of a new card, and the bank has forgotten its wrong PINs'),
})
export type CardPatch = z.output<typeof cardPatch>

const application = z.object({
  label: z.string(),
  atc: z.number(),
  lastOnlineAtc: z.number(),
  blocked: z.boolean(),
  consecutiveOffline: z.number(),
  cumulativeOffline: z.number(),
})

export const cardState = z
  .object({
    id,
    profile: z.string(),
    changed: z.boolean(),
    label: z.string(),
    schemes: z.array(z.string()),
    pan: z.string().describe('First six and last four digits'),
    interfaces: z.array(z.enum(['chip', 'tap', 'swipe'])),
    cvm: z.array(z.string()),
    special: z.string(),
    phone: phone.optional(),
    asksHolder: z.boolean().optional(),
    wallet: z.array(id).optional(),
    place: z.object({ reader: id, where: z.enum(['slot', 'field']) }).nullable(),
    counters: z.object({ blocked: z.boolean(), pinTriesLeft: z.number().optional(), applications: z.array(application) }),
    log: z.array(
      z.object({ at: z.number(), reader: id, event: z.enum(['inserted', 'removed', 'tapped', 'left', 'swiped']), atc: z.number() }),
    ),
  })
  .meta({ id: 'Card' })

/** A profile as text, to be edited. */
export const profileText = z.strictObject({ text: z.string().max(100_000).describe('JSON, or YAML') }).meta({ id: 'ProfileText' })

/** What is wrong with a profile, or nothing. */
export const profileCheck = z
  .object({
    ok: z.boolean(),
    problems: z.array(
      z.object({
        path: z.string().describe('applications.0.aid'),
        line: z.number().optional().describe('From 1, where the text has one'),
        rule: z.string(),
      }),
    ),
  })
  .meta({ id: 'ProfileCheck' })
