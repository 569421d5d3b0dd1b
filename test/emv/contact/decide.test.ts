/** Terminal action analysis: action codes in every order for each kind of terminal (EMV 4.4 Book 3, 10.7). */

import { describe, expect, it } from 'vitest'
import { fromHex, text } from '../../../src/bytes.ts'
import { analyseActions, analyseDefault } from '../../../src/emv/contact/decide.ts'
import { kernelAt, testConfig } from './kernel-fixture.ts'

const NONE = '0000000000'
/** The bit of the tests: floor limit exceeded. */
const BIT = '0000008000'
const OTHER = '8000000000'

interface Codes {
  tac?: [denial: string, online: string, standard: string]
  iac?: [denial: string | undefined, online: string | undefined, standard: string | undefined]
}

const kinds = {
  onlineOnly: { terminalType: 0x21 },
  offlineWithOnline: { terminalType: 0x22 },
  offlineOnly: { terminalType: 0x23, capabilities: '60B8C8' },
  withOnlineCodes: { terminalType: 0x23, capabilities: '60B8C8', onlineCodesOffline: true },
}

function scene(kind: keyof typeof kinds, tvr: string, { tac = [NONE, NONE, NONE], iac = [NONE, NONE, NONE] }: Codes) {
  const config = testConfig(kinds[kind], { tacDenial: tac[0], tacOnline: tac[1], tacDefault: tac[2] })
  const icc = Object.entries({ '9F0E': iac[0], '9F0F': iac[1], '9F0D': iac[2] }).filter(([, value]) => value !== undefined)
  const scene = kernelAt({ config, icc: Object.fromEntries(icc) as Record<string, string> })
  scene.kernel.data.setTerminal(0x95, fromHex(tvr))
  return scene
}

const code = ({ kernel }: ReturnType<typeof scene>) => (kernel.data.get(0x8a) ? text(kernel.data.get(0x8a)!) : undefined)

describe('the first GENERATE AC asks for', () => {
  const missing: Codes['iac'] = [undefined, undefined, undefined]
  it.each<[keyof typeof kinds, string, Codes, string, string | undefined]>([
    // Nothing set, or nothing in common: only an online-only terminal goes online.
    ['offlineWithOnline', NONE, {}, 'TC', 'Y1'],
    ['offlineWithOnline', BIT, { tac: [OTHER, OTHER, OTHER] }, 'TC', 'Y1'],
    ['offlineOnly', BIT, {}, 'TC', 'Y1'],
    ['onlineOnly', NONE, {}, 'ARQC', undefined],
    // Denial, by either side, comes first for all.
    ['offlineWithOnline', BIT, { tac: [BIT, BIT, NONE] }, 'AAC', 'Z1'],
    ['offlineWithOnline', BIT, { iac: [BIT, BIT, NONE] }, 'AAC', 'Z1'],
    ['offlineOnly', BIT, { tac: [BIT, NONE, NONE] }, 'AAC', 'Z1'],
    ['onlineOnly', BIT, { iac: [BIT, NONE, NONE] }, 'AAC', 'Z1'],
    // Online codes.
    ['offlineWithOnline', BIT, { tac: [NONE, BIT, NONE] }, 'ARQC', undefined],
    ['offlineWithOnline', BIT, { iac: [NONE, BIT, NONE] }, 'ARQC', undefined],
    ['offlineWithOnline', BIT, { tac: [OTHER, BIT, BIT] }, 'ARQC', undefined],
    ['offlineOnly', BIT, { tac: [NONE, BIT, NONE], iac: [NONE, BIT, NONE] }, 'TC', 'Y1'],
    // Default codes only where the terminal cannot go online.
    ['offlineWithOnline', BIT, { tac: [NONE, NONE, BIT], iac: [NONE, NONE, BIT] }, 'TC', 'Y1'],
    ['offlineOnly', BIT, { tac: [NONE, NONE, BIT] }, 'AAC', 'Z1'],
    ['offlineOnly', BIT, { iac: [NONE, NONE, BIT] }, 'AAC', 'Z1'],
    // An offline-only terminal may look at the online codes first: the default ones count where they match.
    ['withOnlineCodes', BIT, { tac: [NONE, NONE, BIT] }, 'TC', 'Y1'],
    ['withOnlineCodes', BIT, { tac: [NONE, BIT, NONE] }, 'TC', 'Y1'],
    ['withOnlineCodes', BIT, { tac: [NONE, BIT, NONE], iac: [NONE, NONE, BIT] }, 'AAC', 'Z1'],
    ['withOnlineCodes', BIT, { tac: [NONE, OTHER, BIT] }, 'TC', 'Y1'],
    ['withOnlineCodes', BIT, { tac: [BIT, NONE, NONE] }, 'AAC', 'Z1'],
    ['withOnlineCodes', BIT, { iac: missing }, 'AAC', 'Z1'],
    ['withOnlineCodes', NONE, { iac: missing }, 'TC', 'Y1'],
    // Missing issuer codes deny nothing, and send all else online or decline it.
    ['offlineWithOnline', NONE, { iac: missing }, 'TC', 'Y1'],
    ['offlineWithOnline', BIT, { iac: missing }, 'ARQC', undefined],
    ['offlineOnly', BIT, { iac: missing }, 'AAC', 'Z1'],
    ['offlineOnly', NONE, { iac: missing }, 'TC', 'Y1'],
    ['offlineWithOnline', BIT, { iac: [undefined, NONE, NONE] }, 'TC', 'Y1'],
  ])('%s, TVR %s, %o: %s', (kind, tvr, codes, type, response) => {
    const at = scene(kind, tvr, codes)
    expect([analyseActions(at.kernel), code(at)]).toEqual([type, response])
  })

  it('explains by which bit', () => {
    const at = scene('offlineWithOnline', '0000008000', { tac: [OTHER, BIT, NONE] })
    analyseActions(at.kernel)
    expect(at.explained.map(({ effect }) => effect)).toEqual([['no bit in common'], ['online by floorLimitExceeded'], ['ARQC asked']])
    expect(at.explained.every(({ step, inputs }) => step === 'terminalActionAnalysis' && inputs.has(0x95))).toBe(true)
  })
})

describe('when the host is silent, the second GENERATE AC asks for', () => {
  it.each<[keyof typeof kinds, string, Codes, string, string]>([
    ['offlineWithOnline', BIT, {}, 'TC', 'Y3'],
    ['offlineWithOnline', BIT, { tac: [BIT, BIT, NONE] }, 'TC', 'Y3'],
    ['offlineWithOnline', BIT, { tac: [NONE, NONE, BIT] }, 'AAC', 'Z3'],
    ['offlineWithOnline', BIT, { iac: [NONE, NONE, BIT] }, 'AAC', 'Z3'],
    ['offlineWithOnline', BIT, { iac: [NONE, NONE, undefined] }, 'AAC', 'Z3'],
    ['offlineWithOnline', NONE, { iac: [NONE, NONE, undefined] }, 'TC', 'Y3'],
    ['onlineOnly', NONE, {}, 'AAC', 'Z3'],
  ])('%s, TVR %s, %o: %s, %s', (kind, tvr, codes, type, response) => {
    const at = scene(kind, tvr, codes)
    expect([analyseDefault(at.kernel), code(at)]).toEqual([type, response])
  })
})
