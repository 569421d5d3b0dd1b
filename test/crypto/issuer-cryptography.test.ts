/** Issuer-side EMV cryptography against 132 recorded calls of pyemv (HSM-checked ones among them). */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { fromHex, hex } from '../../src/bytes.ts'
import { applicationCryptogram, arpcMethod1, arpcMethod2, iccMasterKey, sessionKey, treeSessionKey } from '../../src/crypto/cryptogram.ts'
import {
  arpcResponse,
  cryptogramVersions,
  pinChangeCommand,
  versionArpc,
  versionCommandMac,
  versionCryptogram,
} from '../../src/crypto/cryptogram-version.ts'
import { cvc3, cvv } from '../../src/crypto/cvv.ts'
import { pad } from '../../src/crypto/mac.ts'
import { encodeFormat2, pinOf } from '../../src/crypto/pin.ts'
import {
  commandMac,
  decipherCommandData,
  type Encipherment,
  encipherCommandData,
  visaPinChangeBlock,
} from '../../src/crypto/secure-messaging.ts'
import { Fault } from '../../src/errors.ts'

type Recorded = { hex: string } | string | number | null
interface Call {
  test: string
  fn: string
  args: Record<string, Recorded> & { self?: Record<string, { hex: string }> }
  result?: Recorded
  error?: string
}
const { calls } = JSON.parse(readFileSync(join(import.meta.dirname, '../vectors/emv_issuer_crypto_pyemv.json'), 'utf8')) as {
  calls: Call[]
}

const bytes = (value: Recorded | undefined) => fromHex((value as { hex: string }).hex)
/** Recorded as text or as its ASCII bytes. */
const digits = (value: Recorded | undefined) => (typeof value === 'string' ? value : String.fromCharCode(...bytes(value)))
const optional = <T>(value: Recorded | undefined, read: (value: Recorded) => T) => (value == null ? undefined : read(value))
const pin = (value: Recorded | undefined) => pinOf(digits(value))

const versions: Record<string, keyof typeof cryptogramVersions> = {
  VisaCVN10: 'visa10',
  VisaCVN18: 'visa18',
  VisaCVN22: 'visa22',
  MasterCardCVN17: 'mastercard17',
  MasterCardCVN20: 'mastercard20',
  MasterCardCVN21: 'mastercard21',
  InteracCVN133: 'interac133',
}

/** Our answer to a recorded call. */
function answer({ fn, args }: Call): Uint8Array | string {
  const masterKey = (option: 'A' | 'B') =>
    iccMasterKey(
      bytes(args.iss_mk),
      digits(args.pan),
      optional(args.psn, psn => Number(digits(psn))),
      option,
    )
  switch (fn) {
    case 'kd.derive_icc_mk_a':
      return masterKey('A')
    case 'kd.derive_icc_mk_b':
      return masterKey('B')
    case 'kd.derive_common_sk':
      return sessionKey(bytes(args.icc_mk), bytes(args.r))
    case 'kd.derive_emv2000_tree_sk':
      return treeSessionKey(bytes(args.icc_mk), bytes(args.atc), args.height as number, args.branch_factor as number, bytes(args.iv))
    case 'ac.generate_ac':
      return applicationCryptogram(bytes(args.sk_ac), bytes(args.data), args.padding_type === 'VISA' ? 1 : 2)
    case 'ac.generate_arpc_1':
      return arpcMethod1(bytes(args.sk_ac), bytes(args.arqc), bytes(args.arpc_rc))
    case 'ac.generate_arpc_2':
      return arpcMethod2(bytes(args.sk_ac), bytes(args.arqc), bytes(args.csu), optional(args.prop_auth_data, bytes))
    case 'mac.pad_iso9797_1':
      return pad(bytes(args.data), 1, (args.block_size as number | null) ?? 8)
    case 'sm.generate_command_mac':
      return commandMac(bytes(args.sk_smi), bytes(args.command))
    case 'sm.encrypt_command_data':
      return encipherCommandData(bytes(args.sk_smc), bytes(args.command_data), String(args.encryption_type).toLowerCase() as Encipherment)
    case 'sm.format_vis_pin_block':
      return visaPinChangeBlock(bytes(args.icc_mk_ac), pin(args.pin), optional(args.current_pin, pin))
    case 'sm.format_iso9564_2_pin_block':
      return encodeFormat2(pin(args.pin))
    case 'cvv.generate_cvc3':
      return cvc3(bytes(args.icc_cvc3), bytes(args.track_template), bytes(args.atc), bytes(args.un))
    default:
      return ofVersion(fn, args)
  }
}

