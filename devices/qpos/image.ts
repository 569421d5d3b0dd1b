/** Firmware images of QPOS (`.asc`): a head and records that say what to send, checked to the last byte before anything is sent. */

import { fromText, startsWith, uint } from '../../src/bytes.ts'
import { Fault } from '../../src/errors.ts'
import { device, type HostMessage } from './codec.ts'

/** Head: 32 bytes that begin with the vendor's name; what else is in it is not public, and is not looked at. */
const HEAD = 32
const NAME = 'DSPREAD'

/** Kinds of records, T (1) · L (2, big-endian) · V (readers.md 1.1.9). */
const kinds = { 2: 'sleep', 3: 'reconnect', 4: 'disconnect', 17: 'send', 18: 'boot' } as const

export type Step =
  /** A frame of the vendor's, sent as it stands; `boot` enters the loader. */
  | { readonly type: 'send' | 'boot'; readonly message: HostMessage; readonly bytes: number }
  | { readonly type: 'sleep'; readonly seconds: number }
  | { readonly type: 'reconnect' | 'disconnect' }

/** @throws Fault `bad-argument` with details.rule: what makes it no image that can be sent whole */
export function parseImage(image: Uint8Array): Step[] {
  const refuse = (rule: string, why: string, offset: number): never => {
    throw new Fault('bad-argument', `firmware image: ${why} (byte ${offset})`, { field: 'image', rule, offset })
  }
  if (image.length < HEAD || !startsWith(image, fromText(NAME))) refuse('head', `it does not begin with ${NAME}`, 0)
  const steps: Step[] = []
  for (let at = HEAD; at < image.length; ) {
    const kind = kinds[image[at] as keyof typeof kinds] ?? refuse('record', `record ${image[at].toString(16)} is not known`, at)
    const length = at + 3 <= image.length ? uint(image.subarray(at + 1, at + 3)) : refuse('cut', 'it is cut off in a record', at)
    const value = image.subarray(at + 3, at + 3 + length)
    if (value.length < length) refuse('cut', 'it is cut off in a record', at)
    if (kind === 'sleep') steps.push({ type: 'sleep', seconds: 2 * uint(value) })
    else if (kind === 'send' || kind === 'boot') {
      const decoder = device.decoder()
      const [message, more] = [...decoder.push(value), ...decoder.idle()]
      if (!message || more) refuse('frame', 'a record to send holds no frame, or more than one', at)
      steps.push({ type: kind, message, bytes: length })
    } else steps.push({ type: kind })
    at += 3 + length
  }
  const first = steps.findIndex(({ type }) => type === 'boot')
  if (first < 0) refuse('boot', 'it never enters the loader', HEAD)
  const rest = steps.slice(first + 1)
  const end = rest.findIndex(({ type }) => type === 'reconnect' || type === 'disconnect')
  if (end >= 0 && rest.slice(end).some(({ type }) => type === 'send' || type === 'boot'))
    throw new Fault('unsupported', 'the image wants the reader to be connected anew in the middle: this driver has one link', {
      feature: 'reconnect',
    })
  return steps
}
