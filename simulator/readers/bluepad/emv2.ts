/** A virtual BluePad behind an `Emv2Port`: the shared firmware, led by a host that has calls and no bytes. */

import type { Emv2Call, Emv2Event, Emv2Identification, Emv2Port, HostReply, UiMessage } from '../../../devices/bluepad/codec.ts'
import { within } from '../../../src/clock.ts'
import { currency } from '../../../src/currency.ts'
import * as door from '../../../src/door.ts'
import type { Transaction } from '../../../src/emv/terminal.ts'
import { asFault, Fault, isFault } from '../../../src/errors.ts'
import type { MessageId } from '../../../src/messages/messages.ts'
import { bodyRule } from '../body/body.ts'
import type { Firmware } from '../firmware.ts'
import { withCvm } from '../told.ts'
import { leadPayment } from './lead.ts'

/** What the host hears of what stands on the display; the list of applications is the reader's alone. */
const messages: { readonly [M in MessageId]?: UiMessage } = {
  'reader.outOfService': 'NOT_WORKING',
  'reader.approved': 'APPROVED',
  'reader.successful': 'APPROVED',
  'reader.declined': 'DECLINED',
  'reader.enterPin': 'PLEASE_ENTER_PIN',
  'reader.wrongPin': 'PLEASE_ENTER_PIN',
  'reader.lastPinTry': 'PLEASE_ENTER_PIN',
  'reader.cardError': 'ERROR_PROCESSING',
  'reader.removeCard': 'REMOVE_CARD',
  'reader.presentCard': 'PRESENT_CARD',
  'reader.idle': 'IDLE',
  'reader.processing': 'PROCESSING',
  'reader.cardReadOk': 'CARD_READ_OK_REMOVE',
  'reader.insertOrSwipe': 'TRY_OTHER_INTERFACE',
  'reader.presentOneCard': 'CARD_COLLISION',
  'reader.approvedSign': 'SIGN_APPROVED',
  'reader.authorising': 'ONLINE_AUTHORISATION',
  'reader.tryAnotherCard': 'TRY_OTHER_CARD',
  'reader.insertCard': 'INSERT_CARD',
  'reader.seePhone': 'SEE_PHONE',
  'reader.presentCardAgain': 'PRESENT_CARD_AGAIN',
  // The library has no nearer word.
  'reader.tryAgain': 'PRESENT_CARD_AGAIN',
  'reader.swipeCard': 'TRY_OTHER_INTERFACE',
  'reader.tapCard': 'PRESENT_CARD',
}

/** Milliseconds for the host's answer. */
const HOST_WAIT = 120_000

type Start = Extract<Emv2Call, { type: 'startTransaction' }>

/** One host at a time; `close` ends a payment that is under way. */
export function virtualEmv2(firmware: Firmware, serial: string): Emv2Port {
  door.need('firmware', firmware, door.shape({ body: bodyRule }))
  door.need('serial', serial, door.anyText)
  const hears = new Set<(event: Emv2Event) => void>()
  const tell = (event: Emv2Event) => {
    for (const hear of [...hears]) hear(event)
  }
  let job: { readonly stop: AbortController; reply: ((reply: HostReply) => void) | undefined; done: Promise<void> } | undefined
  const gone = (): boolean => !firmware.body.isOn
  const stopWatching = firmware.body.on(event => {
    if (event.type === 'power' && !event.on) {
      job?.stop.abort(new Fault('link-closed', 'the reader was switched off'))
      tell({ type: 'release' })
    }
    if (event.type === 'tamper') job?.stop.abort(new Fault('tampered', 'the reader was opened'))
    // The stars of a PIN are no news.
    const stars = event.type === 'display' && event.screen.lines.length > 1 && event.screen.message?.includes('Pin')
    const message = event.type === 'display' && job && !stars ? event.screen.message && messages[event.screen.message] : undefined
    if (message) tell({ type: 'updateUserInterface', message })
  })

  async function run(start: Start, own: NonNullable<typeof job>): Promise<void> {
    const { signal } = own.stop
    try {
      const transaction = transactionOf(start)
      firmware.checkReady(transaction)
      const outcome = await leadPayment(firmware, transaction, {
        ...{ interfaces: start.interfaces, fallback: start.fallback, signal },
        host: {
          authorise: (request, waiting) =>
            within({ ...waiting, timeout: HOST_WAIT, clock: firmware.clock, what: 'the host' }, () => {
              const { interface: by, cvm, tags, pinBlock } = request
              const answered = new Promise<HostReply>(resolve => {
                own.reply = resolve
              })
              tell({ type: 'onlineAuthorisationRequest', question: { interface: by, cvm, tags, ...(pinBlock && { pinBlock }) } })
              return answered
            }).catch(error => {
              if (isFault(error, 'timeout')) return { type: 'unableToGoOnline' } as const
              throw error
            }),
        },
      })
      const { result, reason, interface: by, cvm, fallback } = outcome
      job = undefined
      tell({
        ...{ type: 'transactionFinish', result: result === 'unknown' ? 'cancelled' : result, interface: by, cvm, tags: withCvm(outcome) },
        ...(reason && { reason }),
        ...(fallback && { fallback }),
      })
    } catch (error) {
      const fault = asFault(error)
      const { code, message } = fault
      job = undefined
      if (code === 'aborted' || code === 'link-closed') {
        firmware.showEnd({ result: 'cancelled', cvm: 'none' })
        tell({
          type: 'transactionFinish',
          result: 'cancelled',
          reason: 'merchantCancelled',
          cvm: 'none',
          tags: new Map(),
        })
      } else tell({ type: 'transactionError', code: fault.details.field === 'currency' ? 'unsupported' : code, message })
    }
  }

  return {
    async call(message): Promise<Emv2Identification | undefined> {
      if (gone()) throw new Fault('link-closed', 'the reader is switched off')
      switch (message.type) {
        case 'getIdentification':
          return { serial, firmware: firmware.condition.told, battery: firmware.body.battery }
        case 'startTransaction': {
          if (job) throw new Fault('busy', 'a payment is under way')
          const own = { stop: new AbortController(), reply: undefined, done: Promise.resolve() }
          job = own
          own.done = run(message, own)
          return undefined
        }
        case 'setOnlineResult':
          job?.reply?.(message.reply)
          return undefined
        case 'cancelTransaction':
          job?.stop.abort(new Fault('aborted', 'the host has cancelled'))
          return undefined
      }
    },
    listen(hear) {
      hears.add(hear)
      return () => hears.delete(hear)
    },
    async close() {
      const last = job
      last?.stop.abort(new Fault('aborted', 'the host is gone'))
      await last?.done
      stopWatching()
      hears.clear()
      firmware.stop()
    },
  }
}

/** @throws Fault `bad-argument` for a currency that is not known */
function transactionOf({ transactionType, amount, otherAmount, currency: numeric, forceOnline, prefer, at }: Start): Transaction {
  return {
    type: transactionType,
    amount,
    ...(otherAmount !== undefined && { otherAmount }),
    ...(prefer && { prefer }),
    currency: currency(numeric),
    forceOnline,
    at,
  }
}
