/** Initiate application processing: PDOL, GET PROCESSING OPTIONS, and what it returns: AIP and AFL (EMV 4.4 Book 3, 10.1 and 6.5.8). */

import { fromUint, hex } from '../../bytes.ts'
import { Fault, isFault } from '../../errors.ts'
import { isConstructed, read, write } from '../../tlv/ber.ts'
import { buildDol } from '../../tlv/dol.ts'
import { tagName } from '../data.ts'
import { belongsIn, FROM } from '../steps/card-data.ts'
import { type Kernel, type Stop, stopForCardError } from '../steps/context.ts'
import { templateOf } from '../steps/fci.ts'
import { dropApplication, selectApplication } from './select.ts'

/** Selects an application and starts it, and another one while the card refuses them (6985), until one accepts the transaction or none is left. */
export async function startApplication(kernel: Kernel): Promise<Stop | undefined> {
  for (;;) {
    const stop = await selectApplication(kernel)
    if (stop) return stop
    const next = await initiate(kernel)
    if (next !== 'selectAgain') return next
  }
}

/**
 * Starts the selected application: AIP (82) and AFL (94) are in `kernel.data.card` afterwards. `selectAgain`: the card does not accept the
 * transaction with it; the application has left the candidate list.
 */
export async function initiate(kernel: Kernel): Promise<Stop | 'selectAgain' | undefined> {
  kernel.step = 'initiation'
  kernel.data.setTerminal(0x95, new Uint8Array(5))
  kernel.data.setTerminal(0x9b, new Uint8Array(2))
  kernel.odaInput = undefined
  kernel.oda = undefined
  try {
    kernel.pdolData = buildDol(kernel.data.card.get(0x9f38) ?? new Uint8Array(0), tag => kernel.data.get(tag))
    const data = write(0x83, kernel.pdolData)
    if (data.length > 255) throw new Fault('dol', `PDOL asks for ${kernel.pdolData.length} bytes, more than a command carries`)
    kernel.progress.initiated = true
    const response = await kernel.exchange({ cla: 0x80, ins: 0xa8, p1: 0x00, p2: 0x00, data, le: 0 })
    if (response.sw === 0x6985) {
      dropApplication(kernel, 'Book 3, 10.1: conditions of use not satisfied (6985)', kernel.application!.label)
      kernel.selection!.exhausted = 'notAccepted'
      kernel.terminal.display?.('reader.notAccepted', kernel.language)
      return 'selectAgain'
    }
    if (response.sw !== 0x9000) throw new Fault('apdu', `GET PROCESSING OPTIONS answered ${hex(fromUint(response.sw, 2))}`)
    for (const [tag, value] of parseProcessingOptions(response.data)) if (belongsIn(tag, FROM.response)) kernel.data.card.set(tag, value)
    kernel.note({ rule: 'Book 3, 10.1: application initiated', inputs: [0x9f38, 0x82, 0x94] }, () => 'AIP and AFL received')
    return undefined
  } catch (fault) {
    if (!isFault(fault, 'dol', 'tlv', 'apdu')) throw fault
    return stopForCardError(kernel, 'Book 3, 10.1', fault)
  }
}

/**
 * The objects of a response in format 1 (80) or 2 (77), AIP and AFL among them (6.5.8.4).
 * @throws Fault `tlv` when the response has another form, lacks one of them, or has an object twice
 */
export function parseProcessingOptions(data: Uint8Array): ReadonlyMap<number, Uint8Array> {
  const objects = new Map<number, Uint8Array>()
  if (data[0] === 0x80) {
    const value = templateOf(data, 0x80)
    objects.set(0x82, value.subarray(0, 2))
    objects.set(0x94, value.subarray(2))
  } else {
    for (const { tag, value } of read(templateOf(data, 0x77))) {
      if (isConstructed(tag)) continue
      if (objects.has(tag)) throw new Fault('tlv', `${tagName(tag)} comes twice`)
      objects.set(tag, value)
    }
  }
  if (objects.get(0x82)?.length !== 2) throw new Fault('tlv', 'AIP (82) of two bytes is missing')
  const afl = objects.get(0x94)
  if (!afl || afl.length === 0 || afl.length % 4 !== 0) throw new Fault('tlv', 'AFL (94) of four bytes an entry is missing')
  return objects
}
