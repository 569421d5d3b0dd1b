/** Terminal configuration: what is taken, what is refused and with which path and rule. */

import { describe, expect, it } from 'vitest'
import { hex } from '../../src/bytes.ts'
import { terminalKind } from '../../src/emv/config.ts'
import { parseTerminalConfig } from '../../src/emv/config-schema.ts'
import { eurMpos, russianMpos } from '../../src/emv/profiles.ts'
import { Fault } from '../../src/errors.ts'

const site = {
  merchantId: 'MERCHANT0000001',
  terminalId: '63545902',
  merchantName: 'TEST SHOP',
  acquirerId: '400000',
  ifdSerial: 'SN000001',
}
const application = {
  aid: 'A0000006581010',
  versions: ['0100'],
  tacDenial: '00 00 00 00 00',
  tacOnline: 'FC60ACF800',
  tacDefault: 'FC60242800',
  floorLimit: 100_000,
  randomSelection: { threshold: '50000', targetPercentage: 20, maximumPercentage: 50 },
}
const valid = {
  terminalType: 0x22,
  capabilities: 'E0F8C8',
  additionalCapabilities: '7000A03011',
  countryCode: 643,
  currencyCode: 643,
  merchantCategoryCode: '5999',
  languages: ['ru'],
  codeTables: [5],
  applications: [application],
  ...site,
}

function refusal(changes: object): { path: unknown; rule: unknown; message: string } {
  try {
    parseTerminalConfig({ ...valid, ...changes })
  } catch (error) {
    expect(error).toBeInstanceOf(Fault)
    const fault = error as Fault
    expect(fault.code).toBe('bad-config')
    return { path: fault.details.path, rule: fault.details.rule, message: fault.message }
  }
  throw new Error('was taken')
}

