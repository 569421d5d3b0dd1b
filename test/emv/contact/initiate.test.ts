/** GET PROCESSING OPTIONS and READ RECORD: the scenarios of emv-utils, and what EMV 4.4 Book 3, 10.1, 10.2 and 7.5 say beyond them. */

import { describe, expect, it } from 'vitest'
import { fromHex, hex } from '../../../src/bytes.ts'
import { initiate, parseProcessingOptions, startApplication } from '../../../src/emv/contact/initiate.ts'
import { buildCandidateList } from '../../../src/emv/contact/select.ts'
import { belongsIn, FROM } from '../../../src/emv/steps/card-data.ts'
import { parseFci } from '../../../src/emv/steps/fci.ts'
import { aflEntry, readRecords } from '../../../src/emv/steps/records.ts'
import { write } from '../../../src/tlv/ber.ts'
import options from '../../vectors/emvutils_gpo.json' with { type: 'json' }
import records from '../../vectors/emvutils_read_application_data.json' with { type: 'json' }
import { application, bench, type Exchange, scriptedCard } from './scripted-card.ts'

const CARD_ERROR = { result: 'declined', reason: 'cardError' }

/** A kernel with an application selected. */
function selected(exchanges: readonly Exchange[]) {
  const card = scriptedCard(exchanges)
  const at = bench(card)
  const aid = fromHex('A0000000031010')
  const settings = application('A0000000031010')
  at.kernel.application = { aid, label: 'VISA', priority: 0, confirm: false }
  at.kernel.settings = settings
  at.kernel.selection = { candidates: [], asked: false, confirm: false, exhausted: 'noApplication' }
  return { ...at, card }
}

describe('GET PROCESSING OPTIONS, emv-utils', () => {
  it.each(options.scenarios)('$name', async ({ fci, apdus, expect: wanted }) => {
    const { kernel, card } = selected(apdus)
    for (const [tag, value] of Object.entries({ ...options.terminal, ...options.transaction }))
      kernel.data.setTerminal(Number.parseInt(tag, 16), fromHex(value))
    for (const [tag, value] of parseFci(fromHex(fci)).objects) kernel.data.card.set(tag, value)
    const end = await initiate(kernel)
    card.done()
    if (wanted.outcome === 'success') {
      expect(end).toBeUndefined()
      expect(hex(kernel.data.get(0x82)!)).toBe(wanted.aip)
      expect(hex(kernel.data.get(0x94)!).toLowerCase()).toBe(wanted.afl)
    } else expect(end).toEqual(wanted.outcome === 'EMV_OUTCOME_GPO_NOT_ACCEPTED' ? 'selectAgain' : CARD_ERROR)
    // GET PROCESSING OPTIONS marks the point from where the stripe is no way out; an unusable PDOL ends before it.
    expect(kernel.progress.initiated).toBe(apdus.length > 0)
  })

  it('is 6 scenarios', () => expect(options.scenarios).toHaveLength(6))
})

