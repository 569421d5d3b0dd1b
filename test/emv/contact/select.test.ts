/** Application selection: the scenarios of emv-utils, and what EMV 4.4 Book 1, 12 says beyond them. */

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fromHex, hex } from '../../../src/bytes.ts'
import type { VirtualClock } from '../../../src/clock.ts'
import { buildCandidateList, selectApplication } from '../../../src/emv/contact/select.ts'
import { commonLanguage, displayName, parseFci, registeredData } from '../../../src/emv/steps/fci.ts'
import { write } from '../../../src/tlv/ber.ts'
import lists from '../../vectors/emvutils_candidate_list.json' with { type: 'json' }
import selections from '../../vectors/emvutils_select_application.json' with { type: 'json' }
import { application, type Bench, bench, type Exchange, scriptedCard } from './scripted-card.ts'

const PSE = '00A404000E315041592E5359532E444446303100'
const PSE_FCI = '6F20840E315041592E5359532E4444463031A50E8801015F2D0472756E659F1101059000'
const applications = lists.terminal_aids.map(([aid, match]) => application(aid, { match: match as 'exact' | 'partial' }))
const bytes = (text: string) => new TextEncoder().encode(text)
const select = (aid: string) => `00A40400${(aid.length / 2).toString(16).padStart(2, '0')}${aid}00`.toUpperCase()
const fci = (name: string, a5 = '500454455354') => `${hex(write(0x6f, [write(0x84, fromHex(name)), write(0xa5, fromHex(a5))]))}9000`
const entry = (name: string, rest = '') => write(0x61, [write(0x4f, fromHex(name)), fromHex(rest)])
const record = (...entries: Uint8Array[]) => `${hex(write(0x70, entries))}9000`
const END: Exchange = { c: '00B2020C00', r: '6A83' }
const VISA = 'A0000000031010'
const MASTERCARD = 'A0000000041010'

describe('candidate list, emv-utils', () => {
  it.each(lists.scenarios)('$name', async ({ apdus, expect: wanted }) => {
    const card = scriptedCard(apdus)
    const { kernel, shown } = bench(card, { applications })
    const stop = await buildCandidateList(kernel)
    card.done()
    const candidates = kernel.selection!.candidates
    expect(candidates.length === 0).toBe(wanted.candidate_list_empty)
    if (wanted.outcome === 'EMV_OUTCOME_CARD_BLOCKED') expect(stop).toEqual({ result: 'declined', reason: 'cardBlocked' })
    else expect(stop).toBeUndefined()
    if (wanted.candidates_in_order_display_name)
      expect(candidates.map(({ label }) => label)).toEqual([1, 2, 3, 4, 5, 6, 7].map(n => `APP ${n}`))
    if (wanted.single_candidate) expect(candidates).toHaveLength(1)
    if (stop) return
    const end = await selectApplication(kernel).catch(() => undefined)
    if (wanted.outcome === 'EMV_OUTCOME_NOT_ACCEPTED') expect(['noApplication', 'applicationBlocked']).toContain(end?.reason)
    expect(shown.length > 0).toBe(wanted.cardholder_selection_required)
  })
})