describe('terminal configuration', () => {
  it('takes JSON: hex becomes bytes, digits become amounts, the rest gets its default', () => {
    const config = parseTerminalConfig(JSON.parse(JSON.stringify(valid)))
    expect(hex(config.capabilities)).toBe('E0F8C8')
    expect(config.applications[0]).toMatchObject({ floorLimit: 100_000n, match: 'partial', velocityChecking: true })
    expect(config.applications[0].randomSelection?.threshold).toBe(50_000n)
    expect(config.usePse).toBe(true)
    expect(parseTerminalConfig(config)).toEqual(config)
    const more = parseTerminalConfig({ ...valid, applications: [{ ...application, data: { '9F53': '52' } }] })
    expect(more.applications[0].data).toEqual(new Map([[0x9f53, Uint8Array.of(0x52)]]))
    expect(parseTerminalConfig(more)).toEqual(more)
  })

  it.each([
    [{ terminalType: 0x17 }, 'terminalType', /0x11/],
    [{ terminalType: 0x31 }, 'terminalType', /0x34/],
    [{ terminalType: 0x24 }, 'capabilities', /signature/],
    [{ terminalType: 0x23 }, 'capabilities', /online PIN/],
    [{ capabilities: '60F8' }, 'capabilities', /3 bytes/],
    [{ capabilities: '60F8Cx' }, 'capabilities', /not a hex digit/],
    [{ capabilities: '40F8C8' }, 'capabilities', /contacts/],
    [{ capabilities: '6000C8' }, 'capabilities', /cardholder verification/],
    [{ capabilities: '60F888' }, 'capabilities', /CDA has DDA/],
    [{ capabilities: '60F800' }, 'capabilities', /offline data authentication/],
    [{ capabilities: '60FFC8' }, 'capabilities', /RFU/],
    [{ capabilities: '60F8CC' }, 'capabilities', /XDA/],
    [{ additionalCapabilities: '7000203011' }, 'additionalCapabilities', /numeric keys/],
    [{ additionalCapabilities: '0000A03011' }, 'additionalCapabilities', /goods/],
    [{ additionalCapabilities: '9000A03011' }, 'additionalCapabilities', /cashback/],
    [{ terminalType: 0x35, capabilities: '60D8C8', additionalCapabilities: 'E000A03011' }, 'additionalCapabilities', /no cash/],
    [{ currencyCode: 1 }, 'currencyCode', /ISO 4217/],
    [{ merchantName: 'ООО' }, 'merchantName', /ASCII/],
    [{ acquirerId: '12345' }, 'acquirerId', /6 to 11/],
    [{ applications: [] }, 'applications', /./],
    [{ applications: [{ ...application, aid: 'A00000' }] }, 'applications.0.aid', /5 to 16 bytes/],
    [{ applications: [{ ...application, tacDenial: '00' }] }, 'applications.0.tacDenial', /5 bytes/],
    [{ applications: [{ ...application, tac: '00' }] }, 'applications.0', /tac/],
    [{ applications: [{ ...application, data: { '9F02': '00' } }] }, 'applications.0.data', /9F02 is set by the kernel/],
    [{ applications: [{ ...application, data: { '9F5': '00' } }] }, 'applications.0.data', /./],
    [{ applications: [application, application] }, 'applications.1.aid', /row 0/],
    [{ applications: [{ ...application, floorLimit: undefined, randomSelection: undefined }] }, 'applications.0.floorLimit', /offline/],
    [{ applications: [{ ...application, floorLimit: 0x1_0000_0000 }] }, 'applications.0.floorLimit', /4 bytes/],
    [{ applications: [{ ...application, floorLimit: 49_999 }] }, 'applications.0.randomSelection', /threshold/],
    [{ applications: [{ ...application, floorLimit: -1 }] }, 'applications.0.floorLimit', /./],
    [
      { applications: [{ ...application, randomSelection: { threshold: 1, targetPercentage: 51, maximumPercentage: 50 } }] },
      'applications.0.randomSelection.targetPercentage',
      /10\.6\.2/,
    ],
  ] as const)('refuses %j', (changes, path, rule) => {
    const refused = refusal(changes)
    expect(refused.path).toBe(path)
    expect(refused.rule).toMatch(rule)
    expect(refused.message).toContain(path)
  })

  it('names every wrong field in one message', () => {
    expect(refusal({ countryCode: 0, languages: ['RU'] }).message).toMatch(/countryCode.*languages/)
  })

  it.each([
    [0x11, 'bank', true, 'onlineOnly'],
    [0x13, 'bank', true, 'offlineOnly'],
    [0x15, 'bank', false, 'offlineWithOnline'],
    [0x22, 'merchant', true, 'offlineWithOnline'],
    [0x24, 'merchant', false, 'onlineOnly'],
    [0x26, 'merchant', false, 'offlineOnly'],
    [0x36, 'cardholder', false, 'offlineOnly'],
  ] as const)('terminal type %i is operated by the %s, attended %s, %s', (type, operatedBy, attended, online) => {
    expect(terminalKind(type)).toEqual({ operatedBy, attended, online })
  })
})

describe('profiles', () => {
  it('the Russian mPOS takes Mir, Visa, Mastercard and Maestro in roubles, with every cardholder verification method', () => {
    const config = russianMpos(site)
    expect([config.countryCode, config.currencyCode, config.terminalType]).toEqual([643, 643, 0x22])
    expect(config.applications.map(({ aid }) => hex(aid))).toEqual(
      expect.arrayContaining(['A0000006581010', 'A0000000031010', 'A0000000041010', 'A0000000043060']),
    )
    expect(config.capabilities[1]).toBe(0xf8)
  })

  it('the euro one has no Mir, and both can be changed', () => {
    const config = eurMpos(site, { countryCode: 250, terminalType: 0x21 })
    expect([config.countryCode, config.currencyCode, config.terminalType]).toEqual([250, 978, 0x21])
    expect(config.applications.some(({ aid }) => hex(aid).startsWith('A000000658'))).toBe(false)
    expect(() => russianMpos({ ...site, terminalId: '123456789' })).toThrow(/terminalId/)
  })
})
