/** The part of a scenario's schema that says who is at the counter: reader, card, person, terminal, host. */

import { z } from 'zod'
import { parseMerchants } from '../acquirer/options.ts'
import { hostRuleSchema } from '../acquirer/rules.ts'
import { profiles } from '../cards/profiles/index.ts'
import { presentations } from '../readers/body/cardholder.ts'
import { virtualFamilies } from '../readers/index.ts'
import { pinKeyKinds } from '../readers/pin-keys.ts'

/** `qpos`, `magtek mms`: every twin that there is, a family alone speaks the first of its dialects. */
export const readerNames = Object.entries(virtualFamilies).flatMap(([family, { dialects = [] }]) => [
  family,
  ...dialects.map(dialect => `${family} ${dialect}`),
]) as [string, ...string[]]

export const cardNames = Object.keys(profiles) as [string, ...string[]]

/** A number of YAML or its text, `2500.00`: an amount as a person writes it. */
export const money = z
  .union([z.number().nonnegative(), z.string().regex(/^\d{1,10}(\.\d{1,4})?$/, 'an amount such as 2500.00')])
  .transform(value => String(value))
  .describe('An amount of the currency: 2500.00')

export const minorUnits = z
  .union([z.int().min(0), z.string().regex(/^\d{1,12}$/, 'up to 12 digits')])
  .transform(value => BigInt(value))
  .describe('Minor units: 250000 are 2500.00 RUB')

export const hexText = z.string().regex(/^(\s*[0-9a-fA-F]{2}\s*)+$/, 'hex digits in pairs')
export const language = z.enum(['en', 'ru'])
/** Milliseconds of the counter's clock. */
export const milliseconds = z.int().min(0).max(2_000_000_000)

const battery = z.strictObject({
  percent: z.int().min(0).max(100).optional().describe('Charge; 80 when left out'),
  charging: z.boolean().optional().describe('The charger is in'),
})

export const virtualReader = z.strictObject({
  family: z.enum(Object.keys(virtualFamilies) as [string, ...string[]]).describe('Family of the virtual reader'),
  dialect: z.string().min(1).max(16).optional().describe('Which of the family’s languages it speaks; the first when left out'),
  serial: z.string().min(1).max(32).optional().describe('The name on the case'),
  language: language.optional().describe('Of its display'),
  battery: z
    .union([z.int().min(0).max(100), battery])
    .optional()
    .describe('Percent, or percent and charger'),
  firmware: z.string().min(1).max(16).optional().describe('The version that runs'),
  pinKeys: z.enum(pinKeyKinds).optional().describe('Keys of the PIN pad'),
  knobs: z.array(z.string().min(1).max(64)).optional().describe('Turned before it is opened: "latency 200", "require 2.0.0"'),
  resultTime: milliseconds.optional().describe('Milliseconds that a result stays on the display'),
})

const realReader = z.strictObject({
  uri: z
    .string()
    .regex(/^[a-z][a-z0-9+]*:/, 'a URI such as serial:/dev/ttyACM0?family=qpos')
    .describe('A reader that is there'),
})

const pooledReader = z.strictObject({
  labels: z.array(z.string().min(1).max(64)).min(1).describe('A reader of a pool that has all of these labels: --reader says where it is'),
})

export const reader = z
  .union([z.enum(readerNames), virtualReader, realReader, pooledReader])
  .describe('A virtual reader by its family and dialect, by its fields, a URI, or labels of a pool')

/** What a profile is given otherwise: merged into it, and checked as a whole when the card is made. */
const changes = z.record(z.string(), z.unknown())

const changedCard = z.strictObject({
  profile: z.enum(cardNames).describe('A ready profile'),
  with: changes
    .optional()
    .describe('What is different: fields of a card profile; those of `applications` by their place, `0`, or in all, `*`'),
})
const ownCard = z.strictObject({ own: changes.describe('A whole card profile of your own') })

export const card = z.union([z.enum(cardNames), changedCard, ownCard]).describe('What they pay with')

const turn = z.strictObject({
  how: z.enum(presentations).describe('What the hand does'),
  card: card.optional().describe('Another card than the person’s, from here on'),
  leave: z.boolean().optional().describe('It stays in the slot when it is first asked away'),
})

const pace = z.strictObject({
  present: milliseconds.optional().describe('From "Present card." to the card being there'),
  think: milliseconds.optional().describe('From the PIN prompt to the first key'),
  key: milliseconds.optional().describe('Between keys'),
  remove: milliseconds.optional().describe('From "PLEASE REMOVE CARD" to the card being out'),
  hold: milliseconds.optional().describe('The longest that a card is held to the reader'),
})

export const pinText = z.string().regex(/^\d{0,12}$/, 'a PIN in quotes, up to 12 digits: "1234"; "" is ENTER alone')

