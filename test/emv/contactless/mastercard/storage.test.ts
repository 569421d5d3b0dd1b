/** Kernel 2's data storage and data exchange: slots read and written with signed cryptograms, envelopes, what the terminal is told and asked, torn writes. */

import { describe, expect, it } from 'vitest'
import { fromHex, hex } from '../../../../src/bytes.ts'
import { sleep, VirtualClock } from '../../../../src/clock.ts'
import { owhf2, owhf2Aes } from '../../../../src/crypto/owhf2.ts'
import { mastercardKernel } from '../../../../src/emv/contactless/mastercard/mastercard.ts'
import { TornLog } from '../../../../src/emv/contactless/mastercard/torn-log.ts'
import { UI } from '../../../../src/emv/contactless/outcome.ts'
import type { DataExchange } from '../../../../src/emv/terminal.ts'
import { read } from '../../../../src/tlv/ber.ts'
import { type Answer, format2, objects, type ScriptedTap, scriptedTap } from '../scripted-tap.ts'
import { type SignedAnswer, signedAid, signedEnvironment, signingCard } from '../signed-tap.ts'

/** A terminal with data storage for one operator; a TC is asked for. */
const terminal = {
  DF8120: '0000000000',
  DF8121: '0000000000',
  DF8122: '0000000000',
  '9F5C': '8199829983998499',
  DF810D: '02',
}
const codes = { '9F0D': '0000000000', '9F0E': '0000000000', '9F0F': '0000000000' }
/** PAN and sequence number 00; one slot, as the card is asked to give it. */
const dsId = '123456001234560800'
const S1 = '0102030405060708'
const S3 = 'A1A2A3A4A5A6A7A8'
const slot = { '9F5F': '01', '9F7D': S1, '9F7F': '99887766', '9F6F': '80' }
const dsdol = 'DF6008DF6108DF6201DF63A0'

type Objects = Record<string, string | undefined>
type Talk = (dek: DataExchange, clock: VirtualClock) => Objects | Promise<Objects>

interface Wish extends Partial<ScriptedTap> {
  data?: Record<string, string>
  /** Data storage version of the card. */
  version?: 1 | 2 | 0
  records?: Record<string, string>
  gpo?: Record<string, string>
  signed?: Partial<SignedAnswer>
  more?: Record<string, Answer>
  talk?: Talk
  torn?: TornLog
  aip?: string
}

async function pay({
  data = {},
  version = 1,
  records = {},
  gpo = slot,
  signed = {},
  more = {},
  talk,
  torn,
  aip = '0180',
  ...wish
}: Wish = {}) {
  const clock = new VirtualClock(new Date('2024-05-01T12:00:00'))
  const heard: DataExchange[] = []
  const own = new Map(Object.entries({ ...terminal, ...data }).map(([tag, value]) => [Number.parseInt(tag, 16), fromHex(value)]))
  const exchange = async (dek: DataExchange) => {
    heard.push(dek)
    const answer = await talk!(dek, clock)
    return new Map(Object.entries(answer).map(([tag, value = '']) => [Number.parseInt(tag, 16), fromHex(value)]))
  }
  const kernel = mastercardKernel(signedEnvironment(clock), { data: own, ...(talk && { exchange }), ...(torn && { torn }) })
  const answers = signingCard(
    aip,
    { '8C': '9F02069F3704', '9F5B': dsdol, ...codes, ...records },
    p1 => ({ cid: hex(Uint8Array.of(p1 & 0xc0)), behind: S1, ...signed }),
    gpo,
  )
  const run = scriptedTap(kernel, {
    aid: signedAid,
    pdol: '9F5C08',
    fci: { '9F5D': `0${version}0000`, ...(version > 0 && { '9F5E': dsId }) },
    ...wish,
    answers: { ...answers, ...more },
  })
  const { outcome, sent, shown } = await clock.settle(run)
  const discretionary = (tag: number) => hex(outcome.discretionaryData?.get(tag) ?? new Uint8Array())
  return { outcome, sent, shown, heard, discretionary, l2: discretionary(0xdf8115).slice(2, 4), pending: clock.pending }
}

