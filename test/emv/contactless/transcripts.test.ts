/** Public transcripts of contactless cards, played through Entry Point and kernel: the same commands, the cards' real signatures, the expected ends. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { fromHex, fromText, hex, text } from '../../../src/bytes.ts'
import { VirtualClock } from '../../../src/clock.ts'
import { currency } from '../../../src/currency.ts'
import { parseCaKey } from '../../../src/emv/ca-keys.ts'
import type { Card } from '../../../src/emv/card.ts'
import type { TerminalConfig } from '../../../src/emv/config.ts'
import { parsePpse, requestedKernel } from '../../../src/emv/contactless/candidates.ts'
import { type ContactlessKernel, EntryPoint } from '../../../src/emv/contactless/entry.ts'
import { amexKernel } from '../../../src/emv/contactless/kernels/amex.ts'
import { visaKernel } from '../../../src/emv/contactless/kernels/visa.ts'
import { mastercardKernel } from '../../../src/emv/contactless/mastercard/mastercard.ts'
import { UI } from '../../../src/emv/contactless/outcome.ts'
import { russianMpos } from '../../../src/emv/profiles.ts'
import { parseFci } from '../../../src/emv/steps/fci.ts'
import { write } from '../../../src/tlv/ber.ts'
import { scriptedTap, tapConfig } from './scripted-tap.ts'

const load = (name: string) => JSON.parse(readFileSync(join(import.meta.dirname, `../../vectors/${name}.json`), 'utf8'))
interface Transcript {
  id: string
  interface: string
  apdus: { c: string; r: string }[]
}
const transcripts = (load('card_transcripts').transcripts as Transcript[]).filter(one => one.interface === 'contactless')
const transcript = (id: string) => transcripts.find(one => one.id === id)!
const caKeys = (
  load('ca_public_keys').keys as { rid: string; index: string; modulus: string; exponent: string; sha1: string; hash_matches: boolean }[]
)
  .filter(key => key.hash_matches && (key.rid === 'A000000025' || ['A000000004 F3', 'A000000003 92'].includes(`${key.rid} ${key.index}`)))
  .map(({ rid, index, modulus, exponent, sha1 }) => parseCaKey({ rid, index, modulus, exponent, checksum: sha1 }))

const site = { merchantId: 'M1', terminalId: 'T1', merchantName: 'SHOP', acquirerId: '400000', ifdSerial: 'SN1', caKeys }

/** Plays a transcript; a command that is not in it is answered 6D00. */
async function play(apdus: Transcript['apdus'], kernel: ContactlessKernel, id: number, aid: string, amount: bigint, numeric: number) {
  const sent: string[] = []
  const card: Card = {
    interface: 'contactless',
    atr: new Uint8Array(),
    async transmit(apdu) {
      const command = hex(apdu)
      sent.push(command)
      return fromHex(apdus.find(({ c }) => c === command)?.r ?? '6D00')
    },
  }
  const entry = new EntryPoint(
    {
      combinations: [{ aid: fromHex(aid), kernel: Uint8Array.of(id) }],
      kernel: () => kernel,
      ui: () => {},
      field: { activate: async () => card, off: async () => {} },
    },
    { amount, currency: { alpha: 'XXX', numeric, exponent: 2 }, at: new Date('2014-10-31T12:00:00') },
    new AbortController().signal,
  )
  return { outcome: await entry.run('A'), sent }
}

describe('an American Express card with CDA (bertlv-amex-cda)', () => {
  const { apdus } = transcript('bertlv-amex-cda')
  const config: TerminalConfig = { ...russianMpos(site), countryCode: 36, currencyCode: 36 }
  const data = new Map([
    // Verified from 100.00 on, online above 0: the run is over 120.00.
    [0xdfab42, fromHex('000000010000')],
    [0xdfab40, fromHex('000000000000')],
  ])
  const options = { random: () => fromHex('327273B9') }
  const pay = (changed: Transcript['apdus'] = apdus) =>
    play(changed, amexKernel({ config, options }, { data }), 4, 'A00000002501', 12_000n, 36)

  it('is sent the recorded commands, and its signed cryptogram goes online with a PIN', async () => {
    const { outcome, sent } = await pay()
    expect(sent).toEqual(apdus.map(({ c }) => c))
    expect(outcome).toMatchObject({ status: 'onlineRequest', cvm: 'onlinePin' })
    expect(hex(outcome.dataRecord!.get(0x95)!)).toBe('0000048000')
    expect(outcome.dataRecord!.get(0x9f26)).toHaveLength(8) // only the signature holds it
  })

  it('with a counter that was changed on the way is declined', async () => {
    const changed = apdus.map(({ c, r }) => ({ c, r: c.startsWith('80AE') ? r.replace('9F36020006', '9F36020007') : r }))
    expect((await pay(changed)).outcome.status).toBe('declined')
  })
})

