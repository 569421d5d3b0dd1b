/** DUKPT on both sides against the X9.24 test data and against tracks from the field. */

import { createCipheriv } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { concat, fromHex, fromText, hex, text } from '../../src/bytes.ts'
import * as des from '../../src/crypto/des.ts'
import { DukptDevice, dataKey, initialKey, macKey, pinKey, transactionKey } from '../../src/crypto/dukpt.ts'
import {
  AesDukptDevice,
  type AesDukptKeyType,
  type AesDukptUsage,
  aesInitialKey,
  aesTransactionKey,
  aesUpdateKey,
  aesWorkingKey,
} from '../../src/crypto/dukpt-aes.ts'
import { desCmac, macAlgorithm3 } from '../../src/crypto/mac.ts'
import { decipherFormat4, encipherFormat4, encodeFormat0, pinOf } from '../../src/crypto/pin.ts'

const load = (name: string) => JSON.parse(readFileSync(join(import.meta.dirname, `../vectors/${name}.json`), 'utf8'))

describe('TDES DUKPT', () => {
  const { bdk, iksn, ik, rows, pin, clear_pinblock_format0 } = load('dukpt_tdes_x9_24_2009')
  const initial = initialKey(fromHex(bdk), fromHex(iksn))

  it('derives the initial key', () => {
    expect(hex(initial)).toBe(ik)
  })

  it.each(rows as Record<string, string>[])('receives $ksn', row => {
    const key = transactionKey(initial, fromHex(row.ksn))
    expect(hex(key)).toBe(row.txn_key)
    const block = encodeFormat0(pinOf(pin), '4012345678909')
    expect(hex(block)).toBe(clear_pinblock_format0)
    expect(hex(des.encryptEcb(pinKey(key), block))).toBe(row.pinblock_enc)
    const data = fromText('4012345678909D987')
    expect(hex(macAlgorithm3(macKey(key, 'request'), data, 1)).slice(0, 8)).toBe(row.mac_request)
    expect(hex(macAlgorithm3(macKey(key, 'response'), data, 1)).slice(0, 8)).toBe(row.mac_response)
    expect(hex(desCmac(macKey(key, 'request'), data))).toBe(row.cmac_request)
    expect(hex(desCmac(macKey(key, 'response'), data))).toBe(row.cmac_response)
    expect(hex(des.encryptCbc(dataKey(key), concat(data, new Uint8Array(7))))).toBe(row.data_request_enc)
  })

  it('originates the same keys, transaction after transaction', () => {
    const device = new DukptDevice(initial, fromHex(iksn))
    const expected = new Map((rows as Record<string, string>[]).map(row => [row.ksn, row.txn_key]))
    let seen = 0
    for (let count = 0; count < 400; count++) {
      const { ksn, key } = device.next()
      expect(hex(key)).toBe(hex(transactionKey(initial, ksn)))
      if (expected.has(hex(ksn))) {
        expect(hex(key)).toBe(expected.get(hex(ksn)))
        seen++
      }
    }
    expect(seen).toBe(21)
  })

  it('skips counters of more than ten ones', () => {
    const device = new DukptDevice(initial, fromHex('FFFF9876543210E007FE'))
    expect(hex(device.next().ksn)).toBe('FFFF9876543210E007FE')
    expect(hex(device.next().ksn)).toBe('FFFF9876543210E00800') // 7FF has eleven ones
    expect(() => new DukptDevice(initial, fromHex('FFFF9876543210E007FF'))).toThrow(/more than ten ones/)
  })

  it('goes on from any counter as if it had come there, and refuses when all are used up', () => {
    const device = new DukptDevice(initial, fromHex('FFFF9876543210EFF800'))
    for (let count = 0; count < 50; count++) {
      const { ksn, key } = device.next()
      expect(hex(key)).toBe(hex(transactionKey(initial, ksn)))
    }
    const last = new DukptDevice(initial, fromHex('FFFF9876543210FFF800'))
    expect(hex(last.next().ksn)).toBe('FFFF9876543210FFF800')
    expect(last).toMatchObject({ exhausted: true, ksn: undefined })
    expect(() => last.next()).toThrow(/exhausted/)
  })

  const issues = load('dukpt_magstripe_issues').rows as Record<string, string>[]
  it.each(issues)('agrees with $id', row => {
    const ipek = initialKey(fromHex(row.bdk), fromHex(row.ksn))
    if (row.ipek) expect(hex(ipek)).toBe(row.ipek)
    const key = transactionKey(ipek, fromHex(row.ksn))
    expect(hex(key)).toBe(row.currentKey)
    if (row.pinKey) expect(hex(pinKey(key))).toBe(row.pinKey)
    if (row.dataEncryptionKey) expect(hex(dataKey(key))).toBe(row.dataEncryptionKey)
    if (row.ciphertext) {
      const plain = text(des.decryptCbc(dataKey(key), fromHex(row.ciphertext)))
      expect(plain.replace(/\0/g, '\\u0000')).toBe(row.plaintextAscii.replace(/\0/g, '\\u0000'))
    }
  })
})