describe('final selection, emv-utils', () => {
  const prepare = selections.scenarios.findIndex(({ name }, index) => index > 0 && name.startsWith('Prepare'))
  for (const [title, from, to] of [
    ['first list', 0, prepare],
    ['second list', prepare, selections.scenarios.length],
  ] as const) {
    it(title, async () => {
      let at: Bench | undefined
      for (const { name, step, apdus, expect: wanted } of selections.scenarios.slice(from, to)) {
        const card = scriptedCard(apdus)
        const index = Number(/\d+$/.exec(step)?.[0])
        const { kernel, ...rest } = bench(card, { applications }, [index])
        if (at) kernel.selection = at.kernel.selection
        const end = step.startsWith('build')
          ? await buildCandidateList(kernel)
          : await selectApplication(kernel).catch(fault => fault.code as string)
        at = { kernel, ...rest }
        card.done()
        const left = kernel.selection!.candidates.map(({ label }) => Number(label.slice(4)))
        expect({ name, left, selected: kernel.application !== undefined }).toEqual({
          name,
          left: wanted.remaining_candidates_APP_number,
          selected: wanted.selected_app,
        })
        const expected: Record<string, unknown> = {
          success: undefined,
          EMV_ERROR_INVALID_PARAMETER: 'bad-argument',
          EMV_OUTCOME_CARD_ERROR: 'apdu',
          // The cardholder is asked again, about what is left, and this one gives up.
          EMV_OUTCOME_TRY_AGAIN: { result: 'cancelled', reason: 'cardholderCancelled' },
          // Book 1, 12.4: whatever SELECT answers but 9000, the next candidate follows (docs/decisions.md).
          EMV_OUTCOME_CARD_BLOCKED: { result: 'cancelled', reason: 'cardholderCancelled' },
          EMV_OUTCOME_NOT_ACCEPTED: { result: 'declined', reason: 'applicationBlocked' },
        }
        expect({ name, end }).toEqual({ name, end: expected[wanted.outcome] })
        if (wanted.outcome === 'EMV_OUTCOME_TRY_AGAIN') {
          expect(at.shown.at(-1)).toHaveLength(left.length)
          expect(at.messages).toEqual(['reader.tryAgain'])
        }
      }
    })
  }
})