describe('a Mastercard in mag-stripe mode (bertlv-contactless-msd)', () => {
  it('is sent the recorded commands, and its tracks are completed', async () => {
    const { apdus } = transcript('bertlv-contactless-msd')
    const aid = fromHex('A0000000041010')
    // The transcript begins with the application; this PPSE leads to it.
    const entry = write(0x61, [write(0x4f, aid), write(0x87, Uint8Array.of(1))])
    const ppse = write(0x6f, [write(0x84, fromText('2PAY.SYS.DDF01')), write(0xa5, [write(0xbf0c, entry)])])
    const first = { c: '00A404000E325041592E5359532E444446303100', r: `${hex(ppse)}9000` }
    const config: TerminalConfig = { ...russianMpos(site), countryCode: 36, currencyCode: 36 }
    const { outcome, sent } = await play([first, ...apdus], mastercardKernel({ config }), 2, 'A0000000041010', 100n, 36)
    expect(sent).toEqual([first.c, ...apdus.map(({ c }) => c)])
    expect(outcome).toMatchObject({ status: 'onlineRequest', cvm: 'none' })
    // CVC3 01F5 is 00501; PCVC3 0007 takes its last three digits; no digit of the unpredictable number.
    expect(hex(outcome.dataRecord!.get(0x9f6b)!)).toMatch(/^5413330056003511D1412101\d+0F$/)
    expect(text(outcome.dataRecord!.get(0x56)!)).toMatch(/^B5413330056003511\^CUST IMP MC 351\/\^1412101\d+$/)
  })
})

/**
 * What wallet apps and card readers of phones recorded is no terminal's run: they ask for logs and counters, send GET PROCESSING OPTIONS without data, and
 * stop before the cryptogram. So the recorded answers are given by the class of a command: SELECT by name (a recorded name answers a longer one, as partial
 * selection does), GET PROCESSING OPTIONS in the order of its answers after that SELECT, READ RECORD by SFI and number, GENERATE AC by what it asks for.
 * What was not recorded is 6D00. Some commands are not in the source (empty): their answers stand where they came.
 */
function recordedCard(id: string, ppse?: string) {
  const { apdus } = transcript(id)
  const sent: string[] = []
  let left: Transcript['apdus'] = []
  const take = (fits: (one: Transcript['apdus'][number]) => boolean) => {
    const at = left.findIndex(fits)
    return at < 0 ? '6D00' : left.splice(at, 1)[0].r
  }
  const select = (command: string) => {
    const name = command.slice(10, -2)
    if (ppse && name === PPSE) return ppse
    const at = apdus.findIndex(
      ({ c }) => c.startsWith('00A404') && (name === c.slice(10, -2) || (name !== PPSE && name.startsWith(c.slice(10, -2)))),
    )
    if (at < 0) return '6A82'
    const next = apdus.findIndex(({ c }, i) => i > at && c.startsWith('00A404'))
    left = apdus.slice(at + 1, next < 0 ? undefined : next)
    return apdus[at].r
  }
  const answer = (command: string) => {
    if (command.startsWith('00A404')) return select(command)
    if (command.startsWith('80A8')) return take(({ c, r }) => c.startsWith('80A8') || (c === '' && !r.startsWith('70')))
    // The recorder's GET RESPONSE has class and instruction in the wrong order.
    if (command.startsWith('00C0')) return take(({ c }) => c.startsWith('00C0') || c.startsWith('000C'))
    if (command.startsWith('80AE')) return take(({ c }) => c.slice(0, 8) === command.slice(0, 8))
    const recorded = take(({ c }) => c === command)
    return recorded === '6D00' && command.startsWith('00B2') ? take(({ c, r }) => c === '' && r.startsWith('70')) : recorded
  }
  const card: Card = {
    interface: 'contactless',
    atr: new Uint8Array(),
    async transmit(apdu) {
      sent.push(hex(apdu))
      return fromHex(answer(hex(apdu)))
    },
  }
  return { card, sent }
}
const PPSE = '325041592E5359532E4444463031'

