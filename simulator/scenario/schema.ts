/** The schema of a scenario: one source of what a file may say, of the JSON Schema that editors complete from, and of the types in TypeScript. */

import { z } from 'zod'
import { EXIT } from '../../src/command/line.ts'
import { allCurrencies } from '../../src/currency.ts'
import { TSI, TVR } from '../../src/emv/data.ts'
import { messageTexts } from '../../src/messages/messages.ts'
import { operationTypes, orderStates } from '../../src/payment/acquirer.ts'
import { stages } from '../../src/payment/steps.ts'
import { questions } from '../acquirer/host-rule.ts'
import { keys } from '../readers/body/senses.ts'
import { card, hexText, host, language, milliseconds, minorUnits, money, person, reader, somebody, terminal } from './schema-world.ts'

const ids = Object.keys(messageTexts)
const namesOf = (prefix: string) => ids.filter(id => id.startsWith(prefix)).map(id => id.slice(prefix.length)) as [string, ...string[]]
/** Every reason of a payment, and every code of a Fault: as the table of messages has them. */
export const reasons = namesOf('reason.')
export const faultCodes = namesOf('fault.').filter(one => one !== 'details') as [string, ...string[]]
/** Of a payment; then those of a till that pays nothing, of an app that is gone, and of a step that is no payment. */
export const results = ['approved', 'declined', 'cancelled', 'unknown', 'in-process', 'already-paid', 'killed', 'done'] as const
export const interfaces = ['chip', 'tap', 'swipe', 'none'] as const
export const cvms = ['none', 'onlinePin', 'offlinePin', 'signature', 'device', 'untold'] as const
export const hostEvents = [...questions.filter(one => one !== 'status' && one !== 'order')] as const
const paymentStages = ['preflight', 'card', 'signature', 'authorising', 'reconciling', 'reversing', 'advising'] as const

/** Every name of a bit, `TVR.expired`; a place such as `TVR.3.8` is taken too. */
export const bitNames = [...Object.keys(TVR).map(name => `TVR.${name}`), ...Object.keys(TSI).map(name => `TSI.${name}`)]
export const bitRule = /^(?:not )?(?:TVR\.[1-5]\.[1-8]|TSI\.[12]\.[1-8])$/

const oneOrMore = <T extends z.ZodType>(schema: T) => z.union([schema, z.array(schema).min(1)])

const bit = z
  .string()
  .superRefine((value, context) => {
    const bare = value.replace(/^not /, '')
    if (bitNames.includes(bare) || bitRule.test(value)) return
    context.addIssue({ code: 'custom', message: 'a bit such as TVR.expired, "not TVR.3.8"', params: { allowed: bitNames, value: bare } })
  })
  .describe('TVR.expired, TSI.odaPerformed, "not TVR.3.8"')

/** An id of the table of messages (`reader.enterPin`), a text that a line has in it, or a regular expression between slashes. */
export const screenPattern = z
  .string()
  .min(1)
  .max(200)
  .superRefine((value, context) => {
    if (/^\/.*\/[iu]*$/.test(value)) {
      try {
        new RegExp(value.slice(1, value.lastIndexOf('/')), value.slice(value.lastIndexOf('/') + 1))
      } catch (error) {
        context.addIssue({ code: 'custom', message: (error as Error).message })
      }
      return
    }
    if (!/^reader\.\w+$/.test(value) || ids.includes(value)) return
    const allowed = ids.filter(id => id.startsWith('reader.'))
    context.addIssue({ code: 'custom', message: 'a message of the display, or a text', params: { allowed, value } })
  })
  .describe('An id of a message, reader.enterPin; a text that a line has in it; or /a regular expression/')

const exitCode = z.int().superRefine((value, context) => {
  const allowed = [...new Set(Object.values(EXIT))].map(String)
  if (!allowed.includes(`${value}`)) context.addIssue({ code: 'custom', message: 'an exit code', params: { allowed, value: `${value}` } })
})

const exit = z.union([exitCode, z.literal('none')])

const key = z.enum(keys)

