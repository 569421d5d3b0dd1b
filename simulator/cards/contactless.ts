/** The contactless side of a virtual card, plastic or in a phone: PPSE, EMV mode for Mir and Mastercard, qVSDC for Visa, RECOVER AC. */

import { concat, equal, fromHex, fromText, fromUint, hex } from '../../src/bytes.ts'
import { type Clock, sleep } from '../../src/clock.ts'
import type { Card } from '../../src/emv/card.ts'
import { Fault, throwIfAborted } from '../../src/errors.ts'
import { signedDynamicData } from './certificates.ts'
import { type Answer, ok, parseCommand, refuse, responseBytes, SW } from './command.ts'
import { acKey, applicationCryptogram } from './cryptogram.ts'
import { cutByDol, dolLength } from './dol.ts'
import { execute } from './execute.ts'
import { type AcType, issuerApplicationData } from './iad.ts'
import type { ApplicationMemory, CardMemory } from './memory.ts'
import { children, encode, object } from './objects.ts'
import { type ApplicationImage, type CardImage, personalize } from './personalize.ts'
import type { ApplicationPlan, CardPlan } from './profile.ts'
import { layoutOf } from './records.ts'
import { freshRun, type Session } from './run.ts'

export interface TapOptions {
  /** A phone: its holder has unlocked it, which it tells as verification on the consumer's device. */
  readonly verified?: boolean
  /** The card leaves the field at this APDU, counted from 1: it still works on the command, but its answer is lost. */
  readonly tornAt?: number
}

type Brand = 'mir' | 'visa' | 'mastercard'

function brandOf(aid: Uint8Array): Brand | undefined {
  const rid = hex(aid.subarray(0, 5))
  return rid === 'A000000658' ? 'mir' : rid === 'A000000003' ? 'visa' : rid === 'A000000004' ? 'mastercard' : undefined
}

/** Mir's kernel identifier in the PPSE (9F2A): domestic, 81 06 43. */
const mirKernel = fromHex('810643')
const ppseName = fromText('2PAY.SYS.DDF01')
const visaPdol = fromHex('9F66049F02069F03069F1A0295055F2A029A039C019F3704')

/** What a card has for tapping, for plastic and for a phone, and what it remembers of a torn transaction. */
export interface TapSide {
  readonly plastic: Personalized
  readonly phone: Personalized
  readonly torn: { answer: Answer; un: string; application: string } | undefined
}
interface Personalized {
  readonly image: CardImage
  readonly memory: CardMemory
}

/** Whether a card has an application that can be tapped. */
export function canTap({ applications }: CardPlan): boolean {
  return applications.some(({ aid }) => brandOf(aid) !== undefined)
}

/** Personalises the contactless applications; their counters are those of the contact side. @throws Fault `card-mute` where it has none */
export function tapSide(image: CardImage, memory: CardMemory): TapSide & { torn: TapSide['torn'] } {
  const side = (phone: boolean): Personalized => {
    const own = personalize(contactlessPlan(image.plan, phone))
    const applications = own.applications.map(one => shared(one, memory.applications.find(({ image }) => equal(image.aid, one.aid))!))
    return { image: own, memory: sharedCard(memory, applications) }
  }
  return { plastic: side(false), phone: side(true), torn: undefined }
}

/** One application's memory with the contactless image in it: everything that is written goes to the contact side's. */
function shared(image: ApplicationImage, memory: ApplicationMemory): ApplicationMemory {
  const own = { image, records: new Map(image.records) }
  return new Proxy(memory, { get: (target, key) => (key in own ? own[key as keyof typeof own] : target[key as keyof ApplicationMemory]) })
}

function sharedCard(memory: CardMemory, applications: readonly ApplicationMemory[]): CardMemory {
  return new Proxy(memory, { get: (target, key) => (key === 'applications' ? applications : target[key as keyof CardMemory]) })
}

