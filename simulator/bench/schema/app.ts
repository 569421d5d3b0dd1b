/** The app of the bench as its API tells and takes it: screens as data, and answers to them. */

import { z } from 'zod'

/** How it looks is the page's business. */
export const screenKind = z.enum(['order', 'method', 'orders', 'notifications', 'part', 'location', 'locationDialog', 'permissionDialog', 'pairDialog', 'search', 'found', 'noneFound', 'connecting', 'change', 'payment', 'chooseApplication', 'referral', 'signature', 'firmware', 'updating', 'sbp', 'result', 'inProcess', 'alreadyPaid', 'stillProcessing', 'fault', 'receipt', 'closed']) // biome-ignore format: a list

const line = z.object({
  id: z.string().describe('Of the table of messages'),
  text: z.string(),
  tone: z
    .enum(['plain', 'strong', 'error', 'warning', 'good', 'reader'])
    .optional()
    .describe('`reader`: what its display shows; plain when left out'),
})

const row = z.object({
  ...{ id: z.string(), label: z.string(), value: z.string() },
  tone: z.enum(['total', 'good', 'error', 'waiting']).optional().describe('`waiting`: with the sign of refreshing'),
})

const item = z.object({ ...{ id: z.string(), name: z.string(), price: z.string() }, discount: z.string().optional() })

const choice = z.object({ id: z.string().describe('Answered as an action'), label: z.string(), note: z.string().optional() })

const field = z.object({
  ...{ id: z.string(), label: z.string(), value: z.string() },
  type: z.enum(['text', 'money', 'number', 'email', 'check']).describe('`check`: its value is `yes` or empty'),
  required: z.boolean().optional(),
  group: z.string().optional().describe('Those of one group stand together, folded, with the actions of the group'),
  live: z.boolean().optional().describe('Told as it is typed, by the action `typed`'),
  error: z.string().optional(),
})

const action = z.object({
  ...{ id: z.string(), label: z.string() },
  look: z.enum(['primary', 'cancel', 'plain', 'link']).optional().describe('plain when left out'),
  disabled: z.boolean().optional().describe('It is refused now'),
  group: z.string().optional(),
})

export const appScreen = z
  .object({
    n: z.number().describe('Of this screen: an answer names it'),
    revision: z.number().describe('Counts its changes: the screen is the same, some of it is new'),
    kind: screenKind,
    title: z.string(),
    lines: z.array(line),
    rows: z.array(row).optional(),
    items: z.object({ title: z.string(), list: z.array(item) }).optional(),
    choices: z.array(choice).optional(),
    fields: z.array(field).optional(),
    actions: z.array(action),
    answered: z.boolean().optional().describe('An answer was taken, and the next screen is on its way'),
    busy: z.boolean().optional().describe('Something goes on: a wheel turns'),
    progress: z.number().min(0).max(100).optional().describe('Percent'),
    qr: z.object({ svg: z.string(), text: z.string() }).optional(),
    slip: z.array(z.string()).optional().describe('A receipt as it is printed, a line each'),
    picture: z.string().optional().describe('The receipt as a picture: a data URL'),
    signature: z
      .object({ svg: z.string().optional().describe('As it was confirmed') })
      .optional()
      .describe('There is a pad to sign on'),
  })
  .meta({ id: 'AppScreen' })
export type AppScreen = z.output<typeof appScreen>

export const appNotice = z.object({ ...{ n: z.number(), at: z.number(), title: z.string(), text: z.string() }, read: z.boolean() })
export type AppNotice = z.output<typeof appNotice>

const appLanguage = z.enum(['en', 'ru'])
const location = z
  .enum(['on', 'off', 'ask', 'denied'])
  .describe('The location service of the phone: `ask`: it is on, and the app has not been allowed it yet')
const network = z.enum(['on', 'off'])

export const appState = z
  .object({
    id: z.string(),
    language: appLanguage,
    location,
    network,
    reader: z.string().optional().describe('That it is connected to'),
    screen: appScreen,
    notices: z.array(appNotice).describe('Newest first'),
  })
  .meta({ id: 'App' })
export type AppState = z.output<typeof appState>

const point = z.tuple([z.number(), z.number()])

export const appAnswer = z
  .strictObject({
    screen: z.number().describe('Its n'),
    action: z.string().max(200).describe('Of an action or a choice; `typed` for a field that is live'),
    fields: z.record(z.string(), z.string().max(300)).optional(),
    strokes: z
      .array(z.array(point).max(5000))
      .max(500)
      .optional()
      .describe('A signature: each from where the pen touched to where it left'),
  })
  .meta({ id: 'AppAnswer' })
export type AppAnswer = z.output<typeof appAnswer>

/** What of the phone can be changed while it runs. */
export const appPhone = z.strictObject({ language: appLanguage.optional(), location: location.optional(), network: network.optional() })
export type AppPhone = z.output<typeof appPhone>