/** The moments at which something may go wrong. */
const moment = z
  .union([
    z.enum(['card', 'list', 'pin', 'cryptogram', 'answer', 'end']),
    z.strictObject({ apdu: z.int().min(1).max(1000).describe('While the n-th command since the card was presented is under way') }),
    z.strictObject({ record: z.int().min(1).max(100).describe('While the n-th record is read') }),
    z.strictObject({ screen: screenPattern }),
    z.strictObject({ digits: z.int().min(1).max(12).describe('When so many digits of a PIN are typed') }),
    z.strictObject({ stage: z.enum(paymentStages).describe('When the payment comes to this stage') }),
    z.strictObject({ update: z.int().min(0).max(100).describe('At so many percent of an update') }),
    z.strictObject({ after: milliseconds.describe('So many milliseconds after the step began') }),
    z.strictObject({ journal: z.enum(stages).describe('Before this step of a payment is written down') }),
  ])
  .describe(
    'card: it is asked for; list: of applications; pin: its first digit is typed; cryptogram: it leaves for the host; answer: the host has answered; end: a result is shown; or a count, a screen, a stage',
  )

/** What may be done at a moment. */
export const simpleDeeds = ['pull', 'cancel', 'abort', 'cut', 'rival', 'kill', 'diskFull', 'powerOff', 'tamper'] as const
const deed = z
  .union([
    z.enum(simpleDeeds),
    z.strictObject({ press: oneOrMore(key).describe('Keys of the keypad') }),
    z.strictObject({ knob: z.string().min(1).max(64).describe('As at `tapdip-sim serve`: "battery 0", "silent on"') }),
    z.strictObject({ host: z.enum(['gone', 'back']).describe('It cannot be reached, or again') }),
    z.strictObject({ insert: card.describe('Another card, into the slot') }),
    z.strictObject({ tap: card.describe('Another card, to the antenna') }),
    z.strictObject({ swipe: card.describe('Another card, through the reader') }),
  ])
  .describe(
    'pull: the card goes; cancel: CANCEL is pressed; abort: the merchant ends it; cut: the link to the reader is lost; rival: another app connects to it; kill: the app dies; diskFull: the journal can be written no more; powerOff; tamper; or with more words',
  )

/** What a seeded plan draws from. */
export const seededDeeds = ['pull', 'cancel', 'abort', 'cut', 'powerOff', 'hostGone', 'silent'] as const

const fault = z.union([
  z.strictObject({
    at: moment,
    do: oneOrMore(deed),
    times: z.int().min(1).max(1000).optional().describe('How often; once when left out'),
    step: z.int().min(0).max(1000).optional().describe('In this step only, from 0; in any when left out'),
    nth: z.int().min(1).max(1000).optional().describe('Not before the moment has come so often; the first time when left out'),
  }),
  z.strictObject({
    seeded: z.array(z.enum(seededDeeds)).min(1).describe('One of these, at a moment that the seed chooses'),
    count: z.int().min(1).max(20).optional().describe('How many are drawn; one when left out'),
  }),
])

const screenRule = z
  .strictObject({
    says: screenPattern,
    press: oneOrMore(key).optional().describe('Keys that are pressed then'),
    do: oneOrMore(deed).optional().describe('Or what is done then'),
    after: milliseconds.optional().describe('Milliseconds later'),
    times: z.int().min(1).max(1000).optional().describe('How often; each time when left out'),
  })
  .refine(rule => (rule.press === undefined) !== (rule.do === undefined), 'press, or do: one of them')

const mask = z
  .union([hexText, z.string().regex(/^[0-9a-fA-FxX. ]+$/, 'hex digits, x for any'), z.null()])
  .describe('Hex, x for any digit; null: the tag is not there')

const field = z
  .union([z.string(), z.null()])
  .describe('The text, one with * for anything, /a regular expression/, or null: it is not there')