describe('AES DUKPT', () => {
  const { sets, update_key } = load('dukpt_aes_x9_24_3_2017')
  const working: Record<string, [AesDukptUsage, AesDukptKeyType]> = {
    pin_key_aes128: ['pinEncryption', 'AES128'],
    pin_key_aes256: ['pinEncryption', 'AES256'],
    cmac_aes128_key: ['macGeneration', 'AES128'],
    cmac_aes256_key: ['macGeneration', 'AES256'],
    data_aes128_key: ['dataEncrypt', 'AES128'],
    data_aes256_key: ['dataEncrypt', 'AES256'],
  }
  for (const set of sets) {
    const initial = aesInitialKey(fromHex(set.bdk), fromHex(set.ikid))
    it(`derives the AES-${set.bdk_bits} initial key`, () => {
      expect(hex(initial)).toBe(set.ik)
    })
    it.each(set.rows as Record<string, string>[])(`receives $ksn of AES-${set.bdk_bits}`, row => {
      const ksn = fromHex(row.ksn)
      const key = aesTransactionKey(initial, ksn)
      expect(hex(key)).toBe(row.txn_key)
      for (const [field, [usage, type]] of Object.entries(working))
        if (row[field]) expect([field, hex(aesWorkingKey(key, ksn, usage, type))]).toEqual([field, row[field]])
      if (row.encrypted_pinblock) {
        const pinKey = aesWorkingKey(key, ksn, 'pinEncryption')
        const block = encipherFormat4(pinKey, pinOf(set.pin), set.pan, () => fromHex(set.pin_field.slice(16)))
        expect(hex(block)).toBe(row.encrypted_pinblock)
        expect(decipherFormat4(pinKey, block, set.pan)).toEqual(pinOf(set.pin))
      }
    })
    it(`originates the same AES-${set.bdk_bits} keys`, () => {
      const device = new AesDukptDevice(initial, fromHex(set.ikid + '00000000'))
      for (let count = 1; count <= 300; count++) {
        const { ksn, key } = device.next()
        expect(hex(ksn)).toBe(set.ikid + count.toString(16).toUpperCase().padStart(8, '0'))
        expect(hex(key)).toBe(hex(aesTransactionKey(initial, ksn)))
      }
      const later = new AesDukptDevice(initial, fromHex(`${set.ikid}0001FFFE`))
      expect(Array.from({ length: 3 }, () => hex(later.next().ksn).slice(16))).toEqual(['0001FFFE', '00020000', '00020001'])
      for (const row of (set.rows as Record<string, string>[]).slice(8))
        expect(hex(new AesDukptDevice(initial, fromHex(row.ksn)).next().key)).toBe(row.txn_key)
      const last = new AesDukptDevice(initial, fromHex(`${set.ikid}FFFF0000`))
      last.next()
      expect(() => last.next()).toThrow(/exhausted/)
    })
  }

  it.each(update_key as { path: string; arrays: Record<string, string> }[])('derives the update keys of $path', ({ arrays }) => {
    const types = { aes128: 'AES128', aes256: 'AES256', tdes2: 'TDES2', tdes3: 'TDES3' } as const
    for (const [name, type] of Object.entries(types)) {
      const expected = arrays[`update_key_${name}_verify`]
      if (expected) expect([name, hex(aesUpdateKey(fromHex(arrays.ik), fromHex(arrays.ikid), type))]).toEqual([name, expected])
    }
  })

  // X9.24-3:2017, Annex B: AES-128, transaction 1.
  it.each([
    ['keyEncryption', '36A724B7BEFA5A25F5E7B5782A4554A2'],
    ['macGeneration', 'A2DC23DE6FDE0824A2BC321E08E4B8B7'],
    ['macVerification', 'DBB463945B286C07CD3AD82EE96FD9C9'],
    ['macBoth', '85675439D18D7F1158BD8E3EAA3D502B'],
    ['dataEncrypt', 'A35C412EFD41FDB98B69797C02DCD08F'],
    ['dataDecrypt', '16292C6EA8F64C5420A0584BFBC577BE'],
    ['dataBoth', 'A308E080DD15A1B741F1721BF67DE11C'],
  ] as const)('derives the key for %s', (usage, expected) => {
    const ksn = fromHex('123456789012345600000001')
    expect(hex(aesWorkingKey(fromHex('4F21B565BAD9835E112B6465635EAE44'), ksn, usage))).toBe(expected)
  })

  // No vector of an HMAC key is published: the derivation data of 6.3.2, table 3, written out, under AES of another make.
  it.each([
    [128, 'HMAC128', ['0101200000050080']],
    [192, 'HMAC192', ['01012000000500C0', '01022000000500C0']],
    [256, 'HMAC256', ['0101200000050100', '0102200000050100']],
  ] as const)('derives HMAC keys of %s bits, from parents that are as strong', (bits, type, heads) => {
    const ksn = fromHex('123456789012345600000001')
    for (const parent of [128, 192, 256] as const) {
      const key = Uint8Array.from({ length: parent / 8 }, (_, at) => at * 7)
      if (parent < bits) {
        expect(() => aesWorkingKey(key, ksn, 'macGeneration', type)).toThrow(/stronger/)
        continue
      }
      const cipher = createCipheriv(`aes-${parent}-ecb`, key, null).setAutoPadding(false)
      const blocks = cipher.update(heads.map(head => `${head}9012345600000001`).join(''), 'hex', 'hex').toUpperCase()
      expect(hex(aesWorkingKey(key, ksn, 'macGeneration', type))).toBe(blocks.slice(0, bits / 4))
    }
  })

  it('refuses a working key stronger than its origin', () => {
    const set = sets[0]
    const ksn = fromHex(set.rows[0].ksn)
    expect(() => aesWorkingKey(fromHex(set.rows[0].txn_key), ksn, 'pinEncryption', 'AES256')).toThrow(/stronger/)
  })
})
