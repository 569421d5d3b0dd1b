/** The acquirer's opener of what MagTek readers wrap up: the data under a DUKPT key become data objects, tracks and PIN block again. */

import { magtekTags, objects } from '../../devices/magtek/codec.ts'
import { decryptCbc } from '../../src/crypto/des.ts'
import { dataKey, initialKey, transactionKey } from '../../src/crypto/dukpt.ts'
import { isFault } from '../../src/errors.ts'
import type { AuthorisationMessage } from '../../src/payment/acquirer.ts'
import type { Tlv } from '../../src/tlv/ber.ts'
import { cardData } from '../../src/tlv/card-data.ts'

/** The message with what was under DFDF59 in it; the same message where there is none, or another key's. */
export function openSealed(message: AuthorisationMessage, bdk: Uint8Array): AuthorisationMessage {
  const sealed = message.tags.get(magtekTags.sealed)
  const ksn = message.tags.get(magtekTags.dataKsn)
  if (!sealed?.length || sealed.length % 8 !== 0 || ksn?.length !== 10) return message
  const found = decipher(sealed, message.tags.get(magtekTags.padding)?.[0] ?? 0, dataKey(transactionKey(initialKey(bdk, ksn), ksn)))
  if (!found) return message
  const tags = cardData(message.tags)
  for (const { tag, value } of found) if (tag !== 0xf4 && tag !== 0xf5) tags.set(tag, value.slice())
  for (const [tag, value] of tracks(found)) tags.set(tag, value)
  const block = pinBlock(found)
  return { ...message, tags, ...(block && { pinBlock: block, cvm: 'onlinePin' as const }) }
}

/** The key serial number of what is sealed. */
export function sealedSerial(tags: ReadonlyMap<number, Uint8Array>): Uint8Array | undefined {
  return tags.get(magtekTags.dataKsn)
}

/** The objects inside the container FC. */
function decipher(sealed: Uint8Array, padding: number, key: Uint8Array): Tlv[] | undefined {
  const plain = decryptCbc(key, sealed)
  try {
    const [container] = objects(plain.subarray(0, plain.length - padding))
    return container?.tag === 0xfc ? objects(container.value) : undefined
  } catch (error) {
    if (isFault(error, 'protocol')) return undefined
    throw error
  }
}

function inside(found: readonly Tlv[], template: number): ReadonlyMap<number, Uint8Array> {
  const container = found.find(({ tag }) => tag === template)
  return new Map(container ? objects(container.value).map(({ tag, value }) => [tag, value.slice()]) : [])
}

/** F4, as drivers give the tracks of other readers (`openSwipe`). */
function tracks(found: readonly Tlv[]): readonly (readonly [number, Uint8Array])[] {
  const f4 = inside(found, 0xf4)
  const rows = [
    [magtekTags.encTrack1, 0xdfd101],
    [magtekTags.encTrack2, 0xdfd102],
    [magtekTags.encTrack3, 0xdfd103],
    [magtekTags.stripeKsn, 0xc0],
  ] as const
  return rows.flatMap(([from, to]) => {
    const value = f4.get(from)
    return value ? [[to, value] as const] : []
  })
}

const formats = [0, 3, 4] as const

/** F5: ISO 9564 format 0, 3 or 4. */
function pinBlock(found: readonly Tlv[]): AuthorisationMessage['pinBlock'] {
  const f5 = inside(found, 0xf5)
  const [data, ksn, format] = [f5.get(0x99), f5.get(magtekTags.pinKsn), f5.get(magtekTags.pinFormat)]
  const known = formats.find(one => one === format?.[0])
  return data && ksn && known !== undefined ? { format: known, data, ksn } : undefined
}