describe('PSE', () => {
  const run = async (exchanges: readonly Exchange[], rows = applications) => {
    const card = scriptedCard(exchanges)
    const at = bench(card, { applications: rows })
    expect(await buildCandidateList(at.kernel)).toBeUndefined()
    card.done()
    return at.kernel
  }
  const one = [application(VISA)]

  it('what stands behind the FCI is not looked at; behind the template of a record it makes the PSE useless', async () => {
    const more = '73095F280206439F0A0101FF'
    const behind = (answer: string) => answer.replace(/9000$/, `${more}9000`)
    const kernel = await run([{ c: PSE, r: behind(PSE_FCI) }, { c: '00B2010C00', r: record(entry(VISA, '500456495341')) }, END], one)
    expect(kernel.selection!.candidates.map(({ label }) => label)).toEqual(['VISA'])
    const byList = await run([{ c: PSE, r: PSE_FCI }, { c: '00B2010C00', r: behind(record(entry(VISA))) }, ...byAid.map(({ c, r }) => ({ c, r: behind(r) }))], one) // biome-ignore format: one line
    expect(byList.selection!.candidates).toHaveLength(1)
  })
  const byAid = [{ c: select(VISA), r: fci(VISA) }]

  it('language, code table and registered proprietary data are read', async () => {
    const name = `9F1204${'BCB8C0C0'}`
    const kernel = await run([
      { c: PSE, r: PSE_FCI },
      { c: '00B2010C00', r: record(entry(VISA, `500456495341${name}73089F0A0500010201FF`)) },
      END,
    ])
    expect(kernel.language).toBe('ru')
    expect(kernel.selection!.candidates[0].label).toBe('МИРР')
    expect(kernel.selection!.candidates[0].registeredData).toEqual(new Map([[1, Uint8Array.of(1, 0xff)]]))
  })

  const bad: [string, Exchange[]][] = [
    ['an unknown status of SELECT', [{ c: PSE, r: '6985' }]],
    ['no SFI', [{ c: PSE, r: '6F1A840E315041592E5359532E4444463031A5085F2D0472756E65809000' }]],
    ['an SFI above 10', [{ c: PSE, r: '6F15840E315041592E5359532E4444463031A50388010B9000' }]],
    ['an SFI of 0', [{ c: PSE, r: '6F15840E315041592E5359532E4444463031A5038801009000' }]],
    ['an SFI of two bytes', [{ c: PSE, r: '6F16840E315041592E5359532E4444463031A504880201019000' }]],
    ['no DF Name', [{ c: PSE, r: '6F05A5038801019000' }]],
    ['garbage', [{ c: PSE, r: '123456789000' }]],
    [
      'a record that fails',
      [
        { c: PSE, r: PSE_FCI },
        { c: '00B2010C00', r: record(entry(VISA)) },
        { c: '00B2020C00', r: '6985' },
      ],
    ],
    [
      'a record in another template',
      [
        { c: PSE, r: PSE_FCI },
        { c: '00B2010C00', r: '71009000' },
      ],
    ],
    [
      'an entry without a name',
      [
        { c: PSE, r: PSE_FCI },
        { c: '00B2010C00', r: record(entry(VISA), write(0x61, write(0x50, bytes('X')))) },
      ],
    ],
    [
      'a name of four bytes',
      [
        { c: PSE, r: PSE_FCI },
        { c: '00B2010C00', r: record(entry('A0000000')) },
      ],
    ],
    [
      'a priority of two bytes',
      [
        { c: PSE, r: PSE_FCI },
        { c: '00B2010C00', r: record(entry(VISA, '87020101')) },
      ],
    ],
  ]
  it.each(bad)('%s: the list of AIDs is used', async (_, exchanges) => {
    const kernel = await run([...exchanges, ...byAid], one)
    expect(kernel.selection!.candidates.map(({ label }) => label)).toEqual(['TEST'])
  })

  it('the directory may be in any SFI up to 10', async () => {
    const at10 = { c: PSE, r: '6F15840E315041592E5359532E4444463031A50388010A9000' }
    const kernel = await run([at10, { c: '00B2015400', r: record(entry(VISA)) }, { c: '00B2025400', r: '6A83' }], one)
    expect(kernel.selection!.candidates).toHaveLength(1)
  })

  it('an empty directory, an empty record, entries for a DDF and unknown objects are passed over', async () => {
    await run([{ c: PSE, r: PSE_FCI }, { c: '00B2010C00', r: '6A83' }, ...byAid], one)
    const ddf = write(0x61, write(0x9d, bytes('1PAY.SYS.DDF02')))
    const records = [
      { c: '00B2010C00', r: '70009000' },
      { c: '00B2020C00', r: record(ddf, write(0xdf01, Uint8Array.of(1)), entry(VISA)) },
    ]
    const kernel = await run([{ c: PSE, r: PSE_FCI }, ...records, { c: '00B2030C00', r: '6A83' }], one)
    expect(kernel.selection!.candidates).toHaveLength(1)
  })

  it('an application listed twice is offered once; a terminal that knows two fitting AIDs uses the longer', async () => {
    const rows = [application('A000000003'), application(VISA, { match: 'exact' })]
    const kernel = await run(
      [{ c: PSE, r: PSE_FCI }, { c: '00B2010C00', r: record(entry(VISA), entry(VISA), entry(`${VISA}01`)) }, END],
      rows,
    )
    expect(kernel.selection!.candidates.map(({ settings }) => hex(settings.aid))).toEqual([VISA, 'A000000003'])
  })

  it('is left out when the terminal does not use it', async () => {
    const card = scriptedCard(byAid)
    const { kernel } = bench(card, { applications: one, usePse: false })
    await buildCandidateList(kernel)
    card.done()
  })
})

