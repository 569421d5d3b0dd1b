/** A virtual card or phone in the field: PPSE, the brands' own commands by tap, torn transactions and relayed answers. */

import { concat, equal, fromHex, fromUint, hex } from '../../src/bytes.ts'
import { type Clock, sleep } from '../../src/clock.ts'
import type { Card } from '../../src/emv/card.ts'
import { Fault, throwIfAborted } from '../../src/errors.ts'
import { type Answer, type CardCommand, ok, parseCommand, refuse, responseBytes, SW } from './command.ts'
import { type Device, directory, ppseName, settingsOf, type TapSide } from './contactless.ts'
import { execute } from './execute.ts'
import type { ApplicationMemory } from './memory.ts'
import { encode } from './objects.ts'
import type { CardImage } from './personalize.ts'
import { brandOf } from './profile-words.ts'
import { quickOptions } from './quick.ts'
import type { Session } from './run.ts'

export interface TapOptions {
  /** Plastic when left out. */
  readonly device?: Device
  /** The card leaves the field at this APDU, counted from 1: it still works on the command, but its answer is lost. */
  readonly tornAt?: number
}

/** CVM Results (9F34) with which a reader says that the device has verified its holder (Book C-2). */
const DEVICE_VERIFIED = fromHex('010002')
/** POS Cardholder Interaction Information (DF4B): verification on the device is required (byte 2 b1). */
const SEE_PHONE = encode(0xdf4b, fromHex('000100'))

export class TapSession implements Card {
  readonly interface = 'contactless'
  /** Historical bytes, as PC/SC readers give them for ISO 14443-4 cards. */
  readonly atr = fromHex('3B80800101')
  readonly #side: TapSide
  readonly #image: CardImage
  readonly #session: Session
  readonly #clock: Clock
  readonly #device: Device
  readonly #tornAt: number | undefined
  readonly #gone = new AbortController()
  #count = 0

  constructor(side: TapSide, random: (length: number) => Uint8Array, clock: Clock, { device = 'card', tornAt }: TapOptions) {
    const { image, memory } = device === 'card' ? side.plastic : side.phone
    this.#side = side
    this.#image = image
    this.#clock = clock
    this.#device = device
    this.#tornAt = tornAt
    this.#session = { memory, random, selected: { type: 'none' }, search: undefined, run: undefined, challenge: undefined }
  }

  /** Takes the card out of the field: every later command ends with `card-removed`. */
  remove(): void {
    this.#gone.abort(new Fault('card-removed', 'the card left the field'))
  }