/** Offline PIN is not for tapping: online PIN, signature and none are what is left of a CVM list. */
function contactlessPlan(plan: CardPlan, phone: boolean): CardPlan {
  const applications = plan.applications.flatMap((one): ApplicationPlan[] => {
    const brand = brandOf(one.aid)
    if (!brand) return []
    const rules = one.cvm?.rules.filter(({ method }) => method === 'onlinePin' || method === 'signature' || method === 'noCvm')
    const cvm = one.cvm && {
      ...one.cvm,
      rules: rules?.length ? rules : [{ method: 'onlinePin' as const, when: 'supported' as const, otherwise: 'next' as const }],
    }
    const common = { ...one, cvm, log: undefined, layout: undefined, responseFormat: 2 as const, initiation: 'allow' as const }
    if (brand === 'visa') return [{ ...common, aip: Uint8Array.of(0x20, 0x00), pdol: visaPdol, oda: { ...one.oda, method: 'dda' } }]
    const cda = { ...one.oda, method: 'cda' as const }
    // AIP: DDA, cardholder verification, terminal risk management, CDA; on-device verification on a phone; byte 2 b8 is Mastercard's EMV mode.
    const aip = Uint8Array.of(0x39 | (phone ? 0x02 : 0x00), brand === 'mastercard' ? 0x80 : 0x00)
    // DRDOL (9F51): the unpredictable number finds the torn transaction again.
    if (brand === 'mir') return [{ ...common, aip, oda: cda }]
    const mastercard: ApplicationPlan = { ...common, aip, oda: cda, data: { ...one.data, '9F51': fromHex('9F3704') } }
    // Record 1 of SFI 1 is that of magstripe mode: a reader that has both modes leaves it out in EMV mode (Book C-2, S3.32).
    return [{ ...mastercard, layout: layoutOf(mastercard).map(record => (record.sfi === 1 ? { ...record, sfi: 7 } : record)) }]
  })
  if (applications.length === 0) throw new Fault('card-mute', `the card ${plan.name} has no application that can be tapped`)
  return { ...plan, pse: false, applications }
}

export class TapSession implements Card {
  readonly interface = 'contactless'
  /** Historical bytes, as PC/SC readers give them for ISO 14443-4 cards. */
  readonly atr = fromHex('3B80800101')
  readonly #side: { torn: TapSide['torn'] }
  readonly #image: CardImage
  readonly #session: Session
  readonly #clock: Clock
  readonly #verified: boolean
  readonly #tornAt: number | undefined
  readonly #gone = new AbortController()
  #count = 0

