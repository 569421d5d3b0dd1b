/** A virtual card or phone in the field: PPSE, the brands' own commands by tap, torn transactions and relayed answers. */

import { concat, equal, fromHex, fromUint, hex } from '../../../src/bytes.ts'
import { type Clock, sleep } from '../../../src/clock.ts'
import type { Card } from '../../../src/emv/card.ts'
import { Fault, throwIfAborted } from '../../../src/errors.ts'
import { type Answer, type CardCommand, ok, parseCommand, refuse, responseBytes, SW } from '../command.ts'
import { execute } from '../contact/execute.ts'
import type { Session } from '../contact/run.ts'
import { cutByDol } from '../dol.ts'
import { bytesOf, children, encode } from '../objects.ts'
import type { CardImage } from '../personalize.ts'
import type { ApplicationPlan } from '../profile/profile.ts'
import { tapBrandOf } from '../profile/words.ts'
import { authenticateIssuer, remember } from '../risk.ts'
import { type DataObjects, type Device, settingsOf, type Tapped } from './brand.ts'
import { tapBrands } from './brands.ts'
import { directory, ppseName, type TapSide } from './contactless.ts'

export interface TapOptions {
  /** Plastic when left out. */
  readonly device?: Device
  /** The card leaves the field at this APDU, counted from 1: it still works on the command, but its answer is lost. */
  readonly tornAt?: number
  /** A locked phone asks its holder, on its own screen, to verify themselves. */
  readonly onHolderWanted?: () => void
}

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
  readonly #holderWanted: () => void
  readonly #gone = new AbortController()
  #count = 0

  constructor(side: TapSide, random: (length: number) => Uint8Array, clock: Clock, options: TapOptions) {
    const { device = 'card', tornAt, onHolderWanted = () => {} } = options
    const { image, memory } = device === 'card' ? side.plastic : side.phone
    this.#side = side
    this.#image = image
    this.#clock = clock
    this.#device = device
    this.#tornAt = tornAt
    this.#holderWanted = onHolderWanted
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
    if (answer.sw === SW.notAllowed) this.#holderWanted()
    if (this.#tornAt !== undefined && this.#count >= this.#tornAt) this.remove()
    throwIfAborted(this.#gone.signal)
    return responseBytes(answer)
  }

  get #tapped(): Tapped | undefined {
    const { selected } = this.#session
    if (selected.type !== 'application') return undefined
    return { session: this.#session, card: this.#image.plan, application: selected.application, device: this.#device }
  }

  get #relay() {
    const tapped = this.#tapped
    return tapped && settingsOf(tapped.application.image.plan)?.relayResistance
  }

  #relayTime(apdu: Uint8Array): number {
    return apdu[0] === 0x80 && apdu[1] === 0xea ? (this.#relay?.takes ?? 0) : 0
  }

  #answer(apdu: Uint8Array): Answer {
    const command = parseCommand(apdu)
    if (!command) return refuse(SW.wrongLength)
    const { ins, cla, data } = command
    if (ins === 0xa4) return this.#select(apdu, command)
    const tapped = this.#tapped
    if (!tapped) return execute(this.#session, this.#image, apdu)
    if (ins === 0xa8) return this.#initiate(tapped, apdu, data)
    if (ins === 0xae) return this.#generate(tapped, apdu, data)
    const { checksum, recovery } = tapBrands[tapBrandOf(tapped.application.image.plan)!]
    if (ins === 0x2a && checksum) return checksum(tapped, command)
    if (recovery === 'recoverAc' && cla === 0x80 && ins === 0xd0) return this.#recover(tapped, data)
    if (recovery === 'echo' && cla === 0x80 && ins === 0xdf) return this.#echo(tapped)
    if (cla === 0x80 && ins === 0xea) return this.#resistRelay(data)
    this.#resume(tapped)
    if (ins === 0x82) return this.#authenticateIssuer(tapped, data)
    return execute(this.#session, this.#image, apdu)
  }

  #select(apdu: Uint8Array, { data, p2 }: CardCommand): Answer {
    const { memory } = this.#session
    if (equal(data, ppseName)) {
      const hidden = (plan: ApplicationPlan) => this.#device === 'lockedPhone' && tapBrands[tapBrandOf(plan)!].hiddenWhenLocked
      const applications = memory.applications.filter(({ image }) => !hidden(image.plan))
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

  /** A transaction begins: what the one before left for its issuer is over. */
  #initiate(tapped: Tapped, apdu: Uint8Array, data: Uint8Array): Answer {
    const { quick, initiated } = tapBrands[tapBrandOf(tapped.application.image.plan)!]
    const answer = quick ? quick(tapped, data) : execute(this.#session, this.#image, apdu)
    if (answer.sw !== 0x9000) return answer
    this.#side.unanswered = undefined
    if (quick) this.#leaveForIssuer(tapped)
    const more = initiated?.(tapped)
    return more ? ok(inTemplate77(answer.data!, more)) : answer
  }

  /** GENERATE AC: kept for a tap that tears. By tap no second one follows, but for a card that is held in the field for its issuer's answer. */
  #generate(tapped: Tapped, apdu: Uint8Array, data: Uint8Array): Answer {
    const { application } = tapped
    const { quick, beforeAc } = tapBrands[tapBrandOf(application.image.plan)!]
    if (quick || settingsOf(application.image.plan)?.magstripe) return refuse(SW.wrongIns)
    const { run } = this.#session
    const first = run?.phase === 'initiated'
    const told = first ? cutByDol(application.image.cdol1, data) : undefined
    const verdict = told && beforeAc?.(tapped, told)
    if (verdict && 'refuse' in verdict) return refuse(verdict.refuse)
    if (run) run.more = verdict?.more ?? new Map()
    const before = application.onlineNotCompleted
    const answer = execute(this.#session, this.#image, verdict?.decline ? apdu.map((byte, at) => (at === 2 ? 0x00 : byte)) : apdu)
    if (!first || answer.sw !== 0x9000) return answer
    application.onlineNotCompleted = before
    this.#leaveForIssuer(tapped)
    const un = hex(run.told.get(0x9f37) ?? new Uint8Array())
    if (!verdict?.decline) this.#side.torn = { answer, un, application: hex(application.image.aid), run, atc: application.atc }
    return answer
  }

  /** An ARQC is out: its issuer may answer on a second tap, where the profile has that. */
  #leaveForIssuer({ application }: Tapped): void {
    const { run } = this.#session
    if (run?.arqc && settingsOf(application.image.plan)?.issuerUpdate)
      this.#side.unanswered = { application: hex(application.image.aid), run }
  }

  /** A second tap: EXTERNAL AUTHENTICATE or a script right after SELECT belongs to the transaction before (EMV Contactless Book C-3, 5.9). */
  #resume({ application }: Tapped): void {
    const { unanswered } = this.#side
    if (!this.#session.run && unanswered?.application === hex(application.image.aid)) this.#session.run = unanswered.run
  }

  /** No AIP by tap tells of it: a card that takes updates knows EXTERNAL AUTHENTICATE, once a transaction. What it proves resets the offline counters. */
  #authenticateIssuer({ card, application }: Tapped, data: Uint8Array): Answer {
    const { run } = this.#session
    if (!run?.arqc || !settingsOf(application.image.plan)?.issuerUpdate || run.issuerAuthentication !== 'notDone')
      return refuse(SW.conditions)
    if (data.length < 8 || data.length > 16) return refuse(SW.wrongLength)
    if (authenticateIssuer(application, run, data) === 'wrong') return refuse(SW.authenticationFailed)
    remember(card, application, run, 'TC')
    return ok()
  }

  /** RECOVER AC (EMV Contactless Book C-2): the answer to the last GENERATE AC, where the number sent is the one it was over. */
  #recover({ application }: Tapped, data: Uint8Array): Answer {
    const { torn } = this.#side
    return torn && torn.application === hex(application.image.aid) && torn.un === hex(data) ? torn.answer : refuse(SW.conditions)
  }

  /**
   * ECHO (Book C-5, 5.10), after GET PROCESSING OPTIONS: the answer to the last GENERATE AC, whose transaction goes on; the one begun in between, of which
   * no cryptogram was made, does not count.
   */
  #echo({ application }: Tapped): Answer {
    const { torn } = this.#side
    if (this.#session.run?.phase !== 'initiated' || torn?.application !== hex(application.image.aid)) return refuse(SW.conditions)
    this.#session.run = torn.run
    application.atc = torn.atc
    return torn.answer
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

/** More objects at the end of a response in format 2. */
function inTemplate77(data: Uint8Array, more: DataObjects): Uint8Array {
  const header = data[1] === 0x81 ? 3 : 2
  return encode(0x77, concat(data.subarray(header), ...children(more).map(bytesOf)))
}
