/** Cards that know no EMV mode by tap: Mastercard's mag-stripe mode with CVC3 (EMV Contactless Book C-2, S7, S13), and Visa's MSD with dCVV. */

import { fromHex, fromText, fromUint } from '../../../src/bytes.ts'
import { type Answer, type CardCommand, ok, refuse, SW } from '../command.ts'
import { cutByDol, dolEntries } from '../dol.ts'
import { children, encode, object } from '../objects.ts'
import type { ApplicationPlan, CardPlan } from '../profile/profile.ts'
import { cvc3, cvc3Layout, dynamicCvv, lastFour } from '../stripe-codes.ts'
import { settingsOf, type Tapped } from './brand.ts'
import { beginQuick } from './quick.ts'

const { code, atc: counter, un: number } = cvc3Layout
const digits = code + counter + number + 1
/** Positions in the discretionary data as a bitmap, bit 1 for the rightmost digit. */
const bits = (length: number, from: number) => ((1 << length) - 1) << from
const pcvc3 = bits(code, digits - code)
const punatc = bits(counter + number, 1)

/** Application data that a card without EMV mode does not give. */
const emvOnly = ['57', '5F20', '5F24', '5F25', '5A', '5F34', '9F07', '8E', '9F0D', '9F0E', '9F0F', '5F28', '8C', '8D', '9F42', '9F44', '9F08', '5F30', '9F14', '9F23'] // biome-ignore format: a list
const none = Object.fromEntries(emvOnly.map(tag => [tag, new Uint8Array()]))

/** Track data of a card, its discretionary data all zeros. */
function tracks(one: ApplicationPlan, card: CardPlan) {
  const pan = one.pan ?? card.pan
  const rest = card.expires.slice(0, 4) + card.serviceCode + '0'.repeat(digits)
  const track2 = `${pan}D${rest}`
  return { track1: fromText(`B${pan}^${card.cardholder}^${rest}`), track2: fromHex(track2.length % 2 ? `${track2}F` : track2) }
}

/** A phone is told by its UDOL (9F69) whether the reader wants it to verify its holder (9F7E byte 1 b2). */
const phoneUdol = fromHex('9F6A049F7E01')
const defaultUdol = fromHex('9F6A04')
const VERIFICATION_WANTED = 0x02

export function mastercardStripe(common: ApplicationPlan, device: 'card' | 'phone', card: CardPlan): ApplicationPlan {
  const { track1, track2 } = tracks(common, card)
  const data: ApplicationPlan['data'] = {
    ...none,
    '9F6C': fromHex('0001'),
    '9F62': fromUint(pcvc3, 6),
    '9F63': fromUint(punatc, 6),
    '56': track1,
    '9F64': Uint8Array.of(counter),
    '9F65': fromUint(pcvc3, 2),
    '9F66': fromUint(punatc, 2),
    '9F6B': track2,
    '9F67': Uint8Array.of(counter),
    ...(device === 'phone' && { '9F69': phoneUdol }),
    ...common.data,
  }
  const tags = Object.entries(data).flatMap(([tag, value]) => (value && value.length > 0 ? [tag] : []))
  const layout = [{ sfi: 1, record: 1, tags, signed: false }]
  // AIP: on-device verification, no EMV mode.
  return { ...common, aip: Uint8Array.of(device === 'phone' ? 0x02 : 0x00, 0x00), oda: { ...common.oda, method: 'none' }, data, layout }
}

/** COMPUTE CRYPTOGRAPHIC CHECKSUM: 80 2A 8E 80. DF4B says what became of the verification on the device. */
export function computeChecksum({ session, application, device }: Tapped, { cla, p1, p2, data }: CardCommand): Answer {
  const { run } = session
  const { image, atc } = application
  if (cla !== 0x80 || !settingsOf(image.plan)?.magstripe) return refuse(SW.wrongIns)
  if (run?.phase !== 'initiated') return refuse(SW.conditions)
  if (p1 !== 0x8e || p2 !== 0x80) return refuse(SW.wrongParameters)
  const told = cutByDol(dolEntries(image.data.get(0x9f69) ?? defaultUdol) ?? [], data)
  if (!told) return refuse(SW.wrongLength)
  run.phase = 'complete'
  const wanted = ((told.get(0x9f7e)?.[0] ?? 0) & VERIFICATION_WANTED) !== 0
  const counted = [0x9f36, fromUint(atc, 2)] as const
  if (application.blocked || image.plan.risk.policy === 'decline') return answer([counted, [0xdf4b, fromHex('000000')]])
  if (wanted && device === 'lockedPhone') return answer([counted, [0xdf4b, fromHex('000100')]])
  const codes = (
    [
      [0x9f61, 0x9f6b],
      [0x9f60, 0x56],
    ] as const
  ).flatMap(([tag, track]) => {
    const issued = image.data.get(track)
    return issued ? [[tag, cvc3(image.masterKeys.cvc, issued, told.get(0x9f6a) ?? new Uint8Array(4), atc)] as const] : []
  })
  return answer([...codes, counted, ...(device === 'card' ? [] : [[0xdf4b, fromHex(wanted ? '001000' : '000000')] as const])])
}

const answer = (objects: readonly (readonly [number, Uint8Array])[]) => ok(encode(0x77, children(new Map(objects))))

/** Visa's MSD: the record with Track 2 Equivalent Data is made anew for each tap, its dCVV over the counter. */
export function msdOptions(tapped: Tapped, data: Uint8Array): Answer {
  const run = beginQuick(tapped, data)
  if ('sw' in run) return run
  run.phase = 'complete'
  const { card, application } = tapped
  const { pan, masterKeys } = application.image
  const expiry = card.expires.slice(0, 4)
  const cvv = dynamicCvv(masterKeys.cvc, pan, expiry, card.serviceCode, application.atc)
  // PVKI, PVV, dCVV, ATC, contactless indicator.
  const track2 = `${pan}D${expiry}${card.serviceCode}00000${cvv}${lastFour(application.atc)}1`
  application.records.set('1.1', encode(0x70, [object(0x57, fromHex(track2.length % 2 ? `${track2}F` : track2))]))
  return ok(encode(0x77, children(new Map([[0x82, application.image.aip], [0x94, fromHex('08010100')]])))) // biome-ignore format: one line
}