describe('GET PROCESSING OPTIONS', () => {
  it.each(['770A82025800940408010100', '800658000801010'.padEnd(16, '0')])('what stands behind %s is not looked at', answer => {
    expect(parseProcessingOptions(fromHex(`${answer}9F1002AB`))).toEqual(parseProcessingOptions(fromHex(answer)))
  })

  it('sends what the PDOL asks for, keeps it for CDA, and clears TVR and TSI', async () => {
    const { kernel, card, explained } = selected([{ c: '80A8000008830606430643000000', r: '770A820258009404080101009000' }])
    kernel.data.card.set(0x9f38, fromHex('9F1A025F2A029F6602'))
    kernel.data.setTerminal(0x9f1a, fromHex('0643'))
    kernel.data.setTerminal(0x5f2a, fromHex('0643'))
    kernel.raise('expired', { rule: 'before' })
    expect(await initiate(kernel)).toBeUndefined()
    card.done()
    expect(hex(kernel.pdolData!)).toBe('064306430000')
    expect(hex(kernel.data.get(0x95)!)).toBe('0000000000')
    expect([...explained.at(-1)!.inputs.keys()]).toEqual([0x9f38, 0x82, 0x94])
  })

  it('6985 goes on to the next application, and only with the cardholder when they had chosen', async () => {
    const fci = (aid: string) => `${hex(write(0x6f, [write(0x84, fromHex(aid)), write(0xa5, fromHex('500141'))]))}9000`
    const [visa, mastercard] = ['A0000000031010', 'A0000000041010']
    const refused = { c: '80A8000002830000', r: '6985' }
    const find = [visa, mastercard].map(aid => ({ c: `00A4040007${aid}00`, r: fci(aid) }))
    const card = scriptedCard([...find, find[0], refused, find[1], refused])
    const { kernel, shown, messages } = bench(card, { usePse: false, applications: [application(visa), application(mastercard)] }, [0, 0])
    await buildCandidateList(kernel)
    expect(await startApplication(kernel)).toEqual({ result: 'declined', reason: 'notAccepted' })
    card.done()
    expect(shown.map(list => list.length)).toEqual([2, 1])
    expect(messages).toEqual(['reader.notAccepted', 'reader.notAccepted'])
    expect(kernel.application).toBeUndefined()
  })

  const bad: [string, string][] = [
    ['an AIP alone', '80025800'],
    ['an AFL of five bytes', '8007580008010100FF'],
    ['an AFL with no entry', '770682025800 9400'],
    ['no AIP', '7706940408010100'],
    ['an AIP of one byte', '7709820158940408010100'],
    ['an object twice', '770E82025800820258009404 08010100'],
    ['another template', '700A82025800940408010100'],
    ['nothing', ''],
  ]
  it.each(bad)('%s is a card error', async (_, data) => {
    expect(() => parseProcessingOptions(fromHex(data))).toThrow(expect.objectContaining({ code: 'tlv' }))
    expect(await initiate(selected([{ c: '80A8000002830000', r: `${data}9000` }]).kernel)).toEqual(CARD_ERROR)
  })

  it('a PDOL that asks for more than a command carries is refused before it is sent', async () => {
    for (const pdol of ['9F3302FF', '9F33', '9F37809F3780']) {
      const { kernel, card } = selected([])
      kernel.data.card.set(0x9f38, fromHex(pdol))
      expect(await initiate(kernel)).toEqual(CARD_ERROR)
      card.done()
    }
  })

  it('a PDOL may ask for as much as a command carries', async () => {
    const run = async (pdol: string, exchanges: readonly Exchange[]) => {
      const { kernel, card } = selected(exchanges)
      kernel.data.card.set(0x9f38, fromHex(pdol))
      const end = await initiate(kernel)
      card.done()
      return end
    }
    expect(await run('DF01FC', [{ c: `80A80000FF8381FC${'00'.repeat(252)}00`, r: '770A820258009404080101009000' }])).toBeUndefined()
    expect(await run('DF01FD', [])).toEqual(CARD_ERROR)
  })

  it('does not keep what a terminal is the source of', () => {
    expect(parseProcessingOptions(fromHex('7713820258009404080101009F0206000000000001')).has(0x9f02)).toBe(true)
    const run = selected([{ c: '80A8000002830000', r: '7713820258009404080101009F02060000000000019000' }])
    return initiate(run.kernel).then(() => expect(run.kernel.data.card.has(0x9f02)).toBe(false))
  })
})

const MANDATORY = '5A0847617390010101195F24032212318C039F37048D038A0204'

async function read(afl: string, exchanges: readonly Exchange[]) {
  const { kernel, card, ...rest } = selected(exchanges)
  kernel.data.card.set(0x94, fromHex(afl))
  const end = await readRecords(kernel)
  card.done()
  return { kernel, end, ...rest }
}

