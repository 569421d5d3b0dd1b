/** Kernel 2 with cards that sign: the balance before and after the cryptogram, messages and receipts, relay data in track 2, the growing wait of mag-stripe taps. */

import { describe, expect, it } from 'vitest'
import { fromHex, hex } from '../../../../src/bytes.ts'
import { sleep, VirtualClock } from '../../../../src/clock.ts'
import { type MastercardSettings, mastercardKernel } from '../../../../src/emv/contactless/mastercard/mastercard.ts'
import { TornLog } from '../../../../src/emv/contactless/mastercard/torn-log.ts'
import { UI } from '../../../../src/emv/contactless/outcome.ts'
import { type Answer, format2, type ScriptedTap, scriptedTap } from '../scripted-tap.ts'
import { certifiedFiles, signedAid, signedEnvironment, signingCard } from '../signed-tap.ts'

/** No action code counts: what is asked for is a TC. */
const quiet = { DF8120: '0000000000', DF8121: '0000000000', DF8122: '0000000000' }
const issuerCodes = { '9F0D': '0000000000', '9F0E': '0000000000', '9F0F': '0000000000' }
const cdol = { '8C': '9F02069F3704', ...issuerCodes }

interface Wish extends Partial<ScriptedTap> {
  data?: Record<string, string>
  settings?: MastercardSettings
  clock?: VirtualClock
  more?: Record<string, Answer>
}

function kernelOf({ data = {}, settings, clock }: Wish) {
  const own = new Map(Object.entries({ ...quiet, ...data }).map(([tag, value]) => [Number.parseInt(tag, 16), fromHex(value)]))
  return mastercardKernel(signedEnvironment(clock), { ...settings, data: own })
}

/** A card of AIP 0180 (CDA, EMV mode) that signs a TC. */
function pay(wish: Wish = {}) {
  return scriptedTap(kernelOf(wish), {
    aid: signedAid,
    pdol: '9F02069F3704',
    answers: { ...signingCard('0180', { ...cdol, '9F42': '0643' }, { cid: '40' }), ...wish.more },
    fci: { '9F5D': '010200' },
    ...wish,
  })
}

describe('a signed cryptogram', () => {
  it('approves offline, and the card may be taken away only after it was given', async () => {
    const { outcome, sent, shown } = await pay()
    expect(outcome).toMatchObject({ status: 'approved', cvm: 'none', uiOnOutcome: { message: UI.approved } })
    expect(hex(outcome.dataRecord!.get(0x9f26)!)).toBe('1112131415161718')
    expect(sent.at(-1)!.slice(0, 6)).toBe('80AE50')
    expect(shown).toMatchObject([{ message: UI.clear, status: 'cardReadSuccessfully' }])
    const torn = await pay({ more: { '80AE': 'removed' } })
    expect(torn.outcome).toMatchObject({ status: 'endApplication', start: 'B', uiOnRestart: { message: UI.presentCardAgain } })
    expect(torn.shown).toEqual([])
  })

  it('over other data ends the application as authentication failed, told in the TVR', async () => {
    const { outcome } = await pay({ answers: signingCard('0180', cdol, { cid: '40', forged: true }) })
    expect(outcome).toMatchObject({ status: 'endApplication', uiOnOutcome: { message: UI.tryAnotherCard } })
    expect(hex(outcome.discretionaryData!.get(0xdf8115)!)).toBe('00020000001C')
  })

  it('without the signature that was asked for is a data error; an AAC needs none', async () => {
    const unsigned = (cid: string) => format2({ '9F27': cid, '9F36': '0001', '9F26': '0102030405060708' })
    const { outcome } = await pay({ more: { '80AE': unsigned('40') } })
    expect(hex(outcome.discretionaryData!.get(0xdf8115)!).slice(2, 4)).toBe('06')
    expect((await pay({ more: { '80AE': unsigned('00') } })).outcome.status).toBe('tryAnotherInterface')
  })

  it('above the CVM limit a receipt is due', async () => {
    expect((await pay({ amount: 1000n, data: { DF8126: '000000000999' } })).outcome.receipt).toBe(true)
    expect((await pay({ amount: 999n, data: { DF8126: '000000000999' } })).outcome.receipt).toBeUndefined()
  })
})

describe('Terminal Capabilities before GET PROCESSING OPTIONS', () => {
  const asked = async (data: Record<string, string>) =>
    (await pay({ pdol: '9F02069F33039C01', amount: 1000n, data })).sent.find(command => command.startsWith('80A8'))
  it.each([
    ['of the reader', { DF8117: '00', DF811F: '08' }, '00000000100000000800'],
    ['absent', { DF8117: '', DF811F: '' }, '00000000100000000000'],
    ['of more', { DF8117: 'E0', DF8118: '60', DF8119: '08', DF811F: 'C8' }, '000000001000E000C800'],
  ])('%s: what is verified is not known yet', async (_, data, values) => {
    expect(await asked(data)).toBe(`80A800000C830A${values}00`)
  })

  it('has what is verified after the records, by the limit', async () => {
    const dataOf = async (amount: bigint) =>
      hex(
        (await pay({ amount, data: { DF8117: '', DF8118: '60', DF8119: '08', DF8126: '000000000999' } })).outcome.dataRecord!.get(0x9f33)!,
      )
    expect([await dataOf(999n), await dataOf(1000n)]).toEqual(['000808', '006008'])
  })
})

