/** A shop's page: a reader of any family over a WebSocket, a till, an acquirer. */

import { currency, httpAcquirer, isFault, open, openTill, pay } from 'tapdip'

/** The bytes of a reader, as a page has them that another machine's reader is lent to. */
function socketLink(url) {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url)
    socket.binaryType = 'arraybuffer'
    const [chunks, waiting] = [[], []]
    const settle = () => {
      while (waiting.length > 0 && (chunks.length > 0 || socket.readyState > 1))
        waiting.shift()(chunks.length > 0 ? { value: chunks.shift(), done: false } : { value: undefined, done: true })
    }
    socket.onmessage = ({ data }) => {
      chunks.push(new Uint8Array(data))
      settle()
    }
    socket.onclose = settle
    socket.onerror = () => reject(new Error('no reader'))
    const next = () =>
      new Promise(taken => {
        waiting.push(taken)
        settle()
      })
    socket.onopen = () =>
      resolve({
        uri: 'socket:reader',
        mtu: Number.POSITIVE_INFINITY,
        send: async bytes => socket.send(bytes),
        incoming: { [Symbol.asyncIterator]: () => ({ next }) },
        close: async () => socket.close(),
      })
  })
}

globalThis.shop = {
  openTill,
  /** What came of one payment, and what a page is refused by code. */
  async sell(reader, family, host) {
    const device = await open(await socketLink(reader), { family })
    const merchant = { name: 'MobileTestMerchant', id: 'MTM', terminal: '63545902' }
    const order = { number: 'web-1', amount: 150_00n, currency: currency('RUB') }
    const { result, receipt } = await pay(order, { reader: device, acquirer: httpAcquirer(host), merchant })
    await device.close()
    const refused = await open('tcp://127.0.0.1:1', { family }).catch(error => isFault(error, 'unsupported') && error.details.api)
    return { model: device.info.model, result, pan: receipt.pan, refused }
  },
}
