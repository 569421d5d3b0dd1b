/** The card of a recorded line of vpcd. */

import { device, host, type VpcdAnswer, type VpcdRequest } from '../../devices/vpcd/codec.ts'
import { Fault } from '../../src/errors.ts'
import { needBytes } from '../../src/transport/need-bytes.ts'
import type { Trace } from '../../src/transport/replay.ts'
import { type Exchange, RecordedCard } from '../cards/recorded.ts'

/** @throws Fault `unsupported` when only lengths were recorded; `bad-argument` where no card has answered */
export function cardFrom(name: string, trace: Trace): RecordedCard {
  needBytes(trace)
  const [asked, answered] = [device.decoder(), host.decoder()]
  const requests: VpcdRequest[] = []
  const exchanges: Exchange[] = []
  let atr: Uint8Array | undefined
  const hear = ({ data }: VpcdAnswer) => {
    const request = requests.shift()
    if (request?.type === 'apdu') {
      if (data.length > 0) exchanges.push({ command: request.apdu, answer: data })
    } else if (request && data.length > 0) atr ??= data
  }
  for (const { direction, bytes } of trace.chunks)
    if (direction === 'in') answered.push(bytes!).forEach(hear)
    else requests.push(...asked.push(bytes!).filter(one => one.type === 'apdu' || (one.type === 'control' && one.control === 'atr')))
  if (!atr || exchanges.length === 0) throw new Fault('bad-argument', `${name}: no card has answered in it`, { field: '<file>' })
  return new RecordedCard(name, atr, exchanges)
}