const lastGac = (sent: readonly string[]) => sent.findLast(command => command.startsWith('80AE'))!

describe('a slot that is read', () => {
  it('asks for a signature, and its summary is proved by it', async () => {
    const { outcome, sent, discretionary } = await pay()
    expect(outcome.status).toBe('approved')
    expect(sent.find(command => command.startsWith('80A8'))).toContain('8199829983998499')
    expect(lastGac(sent).slice(0, 6)).toBe('80AE50')
    expect(discretionary(0xdf810b)).toBe('80')
  })

  it.each([
    ['another summary', { behind: S3 }, '0B'],
    ['no summary', { behind: '' }, '01'],
    ['a wrong signature', { forged: true }, '02'],
  ])('signed with %s ends the application with error %s', async (_, signed, error) => {
    const { outcome, l2, discretionary } = await pay({ signed })
    expect(outcome).toMatchObject({ status: 'endApplication', uiOnOutcome: { message: UI.tryAnotherCard } })
    expect(outcome.dataRecord).toBeUndefined()
    expect([l2, discretionary(0xdf810b)]).toEqual([error, '00'])
  })

  it('is signed even where the reader asks for no CDA, an AAC too', async () => {
    const { sent } = await pay({ data: { DF811F: '00' } })
    expect(lastGac(sent).slice(4, 6)).toBe('50')
    // Denied: an AAC with a signature; without it the answer is none.
    const denied = { DF8121: 'FFFFFFFFFF' }
    const aac = await pay({ data: denied })
    expect(lastGac(aac.sent).slice(4, 6)).toBe('10')
    expect(aac.discretionary(0xdf810b)).toBe('80')
    const unsigned = await pay({ data: denied, more: { '80AE': format2({ '9F27': '00', '9F36': '0001', '9F26': '0102030405060708' }) } })
    expect([unsigned.outcome.status, unsigned.l2]).toEqual(['endApplication', '06'])
  })

  it('with summaries of 16 bytes in version 2', async () => {
    const long = S1 + S1
    const { outcome, discretionary } = await pay({ version: 2, gpo: { ...slot, '9F7D': long }, signed: { behind: long } })
    expect([outcome.status, discretionary(0xdf810b)]).toEqual(['approved', '80'])
    expect((await pay({ version: 2, gpo: { ...slot, '9F7D': long }, signed: { behind: S1 } })).l2).toBe('01')
  })

  it('stands before the data of relay resistance', async () => {
    const said = '01020304000000C80018'
    const wish = { aip: '0181', data: { DF811B: '10' }, more: { '80EA': `800A${said}9000` } }
    const { outcome, discretionary } = await pay({ ...wish, signed: { behind: `${S1}07070707${said}` } })
    expect([outcome.status, discretionary(0xdf810b)]).toEqual(['approved', '80'])
    expect((await pay({ ...wish, signed: { behind: `07070707${said}` } })).l2).toBe('01')
  })

  it('belongs to the PAN and its sequence number', async () => {
    expect((await pay({ records: { '5F34': '00' } })).outcome.status).toBe('approved')
    const { outcome, l2, sent } = await pay({ records: { '5F34': '01' } })
    expect([outcome.status, l2]).toEqual(['endApplication', '06'])
    expect(lastGac(sent)).toBeUndefined()
  })
})