/** A directory of one application, for a transcript that begins with it. */
function directoryOf(aid: string): string {
  const entry = write(0x61, [write(0x4f, fromHex(aid)), write(0x87, Uint8Array.of(1))])
  return `${hex(write(0x6f, [write(0x84, fromText('2PAY.SYS.DDF01')), write(0xa5, [write(0xbf0c, entry)])]))}9000`
}

const aids = { mastercard: 'A0000000041010', visa: 'A0000000031010', carteBancaire: 'A0000000421010' }

/** Holds the card of a transcript to a reader with kernels 2 and 3, the French scheme's cards under kernel 3 where `withFrench` says so. */
interface Holding {
  readonly ppse?: string
  readonly ttq?: string
  readonly withFrench?: boolean
  /** Of kernel 2; it has mag-stripe mode. */
  readonly data?: Readonly<Record<string, string>>
}

async function hold(id: string, { ppse, ttq = '36004000', withFrench = false, data = {} }: Holding = {}) {
  const { card, sent } = recordedCard(id, ppse)
  const config: TerminalConfig = { ...russianMpos(site), countryCode: 250, currencyCode: 978 }
  const clock = new VirtualClock(new Date('2016-06-01T12:00:00'))
  const options = { clock, random: (length: number) => new Uint8Array(length).fill(7) }
  const mastercard = mastercardKernel(
    { config, options },
    {
      data: new Map(Object.entries({ DF811B: '00', ...data }).map(([tag, value]) => [Number.parseInt(tag, 16), fromHex(value)])),
    },
  )
  const visa = visaKernel({ config, options })
  const entry = new EntryPoint(
    {
      combinations: [
        { aid: fromHex(aids.mastercard), kernel: Uint8Array.of(2) },
        { aid: fromHex(aids.visa), kernel: Uint8Array.of(3), ttq: fromHex(ttq) },
        ...(withFrench ? [{ aid: fromHex(aids.carteBancaire), kernel: Uint8Array.of(3), ttq: fromHex(ttq) }] : []),
      ],
      kernel: ([kernel]) => (kernel === 2 ? mastercard : visa),
      ui: () => {},
      field: { activate: async () => card, off: async () => {} },
    },
    { amount: 1500n, currency: currency('EUR') },
    new AbortController().signal,
  )
  const outcome = await clock.settle(entry.run('A'))
  const error = hex(outcome.discretionaryData?.get(0xdf8115) ?? new Uint8Array())
  return { outcome, sent: sent.map(command => command.slice(0, command.startsWith('00A4') ? undefined : 8)), commands: sent, error }
}
const select = (name: string) => `00A40400${hex(Uint8Array.of(name.length / 2))}${name}00`
const ended = { status: 'endApplication', uiOnOutcome: { message: UI.tryAnotherCard } }

