/** The contactless side of a virtual card, plastic or in a phone: which applications it has, as PPSE, AIP, lists and records, and its shared memory. */

import { equal, fromHex, fromText } from '../../../src/bytes.ts'
import { Fault } from '../../../src/errors.ts'
import type { Answer } from '../command.ts'
import type { Run } from '../contact/run.ts'
import type { ApplicationMemory, CardMemory } from '../memory.ts'
import { children, encode, object } from '../objects.ts'
import { type ApplicationImage, type CardImage, type Discretionary, personalize } from '../personalize.ts'
import type { ApplicationPlan, CardPlan } from '../profile/profile.ts'
import { tapBrandOf } from '../profile/words.ts'
import { settingsOf } from './brand.ts'
import { tapBrands } from './brands.ts'

export const ppseName = fromText('2PAY.SYS.DDF01')

export interface Personalized {
  readonly image: CardImage
  readonly memory: CardMemory
}

/** What a card has for tapping, for plastic and for a phone, and what it remembers of a torn transaction. */
export interface TapSide {
  readonly plastic: Personalized
  readonly phone: Personalized
  torn: { readonly answer: Answer; readonly un: string; readonly application: string; readonly run: Run; readonly atc: number } | undefined
  /** A transaction whose ARQC is out, and whose issuer may still answer on a second tap. */
  unanswered: { readonly application: string; readonly run: Run } | undefined
}

function tapped(one: ApplicationPlan): boolean {
  return tapBrandOf(one) !== undefined && one.contactless !== false
}

/** Whether a card has an application that can be tapped. */
export function canTap({ applications }: CardPlan): boolean {
  return applications.some(tapped)
}

/** Personalises the contactless applications; their counters are those of the contact side. @throws Fault `card-mute` where it has none */
export function tapSide(image: CardImage, memory: CardMemory): TapSide {
  if (!canTap(image.plan)) throw new Fault('card-mute', `the card ${image.plan.name} has no application that can be tapped`)
  const side = (device: 'card' | 'phone'): Personalized => {
    const { plan } = image
    const applicable = plan.applications.filter(tapped).map(one => tapPlan(one, device, plan))
    const own = personalize({ ...plan, pse: false, applications: applicable }, operationDol)
    const applications = own.applications.map(one => shared(one, memory.applications.find(({ image }) => equal(image.aid, one.aid))!))
    return { image: own, memory: sharedCard(memory, applications) }
  }
  return { plastic: side('card'), phone: side('phone'), torn: undefined, unanswered: undefined }
}

/** One application's memory with the contactless image in it: everything that is written goes to the contact side's. */
function shared(image: ApplicationImage, memory: ApplicationMemory): ApplicationMemory {
  const own = { image, records: new Map(image.records) }
  return new Proxy(memory, { get: (target, key) => (key in own ? own[key as keyof typeof own] : target[key as keyof ApplicationMemory]) })
}

function sharedCard(memory: CardMemory, applications: readonly ApplicationMemory[]): CardMemory {
  return new Proxy(memory, { get: (target, key) => (key === 'applications' ? applications : target[key as keyof CardMemory]) })
}

/** Mir's Protocol 2 shows in the FCI by an Operation DOL (DF6F). */
const operationDol: Discretionary = one => (settingsOf(one)?.protocol2 ? [object(0xdf6f, fromHex('9F0206'))] : [])

type Cvm = NonNullable<ApplicationPlan['cvm']>

const tapMethods: Readonly<Partial<Record<Cvm['rules'][number]['method'], Cvm['rules'][number]['method']>>> = {
  onlinePin: 'onlinePin',
  signature: 'signature',
  noCvm: 'noCvm',
  offlinePin: 'onlinePin',
  offlinePinAndSignature: 'onlinePin',
  encipheredPin: 'onlinePin',
  encipheredPinAndSignature: 'onlinePin',
}

/** No PIN is given to a card in the field: where the contact side checks it itself, the issuer does. The next rule follows where one cannot be done. */
function tapRules(cvm: Cvm): Cvm {
  const rules = cvm.rules.flatMap(rule => {
    const method = tapMethods[rule.method]
    return method ? [{ ...rule, method, otherwise: 'next' as const }] : []
  })
  // What is tapped for a small amount must be possible without any of them: the last rule of a list for the field.
  const list = [...rules, { method: 'noCvm', when: 'supported', otherwise: 'next' } as const]
  return { ...cvm, rules: list.filter(({ method }, at) => list.findIndex(other => other.method === method) === at) }
}

function tapPlan(one: ApplicationPlan, device: 'card' | 'phone', card: CardPlan): ApplicationPlan {
  const common = { ...one, cvm: one.cvm && tapRules(one.cvm), log: undefined, layout: undefined, responseFormat: 2 as const }
  return tapBrands[tapBrandOf(one)!].plan(common, device, card)
}

/** The PPSE's FCI: every application, blocked ones left out. */
export function directory({ applications }: CardMemory): Uint8Array {
  const entries = applications
    .filter(({ blocked }) => !blocked)
    .map(({ image: { aid, plan } }) => {
      const settings = settingsOf(plan)
      return object(
        0x61,
        children(
          new Map([
            [0x4f, aid],
            [0x50, fromText(plan.label)],
            [0x87, Uint8Array.of(plan.priority)],
            [0x9f2a, settings?.kernel ?? tapBrands[tapBrandOf(plan)!].kernel ?? new Uint8Array()],
            [0x9f29, settings?.extension ?? new Uint8Array()],
          ]),
        ),
      )
    })
  return encode(0x6f, [object(0x84, ppseName), object(0xa5, [object(0xbf0c, entries)])])
}
