/** A QPOS between payments: configuration and the 3000-rouble rule loaded over the wire, keys, firmware interrupted at each block, texts. */

import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { open } from '../../../devices/index.ts'
import * as qpos from '../../../devices/qpos/codec.ts'
import { recordsOf } from '../../../devices/qpos/config.ts'
import { qposImage } from '../../../simulator/readers/qpos/upkeep.ts'
import { type Counter, testPinDukpt, virtualConfig, virtualCounter } from '../../../simulator/world.ts'
import { fromHex, hex } from '../../../src/bytes.ts'
import { encryptEcb } from '../../../src/crypto/des.ts'
import { initialKey } from '../../../src/crypto/dukpt.ts'
import { currency } from '../../../src/currency.ts'
import type { ContactlessScheme, SchemeRules } from '../../../src/emv/contactless/config.ts'
import { russianContactless } from '../../../src/emv/contactless/profiles.ts'
import type { AuthorisationRequest } from '../../../src/emv/terminal.ts'
import { isFault } from '../../../src/errors.ts'
import type { Reader, ReaderEvent } from '../../../src/reader/reader.ts'

const terminal = { ...virtualConfig(), revoked: [] }

/** The Russian rules, with one more of a scheme's. */
function ruled(scheme: ContactlessScheme, more: Partial<SchemeRules>) {
  const contactless = russianContactless()
  const schemes = contactless.schemes.map(rules => (rules.scheme === scheme ? { ...rules, ...more } : rules))
  return { ...contactless, schemes }
}
let counter: Counter
let reader: Reader

beforeEach(async () => {
  counter = await virtualCounter({ resultTime: 0, battery: { charging: true }, pins: ['1234'], present: 'tap', card: 'mastercard' })
  reader = await open(counter.link(), { family: 'qpos' })
})
afterEach(async () => {
  await reader.close()
  await counter.close()
})

/** Pays and says yes to everything; what the host was asked. */
async function pay(amount: bigint) {
  let asked: AuthorisationRequest | undefined
  const outcome = await reader.transact(
    { type: 'purchase', amount, currency: currency('RUB'), at: new Date(2026, 2, 26) },
    {
      selectApplication: async () => 0,
      authorise: async request => {
        asked = request
        return { type: 'approved', code: '00', authorisationCode: '123456' }
      },
    },
  )
  return { outcome, asked }
}

describe('configuration', () => {
  it.each([
    ['mastercard', 'mastercard'],
    ['visa', 'visa-signature'],
    ['mir', 'mir'],
  ])('a limit that the host loads is the one that %s keeps: 1999.99 passes, 2000.00 asks', async (_, card) => {
    await reader.configure!({ terminal, contactless: russianContactless({ verifyFrom: 200_000n }) })
    counter.next({ card, present: 'tap', pins: ['1234'] })
    expect((await pay(199_999n)).outcome).toMatchObject({ result: 'approved', interface: 'tap', cvm: 'none' })
    counter.next({ present: 'tap', pins: ['1234'] })
    const { outcome } = await pay(200_000n)
    expect(outcome.cvm).not.toBe('none')
  })

  it('without limits for taps nothing is tapped; the chip still pays', async () => {
    await reader.configure!({ terminal })
    counter.next({ present: 'dip', pins: ['1234'] })
    expect((await pay(100n)).outcome).toMatchObject({ result: 'approved', interface: 'chip' })
  })

  it('goes record by record, and each is told', async () => {
    const told: [number, number][] = []
    const events = reader.events[Symbol.asyncIterator]()
    await reader.configure!({ terminal }, { onProgress: (done, total) => told.push([done, total]) })
    const total = 2 + terminal.applications.length + terminal.caKeys.length
    expect(told).toEqual(Array.from({ length: total }, (_, at) => [at + 1, total]))
    expect((await events.next()).value).toEqual({ type: 'update', what: 'configuration', done: 1, total } satisfies ReaderEvent)
    await events.return?.()
  })

  it('interrupted, the reader says what it needs and pays no more; done again, it pays', async () => {
    const stop = new AbortController()
    const onProgress = (done: number) => done === 1 && stop.abort()
    await expect(reader.configure!({ terminal }, { signal: stop.signal, onProgress })).rejects.toMatchObject({ code: 'aborted' })
    expect((await reader.status()).needs).toBe('configuration')
    await expect(pay(100n)).rejects.toMatchObject({ code: 'reader-error', details: { code: 'EMV_APP_CFG_ERROR' } })
    await reader.configure!({ terminal, contactless: russianContactless() })
    expect((await reader.status()).needs).toBeUndefined()
    counter.next({ present: 'tap' })
    expect((await pay(100n)).outcome.result).toBe('approved')
  })

  it.each([
    ['revoked certificates', { terminal: virtualConfig() }, 'revoked'],
    ['rules in another currency', { terminal, contactless: { ...russianContactless(), currencyCode: 978 } }, 'contactless.currencyCode'],
    [
      'an AID for taps alone',
      { terminal: { ...terminal, applications: terminal.applications.slice(0, 1) }, contactless: russianContactless() },
      'contactless.schemes',
    ],
    [
      'dynamic reader limits',
      { terminal, contactless: ruled('visa', { dynamicLimits: [{ programId: fromHex('31'), refuseFrom: 100n }] }) },
      'contactless.schemes.visa.dynamicLimits',
    ],
    ['fast DDA of version 00', { terminal, contactless: ruled('visa', { fastDda00: true }) }, 'contactless.schemes.visa.fastDda00'],
    [
      'random selection of taps',
      { terminal, contactless: ruled('jcb', { randomSelection: { threshold: 0n, targetPercentage: 0, maximumPercentage: 0 } }) },
      'contactless.schemes.jcb.randomSelection',
    ],
  ])('%s: a QPOS has no word for it, and nothing is sent', async (_, configuration, path) => {
    await expect(reader.configure!(configuration)).rejects.toMatchObject({ code: 'bad-config', details: { path } })
    expect((await reader.status()).needs).toBeUndefined()
  })

  it('the figure of each kernel stands in its record: Entry Point ≥ 3000.00, kernel 2 > 2999.99', () => {
    const { applications } = recordsOf({ terminal, contactless: russianContactless() })
    const of = (aid: string) => applications.find(one => hex(one.get(0x9f06)!) === aid)!
    expect(hex(of('A0000000031010').get(qpos.appTags.tapCvmLimit)!)).toBe('000000300000')
    expect(hex(of('A0000000041010').get(qpos.appTags.kernelSpace)!)).toContain('DF812606000000299999')
    expect(hex(of('A0000006581010').get(qpos.appTags.kernelSpace)!)).toContain('DF5206000000299999')
  })

  it('records are read back as they were written', () => {
    const { applications, keys } = recordsOf({ terminal, contactless: russianContactless() })
    for (const one of [...applications, ...keys]) expect(qpos.decodeRecord(qpos.encodeRecord(one))).toEqual(one)
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), bytes => {
        try {
          qpos.decodeRecord(bytes)
        } catch (error) {
          expect(isFault(error, 'protocol')).toBe(true)
        }
      }),
    )
  })
})

