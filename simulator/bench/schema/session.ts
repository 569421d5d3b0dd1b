/** Sessions of the bench as its API tells and takes them, and a whole counter as one file. */

import { z } from 'zod'
import { hostRuleSchema } from '../../acquirer/rules.ts'
import { language } from '../../scenario/schema-world.ts'
import { appInput } from './apps.ts'
import { modeInput } from './bank.ts'
import { cardInput } from './card.ts'
import { id, personInput, softPosInput, virtualInput } from './reader.ts'

const cardMemory = z.strictObject({
  blocked: z.boolean(),
  pinTriesLeft: z.int().optional(),
  applications: z.array(
    z.strictObject({
      ...{ atc: z.int(), lastOnlineAtc: z.int(), blocked: z.boolean() },
      ...{ consecutiveOffline: z.int(), cumulativeOffline: z.int() },
    }),
  ),
})

/** A whole counter: what `GET …/file` tells, and what a session begins with. */
export const counterFile = z
  .strictObject({
    tapdip: z.literal('counter'),
    version: z.literal(1),
    name: z.string().max(200).optional(),
    readers: z
      .array(
        z.union([
          virtualInput.extend({
            id: id.optional(),
            knobsTurned: z.record(z.string(), z.string()).optional().describe('What each knob was turned to'),
            tampered: z.boolean().optional(),
            on: z.boolean().optional(),
            person: personInput.optional(),
          }),
          softPosInput.extend({ id: id.optional(), person: personInput.optional() }),
        ]),
      )
      .max(20)
      .optional()
      .describe('One QPOS when left out'),
    cards: z
      .array(z.intersection(cardInput, z.object({ id: id.optional(), memory: cardMemory.optional() })))
      .max(500)
      .optional()
      .describe('All ready profiles when left out'),
    bank: z
      .strictObject({
        rules: z.array(hostRuleSchema).max(100).optional(),
        magicAmounts: z.boolean().optional(),
        gone: z.boolean().optional(),
        mode: modeInput.optional(),
        balances: z.array(z.strictObject({ card: id, balance: z.string() })).optional(),
        book: z.string().max(20_000_000).optional().describe('Orders, accounts and keys that were seen, as the bank keeps them'),
      })
      .optional(),
    apps: z.array(appInput).max(20).optional().describe('One when left out'),
  })
  .meta({ id: 'CounterFile' })
export type CounterFile = z.output<typeof counterFile>

export const sessionInput = z.strictObject({
  name: z.string().min(1).max(200).optional(),
  ttl: z.int().min(0).max(604_800).optional().describe('Seconds without a request after which it ends; 3600 when left out, 0: never'),
  seed: z.int().min(0).max(0xffffffff).optional().describe('Of what is random: the same seed, the same bytes'),
  clock: z.enum(['system', 'virtual']).optional().describe('system when left out; virtual time stands still until it is moved'),
  language: language.optional().describe('Of readers and apps that say none; en when left out, until somebody tells theirs'),
  counter: counterFile.optional().describe('What stands at it; a QPOS, all cards, a bank and an app when left out'),
})
export type SessionInput = z.input<typeof sessionInput>

export const sessionState = z
  .object({
    id,
    name: z.string(),
    clock: z.enum(['system', 'virtual']),
    created: z.string(),
    at: z.number(),
    ttl: z.number(),
    seed: z.number().optional(),
    acquirer: z.string(),
    readers: z.array(id),
    cards: z.number(),
    apps: z.array(id),
    events: z.object({ first: z.number(), last: z.number() }),
  })
  .meta({ id: 'Session' })

export const spoken = z.strictObject({ language })
export const advance = z.strictObject({ ms: z.int().min(0).max(86_400_000) })
