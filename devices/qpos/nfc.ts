/** A QPOS as a passthrough NFC reader (17 00, 17 10, 17 20): its field as a raw card slot. */

import { type Clock, sleep } from '../../src/clock.ts'
import { Fault, isFault } from '../../src/errors.ts'
import { rawSlot } from '../../src/reader/raw-slot.ts'
import type { CardSlot } from '../../src/reader/reader.ts'
import { type DeviceMessage, decodeNfcActivated, decodeNfcResponse } from './codec.ts'
import { stopped } from './endings.ts'
import { type Command, cancel, type QposLine, run } from './session.ts'

/** Seconds in which a card has to answer a command, as the reader is told. */
const RESPONSE_TIME = 5
/** The most that fits the delay byte, kept well below: the field is asked for anew when it is over. */
const LONGEST_WAIT = 60
/** Milliseconds: a reader that answers "no card" at once is not asked again at once. */
const PAUSE = 200

export interface NfcOptions {
  readonly line: QposLine
  readonly clock: Clock
  readonly signal: AbortSignal
  /** Milliseconds to wait for a card. */
  readonly timeout: number
  /** The slot was closed, and the field is off. */
  onClose(): void
}

/**
 * Switches the field on and waits for a card.
 * @throws Fault `timeout` (nobody came), `aborted` (by CANCEL on the reader: details.by is `cardholder`), `unsupported`, `reader-error`, `tampered`, `protocol`, `link-closed`
 */
export async function openField({ line, clock, signal, timeout, onClose }: NfcOptions): Promise<CardSlot> {
  const deadline = clock.now() + timeout
  try {
    for (;;) {
      const left = deadline - clock.now()
      if (left <= 0) throw new Fault('timeout', `no card was presented in ${timeout} ms`, { ms: timeout })
      const delay = Math.min(LONGEST_WAIT, Math.ceil(left / 1000))
      const answer = await run(line, clock, { type: 'command', command: 'nfcPowerOn', delay }, { signal })
      if (answer.type === 'completed') {
        const activated = decodeNfcActivated(answer.data)
        if (activated) return fieldSlot(line, clock, activated.atr, onClose)
      } else if (stopped(answer, 'nfcPowerOn').reason === 'cardholderCancelled') throw pressedCancel()
      await sleep(PAUSE, clock, signal)
    }
  } catch (error) {
    if (signal.aborted && !isFault(error, 'link-closed')) await cancel(line, clock)
    throw error
  }
}

const pressedCancel = () => new Fault('aborted', 'the cardholder pressed CANCEL', { by: 'cardholder' })

function fieldSlot(line: QposLine, clock: Clock, atr: Uint8Array, onClose: () => void): CardSlot {
  return rawSlot({
    ...{ interface: 'contactless', atr, removal: 'the card has left the field', onClose },
    async exchange(apdu, signal, gone) {
      const answer = await exchanged(line, clock, apdu, signal)
      if (answer.type === 'completed') {
        const response = decodeNfcResponse(answer.data)
        if (response) return response
        throw gone('the card gave no answer')
      }
      const { reason } = stopped(answer, 'nfcApdu')
      if (reason === 'cardTimeout')
        throw new Fault('card-mute', `the card did not answer in ${RESPONSE_TIME} s`, { ms: RESPONSE_TIME * 1000 })
      if (reason === 'cardholderCancelled') throw pressedCancel()
      throw gone(`the reader ended the command with ${answer.type}`)
    },
    powerOff: () => run(line, clock, { type: 'command', command: 'nfcPowerOff', delay: RESPONSE_TIME }),
  })
}

async function exchanged(line: QposLine, clock: Clock, apdu: Uint8Array, signal: AbortSignal): Promise<DeviceMessage> {
  const command: Command = { type: 'command', command: 'nfcApdu', delay: RESPONSE_TIME, apdu }
  try {
    return await run(line, clock, command, { signal })
  } catch (error) {
    // The answer would be taken for that of the next command.
    if (signal.aborted && !isFault(error, 'link-closed', 'timeout')) await cancel(line, clock)
    throw error
  }
}