const hostAsked = z.union([
  z.enum(hostEvents),
  z.strictObject({
    type: z.enum(hostEvents),
    code: z.string().optional().describe('ISO 8583, field 39'),
    cvm: z.string().optional(),
    interface: z.string().optional(),
    arqc: z.string().optional(),
    pin: z.string().optional(),
    how: z.string().optional(),
    why: z.string().optional(),
    charged: z.boolean().optional(),
    amount: money.optional(),
  }),
])

export const expectation = z.strictObject({
  result: oneOrMore(z.enum(results))
    .optional()
    .describe('How it ended; one of these. in-process, already-paid: the till pays nothing; killed: the app died; done: sync, update'),
  reason: oneOrMore(z.enum([...reasons, 'none']))
    .optional()
    .describe('Why it was not approved; none: there is no reason'),
  fault: oneOrMore(z.enum([...faultCodes, 'none']))
    .optional()
    .describe('The code of the Fault that it ended with instead'),
  exit: oneOrMore(exit).optional().describe('As `tapdip pay` would exit; none: it was killed'),
  interface: oneOrMore(z.enum(interfaces)).optional().describe('How the card was read'),
  cvm: oneOrMore(z.enum(cvms)).optional().describe('How the cardholder was verified; untold: nobody tells'),
  application: oneOrMore(z.string().min(1)).optional().describe('Label of the application that paid'),
  responseCode: oneOrMore(z.string().min(1).max(2)).optional().describe('ISO 8583, field 39'),
  attempts: z.int().min(1).max(10).optional().describe('How often the card was asked for'),
  online: z.boolean().optional().describe('The host was asked'),
  reversal: z.enum(['done', 'pending', 'none']).optional().describe('Whether an approval was taken back'),
  advice: z.enum(['done', 'pending', 'none']).optional().describe('Whether an offline approval was told'),
  tags: z
    .record(z.string().regex(/^([0-9a-fA-F]{2}){1,3}$/, 'a tag in hex'), mask)
    .optional()
    .describe('Data objects by tag: whole, with x for any digit, or null'),
  bits: z.array(bit).optional().describe('Bits of TVR and TSI'),
  screens: z.array(screenPattern).optional().describe('These are shown, in this order; others may come between'),
  stages: z.array(z.enum(paymentStages)).optional().describe('The payment comes to these, in this order'),
  receipt: z.record(z.string(), field).optional().describe('Fields of the slip'),
  host: z.array(hostAsked).optional().describe('What the host is asked, all of it, in this order; questions for a state are not counted'),
  order: z
    .strictObject({
      state: z.enum(orderStates).optional(),
      held: money.optional(),
      charged: money.optional(),
      cancelled: money.optional(),
      operations: z.array(z.enum(operationTypes)).optional(),
    })
    .nullable()
    .optional()
    .describe('The order as the host has it in the end; null: it has none'),
  journal: z
    .strictObject({
      state: z.enum(orderStates).optional().describe('Of the order'),
      open: z.int().min(0).optional().describe('Entries that are not at their end'),
      entries: z.array(z.string()).optional().describe('Kind and result of each, oldest first: "payment approved"'),
    })
    .optional()
    .describe('The order as the journal has it in the end'),
  firmware: z.string().optional().describe('The version that runs in the end'),
  within: milliseconds.optional().describe('Milliseconds of the counter’s clock that it takes at most'),
  never: z
    .strictObject({
      screens: z.array(screenPattern).optional(),
      stages: z.array(z.enum(paymentStages)).optional(),
      host: z.array(z.enum(hostEvents)).optional(),
      text: z.array(z.string().min(1)).optional().describe('In nothing that is shown, printed or traced'),
    })
    .optional()
    .describe('What must not appear'),
})

const expect = expectation.optional().describe('What must be true after this step')

const part = {
  order: z.string().min(1).max(32).optional().describe('Number of the order; the last one when left out'),
  amount: money.optional(),
}