describe('list of AIDs', () => {
  const next = (aid: string) => select(aid).replace('00A40400', '00A40402')
  const run = async (exchanges: readonly Exchange[], rows = [application(VISA), application(MASTERCARD)]) => {
    const card = scriptedCard(exchanges)
    const { kernel } = bench(card, { applications: rows, usePse: false })
    const stop = await buildCandidateList(kernel)
    card.done()
    return { stop, names: kernel.selection!.candidates.map(({ aid }) => hex(aid)), exhausted: kernel.selection!.exhausted }
  }

  it('a whole name ends the search for that AID, whatever the indicator', async () => {
    expect(
      await run([
        { c: select(VISA), r: fci(VISA) },
        { c: select(MASTERCARD), r: '6A82' },
      ]),
    ).toMatchObject({ names: [VISA] })
  })

  it('6A81 ends the session on the first AID only (12.3.3 steps 2, 3 and 5)', async () => {
    expect((await run([{ c: select(VISA), r: '6A81' }])).stop?.reason).toBe('cardBlocked')
    const { stop, names } = await run([
      { c: select(VISA), r: fci(VISA) },
      { c: select(MASTERCARD), r: '6A81' },
    ])
    expect({ stop, names }).toEqual({ stop: undefined, names: [VISA] })
  })

  it('a blocked occurrence is passed over, the next ones are found', async () => {
    const blocked = fci(`${VISA}01`).replace(/9000$/, '6283')
    const result = await run(
      [
        { c: select(VISA), r: blocked },
        { c: next(VISA), r: fci(`${VISA}02`) },
        { c: next(VISA), r: '6A82' },
      ],
      [application(VISA)],
    )
    expect(result).toMatchObject({ names: [`${VISA}02`], exhausted: 'applicationBlocked' })
  })

  it('a card that names the same application for ever is not asked for ever', async () => {
    const again = { r: fci(`${VISA}01`) }
    expect(
      await run(
        [
          { c: select(VISA), ...again },
          { c: next(VISA), ...again },
        ],
        [application(VISA)],
      ),
    ).toMatchObject({ names: [`${VISA}01`] })
  })

  it('an exact AID takes no longer name, and asks for no other', async () => {
    expect(await run([{ c: select(VISA), r: fci(`${VISA}01`) }], [application(VISA, { match: 'exact' })])).toMatchObject({ names: [] })
  })

  const broken: [string, string][] = [
    ['no A5', `6F09 8407${VISA}`],
    ['no DF Name', '6F06 A504 50025649'],
    ['two DF Names', `6F18 8407${VISA} 8407${VISA} A504 50025649`],
    ['another template', `61 0B 8407${VISA} A500`],
    ['87 twice', `6F11 8407${VISA} A506 870101 870102`],
    ['a name that does not begin with the AID', `6F0B 8407${MASTERCARD} A500`],
  ]
  it.each(broken)('an FCI with %s is passed over', async (_, data) => {
    expect(await run([{ c: select(VISA), r: `${data}9000` }], [application(VISA)])).toMatchObject({ names: [] })
  })

  it('an FCI without a label, with padding, or with a wrong language is taken', async () => {
    for (const a5 of ['', '00008701010000', '5F2D03656E66', '5000'])
      expect(await run([{ c: select(VISA), r: fci(VISA, a5) }], [application(VISA)])).toMatchObject({ names: [VISA] })
  })
})