  constructor(side: TapSide & { torn: TapSide['torn'] }, random: (length: number) => Uint8Array, clock: Clock, options: TapOptions) {
    const { image, memory } = options.verified ? side.phone : side.plastic
    this.#side = side
    this.#image = image
    this.#clock = clock
    this.#verified = options.verified ?? false
    this.#tornAt = options.tornAt
    this.#session = {
      memory,
      random,
      selected: { type: 'none' },
      search: undefined,
      run: undefined,
      challenge: undefined,
    }
  }

  /** Takes the card out of the field: every later command ends with `card-removed`. */
  remove(): void {
    this.#gone.abort(new Fault('card-removed', 'the card left the field'))
  }

  /** @throws Fault `card-removed`, `aborted` */
  async transmit(apdu: Uint8Array, options: { signal?: AbortSignal } = {}): Promise<Uint8Array> {
    throwIfAborted(options.signal)
    throwIfAborted(this.#gone.signal)
    const { faults } = this.#image.plan
    if (faults.delay > 0) await sleep(faults.delay, this.#clock, options.signal)
    this.#count++
    const answer = this.#answer(apdu)
    if (this.#tornAt !== undefined && this.#count >= this.#tornAt) this.remove()
    throwIfAborted(this.#gone.signal)
    return responseBytes(answer)
  }

  #answer(apdu: Uint8Array): Answer {
    const command = parseCommand(apdu)
    if (!command) return refuse(SW.wrongLength)
    const { ins, cla, data } = command
    const { selected, memory } = this.#session
    if (ins === 0xa4 && equal(data, ppseName)) return memory.blocked ? refuse(SW.notSupported) : ok(this.#directory())
    const application = selected.type === 'application' ? selected.application : undefined
    const visa = application && brandOf(application.image.aid) === 'visa'
    if (application && visa && ins === 0xa8) return this.#quick(application, data)
    if (application && visa && ins === 0xae) return refuse(SW.wrongIns)
    if (cla === 0x80 && ins === 0xd0) return this.#recover(data)
    const answer = execute(this.#session, this.#image, apdu)
    if (application && ins === 0xae && answer.sw === 0x9000)
      this.#side.torn = {
        answer,
        un: hex(this.#session.run?.told.get(0x9f37) ?? new Uint8Array()),
        application: hex(application.image.aid),
      }
    return answer
  }

  /** RECOVER AC (EMV Contactless Book C-2): the answer to the last GENERATE AC, where the number sent is the one it was over. */
  #recover(data: Uint8Array): Answer {
    const { torn } = this.#side
    const { selected } = this.#session
    if (!torn || selected.type !== 'application' || hex(selected.application.image.aid) !== torn.application) return refuse(SW.conditions)
    return hex(data) === torn.un ? torn.answer : refuse(SW.conditions)
  }

  /** The PPSE's FCI: every application, blocked ones left out. */
  #directory(): Uint8Array {
    const entries = this.#session.memory.applications
      .filter(({ blocked }) => !blocked)
      .map(({ image: { aid, plan } }) => {
        const kernel = brandOf(aid) === 'mir' ? mirKernel : new Uint8Array()
        return object(
          0x61,
          children(
            new Map([
              [0x4f, aid],
              [0x50, fromText(plan.label)],
              [0x87, Uint8Array.of(plan.priority)],
              [0x9f2a, kernel],
            ]),
          ),
        )
      })
    return encode(0x6f, [object(0x84, ppseName), object(0xa5, [object(0xbf0c, entries)])])
  }

  /** GET PROCESSING OPTIONS of a qVSDC card: cryptogram, card transaction qualifiers, and a signature where it approves offline. */
  #quick(application: ApplicationMemory, data: Uint8Array): Answer {
    const { image } = application
    const wanted = dolLength(image.pdol)
    if (this.#session.run) return refuse(SW.conditions)
    if (data.length !== wanted + 2 || data[0] !== 0x83 || data[1] !== wanted) return refuse(SW.wrongLength)
    const values = data.slice(2)
    const told = cutByDol(image.pdol, values)!
    application.atc++
    const run = freshRun(told, values, this.#session.random(8))
    this.#session.run = run
    const ttq = told.get(0x9f66)!
    const qualifiers = this.#qualifiers(ttq)
    const type = this.#decide(application, ttq, qualifiers)
    const atc = fromUint(application.atc, 2)
    const iad = issuerApplicationData(image.scheme, image.plan.keyIndex, run.dynamicNumber, quiet(type, application))
    const inputs = new Map([...told, [0x82, image.aip], [0x9f36, atc], [0x9f10, iad]])
    const cryptogram = applicationCryptogram(image.scheme, acKey(image.scheme, image.masterKeys.ac, atc), inputs)
    const related = concat(Uint8Array.of(0x01), this.#session.random(4), qualifiers, Uint8Array.of(0x00))
    const objects = new Map([[0x82, image.aip], [0x94, image.afl], [0x9f36, atc], [0x9f26, cryptogram], [0x9f27, Uint8Array.of({ AAC: 0x00, TC: 0x40, ARQC: 0x80 }[type])], [0x9f10, iad], [0x9f6c, qualifiers]]) // biome-ignore format: a list
    if (type === 'TC') {
      const signed = concat(told.get(0x9f37)!, told.get(0x9f02)!, told.get(0x5f2a)!, related)
      const number = concat(Uint8Array.of(run.dynamicNumber.length), run.dynamicNumber)
      objects.set(0x9f69, related).set(0x9f4b, signedDynamicData(image.iccKey!, number, signed))
    }
    return ok(encode(0x77, children(objects)))
  }

  /** CTQ (9F6C): a phone says that it verified its holder; plastic asks for an online PIN or a signature where the reader needs verification. */
  #qualifiers(ttq: Uint8Array): Uint8Array {
    if (this.#verified) return Uint8Array.of(0x00, 0x80)
    if (!(ttq[1] & 0x40)) return Uint8Array.of(0x00, 0x00)
    return Uint8Array.of(ttq[0] & 0x04 ? 0x80 : 0x40, 0x00)
  }

  #decide(application: ApplicationMemory, ttq: Uint8Array, qualifiers: Uint8Array): AcType {
    const { policy } = application.image.plan.risk
    if (application.blocked || policy === 'decline') return 'AAC'
    const mustGoOnline = (ttq[1] & 0x80) !== 0 || (qualifiers[0] & 0x80) !== 0
    return !mustGoOnline && (policy === 'offline' || policy === 'approve') ? 'TC' : 'ARQC'
  }
}

/** A qVSDC card says little in its verification results: what it gave. */
function quiet(first: AcType, application: ApplicationMemory) {
  return {
    first,
    second: undefined,
    pinPerformed: false,
    pinFailed: false,
    pinEnciphered: false,
    pinTriesLeft: 0,
    pinBlocked: false,
    ddaDone: first === 'TC',
    cdaDone: false,
    unableToGoOnline: false,
    issuerAuthentication: 'notDone' as const,
    lastOnlineNotCompleted: application.onlineNotCompleted,
    lastIssuerAuthenticationFailed: application.issuerAuthenticationFailed,
    newCard: application.lastOnlineAtc === 0,
    domestic: true,
    overConsecutive: [false, false] as const,
    overCumulative: [false, false] as const,
    goOnlineNext: application.goOnlineNext,
    scriptsDone: application.scripts.done,
    scriptFailed: application.scripts.failed,
    cumulativeOffline: application.cumulativeOffline,
    consecutiveOffline: application.consecutiveOffline,
  }
}