const payStep = z.strictObject({
  amount: money.optional().describe('Instead of the scenario’s'),
  order: z.string().min(1).max(32).optional().describe('Number of the order; a new one when left out'),
  by: z.enum(['card', 'cash', 'sbp']).optional().describe('By card when left out'),
  type: z.enum(['purchase', 'cash', 'cashback', 'refund', 'check']).optional(),
  application: z.string().min(1).max(64).optional().describe('The payment system that is to be paid with'),
  interfaces: z
    .array(z.enum(['chip', 'tap', 'swipe']))
    .min(1)
    .optional()
    .describe('How a card may be read'),
  prefer: z.array(z.string().min(1).max(64)).min(1).optional().describe('Payment systems that the merchant prefers, best first'),
  waitTime: milliseconds.optional().describe('How long a card is waited for; as the reader waits when left out'),
  cashback: money.optional(),
  tip: money.optional(),
  surcharge: money.optional(),
  hold: z.boolean().optional().describe('Two-stage: held until it is confirmed'),
  partial: z.boolean().optional().describe('An approval of a part is taken'),
  forceOnline: z.boolean().optional(),
  fallback: z
    .strictObject({
      to: z.array(z.enum(['swipe', 'tap'])).optional(),
      tries: z.int().min(0).max(9).optional(),
      notFor: z
        .array(z.string().regex(/^\d{1,19}$/, '1 to 19 digits'))
        .optional()
        .describe('Beginnings of PANs whose stripe may not stand in'),
    })
    .optional()
    .describe('When a chip cannot be read'),
  card: card.optional().describe('The next person comes, with this card'),
  person: person.optional().describe('The next person comes, and does this'),
  expect,
})

const step = z.union([
  z.strictObject({ pay: payStep }),
  z.strictObject({ confirm: z.strictObject({ ...part, final: z.boolean().optional(), expect }) }),
  z.strictObject({ cancel: z.strictObject({ ...part, expect }) }),
  z.strictObject({ refund: z.strictObject({ ...part, expect }) }),
  z.strictObject({ increment: z.strictObject({ ...part, expect }) }),
  z.strictObject({ refundByCard: z.strictObject({ ...part, card: card.optional(), person: person.optional(), expect }) }),
  z
    .strictObject({ sync: z.strictObject({ expect }) })
    .describe('What is open is brought to its end, and orders are compared with the host’s'),
  z.strictObject({
    update: z.strictObject({
      to: z.string().min(1).max(16).describe('Version of the image'),
      unsigned: z.boolean().optional().describe('Its signature is another’s'),
      for: z.string().optional().describe('An image of another family'),
      expect,
    }),
  }),
  z.strictObject({
    app: z
      .enum(['restart', 'kill', 'start'])
      .describe('restart: closed and begun anew; kill: gone without a word; start: begun after that'),
  }),
  z.strictObject({ knob: z.string().min(1).max(64).describe('As at `tapdip-sim serve`') }),
  z.strictObject({ do: oneOrMore(deed) }),
  z.strictObject({ wait: milliseconds }),
  z.strictObject({ settle: z.literal('day').describe('The host’s day is over') }),
  z.strictObject({ payQr: z.strictObject({}).describe('The customer pays the QR code that is shown') }),
])

const app = z
  .strictObject({
    application: z.string().min(1).max(64).optional().describe('The payment system that every payment asks for'),
    sign: z
      .union([z.boolean(), z.literal('nobody')])
      .optional()
      .describe('Whether the customer signs on the screen; left out: on the slip'),
    tryAgain: z.boolean().optional().describe('After a wrong online PIN the card is asked again'),
    refer: z.enum(['approved', 'declined']).optional().describe('What the bank says on the telephone'),
    firmware: z
      .strictObject({ required: z.string().optional(), current: z.string().optional() })
      .optional()
      .describe('Versions that the app knows of'),
    minimumBattery: z.int().min(0).max(100).optional(),
    verifyFrom: minorUnits.optional().describe('Minor units from which on nothing is approved unverified'),
    statusTime: milliseconds.optional().describe('How long a silent host is asked'),
    reversalTime: milliseconds.optional().describe('How long a reversal is repeated'),
    journal: z.boolean().optional().describe('Payments are written down; so where a step needs it'),
  })
  .describe('What the app does')

