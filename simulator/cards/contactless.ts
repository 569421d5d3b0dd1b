/** The contactless side of a virtual card, plastic or in a phone: which applications it has, as PPSE, AIP, lists and records, and its shared memory. */

import { equal, fromHex, fromText } from '../../src/bytes.ts'
import { Fault } from '../../src/errors.ts'
import type { Answer } from './command.ts'
import type { ApplicationMemory, CardMemory } from './memory.ts'
import { children, encode, object } from './objects.ts'
import { type ApplicationImage, type CardImage, type Discretionary, personalize } from './personalize.ts'
import type { ApplicationPlan, CardPlan } from './profile.ts'
import { type Brand, brandOf } from './profile-words.ts'
import { layoutOf } from './records.ts'

/** How a card is held to a reader: as plastic, in a phone that its holder has unlocked, or in one that is locked. */
export type Device = 'card' | 'phone' | 'lockedPhone'

export const ppseName = fromText('2PAY.SYS.DDF01')
/** Mir's kernel identifier (9F2A): domestic, 81 06 43. */
const mirKernel = fromHex('810643')
const visaPdol = fromHex('9F66049F02069F03069F1A0295055F2A029A039C019F3704')
/** 9F6E by brand: form factor (Visa; the values are assumed), and country, unique identifier and device type "00" card, "01" phone (Mastercard). */
const deviceData: Readonly<Record<'visa' | 'mastercard', Readonly<Record<'card' | 'phone', string>>>> = {
  visa: { card: '20700000', phone: '238C0000' },
  mastercard: { card: '06430000303000', phone: '06430000303100' },
}

export interface Personalized {
  readonly image: CardImage
  readonly memory: CardMemory
}

/** What a card has for tapping, for plastic and for a phone, and what it remembers of a torn transaction. */
export interface TapSide {
  readonly plastic: Personalized
  readonly phone: Personalized
  torn: { readonly answer: Answer; readonly un: string; readonly application: string } | undefined
}

/** What the profile says of tapping; undefined where it leaves that to the brand. */
export function settingsOf({ contactless }: ApplicationPlan) {
  return contactless === false ? undefined : contactless
}

function tapped({ aid, contactless }: ApplicationPlan): boolean {
  return brandOf(aid) !== undefined && contactless !== false
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
    const applicable = plan.applications.filter(tapped).map(one => tapPlan(one, device))
    const own = personalize({ ...plan, pse: false, applications: applicable }, operationDol)
    const applications = own.applications.map(one => shared(one, memory.applications.find(({ image }) => equal(image.aid, one.aid))!))
    return { image: own, memory: sharedCard(memory, applications) }
  }
  return { plastic: side('card'), phone: side('phone'), torn: undefined }
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
  return { ...cvm, rules: rules.filter(({ method }, at) => rules.findIndex(other => other.method === method) === at) }
}

function tapPlan(one: ApplicationPlan, device: 'card' | 'phone'): ApplicationPlan {
  const brand = brandOf(one.aid)!
  const settings = settingsOf(one)
  const cvm = one.cvm && tapRules(one.cvm)
  const common = { ...one, cvm, log: undefined, layout: undefined, responseFormat: 2 as const }
  if (brand === 'visa')
    // 9F6E comes with the answer to GET PROCESSING OPTIONS.
    return {
      ...common,
      cryptogram: settings?.cryptogram ?? one.cryptogram,
      aip: Uint8Array.of(0x20, 0x00),
      pdol: visaPdol,
      oda: { ...one.oda, method: 'dda' },
    }
  const cda = { ...one.oda, method: 'cda' as const }
  // AIP: DDA, cardholder verification, terminal risk management, CDA; on-device verification on a phone. Byte 2: Mastercard's EMV mode, relay resistance.
  const second = brand === 'mastercard' ? 0x80 | (settings?.relayResistance ? 0x01 : 0) : 0
  const aip = Uint8Array.of(0x39 | (device === 'phone' ? 0x02 : 0x00), second)
  if (brand === 'mir') return { ...common, aip, oda: cda }
  // DRDOL (9F51): the unpredictable number finds the torn transaction again.
  const data = { '9F6E': settings?.deviceData ?? fromHex(deviceData.mastercard[device]), '9F51': fromHex('9F3704'), ...one.data }
  const mastercard: ApplicationPlan = { ...common, aip, oda: cda, data }
  // Record 1 of SFI 1 is that of magstripe mode: a reader that has both modes leaves it out in EMV mode (Book C-2, S3.32).
  return { ...mastercard, layout: layoutOf(mastercard).map(record => (record.sfi === 1 ? { ...record, sfi: 7 } : record)) }
}

/** Visa's Form Factor Indicator (9F6E). */
export function formFactor(one: ApplicationPlan, device: Device): Uint8Array {
  return settingsOf(one)?.deviceData ?? fromHex(deviceData.visa[device === 'card' ? 'card' : 'phone'])
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
            [0x9f2a, settings?.kernel ?? kernels[brandOf(aid)!]],
            [0x9f29, settings?.extension ?? new Uint8Array()],
          ]),
        ),
      )
    })
  return encode(0x6f, [object(0x84, ppseName), object(0xa5, [object(0xbf0c, entries)])])
}

/** What an entry names where the profile does not: only a domestic kernel has to be. */
const kernels: Readonly<Record<Brand, Uint8Array>> = { mir: mirKernel, visa: new Uint8Array(), mastercard: new Uint8Array() }