describe('no slot is read', () => {
  const plain = { signed: { behind: '' } }
  it.each([
    ['by a terminal without data storage', { data: { DF810D: '' }, ...plain }],
    ['of a card without a DS ID', { fci: { '9F5D': '010000' }, ...plain }],
    ['of a card with a DS ID that is none', { fci: { '9F5D': '010000', '9F5E': '1234' }, ...plain }],
    ['of a card of another version', { fci: { '9F5D': '030000', '9F5E': dsId }, ...plain }],
    ['for an operator that the terminal does not name', { data: { '9F5C': '' }, ...plain }],
    ['without its summary', { gpo: { '9F5F': '01', '9F7F': '99887766' }, ...plain }],
    ['without an unpredictable number, where the card has no operator’s data yet', { gpo: { '9F5F': '01', '9F7D': S1 }, ...plain }],
  ])('%s', async (_, wish) => {
    const { outcome, discretionary } = await pay(wish)
    expect([outcome.status, discretionary(0xdf810b)]).toEqual(['approved', '00'])
  })

  it('but it is, with a summary and the operator’s data alone', async () => {
    expect((await pay({ gpo: { '9F7D': S1, '9F54': 'AA' } })).discretionary(0xdf810b)).toBe('80')
  })
})

describe('a slot that is written', () => {
  const input = '1223344556677889'
  const writing = { DF60: '6060606060606060', DF62: '80', DF63: 'CAFE', DF8108: '40', DF8109: input, DF810A: 'E6' }
  const written = { behind: S1 + S3 }

  it('gets digest and data behind CDOL1, the last object as long as it is', async () => {
    const { outcome, sent, discretionary } = await pay({ data: writing, signed: written })
    const digest = hex(owhf2({ dsId: fromHex(dsId), operator: fromHex('8199829983998499'), input: fromHex(input) }))
    expect(lastGac(sent)).toBe(`80AE50001D00000000010007070707${'60'.repeat(8)}${digest}80CAFE00`)
    expect([outcome.status, discretionary(0xdf810b), discretionary(0xdf8102)]).toEqual(['approved', 'C0', S3])
  })

  it('with AES in version 2', async () => {
    const { sent, discretionary } = await pay({
      version: 2,
      gpo: { ...slot, '9F7D': S1 + S1 },
      data: writing,
      signed: { behind: S1 + S1 + S3 + S3 },
    })
    expect(lastGac(sent)).toContain(hex(owhf2Aes({ dsId: fromHex(dsId), operator: fromHex('8199829983998499'), input: fromHex(input) })))
    expect(discretionary(0xdf810b)).toBe('C0')
  })

  it('a volatile one for no operator', async () => {
    const { sent } = await pay({ data: { ...writing, DF62: 'C0' }, signed: written })
    expect(lastGac(sent)).toContain(hex(owhf2({ dsId: fromHex(dsId), operator: new Uint8Array(8), input: fromHex(input) })))
  })

  it('without input has zeros for a digest', async () => {
    const { sent } = await pay({ data: { ...writing, DF8109: '' }, signed: written })
    expect(lastGac(sent)).toContain(`${'60'.repeat(8)}${'00'.repeat(8)}80CAFE`)
  })

  it.each([
    ['the summary did not change, and the reader stops then', { behind: S1 + S1 }, 'E6', 'endApplication', '0C', '80'],
    ['the summary did not change', { behind: S1 + S1 }, 'E4', 'approved', '', '80'],
    ['the card signed one summary only', { behind: S1 }, 'E6', 'endApplication', '01', '80'],
    ['the slot was another', { behind: S3 + S1 }, 'E6', 'endApplication', '0B', '00'],
  ])('%s', async (_, signed, forReader, status, error, summary) => {
    const { outcome, l2, discretionary } = await pay({ data: { ...writing, DF810A: forReader }, signed })
    expect([outcome.status, l2, discretionary(0xdf810b)]).toEqual([status, error, summary])
    // What may have been written is told with the data record, but not where the card proved that it was not.
    expect(outcome.dataRecord !== undefined).toBe(error !== '0C')
  })

  const asked = { TC: {}, ARQC: { DF8122: 'FFFFFFFFFF' }, AAC: { DF8121: 'FFFFFFFFFF' } }
  it.each([
    // asked for by the terminal, DS AC Type, DS ODS Info For Reader: P1, written
    ['TC', '40', 'E4', '50', true],
    ['TC', '80', 'E4', '90', true],
    ['TC', '00', 'E4', '10', true],
    ['ARQC', '80', 'E4', '90', true],
    ['ARQC', '00', 'E4', '10', true],
    ['ARQC', '40', '40', '90', true],
    ['ARQC', '40', '80', '90', false],
    ['ARQC', '40', 'A4', undefined, false],
    ['AAC', '40', '20', '10', true],
    ['AAC', '80', '40', '10', false],
    ['AAC', '80', '44', undefined, false],
    ['AAC', '00', '00', '10', true],
  ] as const)('asked for a %s, for the slot %s, usable %s: P1 %s, written %s', async (request, acType, forReader, p1, write) => {
    const { sent, l2, discretionary } = await pay({
      data: { ...writing, ...asked[request], DF8108: acType, DF810A: forReader },
      signed: { behind: write ? S1 + S3 : S1 },
    })
    expect(lastGac(sent)?.slice(4, 6)).toBe(p1)
    if (p1 === undefined) expect(l2).toBe('0E')
    else expect([lastGac(sent).includes('CAFE'), discretionary(0xdf810b)]).toEqual([write, write ? 'C0' : '80'])
  })

  it('without a cryptogram type, or without what it is usable for, ends before the card is asked', async () => {
    for (const tag of ['DF8108', 'DF810A']) {
      const { sent, l2 } = await pay({ data: { ...writing, [tag]: '' } })
      expect([lastGac(sent), l2]).toEqual([undefined, '0D'])
    }
  })

  it('is only read without data for it, or where the card has no list for it', async () => {
    for (const wish of [{ data: { ...writing, DF62: '' } }, { data: writing, records: { '9F5B': '' } }]) {
      const { sent, discretionary } = await pay(wish)
      expect([lastGac(sent).includes('CAFE'), discretionary(0xdf810b)]).toEqual([false, '80'])
    }
  })

  it('after a failed CDA nothing is asked of the slot', async () => {
    const { sent, outcome } = await pay({
      data: writing,
      more: { '00B20414': '7000' + '9000', '80AE': format2({ '9F27': '40', '9F36': '0001', '9F26': '0102030405060708' }) },
    })
    expect(lastGac(sent).slice(4, 12)).toBe('40000A00')
    expect(outcome.status).toBe('approved')
  })

  describe('and the card leaves', () => {
    const drdol = { '9F51': '9F3704' }
    const log = { DF811D: '02' }

    it('without a log: nobody is asked to tap again, the host gets the data', async () => {
      const { outcome } = await pay({ data: writing, more: { '80AE': 'removed' } })
      expect(outcome).toMatchObject({ status: 'endApplication', uiOnOutcome: { message: UI.tryAnotherCard } })
      expect(outcome.start).toBeUndefined()
      expect(hex(outcome.dataRecord!.get(0x9f02)!)).toBe('000000000100')
    })

    it('with a log it is tapped again, and RECOVER AC proves what was written', async () => {
      const torn = new TornLog()
      const data = { ...writing, ...log }
      const left = await pay({ data, torn, records: drdol, more: { '80AE': 'removed' } })
      expect(left.outcome).toMatchObject({ status: 'endApplication', start: 'B' })
      expect(torn.size).toBe(1)
      // The answer is the signed one that the card did not get rid of: over the same numbers, for the unpredictable number does not change here.
      let gac: Answer = '6D00'
      const first = signingCard('0180', { '8C': '9F02069F3704' }, { cid: '40', ...written }, slot)
      const { outcome, sent, discretionary } = await pay({
        data,
        torn,
        records: drdol,
        // Meanwhile the slot has its new summary; that of before counts.
        gpo: { ...slot, '9F7D': S3 },
        more: {
          '80D0': () => {
            const make = first['80A8'] as (command: string) => string
            make(left.sent.find(command => command.startsWith('80A8'))!)
            gac = (first['80AE'] as (command: string) => string)(lastGac(left.sent))
            return gac
          },
        },
      })
      expect(sent.at(-1)).toBe('80D00000040707070700')
      expect([outcome.status, discretionary(0xdf810b)]).toEqual(['approved', 'C0'])
      expect(torn.size).toBe(0)
    })

    it('a torn write that the card does not know any more is compared with the slot as it is', async () => {
      const data = { ...writing, ...log }
      const again = async (gpo: Record<string, string>, behind: string) => {
        const torn = new TornLog()
        await pay({ data, torn, records: drdol, more: { '80AE': 'removed' } })
        return pay({ data, torn, records: drdol, gpo, signed: { behind }, more: { '80D0': '6A88' } })
      }
      const same = await again(slot, S1 + S3)
      expect([same.outcome.status, same.discretionary(0xdf810b), same.discretionary(0xff8101)]).toEqual(['approved', 'C0', ''])
      // The slot was written before: not by what the terminal knows of.
      const other = await again({ ...slot, '9F7D': S3 }, S3 + S1)
      expect([other.outcome.status, other.l2]).toEqual(['endApplication', '0B'])
      const record = new Map(read(fromHex(other.discretionary(0xff8101))).map(({ tag, value }) => [tag, hex(value)]))
      expect([record.get(0x5a), record.get(0x9f7d), record.get(0xdf8128)]).toEqual(['1234560012345608', S1, 'C0'])
    })

    it('a record that makes room for another is given out', async () => {
      const torn = new TornLog()
      const data = { ...writing, DF811D: '01' }
      const first = await pay({ data, torn, records: { ...drdol, '5F34': '00' }, more: { '80AE': 'removed' } })
      expect(first.discretionary(0xff8101)).toBe('')
      // Another card: the same PAN with another sequence number, which has no slot.
      const second = await pay({ data, torn, records: { ...drdol, '5F34': '02' }, fci: {}, more: { '80AE': 'removed' } })
      const record = new Map(read(fromHex(second.discretionary(0xff8101))).map(({ tag, value }) => [tag, hex(value)]))
      expect([record.get(0x5f34), record.get(0x9f02)]).toEqual(['00', '000000000100'])
      expect(torn.size).toBe(1)
    })
  })
})