/** What a scenario says, but for its matrix. */
const fields = {
  name: z.string().min(1).max(200).describe('A sentence that says what is true when it passes'),
  about: z.string().max(2000).optional().describe('For people'),
  tags: z
    .array(z.string().regex(/^[\w-]{1,32}$/, 'letters, digits and hyphens'))
    .optional()
    .describe('What --tags selects by'),
  only: z.string().min(1).max(200).optional().describe('Nothing else is run while this is there; the reason'),
  skip: z.string().min(1).max(200).optional().describe('It is not run; the reason'),
  seed: z.int().min(0).max(0xffffffff).optional().describe('Of what is random; made of the run’s and the name when left out'),
  timeout: milliseconds.optional().describe('Milliseconds of the counter’s clock that it may take; an hour when left out'),
  language: language.optional().describe('Of the reader’s display'),
  hands: z
    .url({ protocol: /^https?$/, error: 'http://host:port/path, https://host/path' })
    .refine(url => !URL.canParse(url) || new URL(url).username + new URL(url).password === '', 'an address without a user’s name')
    .optional()
    .describe('With --reader: a robot that is asked over HTTP for each deed, in place of a person; --hands names another'),
  reader: reader.optional(),
  card: card.optional(),
  person: person.optional(),
  people: z
    .array(somebody)
    .min(1)
    .optional()
    .describe('A queue, instead of card and person: each payment is the next one’s, the last one’s again'),
  terminal: terminal.optional(),
  host: host.optional(),
  app: app.optional(),
  amount: money.optional().describe('Of each payment; 2500.00 when left out'),
  currency: z
    .string()
    .regex(/^[A-Z]{3}$/, 'ISO 4217, three capital letters')
    .superRefine((value, context) => {
      const allowed = allCurrencies.map(({ alpha }) => alpha)
      if (/^[A-Z]{3}$/.test(value) && !allowed.includes(value))
        context.addIssue({ code: 'custom', message: 'a currency of ISO 4217', params: { allowed, value } })
    })
    .optional()
    .describe('RUB when left out'),
  faults: z.array(fault).optional().describe('What goes wrong, and when'),
  screen: z.array(screenRule).optional().describe('When the display says X, press Y'),
  steps: z.array(step).min(1).optional().describe('One after another; one payment when left out'),
  expect: expectation.optional().describe('What must be true in the end, of the last payment'),
}

/** A part of a scenario, merged into it: what a value of a matrix or a variant changes. */
export const patch = z.strictObject({ ...fields, name: fields.name.optional() }).omit({ name: true, only: true })

const axis = z
  .union([z.array(z.union([z.string(), z.number(), z.boolean()])).min(1), z.record(z.string().min(1).max(64), patch)])
  .describe('Values of the field that the axis is named after, or names with what each changes')

export const scenarioSchema = z.strictObject({
  ...fields,
  matrix: z.record(z.string().min(1).max(64), axis).optional().describe('Axes: a case for each combination of their values'),
  variants: z
    .array(
      patch.extend({
        where: z
          .record(z.string(), oneOrMore(z.union([z.string(), z.number(), z.boolean()])))
          .describe('Axes with the values that are meant'),
      }),
    )
    .optional()
    .describe('What is different in some cases of the matrix'),
})

/** What several scenarios of a file have in common. */
export const fileSchema = z.strictObject({
  $schema: z.string().optional(),
  defaults: patch.optional().describe('Merged under each scenario of the file'),
  scenarios: z.array(scenarioSchema).min(1),
})

export const singleSchema = scenarioSchema.extend({ $schema: z.string().optional() })

export type ScenarioInput = z.input<typeof scenarioSchema>
/** Checked, amounts as text or minor units. */
export type ScenarioPlan = z.output<typeof scenarioSchema>
export type ExpectPlan = z.output<typeof expectation>
export type StepPlan = z.output<typeof step>
export type PayPlan = z.output<typeof payStep>
export type Moment = z.output<typeof moment>
export type Deed = z.output<typeof deed>
export type FaultPlan = z.output<typeof fault>
export type ScreenRule = z.output<typeof screenRule>