  /** @throws Fault `card-removed`, `aborted` */
  async transmit(apdu: Uint8Array, options: { signal?: AbortSignal } = {}): Promise<Uint8Array> {
    throwIfAborted(options.signal)
    throwIfAborted(this.#gone.signal)
    const delay = this.#image.plan.faults.delay + this.#relayTime(apdu)
    if (delay > 0) await sleep(delay, this.#clock, options.signal)
    this.#count++
    const answer = this.#answer(apdu)
    if (this.#tornAt !== undefined && this.#count >= this.#tornAt) this.remove()
    throwIfAborted(this.#gone.signal)
    return responseBytes(answer)
  }

  get #application(): ApplicationMemory | undefined {
    const { selected } = this.#session
    return selected.type === 'application' ? selected.application : undefined
  }

  get #relay() {
    const application = this.#application
    return application && settingsOf(application.image.plan)?.relayResistance
  }

  #relayTime(apdu: Uint8Array): number {
    return apdu[0] === 0x80 && apdu[1] === 0xea ? (this.#relay?.takes ?? 0) : 0
  }

  #answer(apdu: Uint8Array): Answer {
    const command = parseCommand(apdu)
    if (!command) return refuse(SW.wrongLength)
    const { ins, cla, data } = command
    if (ins === 0xa4) return this.#select(apdu, command)
    const application = this.#application
    if (!application) return execute(this.#session, this.#image, apdu)
    const visa = brandOf(application.image.aid) === 'visa'
    if (visa && ins === 0xa8) return quickOptions(this.#session, this.#image.plan, application, data, this.#device)
    if (visa && ins === 0xae) return refuse(SW.wrongIns)
    if (cla === 0x80 && ins === 0xd0) return this.#recover(application, data)
    if (cla === 0x80 && ins === 0xea) return this.#resistRelay(data)
    return ins === 0xae ? this.#generate(application, apdu) : execute(this.#session, this.#image, apdu)
  }

  #select(apdu: Uint8Array, { data, p2 }: CardCommand): Answer {
    const { memory } = this.#session
    if (equal(data, ppseName)) {
      // A Mir wallet is there only while its holder has it open (assumed).
      const applications = memory.applications.filter(({ image }) => this.#device !== 'lockedPhone' || brandOf(image.aid) !== 'mir')
      if (memory.blocked || applications.length === 0) return refuse(memory.blocked ? SW.notSupported : SW.fileNotFound)
      this.#session.selected = { type: 'none' }
      return ok(directory({ ...memory, applications }))
    }
    const extended = memory.applications.find(({ image: { aid, plan } }) => {
      const extension = settingsOf(plan)?.extension
      return extension !== undefined && equal(data, concat(aid, extension))
    })
    const name = extended ? selectCommand(extended.image.aid, p2) : apdu
    return execute(this.#session, this.#image, name)
  }

  /** GENERATE AC: kept for a tap that tears; a phone that did not verify its holder refuses, and says why. */
  #generate(application: ApplicationMemory, apdu: Uint8Array): Answer {
    const before = application.onlineNotCompleted
    const unverified = this.#device === 'lockedPhone' && this.#told(application, apdu, 0x9f34, DEVICE_VERIFIED)
    const command = unverified ? apdu.map((byte, at) => (at === 2 ? 0x00 : byte)) : apdu
    const answer = execute(this.#session, this.#image, command)
    application.onlineNotCompleted = before // by tap no second GENERATE AC comes
    if (answer.sw !== 0x9000) return answer
    if (unverified) return ok(inTemplate77(answer.data!, SEE_PHONE))
    const un = hex(this.#session.run?.told.get(0x9f37) ?? new Uint8Array())
    this.#side.torn = { answer, un, application: hex(application.image.aid) }
    return answer
  }

  /** Whether the command says `value` for a tag of CDOL1. */
  #told({ image }: ApplicationMemory, apdu: Uint8Array, tag: number, value: Uint8Array): boolean {
    let at = 5
    for (const entry of image.cdol1) {
      if (entry.tag === tag) return equal(apdu.subarray(at, at + entry.length), value)
      at += entry.length
    }
    return false
  }

  /** RECOVER AC (EMV Contactless Book C-2): the answer to the last GENERATE AC, where the number sent is the one it was over. */
  #recover({ image }: ApplicationMemory, data: Uint8Array): Answer {
    const { torn } = this.#side
    return torn && torn.application === hex(image.aid) && torn.un === hex(data) ? torn.answer : refuse(SW.conditions)
  }

  /** EXCHANGE RELAY RESISTANCE DATA (Book C-2): entropy of our own, and the times that the card states. */
  #resistRelay(entropy: Uint8Array): Answer {
    const relay = this.#relay
    const { run } = this.#session
    if (!relay || run?.phase !== 'initiated') return refuse(SW.conditions)
    if (entropy.length !== 4) return refuse(SW.wrongLength)
    const times = [relay.minimum, relay.maximum, relay.transmission].map(time => fromUint(time, 2))
    const answer = concat(this.#session.random(4), ...times)
    run.relay = concat(entropy, answer)
    return ok(encode(0x80, answer))
  }
}

function selectCommand(name: Uint8Array, p2: number): Uint8Array {
  return concat(Uint8Array.of(0x00, 0xa4, 0x04, p2, name.length), name, Uint8Array.of(0x00))
}

/** Another object at the end of a response in format 2. */
function inTemplate77(data: Uint8Array, more: Uint8Array): Uint8Array {
  const header = data[1] === 0x81 ? 3 : 2
  return encode(0x77, concat(data.subarray(header), more))
}