describe('the balance', () => {
  const balances = () => {
    let count = 0
    return { '80CA9F50': () => `9F5006${['000000012345', '000000012245'][count++]}9000` }
  }
  const wanted = { DF8104: '', DF8105: '' }

  it('is read before and after the cryptogram, and shown with an approval in the card’s currency', async () => {
    const { outcome, sent } = await pay({ data: wanted, more: balances() })
    expect(sent.slice(-3).map(command => command.slice(0, 8))).toEqual(['80CA9F50', '80AE5000', '80CA9F50'])
    expect(outcome.uiOnOutcome!.value).toEqual({ qualifier: 'balance', amount: 12_245n, currency: 643 })
    expect(hex(outcome.discretionaryData!.get(0xdf8104)!)).toBe('000000012345')
    expect(hex(outcome.discretionaryData!.get(0xdf8105)!)).toBe('000000012245')
  })

  it.each([
    ['the reader wants it before only', { DF8104: '' }, '010200', ['80CA', '80AE']],
    ['the reader wants it after only', { DF8105: '' }, '010200', ['80AE', '80CA']],
    ['the card does not support it', wanted, '010000', ['00B2', '80AE']],
    ['the reader does not want it', {}, '010200', ['00B2', '80AE']],
  ])('is read as far as both want it: %s', async (_, data, capabilities, commands) => {
    const { sent } = await pay({ data, more: balances(), fci: { '9F5D': capabilities } })
    expect(sent.slice(-2).map(command => command.slice(0, 4))).toEqual(commands)
  })

  it('that a card does not tell changes nothing', async () => {
    for (const answer of ['6A88', '9F500500000012349000', '9F36060000000123459000', '9000']) {
      const { outcome } = await pay({ data: wanted, more: { '80CA9F50': answer } })
      expect(outcome.status).toBe('approved')
      expect(outcome.uiOnOutcome!.value).toBeUndefined()
      expect(outcome.discretionaryData!.has(0xdf8105)).toBe(false)
    }
  })

  it('after the cryptogram may be cut off by a card that leaves; before it the card is asked for again', async () => {
    const { outcome } = await pay({ data: { DF8105: '' }, more: { '80CA9F50': 'removed' } })
    expect(outcome.status).toBe('approved')
    await expect(pay({ data: { DF8104: '' }, more: { '80CA9F50': 'removed' } })).rejects.toMatchObject({ code: 'card-removed' })
  })

  it('is not shown with an online request, nor with a decline', async () => {
    for (const cid of ['80', '00']) {
      const answers = { ...signingCard('0180', cdol, { cid }), ...balances() }
      const { outcome } = await pay({ data: { DF8105: '' }, answers })
      expect(outcome.uiOnOutcome!.value).toBeUndefined()
    }
  })
})

describe('field-off detection', () => {
  it('switches the field off for the hold time after every outcome, where the card can tell (9F5D byte 2, b3)', async () => {
    expect((await pay({ fci: { '9F5D': '010400' } })).outcome.fieldOff).toBe(1300)
    expect((await pay({ fci: { '9F5D': '010400' }, more: { '80AE': '6985' } })).outcome.fieldOff).toBe(1300)
    expect((await pay()).outcome.fieldOff).toBeUndefined()
  })
})

describe('relay resistance', () => {
  // The card says 0 to 20 ms, 2.4 ms on the line; entropy 01 02 03 04.
  const said = '01020304000000C80018'
  const relay = { '80EA': `800A${said}9000` }

  it('without CDA goes to the issuer in track 2: key index, counter, entropy, time', async () => {
    const clock = new VirtualClock(new Date('2024-05-01T12:00:00'))
    const { afl, answers } = certifiedFiles('0081', cdol)
    const run = pay({
      clock,
      data: { DF811B: '10' },
      answers: {
        ...answers,
        ...relay,
        '80A8': format2({ '82': '0081', '94': afl }),
        '80AE': format2({ '9F27': '40', '9F36': '0001', '9F26': '0102030405060708' }),
      },
    })
    const { outcome } = await clock.settle(run)
    // Index 92 of the CA key is none of one digit; no repetition; 0304 is 00772, 02 is 002; no time passed.
    expect(hex(outcome.dataRecord!.get(0x57)!)).toBe('1234560012345608D25122010000772002000F')
    expect(hex(outcome.dataRecord!.get(0x95)!)).toBe('8000008002')
  })

  it('with CDA is signed by both sides’ entropy', async () => {
    const signed = (behind: string) =>
      pay({ data: { DF811B: '10' }, answers: { ...signingCard('0181', cdol, { cid: '40', behind }), ...relay } })
    expect((await signed(`07070707${said}`)).outcome.status).toBe('approved')
    expect((await signed(`07070708${said}`)).outcome.status).toBe('endApplication')
    expect((await signed(said)).outcome.status).toBe('endApplication')
    expect((await signed('')).outcome.status).toBe('endApplication')
  })
})