it('every message of upkeep is read back as it was written, and as the layouts have it', () => {
  const key = fc.record({ key: fc.uint8Array({ minLength: 16, maxLength: 16 }), kcv: fc.uint8Array({ minLength: 8, maxLength: 8 }) })
  const initial = fc.record({
    ksn: fc.uint8Array({ minLength: 10, maxLength: 10 }),
    key: fc.uint8Array({ minLength: 16, maxLength: 16 }),
    kcv: fc.uint8Array({ minLength: 8, maxLength: 8 }),
  })
  const base = { type: fc.constant('command' as const), delay: fc.nat(255) }
  const list = {
    operation: fc.constantFrom(...(Object.keys(qpos.listOperations) as qpos.ListOperation[])),
    record: fc.uint8Array({ maxLength: 400 }),
  }
  const text = fc.string({ maxLength: 100, unit: fc.integer({ min: 0x20, max: 0x7e }).map(code => String.fromCharCode(code)) })
  const message: fc.Arbitrary<qpos.HostMessage> = fc.oneof(
    fc.record({ ...base, command: fc.constantFrom('appConfig', 'capkConfig'), ...list }),
    fc.record({
      ...base,
      command: fc.constant('setMasterKey' as const),
      key: fc.tuple(key, fc.nat(4)).map(([one, index]) => ({ ...one, index })),
    }),
    fc.record({
      ...base,
      command: fc.constant('updateWorkKeys' as const),
      keys: fc.record({ index: fc.nat(4), pin: key, track: key, mac: key }),
    }),
    fc.record({
      ...base,
      command: fc.constant('updateIpek' as const),
      keys: fc.record({ group: fc.nat(9), keys: fc.tuple(initial, initial, initial) }),
    }),
    fc.record({
      ...base,
      command: fc.constant('displayText' as const),
      text,
      align: fc.constantFrom(...(Object.keys(qpos.alignments) as qpos.Alignment[])),
    }),
  )
  fc.assert(
    fc.property(message, one => {
      expect(qpos.device.decoder().push(qpos.host.encode(one))).toEqual([one])
    }),
  )
  const hello = qpos.host.encode({ type: 'command', command: 'displayText', delay: 5, text: 'HI', align: 'centre' })
  expect(hex(hello)).toBe('4D000A2141100500044048490077')
})