describe('choice', () => {
  const two = [{ c: PSE, r: PSE_FCI }, { c: '00B2010C00', r: record(entry(VISA, '870102'), entry(MASTERCARD, '870181')) }, END]
  const single = (priority: string) => [{ c: PSE, r: PSE_FCI }, { c: '00B2010C00', r: record(entry(VISA, `8701${priority}`)) }, END]
  const run = async (exchanges: readonly Exchange[], choices: (number | undefined)[] = [], changes = {}) => {
    const card = scriptedCard(exchanges)
    const at = bench(card, { applications, ...changes }, choices)
    const end = (await buildCandidateList(at.kernel)) ?? (await selectApplication(at.kernel))
    card.done()
    return { ...at, end }
  }

  it('two applications are offered, best first; the chosen one is selected and its data kept', async () => {
    const a5 = '500456495341 9F38039F3704 BF0C059F4D020B05 9F0206000000000001'.replaceAll(' ', '')
    const { kernel, shown, end } = await run([...two, { c: select(VISA), r: fci(VISA, a5) }], [1], {
      applications: [application(VISA, { versions: [fromHex('0096')], floorLimit: 50_000n }), application(MASTERCARD)],
    })
    expect(end).toBeUndefined()
    expect(shown.map(list => list.map(({ aid, confirm }) => [hex(aid), confirm]))).toEqual([
      [
        [MASTERCARD, true],
        [VISA, false],
      ],
    ])
    expect(hex(kernel.data.get(0x9f06)!)).toBe(VISA)
    expect(hex(kernel.data.get(0x9f09)!)).toBe('0096')
    expect(hex(kernel.data.get(0x9f1b)!)).toBe('0000C350')
    expect(hex(kernel.data.card.get(0x9f38)!)).toBe('9F3704')
    expect(hex(kernel.data.card.get(0x9f4d)!)).toBe('0B05')
    expect(kernel.data.card.has(0x9f02)).toBe(false) // an amount is nothing a card may say (Book 3, 7.5)
  })

  it('the cardholder may refuse', async () => {
    expect((await run(two, [undefined])).end).toEqual({ result: 'cancelled', reason: 'cardholderCancelled' })
    expect((await run(single('81'), [undefined])).end).toEqual({ result: 'cancelled', reason: 'cardholderCancelled' })
  })

  it('a cardholder who does not answer in time has cancelled, and an abort ends the wait', async () => {
    const { kernel } = bench(scriptedCard(two), { applications }, ['waiting', 'waiting'])
    await buildCandidateList(kernel)
    const clock = kernel.clock as VirtualClock
    expect(await clock.settle(selectApplication(kernel))).toEqual({ result: 'cancelled', reason: 'cardholderCancelled' })
    expect(clock.pending).toBe(0)
    const stop = new AbortController()
    const waiting = selectApplication({ ...kernel, signal: stop.signal })
    stop.abort()
    await expect(waiting).rejects.toMatchObject({ code: 'aborted' })
    expect(clock.pending).toBe(0)
  })

  it('a single application is taken without a question, unless it wants one', async () => {
    const last = { c: select(VISA), r: fci(VISA) }
    expect((await run([...single('01'), last])).shown).toHaveLength(0)
    expect((await run([...single('81'), last], [0])).shown).toHaveLength(1)
  })

  it('a terminal that cannot ask takes the best that needs no confirmation, or nothing', async () => {
    const mute = { cardholderSelection: false }
    const { kernel } = await run([...two, { c: select(VISA), r: fci(VISA) }], [], mute)
    expect(hex(kernel.application!.aid)).toBe(VISA)
    expect((await run(single('81'), [], mute)).end).toEqual({ result: 'declined', reason: 'noApplication' })
    // The first one fails: no cardholder chose it, so the next follows without a question.
    const both = [{ c: PSE, r: PSE_FCI }, { c: '00B2010C00', r: record(entry(VISA), entry(MASTERCARD)) }, END]
    expect(
      (await run([...both, { c: select(VISA), r: '6A82' }, { c: select(MASTERCARD), r: fci(MASTERCARD) }], [], mute)).end,
    ).toBeUndefined()
  })

  it('after a choice that failed, even a single application needs the cardholder (12.4)', async () => {
    const { shown, messages, end } = await run(
      [...two, { c: select(MASTERCARD), r: '6283' }, { c: '00C0000000', r: '6985' }, { c: select(VISA), r: fci(VISA) }],
      [0, 0],
    )
    expect(end).toBeUndefined()
    expect(shown.map(list => list.length)).toEqual([2, 1])
    expect(messages).toEqual(['reader.tryAgain'])
  })

  it('language falls back on the application, then on nothing', async () => {
    const plain = { c: PSE, r: '6F15840E315041592E5359532E4444463031A5038801019000' }
    const list = [plain, { c: '00B2010C00', r: record(entry(VISA)) }, END]
    expect((await run([...list, { c: select(VISA), r: fci(VISA, '5F2D0466725255') }])).kernel.language).toBe('ru')
    expect((await run([...list, { c: select(VISA), r: fci(VISA, '5F2D026672') }])).kernel.language).toBeUndefined()
  })
})