describe('cards that wallet apps recorded, held to a terminal', () => {
  it('MasterCardPpse: of two applications the reader’s own; its record is in a template of responses, which is none', async () => {
    const { outcome, sent, error } = await hold('devnied-MasterCardPpse')
    // The AFL begins with SFI 2; the record came as template 77.
    expect(sent).toEqual([select(PPSE), select(aids.mastercard), '80A80000', '00B20114'])
    expect(outcome).toMatchObject(ended)
    expect(error).toBe('00040000001C') // parsing error
  })

  it('MasterCardPpse3: mag-stripe mode up to the checksum, which nobody recorded', async () => {
    const { outcome, sent, commands, error } = await hold('devnied-MasterCardPpse3')
    expect(sent).toEqual([select(PPSE), select(aids.mastercard), '80A80000', '00B2010C', '802A8E80'])
    // No UDOL: the default one asks for the number alone. Of the seven digits of PUNATC (00FE) four are the counter's (9F67), three the number's.
    expect(commands.at(-1)).toMatch(/^802A8E800400000\d{3}00$/)
    expect(outcome).toMatchObject(ended)
    expect(error).toBe('0003006D001C') // status bytes
  })

  it('VisaCardPpse: the second application of the directory, which refuses the terminal’s data', async () => {
    const { outcome, sent, error } = await hold('devnied-VisaCardPpse')
    expect(sent).toEqual([select(PPSE), select(aids.visa), '80A80000'])
    expect(outcome).toMatchObject(ended)
    expect(error).toBe('00030067001C')
  })

  it('VisaCardPpse and VisaCardPpseNoOptions: the French application first, where the reader has it', async () => {
    for (const id of ['devnied-VisaCardPpse', 'devnied-VisaCardPpseNoOptions']) {
      const { outcome, sent, error } = await hold(id, { withFrench: true })
      expect(sent).toEqual([select(PPSE), select(aids.carteBancaire), '80A80000'])
      expect(outcome).toMatchObject(ended)
      expect(error).toBe('00030067001C')
    }
  })

  it('VisaCardPpseNoOptions: without the French scheme its Visa is chosen, and was never selected', async () => {
    const { outcome, sent } = await hold('devnied-VisaCardPpseNoOptions')
    expect(sent).toEqual([select(PPSE), select(aids.visa)])
    expect(outcome).toMatchObject(ended)
  })

  it('VisaCardPpseNoOptions: what the app was answered without data is a decline: qVSDC’s cryptogram is an AAC', async () => {
    // The answer to the second GET PROCESSING OPTIONS, which the app sent without the data that the PDOL asks for.
    const { apdus } = transcript('devnied-VisaCardPpseNoOptions')
    const { r } = apdus.find(({ c }) => c.startsWith('80A8'))!
    const { r: selected } = apdus.find(({ c }) => c === select(aids.carteBancaire))!
    const { outcome } = await scriptedTap(visaKernel({ config: tapConfig }), {
      aid: aids.carteBancaire,
      pdol: hex(parseFci(fromHex(selected).subarray(0, -2)).objects.get(0x9f38)!),
      answers: { '80A8': r },
      combination: { ttq: fromHex('36004000') },
    })
    // Its card verification results (9F10 byte 5, b6–b5) say AAC.
    expect(outcome).toMatchObject({ status: 'declined', uiOnOutcome: { message: UI.declined } })
    expect(hex(outcome.discretionaryData!.get(0x9f27)!)).toBe('00')
  })

  it('VisaCardPpse3: an offline cryptogram whose signature no key here can check goes to the slot, as its qualifiers say', async () => {
    const { outcome, sent } = await hold('devnied-VisaCardPpse3', { withFrench: true })
    expect(sent).toEqual([select(PPSE), select(aids.carteBancaire), '80A80000', '00B20214', '00B20314', '00B20414'])
    // A TC; CTQ 1600: switch interface if authentication fails.
    expect(outcome).toMatchObject({ status: 'tryAnotherInterface', alternateInterface: 'contact', uiOnOutcome: { message: UI.insertCard } })
    // A reader without contacts declines. What it read: TC, the counter, and fast DDA of version 01.
    const without = (await hold('devnied-VisaCardPpse3', { withFrench: true, ttq: '26004000' })).outcome
    expect(without.status).toBe('declined')
    expect([0x9f27, 0x9f36, 0x95].map(tag => hex(without.discretionaryData!.get(tag)!))).toEqual(['40', '00D9', '0800000000'])
  })

  it('VisaCardAid: a Visa without a PDOL is none for kernel 3, and the reader has no kernel 1', async () => {
    const { outcome, sent } = await hold('devnied-VisaCardAid', { ppse: directoryOf(aids.visa) })
    expect(sent).toEqual([select(PPSE), select(aids.visa)])
    expect(outcome).toMatchObject(ended)
  })

  it('FailPpseVisaAid: a card without a directory is none for a terminal', async () => {
    const { outcome, sent } = await hold('devnied-FailPpseVisaAid')
    expect(sent).toEqual([select(PPSE)])
    expect(outcome).toMatchObject(ended)
  })

  it('FailPpseVisaAid: with one, its records are read as far as they were recorded, the length corrected by 6C', async () => {
    const { outcome, commands, error } = await hold('devnied-FailPpseVisaAid', { ppse: directoryOf(aids.visa) })
    expect(commands.slice(-3)).toEqual(['00B2010C00', '00B2010C4F', '00B2011400'])
    expect(outcome).toMatchObject(ended)
    expect(error).toBe('0003006D001C')
  })

  it('InteractPpse: a scheme that the reader has not, though its directory is read', async () => {
    const { outcome, sent } = await hold('devnied-InteractPpse')
    expect(sent).toEqual([select(PPSE)])
    expect(outcome).toMatchObject(ended)
  })

  it('wrapperTestSW_61: an answer that is to be fetched (61xx) is fetched in selection too', async () => {
    const { outcome, commands } = await hold('devnied-wrapperTestSW_61', { ppse: directoryOf(aids.visa) })
    expect(commands).toEqual([select(PPSE), select(aids.visa), '00C0000033'])
    // What comes is a Visa without a PDOL: not for kernel 3.
    expect(outcome).toMatchObject(ended)
  })
})