function ofVersion(fn: string, args: Call['args']): Uint8Array {
  const [, name, method] = fn.split('.')
  const version = cryptogramVersions[versions[name]]
  const { icc_mk_ac, icc_mk_smi, icc_mk_smc } = args.self!
  const keys = { ac: bytes(icc_mk_ac), mac: bytes(icc_mk_smi), encipherment: bytes(icc_mk_smc) }
  const session = { atc: optional(args.tag_9f36, bytes) ?? new Uint8Array(2), cryptogram: optional(args.tag_9f26, bytes) }
  switch (method) {
    case 'generate_ac': {
      const tags = new Map<number, Uint8Array>()
      for (const [key, value] of Object.entries(args)) {
        const tag = /^tag_([0-9a-f]+)$/.exec(key)?.[1]
        if (tag) tags.set(Number.parseInt(tag, 16), bytes(value as Recorded))
      }
      const issuerData = args.tag_9f10 ?? {
        hex: [args.cvr, args.counters].map(part => hex(part ? bytes(part) : new Uint8Array())).join(''),
      }
      return versionCryptogram(version, keys, tags, bytes(issuerData))
    }
    case 'generate_arpc':
      return versionArpc(version, keys, session, bytes(args.csu ?? args.arpc_rc), optional(args.proprietary_auth_data, bytes))
    case 'generate_command_mac':
      return versionCommandMac(version, keys, session, bytes(args.command_header), bytes(args.command_data))
    case 'generate_pin_change_command':
      return pinChangeCommand(version, keys, session, pin(args.pin), optional(args.current_pin, pin))
    default:
      throw new Error(`no such call: ${fn}`)
  }
}

describe('issuer cryptography', () => {
  it.each(calls.map((call, index) => ({ name: `${index} ${call.fn}`, call })))('$name', ({ call }) => {
    if (call.error !== undefined) return expect(() => answer(call)).toThrow(Fault)
    const got = answer(call)
    expect(typeof got === 'string' ? got : hex(got)).toBe(typeof call.result === 'string' ? call.result : hex(bytes(call.result)))
  })

  it('has all 132 calls', () => {
    expect(calls).toHaveLength(132)
  })

  it.each(['emv', 'visa', 'mastercard'] as const)('reads %s command data again', how => {
    const key = fromHex('0123456789ABCDEFFEDCBA9876543210')
    const data = fromHex('241234FFFFFFFFFF')
    expect(hex(decipherCommandData(key, encipherCommandData(key, data, how), how))).toBe(hex(data))
  })

  it('refuses command data enciphered under another key', () => {
    const data = encipherCommandData(fromHex('0123456789ABCDEFFEDCBA9876543210'), fromHex('241234FFFFFFFFFF'), 'visa')
    expect(() => decipherCommandData(fromHex('00000000000000001111111111111111'), data, 'visa')).toThrow(/no valid padding/)
  })

  it('makes the CVV of the published example', () => {
    // The worked example of Visa's CVV, found in many HSM manuals: key pair 0123456789ABCDEF/FEDCBA9876543210.
    const key = fromHex('0123456789ABCDEFFEDCBA9876543210')
    expect(cvv(key, '4123456789012345', '8701', '101')).toBe('561')
  })
})

describe('what follows the ARPC in 91', () => {
  const { mastercard17, visa10, visa18, jcb4 } = cryptogramVersions
  it.each([
    ['M/Chip: a bit field', mastercard17, '0012', '0000'],
    ['Visa CVN 10: the characters of field 39', visa10, '3030', '3531'],
    ['JCB, by assumption: the same', jcb4, '3030', '3531'],
    ['Visa CVN 18: a Card Status Update', visa18, '00820000', '00000000'],
  ])('%s', (_, version, approved, declined) => {
    expect([hex(arpcResponse(version, '00')), hex(arpcResponse(version, '51'))]).toEqual([approved, declined])
  })
})