export const personFields = z.strictObject({
  present: z
    .union([z.enum(presentations), turn, z.array(z.union([z.enum(presentations), turn])).min(1)])
    .optional()
    .describe('What is done when a card is asked for; several are done one after another. A dip when left out, a tap with a phone'),
  pins: z
    .array(pinText)
    .optional()
    .describe('PINs in the order they are typed, the last one again; the card’s own when left out, [] is CANCEL'),
  choose: z
    .union([z.string().min(1).max(32), z.int().min(0).max(9)])
    .optional()
    .describe('From the list of applications, wherever it is shown: the label, or its place from 0'),
  pullAt: z.int().min(1).max(1000).optional().describe('The card is pulled while its n-th command is under way'),
  cancelAt: z
    .union([z.enum(['card', 'list']), z.int().min(1).max(9)])
    .optional()
    .describe('CANCEL instead of presenting a card, at a list, or at the n-th PIN prompt'),
  phone: z
    .union([z.boolean(), z.literal('locked')])
    .optional()
    .describe('The card lives in their phone; locked: not unlocked before it is asked for'),
  wallet: z.array(card).optional().describe('What else is held to the reader in the same wallet'),
  pace: pace.optional().describe('How long they take; nobody waits when left out'),
})

/** `nobody` comes, `dip`, `tap`, `swipe`, or what they do in full. */
export const person = z.union([z.enum(['nobody', ...presentations]), personFields]).describe('What the person does: one word, or in full')

export const somebody = z.strictObject({ card: card.optional(), person: person.optional() })

const hexRecord = z.record(z.string().regex(/^([0-9a-fA-F]{2}){1,3}$/, 'a tag in hex'), z.string())

const terminalChanges = z.strictObject({
  terminalType: z.int().optional().describe('9F35, as a number: 0x22 is attended, offline with online capability'),
  capabilities: hexText.optional().describe('9F33'),
  additionalCapabilities: hexText.optional().describe('9F40'),
  verifyFrom: minorUnits.optional().describe('Minor units from which on "no CVM" is no capability'),
  countryCode: z.int().min(1).max(999).optional().describe('9F1A'),
  merchantCategoryCode: z.string().optional().describe('9F15'),
  usePse: z.boolean().optional().describe('The PSE is tried before the list of AIDs'),
  cardholderSelection: z.boolean().optional().describe('The cardholder can choose and confirm applications'),
  languages: z.array(z.string()).min(1).optional().describe('ISO 639-1, best first'),
  codeTables: z.array(z.int()).min(1).optional().describe('ISO 8859 parts that the display has'),
})

const applicationChanges = z.strictObject({
  match: z.enum(['exact', 'partial']).optional().describe('Whether a card’s AID may be longer'),
  versions: z.array(hexText).min(1).optional().describe('9F09, best first'),
  tacDenial: hexText.optional().describe('Terminal Action Code – Denial'),
  tacOnline: hexText.optional().describe('Terminal Action Code – Online'),
  tacDefault: hexText.optional().describe('Terminal Action Code – Default'),
  floorLimit: minorUnits.optional().describe('9F1B, minor units'),
  randomSelection: z
    .strictObject({ threshold: minorUnits, targetPercentage: z.int().min(0).max(99), maximumPercentage: z.int().min(0).max(99) })
    .optional()
    .describe('Book 3, 10.6.2'),
  velocityChecking: z.boolean().optional().describe('Book 3, 10.6.3'),
  ddol: hexText.optional(),
  tdol: hexText.optional(),
  data: hexRecord.optional().describe('More data objects by tag'),
  accept: z.literal(false).optional().describe('False: the terminal does not take it'),
})

const tapChanges = z.strictObject({
  verifyFrom: minorUnits.optional().describe('Minor units from which on a tap is verified'),
  refuseFrom: minorUnits.optional().describe('Minor units from which on nothing is taken by tap'),
  offlineUpTo: minorUnits.optional().describe('Minor units below which a tap may be approved offline'),
})

export const terminal = z
  .strictObject({
    set: terminalChanges.optional().describe('What the terminal is'),
    applications: z
      .record(z.string().regex(/^(\*|[0-9A-Fa-f]{2,32})$/, 'the beginning of an AID in hex, or *'), applicationChanges)
      .optional()
      .describe('Changes of the applications whose AID begins so; * for all'),
    taps: tapChanges.optional().describe('Changes of the rules for taps'),
    pinBypass: z.boolean().optional().describe('ENTER alone goes on without a PIN'),
    exceptionFile: z
      .array(z.string().regex(/^\d{1,19}$/, '1 to 19 digits'))
      .min(1)
      .optional()
      .describe('Beginnings of card numbers on the exception file'),
    caKeys: z.literal('none').optional().describe('none: it trusts no certification authority'),
  })
  .describe('Changes of the terminal’s configuration, on top of the currency’s ready one')

const merchants = z
  .array(z.record(z.string(), z.unknown()))
  .superRefine((value, context) => {
    try {
      parseMerchants(value)
    } catch (error) {
      context.addIssue({ code: 'custom', message: (error as Error).message })
    }
  })
  .describe('Who may be paid, as of `tapdip-sim acquirer --merchant`')

export const hostFields = z.strictObject({
  rules: z.array(hostRuleSchema).optional().describe('How the host misbehaves'),
  magicAmounts: z
    .boolean()
    .optional()
    .describe('The last two digits of an amount say what the host answers, where no rule does: 1.05 is 05'),
  balance: minorUnits.optional().describe('Minor units on each account'),
  gone: z.boolean().optional().describe('It cannot be reached'),
  merchants: merchants.optional(),
})

export const host = z.union([z.array(hostRuleSchema), hostFields]).describe('Rules of the host, or its fields')