describe('runs of a terminal', () => {
  const runs = load('contactless_k2_k3_huemv').vectors as { id: string; apdus: Transcript['apdus'] }[]

  // The mag-stripe run is played with its card's tracks in contactless-kernels.test.ts too.
  it.each(['msc-offline', 'visa-offline'])('%s is the run that contactless-kernels.test.ts repeats byte for byte', id => {
    const { apdus } = runs.find(one => one.id === id)!
    expect(transcript(`huemv-${id}`).apdus).toEqual(apdus)
  })

  it('with another terminal’s data go the same way, and their signatures do not hold', async () => {
    const offline = await hold('huemv-msc-offline', { data: { DF8123: '000000001500' } })
    expect(offline.sent.map(command => command.slice(0, 8))).toEqual(transcript('huemv-msc-offline').apdus.map(({ c }) => c.slice(0, 8)))
    const visa = await hold('huemv-visa-offline')
    expect(visa.sent.map(command => command.slice(0, 8))).toEqual(transcript('huemv-visa-offline').apdus.map(({ c }) => c.slice(0, 8)))
    expect(offline.outcome).toMatchObject(ended)
    expect(offline.error).toBe('00020000001C') // authentication failed
    expect(visa.outcome.status).toBe('declined')
    expect(hex(visa.outcome.discretionaryData!.get(0x95)!)).toBe('0800000000')
  })
})

it('every contactless transcript is played above; those of chips in contact-steps.test.ts', () => {
  expect(transcripts.map(({ id }) => id)).toEqual([
    'huemv-msc-ms-mode', 'huemv-msc-offline', 'huemv-visa-offline', 'bertlv-amex-cda', 'bertlv-contactless-msd', 'devnied-FailPpseVisaAid',
    'devnied-InteractPpse', 'devnied-MasterCardPpse', 'devnied-MasterCardPpse3', 'devnied-VisaCardAid', 'devnied-VisaCardPpse',
    'devnied-VisaCardPpse3', 'devnied-VisaCardPpseNoOptions', 'devnied-wrapperTestSW_61',
  ]) // biome-ignore format: a list
})

describe('every directory of a transcript', () => {
  const directories = transcripts.flatMap(({ id, apdus }) =>
    apdus.filter(({ c, r }) => c === '00A404000E325041592E5359532E444446303100' && r.endsWith('9000')).map(({ r }) => ({ id, r })),
  )

  it.each(directories)('of $id leads to applications', ({ r }) => {
    const entries = parsePpse(fromHex(r).subarray(0, -2))
    expect(entries.length).toBeGreaterThan(0)
    for (const entry of entries) expect(requestedKernel(entry)).toBeDefined()
  })

  it('there are some', () => {
    expect(directories.length).toBeGreaterThanOrEqual(8)
  })
})
