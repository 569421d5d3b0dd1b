// The virtual twin: the device side of the same codec, with a virtual card in its slot.
import { Conversation, isFault } from 'tapdip'
import { device } from './codec.js'

/** Serves one host, until the line ends. */
export async function serveOwnReader(link, card) {
  const line = new Conversation(link, device)
  let chip
  try {
    for await (const message of line.incoming) {
      if (message.type !== 'apdu') chip?.remove()
      if (message.type === 'on') {
        chip = card.contact()
        await line.tell({ type: 'atr', data: chip.atr })
      }
      if (message.type === 'off') chip = undefined
      if (message.type === 'apdu') await line.tell(chip ? { type: 'data', data: await chip.transmit(message.data) } : { type: 'gone' })
    }
  } catch (error) {
    if (!isFault(error, 'link-closed')) throw error
  } finally {
    chip?.remove()
    await line.close()
  }
}