describe('mag-stripe taps that fail', () => {
  const record = format2({ '9F65': '000E', '9F66': '0E70', '9F6B': '5413339000001513D49121019000990000000F', '9F67': '03' }, 0x70)
  const good = '770A9F6102A2C49F360203F99000'

  /** Taps one after the other in one reader; gives back how long each took. */
  async function taps(answers: readonly Answer[], torn = new TornLog(), clock = new VirtualClock()) {
    const kernel = kernelOf({ clock, data: { DF811B: '00' }, settings: { torn } })
    const waits: number[] = []
    const statuses: string[] = []
    for (const answer of answers) {
      const started = clock.now()
      const run = scriptedTap(kernel, {
        aid: signedAid,
        answers: { '80A8': '770A820200009404080101009000', '00B2010C': record, '802A': answer },
      })
      statuses.push((await clock.settle(run)).outcome.status)
      waits.push(clock.now() - started)
    }
    return { waits, statuses }
  }

  it('wait 300 ms, twice as long after each, up to 9.6 s', async () => {
    const { waits } = await taps(Array(8).fill('6985'))
    expect(waits).toEqual([300, 600, 1200, 2400, 4800, 9600, 9600, 9600])
  })

  it('begin anew after a good one', async () => {
    const { waits, statuses } = await taps(['6985', '6985', good, '6985', good])
    expect(waits).toEqual([300, 600, 0, 300, 0])
    expect(statuses[2]).toBe('onlineRequest')
  })

  it.each([
    ['a card that leaves', 'removed', 'endApplication'],
    ['no counter', '77059F6102A2C49000', 'endApplication'],
    ['no checksum and no reason', '77059F360203F99000', 'endApplication'],
    ['no checksum and a decline', '770B9F360203F9DF4B030000009000', 'declined'],
    ['a phone that wants its holder', '770B9F360203F9DF4B030001009000', 'endApplication'],
    ['no TLV', '77FF9000', 'endApplication'],
    ['format 1', '800212349000', 'endApplication'],
  ])('count %s', async (_, answer, status) => {
    expect(await taps([answer, answer])).toEqual({ waits: [300, 600], statuses: [status, status] })
  })

  it('end for data of another shape, or a first track without its places, before a checksum is asked for', async () => {
    const stripe = { '9F65': '000E', '9F66': '0E70', '9F6B': '5413339000001513D49121019000990000000F', '9F67': '03' }
    const first = {
      '56': '42343736315E4F574E45525E343031323230313030303030303030',
      '9F62': '000000000E00',
      '9F63': '0000000E7000',
      '9F64': '03',
    }
    const run = async (objects: Record<string, string>, answer: string) => {
      const clock = new VirtualClock()
      const tapped = scriptedTap(kernelOf({ clock, data: { DF811B: '00' } }), {
        aid: signedAid,
        answers: { '80A8': '770A820200009404080101009000', '00B2010C': format2(objects, 0x70), '802A': answer },
      })
      const { outcome, sent } = await clock.settle(tapped)
      return [
        outcome.status,
        hex(outcome.discretionaryData!.get(0xdf8115) ?? new Uint8Array()).slice(2, 4),
        sent.some(one => one.startsWith('802A')),
      ]
    }
    const both = '770F9F6102A2C49F600211229F360203F99000'
    expect(await run({ ...stripe, ...first }, both)).toEqual(['onlineRequest', '', true])
    expect(await run({ ...stripe, '9F65': '00000E' }, both)).toEqual(['endApplication', '04', false])
    expect(await run({ ...stripe, ...first, '9F62': '' }, both)).toEqual(['endApplication', '06', false])
    expect(await run({ ...stripe, ...first, '9F63': '000000000070' }, both)).toEqual(['endApplication', '06', false])
    expect(await run(stripe, '770B9F6102A2C49F36030003F99000')).toEqual(['endApplication', '04', true])
    expect(await run({ ...stripe, ...first }, good)).toEqual(['endApplication', '01', true]) // no CVC3 of track 1
  })

  it('are counted by the reader, over payments', async () => {
    const torn = new TornLog()
    await taps(['6985', '6985'], torn)
    expect((await taps(['6985'], torn)).waits).toEqual([1200])
  })

  it('end at once when the payment is given up', async () => {
    const clock = new VirtualClock()
    const controller = new AbortController()
    const kernel = kernelOf({ clock, data: { DF811B: '00' } })
    const run = scriptedTap(activation => kernel({ ...activation, signal: controller.signal }), {
      aid: signedAid,
      answers: { '80A8': '770A820200009404080101009000', '00B2010C': record, '802A': '6985' },
    })
    const failed = expect(run).rejects.toMatchObject({ code: 'aborted' })
    await clock.settle(sleep(100, clock))
    controller.abort()
    await failed
    expect(clock.pending).toBe(0)
  })
})