describe('data exchange', () => {
  const plain = { data: { DF810D: '', '9F5C': '' }, signed: { behind: '' } }
  const without = (data: Record<string, string> = {}) => ({ signed: { behind: '' }, data: { ...plain.data, ...data } })
  const dek = ({ needed, sent }: DataExchange) => ({
    needed: needed.map(tag => tag.toString(16).toUpperCase()),
    sent: Object.fromEntries([...sent].map(([tag, value]) => [tag.toString(16).toUpperCase(), hex(value)])),
  })

  it('asks for what the PDOL wants and the terminal alone knows, before the card is asked', async () => {
    const { outcome, sent, heard } = await pay({ ...without(), talk: () => ({ '9F5C': '0102030405060708' }) })
    expect(heard.map(dek)).toEqual([{ needed: ['9F5C'], sent: {} }])
    expect(sent.find(command => command.startsWith('80A8'))).toBe('80A800000A8308010203040506070800')
    expect(outcome.status).toBe('approved')
  })

  it('tells of the slot, and takes what is to be written into it', async () => {
    const { outcome, heard, discretionary } = await pay({
      data: { DF60: '', DF62: '', DF63: '', DF8110: '' },
      signed: { behind: S1 + S3 },
      talk: ({ needed }) =>
        needed.includes(0xdf8110)
          ? { DF60: '6060606060606060', DF62: '80', DF63: 'CAFE', DF8108: '40', DF8109: '1223344556677889', DF810A: 'E6', DF8110: '01' }
          : {},
    })
    expect(heard.map(dek)).toEqual([
      { needed: [], sent: { '9F5E': dsId, '9F5D': '010000', ...slot, '9F37': '07070707' } },
      { needed: ['DF60', 'DF62', 'DF63', 'DF8110'], sent: {} },
    ])
    expect([outcome.status, discretionary(0xdf810b)]).toEqual(['approved', 'C0'])
  })

  it('does not ask for a locked slot', async () => {
    const { heard } = await pay({ data: { DF62: '' }, gpo: { ...slot, '9F6F': '90' }, talk: () => ({}) })
    expect(heard.flatMap(({ needed }) => needed)).toEqual([])
  })

  it('reads envelopes with GET DATA and objects out of records, and tells what was not there', async () => {
    const { heard, sent } = await pay({
      ...without({ DF8112: '9F759F765F249F7C5F2D' }),
      more: { '80CA9F75': '9F7503AABBCC9000', '80CA9F76': '6A88' },
      talk: () => ({}),
    })
    expect(sent.filter(command => command.startsWith('80CA'))).toEqual(['80CA9F7500', '80CA9F7600'])
    expect(heard.map(dek)).toEqual([
      { needed: ['9F5C'], sent: {} },
      // Told together, for some were still to be read when the first were there.
      { needed: [], sent: { '9F75': 'AABBCC', '9F76': '', '5F24': '251231', '9F7C': '', '5F2D': '' } },
    ])
  })

  it('reads more as the terminal asks for it, until it has leave to write', async () => {
    const answers: Record<string, string>[] = [{ DF8112: '9F70' }, { DF8112: '9F71' }, { DF8110: '01' }]
    const { heard, outcome } = await pay({
      ...without({ DF8112: '', DF8110: '', '9F5C': '0102030405060708' }),
      more: { '80CA9F70': '9F7001119000', '80CA9F71': '9F7101229000' },
      talk: () => answers.shift()!,
    })
    expect(heard.map(dek)).toEqual([
      { needed: ['DF8112'], sent: {} },
      { needed: ['DF8110'], sent: { '9F70': '11' } },
      { needed: ['DF8110'], sent: { '9F71': '22' } },
    ])
    expect(outcome.status).toBe('approved')
  })

  it('ends the application when the terminal does not answer in time, or gives no leave', async () => {
    const timeOut = { status: 'endApplication' }
    const late = await pay({ ...without(), talk: async (_, clock) => sleep(501, clock).then(() => ({})) })
    expect(late.outcome).toMatchObject(timeOut)
    expect(late.discretionary(0xdf8115)).toBe('0000010000FF')
    expect(late.sent).toEqual([])
    const inTime = await pay({ ...without(), talk: async (_, clock) => sleep(499, clock).then(() => ({})) })
    expect(inTime.outcome.status).toBe('approved')
    const shorter = await pay({ ...without({ DF8127: '000A' }), talk: async (_, clock) => sleep(11, clock).then(() => ({})) })
    expect(shorter.outcome).toMatchObject(timeOut)
    const silent = await pay({ ...without({ DF8110: '00', '9F5C': '0102030405060708' }), talk: () => ({}) })
    expect(silent.outcome).toMatchObject(timeOut)
    expect(silent.heard).toHaveLength(1)
    expect(lastGac(silent.sent)).toBeUndefined()
  })

  const envelopes = { FF8102: '9F750211229F760133', FF8103: '9F7703445566' }

  it('writes envelopes before and after the cryptogram', async () => {
    const { sent, shown, discretionary } = await pay({ ...without({ ...envelopes, '9F5C': '0102030405060708' }), more: { '80DA': '9000' } })
    expect(sent.slice(-4).map(command => (command.startsWith('80AE') ? '80AE' : command))).toEqual([
      '80DA9F75021122', '80DA9F760133', '80AE', '80DA9F7703445566',
    ]) // biome-ignore format: commands
    expect([discretionary(0xdf810f), discretionary(0xdf810e)]).toEqual(['80', '80'])
    expect(shown).toHaveLength(1)
  })

  it('stops writing at the first that the card refuses, and pays all the same', async () => {
    const { outcome, sent, discretionary } = await pay({
      ...without({ ...envelopes, '9F5C': '0102030405060708' }),
      more: { '80DA9F75': '6985', '80DA9F77': '6985' },
    })
    expect(outcome.status).toBe('approved')
    expect(sent.filter(command => command.startsWith('80DA')).map(command => command.slice(4, 8))).toEqual(['9F75', '9F77'])
    expect([discretionary(0xdf810f), discretionary(0xdf810e)]).toEqual(['00', '00'])
  })

  it('takes lists from the terminal too; a card that leaves after its cryptogram has paid', async () => {
    const talk: Talk = ({ needed }) => (needed.includes(0xff8103) ? envelopes : {})
    const data = { FF8102: '', FF8103: '', '9F5C': '0102030405060708' }
    const { outcome, sent } = await pay({ ...without(data), talk, more: { '80DA': '9000', '80DA9F77': 'removed' } })
    expect(sent.filter(command => command.startsWith('80DA'))).toHaveLength(3)
    expect(outcome.status).toBe('approved')
    await expect(pay({ ...without(data), talk, more: { '80DA9F75': 'removed' } })).rejects.toMatchObject({ code: 'card-removed' })
  })

  it.each([
    ['what nobody asked for', { '95': '0000000000' }, '95: neither asked for nor an object of data exchange'],
    ['an amount', { '9F02': '000000000001' }, '9F02: neither asked for'],
    ['an operator of 7 bytes', { '9F5C': '01020304050607' }, '9F5C: 7 bytes, the rule is 8 to 8'],
    ['a list with a tag of 3 bytes', { FF8102: 'DF81010101' }, 'FF8102: DF8101 is no tag for PUT DATA'],
  ])('refuses %s', async (_, answer, message) => {
    await expect(pay({ ...without(), talk: () => answer })).rejects.toMatchObject({
      code: 'bad-argument',
      message: expect.stringContaining(message),
    })
  })

  it('goes on in mag-stripe mode with what records hold', async () => {
    const record = format2({ '9F65': '000E', '9F66': '0E70', '9F6B': '5413339000001513D49121019000990000000F', '9F67': '03' }, 0x70)
    const { outcome, heard, sent } = await pay({
      ...without({ DF8112: '9F659F75', DF8110: '', DF811B: '00', '9F5C': '0102030405060708' }),
      more: { '80A8': '770A820200009404080101009000', '00B2010C': record, '802A': '770A9F6102A2C49F360203F99000' },
      talk: () => ({ DF8110: '01' }),
    })
    expect(heard.map(dek)).toEqual([
      { needed: ['DF8110'], sent: { '9F65': '000E' } },
      { needed: [], sent: { '9F75': '' } },
    ])
    expect(sent.some(command => command.startsWith('80CA'))).toBe(false)
    expect(outcome.status).toBe('onlineRequest')
  })
})

