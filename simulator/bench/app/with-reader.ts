/** Something that is done with a reader: the one that is connected, searched for where there is none, or the phone's own field; and again when its firmware was updated. */

import { Fault, isFault } from '../../../src/errors.ts'
import type { Reader } from '../../../src/reader/reader.ts'
import { connectReader, type Head } from './connect.ts'
import { updateReader } from './firmware.ts'
import type { Phone } from './phone.ts'

export type ByCardMethod = 'reader' | 'softpos'

/** Undefined when no reader is wanted. @throws Fault what `work` throws; `unsupported` on a phone without a field */
export async function withReader<T>(
  phone: Phone,
  method: ByCardMethod,
  head: Head,
  work: (reader: Reader) => Promise<T>,
): Promise<T | undefined> {
  const { field } = phone
  if (method === 'softpos' && !field) throw new Fault('unsupported', 'this phone has no NFC', { feature: 'softpos' })
  for (;;) {
    const reader = method === 'softpos' ? await field!() : await connectReader(phone, head)
    if (!reader) return undefined
    try {
      return await work(reader)
    } catch (error) {
      if (!isFault(error, 'update-required') || !(await updateReader(phone, reader, error, head))) throw error
    } finally {
      if (method === 'softpos') await reader.close()
    }
  }
}
