// The driver: raw card slots over the codec's host side. `passthrough` makes a Reader of them, with the EMV kernel on this machine.
import { Conversation, Fault, passthrough } from 'tapdip'
import { host } from './codec.js'

/** The reader at the end of `link`, which is the reader's from here on. `options.config` says what the terminal is. */
export function openOwnReader(link, options) {
  const line = new Conversation(link, host, { clock: options.clock })
  const gone = new AbortController()
  void line.closed.then(() => gone.abort(new Fault('card-removed', 'the line has ended, and the card with it')))

  async function openCard({ signal, timeout = 60_000 }) {
    const { type, data } = await line.ask({ type: 'on' }, { timeout, signal, accept: one => one.type === 'atr' || one.type === 'gone' })
    if (type === 'gone') throw new Fault('card-removed', 'no card is in the slot')
    return {
      interface: 'contact',
      atr: data,
      removed: gone.signal,
      async transmit(apdu, { signal: stop } = {}) {
        const answer = await line.ask({ type: 'apdu', data: apdu }, { timeout: 10_000, signal: stop })
        if (answer.type === 'data') return answer.data
        gone.abort(new Fault('card-removed', 'the card was pulled out'))
        throw gone.signal.reason
      },
      close: () => line.tell({ type: 'off' }).catch(() => {}),
    }
  }

  return passthrough(
    {
      info: { family: 'own', model: 'one of our own', capabilities: ['chip', 'passthrough'], applicationSelection: 'host' },
      openCard,
      status: async () => ({}), // what it does not tell is left out
      closed: line.closed,
      close: () => line.close(),
    },
    options,
  )
}