describe('a configuration', () => {
  const make = (data: Record<string, string>) =>
    mastercardKernel(signedEnvironment(), {
      data: new Map(Object.entries(data).map(([tag, value]) => [Number.parseInt(tag, 16), fromHex(value)])),
    })

  it.each([
    [{ DF8112: '9F75' }, 'unsupported', 'DF8112'],
    [{ DF8110: '00' }, 'unsupported', 'DF8110'],
    [{ DF8110: '' }, 'unsupported', 'DF8110'],
    [{ DF810D: '02' }, 'bad-config', 'DF810D: data storage is for an operator'],
    [{ '9F5C': '0102' }, 'bad-config', '9F5C: 2 bytes, the rule is 8 to 8'],
    [{ DF8127: '01' }, 'bad-config', 'DF8127'],
    [{ DF8112: '9F' }, 'bad-config', 'tag list'],
    [{ FF8102: '9F75' }, 'bad-config', 'data exchange'],
    [{ FF8103: 'DF81010100' }, 'bad-config', 'no tag for PUT DATA'],
  ])('%o is refused as %s', (data, code, message) => {
    expect(() => make(data)).toThrow(expect.objectContaining({ code, message: expect.stringContaining(message) }))
  })

  it('with lists that need no answer is taken', () => {
    expect(() => make({ DF8110: '01', FF8102: '9F750111', FF8103: '', DF8112: '', '9F5C': '0000000000000000', DF810D: '' })).not.toThrow()
    expect(objects({ '9F75': '11' })).toHaveLength(4)
  })
})