describe('keys', () => {
  const bdk = fromHex('1111111111111111 2222222222222222'.replace(' ', ''))
  const ksn = fromHex('FFFF0123456789000000')
  const enciphered = (clear: Uint8Array) => {
    return { key: encryptEcb(testPinDukpt.bdk, clear), kcv: encryptEcb(clear, new Uint8Array(8)), ksn }
  }

  it('new initial keys under the master key: the next PIN block has their serial number', async () => {
    const key = enciphered(initialKey(bdk, ksn))
    await reader.loadKeys!({ type: 'dukpt', group: 0, track: key, emv: key, pin: key })
    counter.next({ card: 'mastercard', present: 'tap', pins: ['1234'] })
    const { asked } = await pay(300_000n)
    expect(hex(asked!.pinBlock!.ksn!)).toBe('FFFF0123456789000001')
  })

  it('a wrong check value is refused, and the old keys stay', async () => {
    const key = { ...enciphered(initialKey(bdk, ksn)), kcv: new Uint8Array(8) }
    await expect(reader.loadKeys!({ type: 'dukpt', group: 0, track: key, emv: key, pin: key })).rejects.toMatchObject({
      code: 'reader-error',
      details: { code: 'WR_DATA_ERROR' },
    })
    counter.next({ card: 'mastercard', present: 'tap', pins: ['1234'] })
    expect(hex((await pay(300_000n)).asked!.pinBlock!.ksn!)).toMatch(/^FFFF987654[0-9A-F]{5}00001$/) // its own device number, the first key
  })

  it('a new master key comes under the old one', async () => {
    const { key, kcv } = enciphered(bdk)
    await reader.loadKeys!({ type: 'master', index: 0, key: { key, kcv } })
    const under = { key: encryptEcb(bdk, initialKey(bdk, ksn)), kcv: encryptEcb(initialKey(bdk, ksn), new Uint8Array(8)), ksn }
    await reader.loadKeys!({ type: 'dukpt', group: 0, track: under, emv: under, pin: under })
    counter.next({ card: 'mastercard', present: 'tap', pins: ['1234'] })
    expect(hex((await pay(300_000n)).asked!.pinBlock!.ksn!)).toBe('FFFF0123456789000001')
  })
})

it('a text of the app is shown as it stands', async () => {
  await reader.displayText!('THANK YOU\nCOME AGAIN')
  expect(counter.reader.body.screens.at(-1)!.lines).toEqual(['THANK YOU', 'COME AGAIN'])
  await expect(reader.displayText!('Спасибо')).rejects.toMatchObject({ code: 'bad-argument' })
})

describe('firmware', () => {
  const image = qposImage({ version: '2.0.0', size: 2000, block: 500 })
  const reopen = async () => {
    await reader.close()
    reader = await open(counter.link(), { family: 'qpos' })
  }

  it('is taken block by block; the reader restarts with the new version', async () => {
    const told: number[] = []
    await reader.updateFirmware!(image, { onProgress: (done, total) => told.push(done / total) })
    expect(told).toHaveLength(6)
    expect(told.at(-1)).toBe(1)
    await reopen()
    expect(reader.info.firmware).toBe('2.0.0')
    expect((await pay(100n)).outcome.result).toBe('approved')
  })

  it('interrupted at each block, by the app or by a cut of power, it says what it needs, and a second try completes', async () => {
    for (const cut of ['abort', 'power'] as const)
      for (let block = 1; block <= 5; block++) {
        const version = `${cut === 'abort' ? 3 : 4}.0.${block}`
        const next = qposImage({ version, size: 2000, block: 500 })
        const stop = new AbortController()
        let blocks = 0
        const onProgress = () => {
          if (++blocks < block) return
          if (cut === 'abort') stop.abort()
          else counter.reader.body.switchOff()
        }
        const broken = reader.updateFirmware!(next, { signal: stop.signal, onProgress })
        await expect(broken).rejects.toMatchObject({ code: cut === 'abort' ? 'aborted' : 'link-closed' })
        if (cut === 'power') counter.reader.body.switchOn()
        await reopen()
        expect((await reader.status()).needs).toBe('firmware')
        await expect(pay(100n)).rejects.toMatchObject({ code: 'update-required', details: { needs: 'firmware' } })
        await reader.updateFirmware!(next)
        await reopen()
        expect(reader.info.firmware).toBe(version)
        expect((await reader.status()).needs).toBeUndefined()
      }
  })

  it.each([
    ['no image', fromHex('00'.repeat(64)), 'head'],
    ['cut off', image.subarray(0, image.length - 300), 'cut'],
    ['no frame inside', image.with(40, image[40] ^ 1), 'frame'],
    ['unsigned', qposImage({ version: '2.0.0', signed: false }), 'refused'],
    ['another reader’s', qposImage({ version: '2.0.0', family: 'miura' }), 'refused'],
  ])('%s: refused before the first block, and the reader pays on', async (_, wrong, rule) => {
    await expect(reader.updateFirmware!(wrong)).rejects.toMatchObject({ code: 'bad-argument', details: { rule } })
    expect((await reader.status()).needs).toBeUndefined()
    expect((await pay(100n)).outcome.result).toBe('approved')
  })

  it('wants the charger', async () => {
    counter.reader.body.setBattery({ charging: false })
    await expect(reader.updateFirmware!(image)).rejects.toMatchObject({ code: 'low-battery', details: { percent: 80 } })
  })

  it('any bytes are an image or a Fault', async () => {
    const head = image.subarray(0, 32)
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async bytes => {
        await expect(reader.updateFirmware!(Uint8Array.from([...head, ...bytes]))).rejects.toMatchObject({ code: 'bad-argument' })
      }),
      { numRuns: 50 },
    )
  })
})