describe('READ RECORD, emv-utils', () => {
  it.each(records.scenarios)('$name', async ({ afl, apdus, function: what, expect: wanted }) => {
    const { kernel, card, explained } = selected(apdus)
    if (afl) kernel.data.card.set(0x94, fromHex(afl))
    const end = await readRecords(kernel)
    card.done()
    // The scenarios of `read_afl_records` judge the reading alone, before mandatory data are looked at.
    const alone = what === 'read_afl_records'
    if (wanted.outcome === 'success') {
      expect(end).toBeUndefined()
      expect(kernel.odaInput!.map(hex)).toEqual([apdus[1].r.slice(4, -4), '70030101FF'])
    } else if (wanted.outcome === 'EMV_TAL_RESULT_ODA_RECORD_INVALID') {
      expect(end).toBeUndefined()
      expect(kernel.odaInput).toBeUndefined()
    } else {
      expect(end).toEqual(CARD_ERROR)
      const rule = explained.at(-1)!.rule
      const named: Record<string, RegExp> = {
        EMV_TAL_ERROR_AFL_INVALID: /AFL entry/,
        EMV_TAL_ERROR_READ_RECORD_FAILED: /answered 6985/,
        EMV_TAL_ERROR_READ_RECORD_INVALID: /not one template 70|data behind its template/,
        EMV_TAL_ERROR_READ_RECORD_PARSE_FAILED: /exceeds/,
      }
      if (alone) expect(rule).toMatch(named[wanted.outcome])
      else expect(rule).toMatch(/AFL \(94\)|comes twice|mandatory data missing/)
    }
  })

  it('is 11 scenarios', () => expect(records.scenarios).toHaveLength(11))
})

