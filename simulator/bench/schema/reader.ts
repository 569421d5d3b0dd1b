/** Readers of the bench as its API tells and takes them. */

import { z } from 'zod'
import { presentations } from '../../readers/body/cardholder.ts'
import { keys } from '../../readers/body/senses.ts'
import { language, personFields, virtualReader } from '../../scenario/schema-world.ts'

/** Short and sure: `r1`, `c3`. */
export const id = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,31}$/, 'an id such as r1')
  .describe('Of this session: r1, c3, a1')

const listens = ['tcp', 'pty', 'ble', 'hid', 'none'] as const

export const virtualInput = virtualReader.extend({
  listen: z
    .enum(listens)
    .optional()
    .describe('Where other programs reach it: tcp when left out; ble is an air of its own, hid a USB device of this machine'),
  pairing: z.boolean().optional().describe('It talks to a phone only when they are paired, over Bluetooth LE'),
})

export const softPosInput = z
  .strictObject({
    family: z.literal('softpos'),
    serial: z.string().min(1).max(32).optional().describe('As the provider of the solution names it'),
    language: language.optional().describe('Of its screen'),
  })
  .describe('A phone as a terminal: its own field, and a PIN on its screen')

export const realInput = z.strictObject({
  uri: z
    .string()
    .regex(/^[a-z][a-z0-9+]*:/, 'a URI such as serial:/dev/ttyACM0?family=qpos')
    .max(500)
    .describe('A reader that is there, as `tapdip list` names it'),
})

/** What a reader is made of: a virtual one by its family, a phone, or a real one by its URI. */
export const readerInput = z
  .union([virtualInput, softPosInput, realInput])
  .describe('A virtual reader by its family, a phone (SoftPOS), or a real one by its URI')
export type ReaderInput = z.input<typeof readerInput>

const battery = z.object({
  percent: z.number().optional().describe('0 to 100; left out where nobody tells'),
  millivolts: z.number().optional(),
  charging: z.boolean().optional(),
})

const presentableState = {
  screen: z
    .object({
      lines: z.array(z.string()).describe('From the top; a PIN is stars'),
      message: z.string().optional().describe('Its id in the table of messages; left out for text of the host'),
      at: z.number().describe('Milliseconds since the session began'),
    })
    .describe('What the display shows now'),
  light: z.enum(['off', 'waiting', 'ok', 'error']).describe('What the lights show now'),
  sound: z
    .object({ sound: z.enum(['key', 'ok', 'error']), at: z.number() })
    .optional()
    .describe('What the buzzer played last'),
}

export const readerState = z
  .object({
    id,
    real: z.boolean().describe('It is there: nobody but a person can touch it'),
    family: z.string(),
    dialect: z.string().optional(),
    model: z.string().describe('As its makers call it, for its face'),
    serial: z.string(),
    uri: z.string().optional().describe('Where other programs reach it'),
    air: z.string().optional().describe('Of a reader on the air: what they are given as TAPDIP_AIR'),
    ...presentableState,
    slot: id.nullable().describe('The card in its slot'),
    field: z.array(id).describe('Cards at its antenna'),
    battery,
    on: z.boolean(),
    tampered: z.boolean(),
    inRange: z.boolean().optional().describe('Of a reader on the air'),
    keypad: z.boolean().describe('Somebody reads the keys'),
    pinPad: z.boolean().describe('It has keys'),
    connected: z.enum(['none', 'app', 'outside']).describe('Who talks to it: nobody, an app of the bench, another program'),
    person: z.boolean().describe('Somebody stands there who does things by themselves'),
    knobs: z.record(z.string(), z.string()).describe('What each knob was turned to, where it was turned'),
    firmware: z.string().optional(),
    todo: z.string().optional().describe('Of a real reader: what a person is to do now'),
    fault: z.string().optional().describe('Of a real reader that is lost: why'),
  })
  .meta({ id: 'Reader' })

export const press = z.strictObject({
  keys: z.array(z.enum(keys)).min(1).max(100).describe('In this order; what nobody reads does nothing'),
})
export const insert = z.strictObject({ card: id, wrongWay: z.boolean().optional().describe('Upside down or back to front') })
export const withCard = z.strictObject({ card: id })
export const leave = z.strictObject({ card: id.optional().describe('All of them when left out') })
export const switched = z.strictObject({ on: z.boolean() })
export const plug = z.strictObject({ charging: z.boolean() })
export const charge = z.strictObject({ percent: z.int().min(0).max(100) })
export const knobLine = z.strictObject({ line: z.string().min(1).max(64).describe('latency 200; GET /api/knobs lists them') })
export const range = z.strictObject({ inRange: z.boolean() })

export const waitFor = z.strictObject({
  screen: z.string().min(1).max(200).optional().describe('A text that a line of the display has in it, or /a regular expression/'),
  message: z.string().max(64).optional().describe('The id of a message: reader.enterPin'),
  light: z.enum(['off', 'waiting', 'ok', 'error']).optional(),
  timeout: z.int().min(0).max(600_000).optional().describe('Milliseconds of the session’s clock; 30 000 when left out'),
})

export const picture = z.strictObject({
  scale: z.coerce.number().int().min(1).max(8).optional().describe('Dots of the picture for a dot of the display; 2 when left out'),
})

/** Somebody at a reader who does things by themselves. */
export const personInput = personFields
  .omit({ wallet: true, present: true })
  .extend({
    card: id.describe('What they hold'),
    present: z.union([z.enum(presentations), z.array(z.enum(presentations)).min(1)]).optional(),
    wallet: z.array(id).optional().describe('What else is held to the reader in the same wallet'),
  })
  .describe('Somebody at a reader who does things by themselves')
export type PersonInput = z.output<typeof personInput>

export const knobList = z
  .array(z.object({ name: z.string(), takes: z.string().describe('What follows the word'), what: z.string() }))
  .meta({ id: 'Knobs' })
