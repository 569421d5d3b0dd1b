/** What passes a PC/SC slot, recorded as a line of vpcd: commands and answers are all that such a slot has, and its recording is a card again (`tapdip-sim play`). */

import { Inbox } from '../src/transport/inbox.ts'
import type { Link, PoweredCard, SlotLink } from '../src/transport/link.ts'
import { device, host, type VpcdRequest } from './vpcd/codec.ts'

/** The slot, told to the link that `record` wraps. A command without an answer has an empty one there. */
export function recordedSlot(slot: SlotLink, record: (line: Link) => Link): SlotLink {
  const incoming = new Inbox()
  const line = record({ uri: slot.uri, mtu: Number.POSITIVE_INFINITY, incoming, send: async () => {}, close: async () => incoming.close() })
  const heard = line.incoming[Symbol.asyncIterator]()
  const ask = (request: VpcdRequest) => line.send(host.encode(request))
  const answer = async (data: Uint8Array) => {
    incoming.push(device.encode({ type: 'answer', data }))
    await heard.next()
  }
  const transmit: (card: PoweredCard) => PoweredCard['transmit'] = card => async (apdu, options) => {
    if (apdu.length >= 4) await ask({ type: 'apdu', apdu })
    let data: Uint8Array = new Uint8Array()
    try {
      data = await card.transmit(apdu, options)
      return data
    } finally {
      if (apdu.length >= 4) await answer(data)
    }
  }
  return {
    ...{ uri: slot.uri, name: slot.name, closed: slot.closed },
    get cardPresent() {
      return slot.cardPresent
    },
    async powerOn(options) {
      const card = await slot.powerOn(options)
      await ask({ type: 'control', control: 'powerOn' })
      await ask({ type: 'control', control: 'atr' })
      await answer(card.atr)
      return { atr: card.atr, removed: card.removed, transmit: transmit(card), powerOff: () => card.powerOff() }
    },
    async close() {
      await slot.close()
      await line.close()
    },
  }
}