describe('READ RECORD', () => {
  const p2 = (sfi: number) => ((sfi << 3) | 4).toString(16).padStart(2, '0').toUpperCase()
  const record = (sfi: number, number: number, content: string, after = '') => ({
    c: `00B20${number}${p2(sfi)}00`,
    r: `${hex(write(0x70, fromHex(content)))}${after}9000`,
  })

  it('authenticates contents of SFI 1–10, whole records of 11–30, in the order of the AFL', async () => {
    const { kernel, end, explained } = await read('100102 01 08010100 60010101'.replaceAll(' ', ''), [
      record(2, 1, '9F0702FF00'),
      record(2, 2, '5F3401 01'),
      record(1, 1, MANDATORY),
      record(12, 1, 'DF0101AA'),
    ])
    expect(end).toBeUndefined()
    expect(kernel.odaInput!.map(hex)).toEqual(['9F0702FF00', '7004DF0101AA'])
    expect(hex(kernel.data.card.get(0xdf01)!)).toBe('AA')
    expect(explained.at(-1)!.effect).toEqual(['4 records, 2 authenticated'])
  })

  it('padding behind a template is read and authenticated; other data are a format error', async () => {
    const padded = await read('08010101', [record(1, 1, MANDATORY, '0000')])
    expect(hex(padded.kernel.odaInput![0])).toBe(`${MANDATORY}0000`)
    expect((await read('08010101', [record(1, 1, MANDATORY, '01')])).end).toEqual(CARD_ERROR)
  })

  it('templates and terminal data in a record are passed over', async () => {
    const { kernel } = await read('08010100', [record(1, 1, `${MANDATORY}BF0C055F500241429F0206000000000001`)])
    expect([0x5f50, 0x9f02].some(tag => kernel.data.card.has(tag))).toBe(false)
  })

  it('only what belongs in a record is kept', async () => {
    for (const tag of [0x5a, 0x57, 0x8e, 0x90, 0x9f4a, 0xdf01, 0x9f7f]) expect([tag, belongsIn(tag, FROM.record)]).toEqual([tag, true])
    for (const tag of [
      0x81, 0x8a, 0x95, 0x9a, 0x9f02, 0x9f06, 0x9f1b, 0x9f33, 0x9f37, 0x82, 0x94, 0x84, 0x9f38, 0x9f13, 0x9f17, 0x9f36, 0x9f45, 0x9f4c,
    ])
      expect([tag, belongsIn(tag, FROM.record)]).toEqual([tag, false])
    for (const tag of [0x42, 0x9f4d, 0x9f38, 0x87]) expect([tag, belongsIn(tag, FROM.fci)]).toEqual([tag, true])
    for (const tag of [0x5a, 0x82, 0x86, 0x9f18]) expect([tag, belongsIn(tag, FROM.fci)]).toEqual([tag, false])
    const { kernel, end } = await read('08010100', [record(1, 1, `${MANDATORY}820200009F45021234`)])
    expect(end).toBeUndefined()
    expect([0x82, 0x9f45].some(tag => kernel.data.card.has(tag))).toBe(false)
  })

  it('what GET PROCESSING OPTIONS returned may not come again', async () => {
    const run = (tag: number) => {
      const { kernel } = selected([record(1, 1, `${MANDATORY}${hex(write(tag, Uint8Array.of(1)))}`)])
      kernel.data.card.set(0x94, fromHex('08010100')).set(tag, Uint8Array.of(1))
      return readRecords(kernel)
    }
    expect(await run(0x5f34)).toEqual(CARD_ERROR)
    expect(await run(0xdf01)).toBeUndefined() // an issuer's own, which an FCI may hold as well
  })

  it('proprietary files may hold anything that is not authenticated', async () => {
    expect(
      (await read('0801010058010200', [record(1, 1, MANDATORY), { c: '00B2015C00', r: '1234569000' }, { c: '00B2025C00', r: '9000' }])).end,
    ).toBeUndefined()
    const { kernel } = await read('0801010058010101', [record(1, 1, MANDATORY), { c: '00B2015C00', r: '7005019000' }])
    expect(kernel.odaInput).toBeUndefined()
  })

  it('SFIs go from 1 to 30', () => {
    for (const [entry, sfi] of [
      ['08010100', 1],
      ['F0010100', 30],
    ] as const)
      expect(aflEntry(fromHex(entry)).sfi).toBe(sfi)
  })

  it.each(['00010100', 'F8010100', '08000100', '08020100', '08010102', '08010103', '08010203', '09010100'])(
    'AFL entry %s is refused',
    async entry => {
      expect(() => aflEntry(fromHex(entry))).toThrow(/AFL entry/)
      expect((await read(entry, [])).end).toEqual(CARD_ERROR)
    },
  )

  it.each(['', '080101', '0801010010'])('AFL "%s" is refused', async afl => expect((await read(afl, [])).end).toEqual(CARD_ERROR))

  it.each(['5F24', '5A', '8C', '8D'])('%s is mandatory', async tag => {
    const without = MANDATORY.replace(
      new RegExp({ '5F24': '5F2403221231', '5A': '5A084761739001010119', '8C': '8C039F3704', '8D': '8D038A0204' }[tag]!),
      '',
    )
    const { end, explained } = await read('08010100', [record(1, 1, without)])
    expect(end).toEqual(CARD_ERROR)
    expect(explained.at(-1)!.rule).toContain(`missing: ${tag}`)
  })

  it.each([
    '5F25020101',
    '5F2503221301',
    '5F2503220100',
    '5F25032201A1',
    '5F34020101',
    '9F0701FF',
    '9F0D0400000000',
    '8F020101',
    '5F28010643',
  ])('format error %s', async object => {
    expect((await read('08010100', [record(1, 1, MANDATORY + object)])).end).toEqual(CARD_ERROR)
  })

  it.each(
    Object.entries({
      '5F28': 2,
      '5F30': 2,
      '5F34': 1,
      '8F': 1,
      '9F07': 2,
      '9F08': 2,
      '9F0D': 5,
      '9F0E': 5,
      '9F0F': 5,
      '9F14': 1,
      '9F23': 1,
      '9F42': 2,
      '9F44': 1,
    }),
  )('%s has %i bytes', async (tag, length) => {
    const run = async (size: number) =>
      (await read('08010100', [record(1, 1, MANDATORY + hex(write(Number.parseInt(tag, 16), new Uint8Array(size))))])).end
    expect([await run(length), await run(length + 1), await run(length - 1)]).toEqual([undefined, CARD_ERROR, CARD_ERROR])
  })

  it.each(['251031', '260101', '240930', '241231'])('%s is a date', async date => {
    expect((await read('08010100', [record(1, 1, `${MANDATORY}5F2503${date}`)])).end).toBeUndefined()
  })

  it('a PAN of other than digits is refused', async () => {
    expect((await read('08010100', [record(1, 1, MANDATORY.replace('4761739001010119', '47617390010101A9'))])).end).toEqual(CARD_ERROR)
    expect((await read('08010100', [record(1, 1, MANDATORY.replace('4761739001010119', '476173900101011F'))])).end).toBeUndefined()
  })

  it('a PAN is not explained in clear', async () => {
    const { explained } = await read('08010100', [record(1, 1, MANDATORY.replace('4761739001010119', '47617390010101A9'))])
    expect(JSON.stringify(explained.map(({ rule, effect }) => [rule, effect]))).not.toContain('476173900101')
  })
})