describe('what is shown', () => {
  const objects = (label: string, preferred: string) =>
    new Map([
      [0x50, bytes(label)],
      [0x9f12, fromHex(preferred)],
    ])
  const aid = fromHex(VISA)

  it('the preferred name needs a code table that the terminal has', () => {
    const both = objects('MIR', 'BCB8C0')
    expect(displayName(both, Uint8Array.of(0x05), [5], aid)).toBe('МИР')
    for (const table of [undefined, Uint8Array.of(0x05), Uint8Array.of(0x11), Uint8Array.of(0xff), Uint8Array.of(0, 5)])
      expect(displayName(both, table, [1], aid)).toBe('MIR')
  })

  it('code tables go from 1 to 10', () => {
    const both = objects('LABEL', '50')
    for (const part of [0x01, 0x02, 0x10]) expect(displayName(both, Uint8Array.of(part), [1, 2, 10], aid)).toBe('P')
    for (const part of [0x00, 0x11, 0x16]) expect(displayName(both, Uint8Array.of(part), [0, 11, 16], aid)).toBe('LABEL')
  })

  it('control characters become spaces, an empty label the AID', () => {
    expect(displayName(objects('A\u0000\u001bB', ''), undefined, [], aid)).toBe('A B')
    expect(displayName(objects('\u0000', ''), undefined, [], aid)).toBe(VISA)
    expect(displayName(objects('A', '0000'), Uint8Array.of(1), [1], aid)).toBe('A')
  })

  it('languages are compared in either case, best of the card first', () => {
    expect(commonLanguage(bytes('frRUen'), ['en', 'ru'])).toBe('ru')
    expect(commonLanguage(bytes('frdeitru'), ['en', 'ru'])).toBe('ru')
    for (const value of ['', 'r', 'frdeitesen', 'fr']) expect(commonLanguage(bytes(value), ['en', 'ru'])).toBeUndefined()
  })

  it('registered data with a wrong length count as absent', () => {
    for (const value of ['000101AA0002000003', '000102AA', '000101', '0001', '00']) expect(registeredData(fromHex(value)).size).toBe(0)
    expect(registeredData(fromHex('000101AA000200'))).toEqual(
      new Map([
        [1, Uint8Array.of(0xaa)],
        [2, new Uint8Array(0)],
      ]),
    )
  })
})

it('no answer of a card makes selection fail in another way than documented', async () => {
  const noise = fc.uint8Array({ maxLength: 60 })
  const answer = fc.oneof(
    noise,
    noise.map(data => Uint8Array.of(...data, 0x90, 0x00)),
    noise.map(data => Uint8Array.of(...fromHex(PSE_FCI).subarray(0, -2), ...data, 0x90, 0)),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(answer, { minLength: 1, maxLength: 6 }), async answers => {
      let at = 0
      const { kernel } = bench(
        { interface: 'contact', atr: new Uint8Array(0), transmit: async () => answers[at++ % answers.length] },
        { applications },
        [0, 0, 0],
      )
      try {
        await buildCandidateList(kernel)
      } catch (fault) {
        expect(fault).toMatchObject({ code: 'apdu' })
      }
    }),
    { seed: 20260321, numRuns: 2000 },
  )
})

it.each([
  ['6F098407A0000000031010', 'A5 is missing'],
  ['6F0D8407A0000000031010A500A500', 'A5 comes twice'],
  ['6F02A500', '84\\) is missing'],
  ['6F088404A0000000A500', '4 bytes'],
  [`6F158411${'A0'.repeat(17)}A500`, '17 bytes'],
])('an FCI %s is refused: %s', (data, rule) => expect(() => parseFci(fromHex(data))).toThrow(new RegExp(rule)))

it('parseFci names the rule', () => expect(() => parseFci(fromHex('6F05A5038801'))).toThrow(/value of 5 bytes exceeds/))
