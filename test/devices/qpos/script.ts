/** The far end of the wire for tests of the QPOS driver: a reader that answers by a script, over a pipe and a clock that is moved. */

import type { DeviceMessage, DeviceMessageType, HostMessage } from '../../../devices/qpos/codec.ts'
import * as qpos from '../../../devices/qpos/codec.ts'
import { openQpos } from '../../../devices/qpos/driver.ts'
import { fromHex } from '../../../src/bytes.ts'
import { localTime, VirtualClock } from '../../../src/clock.ts'
import { currency } from '../../../src/currency.ts'
import type { Outcome } from '../../../src/emv/outcome.ts'
import type { AuthorisationRequest, AuthorisationResponse, Terminal, Transaction } from '../../../src/emv/terminal.ts'
import { Conversation } from '../../../src/reader/conversation.ts'
import type { Reader, ReaderEvent } from '../../../src/reader/reader.ts'
import type { PipeEnd, PipeOptions } from '../../../src/transport/pipe.ts'
import { pipe } from '../../../src/transport/pipe.ts'

/** What the reader does when it hears a message: says one or more, keeps silent, or does something of its own. */
export type Step = DeviceMessage | readonly DeviceMessage[] | 'silent' | ((line: PipeEnd) => void)
/** By command, or by type where there is none. The last step of a list is repeated; what is not listed is answered "not available". */
export type Script = Readonly<Record<string, readonly Step[] | Step>>

/** An uplink to `command`. */
export function say(type: DeviceMessageType, command?: qpos.CommandName, data: Uint8Array | string = '', result = 0): DeviceMessage {
  const code = command ? qpos.commandCode(command) : { code: 0, sub: 0 }
  return { type, ...code, result, data: typeof data === 'string' ? fromHex(data) : data }
}

export const chipCard = say('completed', 'doTrade', '01 00')
export const twoApplications = say(
  'completed',
  'startEmv',
  qpos.encodeApplications([
    { unknown: Uint8Array.of(0, 1), label: 'MIR' },
    { unknown: Uint8Array.of(0, 2), label: 'Maestro' },
  ]),
  2,
)

export const ksn = '00000332100300E00003'
/** ICC data of an online request with online PIN: 9F34 42 (online PIN), result unknown; C7 and C1 with the PIN block. */
export const requestTlv = `8407A0000006581010 5004 4D495220 9F3403420000 9F2701 80 9F2608 AA95D0B7A6798001 9505 8000048000 C708 A68701E68CB34BDE C10A${ksn}`
export const finalTlv = '9F270140 9F2608 0102030405060708 9505 8000048000 9B02 F800'

/** ICC data of a TC for 2500.00 RUB at `at`, as a reader that was told that time puts them. */
export function certificate(at: Date): string {
  const time = localTime(at)
  const amount = '9F0206000000250000 5F2A020643 9C0100'
  return `9F270140 9F2608 0102030405060708 9F36020001 9F370411223344 ${amount} 9A03${time.slice(2, 8)} 9F2103${time.slice(8)}`
}

export function emvResult(icc: string, transResult: number, packType: number, scriptResult = ''): Uint8Array {
  return qpos.encodeEmvResult({
    ...{ reserved: 0, encMode: 0, transResult, packType, scriptResult: fromHex(scriptResult), forceAccept: new Uint8Array(0) },
    ...{ icc: fromHex(icc), trailing: new Uint8Array(0) },
  })
}

export const goOnline = (command: qpos.CommandName = 'startEmv', icc = requestTlv) => say('completed', command, emvResult(icc, 3, 0))
export const ending = (transResult: number, packType: number, command: qpos.CommandName = 'onlineResult', icc = finalTlv, script = '') =>
  say('completed', command, emvResult(icc, transResult, packType, script))

export const info: qpos.QposInfo = {
  ...{ bootloader: '1.0', firmware: '2.01', hardware: 'A27BA', millivolts: 3900, charging: false, usb: false, track1: true, track2: true },
  ...{ track3: true, keyboard: true, percent: 87 },
}
const none = new Uint8Array(0)
const id = say(
  'completed',
  'getQposId',
  qpos.encodeQposId({ psamId: none, posId: fromHex('10000000010002'), merchantId: none, vendorCode: none }),
)

export interface Bench {
  readonly reader: Reader
  readonly clock: VirtualClock
  /** What the reader heard, by command or type. */
  readonly heard: string[]
  readonly messages: HostMessage[]
  readonly events: ReaderEvent[]
  readonly line: PipeEnd
  readonly terminal: Terminal
  readonly asked: AuthorisationRequest[]
  pay(transaction?: Partial<Transaction>, signal?: AbortSignal): Promise<Outcome>
}

export const approved = {
  type: 'approved',
  code: '00',
  authorisationCode: 'X28328',
  rrn: '608512345678',
} as const satisfies AuthorisationResponse

/** An opened reader. `terminal` chooses the first application and approves unless told otherwise. */
export async function bench(
  script: Script,
  terminal: Partial<Terminal> = {},
  clock = new VirtualClock(),
  noise?: PipeOptions['line'],
): Promise<Bench> {
  const asked: AuthorisationRequest[] = []
  const shown: Terminal = {
    selectApplication: async () => 0,
    ...terminal,
    authorise: async (request, options) => {
      asked.push(request)
      return (await terminal.authorise?.(request, options)) ?? approved
    },
  }
  const { link, line, heard, messages } = scripted(script, clock, noise)
  const reader = await clock.settle(openQpos(link, { clock }))
  heard.length = messages.length = 0
  const events: ReaderEvent[] = []
  void (async () => {
    for await (const event of reader.events) events.push(event)
  })()
  const transaction: Transaction = { amount: 250000n, currency: currency('RUB') }
  const pay = (more: Partial<Transaction> = {}, signal?: AbortSignal) =>
    clock.settle(reader.transact({ ...transaction, ...more }, shown, signal ? { signal } : {}))
  return { reader, clock, heard, messages, events, line, terminal: shown, asked, pay }
}

export function scripted(script: Script, clock: VirtualClock, noise?: PipeOptions['line']) {
  const [link, line] = pipe({ clock, line: noise })
  const reader = new Conversation(line, qpos.device, { clock })
  const heard: string[] = []
  const messages: HostMessage[] = []
  const full: Script = { getQposId: id, getQposInfo: say('completed', 'getQposInfo', qpos.encodeQposInfo(info)), ...script }
  const done = new Map<string, number>()
  void (async () => {
    for await (const message of reader.incoming) {
      const name = message.type === 'command' ? message.command : message.type
      heard.push(name)
      messages.push(message)
      const steps = full[name] ?? say('notAvailable')
      const list = (Array.isArray(steps) ? steps : [steps]) as readonly Step[]
      const at = done.get(name) ?? 0
      done.set(name, at + 1)
      const step = list[Math.min(at, list.length - 1)]
      if (step === 'silent') continue
      if (typeof step === 'function') step(line)
      else for (const answer of [step].flat() as DeviceMessage[]) await reader.tell(answer)
    }
  })().catch(() => {}) // the line was cut: a script has nothing more to say
  return { link, line, heard, messages }
}
