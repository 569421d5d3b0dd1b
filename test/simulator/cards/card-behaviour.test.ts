/** How virtual cards behave: strict commands and order, offline limits, issuer scripts, T=0, faults, and profiles that are refused. */

import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { loadCard, VirtualCard } from '../../../simulator/cards/icc.ts'
import { issuerView } from '../../../simulator/cards/issuer-view.ts'
import type { CardProfile } from '../../../simulator/cards/profile/profile.ts'
import { type ProfileName, profiles } from '../../../simulator/cards/profiles/index.ts'
import { fromHex, hex } from '../../../src/bytes.ts'
import { VirtualClock } from '../../../src/clock.ts'
import { cryptogramVersions, pinChangeCommand } from '../../../src/crypto/cryptogram-version.ts'
import { isFault } from '../../../src/errors.ts'
import { approval, cardKeys, generate, leaves, open, secured, send, sessionOf, terminalData, verifyPin } from './card-bench.ts'

const visa = 'A0000000031010'
const mir = 'A0000006581010'
const mastercard = 'A0000000041010'
const cid = async (answer: ReturnType<typeof generate>) => hex((await answer).objects.get('9F27')!)

describe('strict commands', () => {
  it.each([
    ['unknown class', 'A0A4040007A000000003101000', '6E00'],
    ['unknown instruction', '00FF000000', '6D00'],
    ['instruction of another class', '80A4040007A000000003101000', '6E00'],
    ['SELECT by file identifier', '00A40000023F0000', '6A86'],
    ['SELECT last occurrence', '00A4040307A000000003101000', '6A86'],
    ['SELECT without a name', '00A4040000', '6700'],
    ['Lc beyond the data', '00A4040008A0000000031010', '6700'],
    ['data beyond Le', '00A4040007A00000000310100000', '6700'],
    ['three bytes', '00A404', '6700'],
    ['unknown application', '00A4040007A000000999101000', '6A82'],
    ['READ RECORD before anything', '00B2010C00', '6985'],
    ['GET PROCESSING OPTIONS before SELECT', '80A8000002830000', '6985'],
    ['GET DATA before SELECT', '80CA9F3600', '6985'],
    ['VERIFY before SELECT', '0020008008241234FFFFFFFFFF', '6985'],
    ['GENERATE AC before SELECT', '80AE80000100', '6985'],
    ['script before a cryptogram', '841E0000080000000000000000', '6985'],
  ])('%s', async (_, command, sw) => {
    expect((await send(loadCard('offline-pin').contact(), command)).sw).toBe(sw)
  })

  const initiated: [what: string, command: string, sw: string][] = [
    ['GET PROCESSING OPTIONS twice', '80A8000008830600000000000000', '6985'],
    ['READ RECORD with another reference', '00B2010A00', '6A86'],
    ['READ RECORD of record 0', '00B2001400', '6A86'],
    ['a record that is not there', '00B2091400', '6A83'],
    ['a file that is not there', '00B2015400', '6A82'],
    ['GET DATA of what the card does not tell', '80CA9F2600', '6A88'],
    ['VERIFY with another qualifier', '0020008108241234FFFFFFFFFF', '6A86'],
    ['VERIFY of 7 bytes', '0020008007241234FFFFFFFF', '6700'],
    ['enciphered PIN without a challenge', '0020008808241234FFFFFFFFFF', '6984'],
    ['INTERNAL AUTHENTICATE of 3 bytes', '008800000301020300', '6700'],
    ['GENERATE AC of the fourth kind', `80AEC0001D${'00'.repeat(29)}00`, '6A86'],
    ['CDA of a card without', `80AE90001D${'00'.repeat(29)}00`, '6A86'],
    ['GENERATE AC with too little data', `80AE80001C${'00'.repeat(28)}00`, '6700'],
    ['EXTERNAL AUTHENTICATE before an ARQC', '00820000080102030405060708', '6985'],
  ]
  it.each(initiated)('after GPO: %s', async (_, command, sw) => {
    expect((await send((await open(loadCard('offline-pin'), visa)).card, command)).sw).toBe(sw)
  })

  it('GPO with other data than the PDOL asks for', async () => {
    const card = loadCard('offline-pin').contact()
    await send(card, `00A4040007${visa}00`)
    expect((await send(card, '80A8000002830000')).sw).toBe('6700')
    expect((await send(card, '80A80000088506E0F8C806432200')).sw).toBe('6A80')
    expect((await send(card, '80A80000088306E0F8C806432200')).sw).toBe('9000')
  })

  it('refuses what comes after the end, and starts anew with SELECT', async () => {
    const card = await open(loadCard('offline-pin'), visa)
    expect(await cid(generate(card, '00', '8C'))).toBe('00')
    expect((await generate(card, '00', '8C')).sw).toBe('6985')
    expect((await send(card.card, '008800000401020304')).sw).toBe('6985')
    expect(await verifyPin(card.card, '1234')).toBe('6985')
    await send(card.card, `00A4040007${visa}00`)
    expect((await send(card.card, '80A80000088306E0F8C806432200')).sw).toBe('9000')
  })

  it('a second ARQC is refused, a second TC and an AAC are not', async () => {
    const card = await open(loadCard('mir'), mir)
    const arqc = await generate(card, '80', '8C')
    expect((await generate(card, '80', '8D')).sw).toBe('6985')
    const values = { ...terminalData, '91': approval(issuerView(profiles.mir)[0], arqc) }
    expect(await cid(generate(card, '40', '8D', values))).toBe('40')
  })

  it('EXTERNAL AUTHENTICATE once only, and not on a card that does it in GENERATE AC', async () => {
    const [account] = issuerView(profiles['offline-pin'])
    const card = await open(loadCard('offline-pin'), visa)
    const data = approval(account, await generate(card, '80', '8C'))
    expect((await send(card.card, `0082000008${data}`)).sw).toBe('9000')
    expect((await send(card.card, `0082000008${data}`)).sw).toBe('6985')
    const other = await open(loadCard('mir'), mir)
    await generate(other, '80', '8C')
    expect((await send(other.card, `0082000008${data}`)).sw).toBe('6985')
  })

  it('any command gets an answer with a status word; none without its MAC unblocks or blocks anything', async () => {
    const virtual = loadCard('script-updating')
    const session = await open(virtual, mir)
    await generate(session, '80', '8C')
    const { card } = session
    const heads = ['00A40400', '00B20114', '80CA9F36', '00200080', '80AE4000', '841E0000', '84240002', '04DA9F58', '04DC0114', '00C00000']
    const likely = fc.tuple(fc.constantFrom(...heads), fc.uint8Array({ maxLength: 40 })).map(([head, data]) => {
      return fromHex(head + (data.length > 0 ? hex(Uint8Array.of(data.length)) + hex(data) : '00'))
    })
    await fc.assert(
      fc.asyncProperty(fc.oneof(likely, fc.uint8Array({ maxLength: 40 })), async bytes => {
        const answer = await card.transmit(bytes)
        expect(answer.length).toBeGreaterThanOrEqual(2)
      }),
      { numRuns: 3000, seed: 20 },
    )
    expect(virtual.state).toMatchObject({ blocked: false, pinTriesLeft: 0, applications: [{ blocked: false }] })
  })
})

describe('selection', () => {
  it('blocked application 6283 with its FCI, blocked card 6A81', async () => {
    const blocked = await send(loadCard('blocked-application').contact(), `00A4040007${visa}00`)
    expect([blocked.sw, hex(leaves(blocked.data).get('84')!)]).toEqual(['6283', visa])
    const card = loadCard('blocked-card').contact()
    expect((await send(card, `00A4040007${visa}00`)).sw).toBe('6A81')
    expect((await send(card, '00A404000E315041592E5359532E444446303100')).sw).toBe('6A81')
  })

  it('next occurrence of a partial name', async () => {
    const card = loadCard('long-aids').contact()
    const name = async (p2: string) => {
      const { sw, data } = await send(card, `00A404${p2}07${visa}00`)
      return sw === '9000' ? hex(leaves(data).get('84')!) : sw
    }
    expect([await name('00'), await name('02'), await name('02'), await name('00')]).toEqual([
      `${visa}01`,
      `${visa}02`,
      '6A82',
      `${visa}01`,
    ])
    expect((await send(card, '00A404000E315041592E5359532E444446303100')).sw).toBe('6A82')
  })

  it('FCI tells languages, code table, preferred name and confirmation', async () => {
    const cyrillic = leaves((await send(loadCard('mir').contact(), `00A4040007${mir}00`)).data)
    expect([hex(cyrillic.get('9F12')!), hex(cyrillic.get('9F11')!), hex(cyrillic.get('5F2D')!)]).toEqual(['BCB8C0', '05', '7275'])
    expect(hex(leaves((await send(loadCard('confirm').contact(), `00A4040007${visa}00`)).data).get('87')!)).toBe('81')
  })

  it('GPO refused with 6985', async () => {
    const card = loadCard('refuses-initiation').contact()
    await send(card, `00A4040007${visa}00`)
    expect((await send(card, '80A8000002830000')).sw).toBe('6985')
  })
})

describe('what the card decides', () => {
  const first = async (name: ProfileName, aid: string, p1: string, values = terminalData) =>
    cid(generate(await open(loadCard(name), aid), p1, '8C', values))

  it.each([
    ['offline-approve', visa, '40', '40'],
    ['offline-approve', visa, '80', '80'],
    ['offline-approve', visa, '00', '00'],
    ['offline-decline', visa, '40', '08'],
    ['offline-decline', visa, '80', '08'],
    ['online-only', visa, '40', '80'],
    ['new-card', visa, '40', '80'],
    ['blocked-application', visa, '40', '00'],
  ] as const)('%s: asked for %s %s, gives %s', async (name, aid, asked, given) => {
    expect(await first(name, aid, asked)).toBe(given)
  })

  it('counts offline approvals and goes online over its limits', async () => {
    const virtual = loadCard('offline-limits')
    const small = { ...terminalData, '9F02': '000000010000' }
    const pay = async (values: typeof terminalData) => cid(generate(await open(virtual, mastercard, values), '40', '8C', values))
    expect(await pay(small)).toBe('40')
    expect(await pay({ ...small, '9F02': '000000040001' })).toBe('80') // 100.00 + 400.01 > 500.00
    expect(virtual.state.applications[0]).toMatchObject({ consecutiveOffline: 1, cumulativeOffline: 100_00 })
  })

  it('a third approval in a row is asked online; unable to go online it is given up to the last limit; a good issuer answer clears it', async () => {
    const virtual = loadCard('offline-limits')
    const [account] = issuerView(profiles['offline-limits'])
    const small = { ...terminalData, '9F02': '000000000100' }
    const start = () => open(virtual, mastercard, small)
    for (let i = 0; i < 2; i++) expect(await cid(generate(await start(), '40', '8C', small))).toBe('40')
    const unable = { ...small, '8A': '5933' }
    for (const expected of ['40', '40', '00']) {
      const card = await start()
      expect(await cid(generate(card, '40', '8C', small))).toBe('80')
      expect(await cid(generate(card, '40', '8D', unable))).toBe(expected)
    }
    expect(virtual.state.applications[0].consecutiveOffline).toBe(4)
    const card = await start()
    const arqc = await generate(card, '40', '8C', small)
    expect(await cid(generate(card, '40', '8D', { ...small, '91': approval(account, arqc) }))).toBe('40')
    expect(virtual.state.applications[0]).toMatchObject({ consecutiveOffline: 0, cumulativeOffline: 0 })
    expect(await cid(generate(await start(), '40', '8C', small))).toBe('40')
  })

  it('keeps a log of its transactions, the latest first', async () => {
    const virtual = loadCard('offline-limits')
    for (const amount of ['000000000100', '000000000200']) {
      const values = { ...terminalData, '9F02': amount }
      await generate(await open(virtual, mastercard, values), '40', '8C', values)
    }
    const card = virtual.contact()
    const fci = leaves((await send(card, `00A4040007${mastercard}00`)).data)
    expect(hex(fci.get('9F4D')!)).toBe('0B05')
    expect(hex((await send(card, '80CA9F4F00')).data)).toBe('9F4F139A039F02065F2A029F1A029C019F36029F2701')
    const entries = [await send(card, '00B2015C00'), await send(card, '00B2025C00'), await send(card, '00B2035C00')]
    expect(entries.map(({ data, sw }) => hex(data) + sw)).toEqual([
      '2611210000000002000643064300001240' + '9000',
      '2611210000000001000643064300001140' + '9000',
      '6A83',
    ])
  })

  it('foreign currency goes online', async () => {
    const abroad = { ...terminalData, '9F02': '000000000100', '5F2A': '0978' }
    expect(await first('offline-limits', mastercard, '40', abroad)).toBe('80')
  })

  it('declines without issuer authentication where it is required, and after the host approved where the profile says so', async () => {
    for (const [name, aid] of [
      ['mir', mir],
      ['online-only', visa],
    ] as const) {
      const card = await open(loadCard(name), aid)
      await generate(card, '80', '8C')
      expect(await cid(generate(card, '40', '8D'))).toBe('00')
    }
    const card = await open(loadCard('declines-after-online'), mir)
    const arqc = await generate(card, '80', '8C')
    const values = { ...terminalData, '91': approval(issuerView(profiles['declines-after-online'])[0], arqc) }
    expect(await cid(generate(card, '40', '8D', values))).toBe('00')
  })

  it('obeys a Card Status Update', async () => {
    const run = async (csu: string) => {
      const virtual = loadCard('script-updating')
      const card = await open(virtual, mir)
      const arqc = await generate(card, '80', '8C')
      const values = { ...terminalData, '91': approval(issuerView(profiles['script-updating'])[0], arqc, csu) }
      return { cid: await cid(generate(card, '40', '8D', values)), state: virtual.state }
    }
    expect(await run('00800000')).toMatchObject({ cid: '40', state: { blocked: false, pinTriesLeft: 0 } })
    expect(await run('02900000')).toMatchObject({ cid: '40', state: { pinTriesLeft: 2 } })
    expect((await run('00000000')).cid).toBe('02') // not approved; PIN try limit exceeded
    expect(await run('00A00000')).toMatchObject({ cid: '02', state: { applications: [{ blocked: true }] } })
    expect(await run('00C00000')).toMatchObject({ cid: '02', state: { blocked: true } })
  })

  it('9F10 of the next transaction tells that the last was not completed', async () => {
    const virtual = loadCard('visa-signature')
    const iad = async () => hex((await generate(await open(virtual, visa), '80', '8C')).objects.get('9F10')!)
    expect([await iad(), await iad()]).toEqual(['06010A03A02000', '06010A03A0A000'])
  })
})

describe('issuer scripts', () => {
  const online = async (name: ProfileName, aid: string) => {
    const virtual = loadCard(name)
    const [account] = issuerView(profiles[name])
    const card = await open(virtual, aid)
    const arqc = await generate(card, '80', '8C')
    const script = async (head: string, data = '') => (await send(card.card, secured(account, arqc, head, data))).sw
    return { virtual, account, card, arqc, script }
  }

  it('blocks and unblocks the application, blocks the card', async () => {
    const { virtual, card, script } = await online('script-updating', mir)
    expect(await script('841E0000')).toBe('9000')
    expect(virtual.state.applications[0].blocked).toBe(true)
    expect(await cid(generate(card, '40', '8D'))).toBe('02')
    expect(await script('84180000')).toBe('9000')
    expect(virtual.state.applications[0].blocked).toBe(false)
    expect(await script('84160000')).toBe('9000')
    expect((await send(virtual.contact(), `00A4040007${mir}00`)).sw).toBe('6A81')
  })

  it('refuses a wrong MAC, a missing one, and what the profile does not take', async () => {
    const { virtual, account, card, arqc } = await online('script-updating', mir)
    const wrong = secured(account, arqc, '841E0000').replace(/.$/, digit => (digit === '0' ? '1' : '0'))
    expect((await send(card.card, wrong)).sw).toBe('6988')
    expect((await send(card.card, '841E0000')).sw).toBe('6987')
    expect(virtual.state.applications[0].blocked).toBe(false)
    expect(await (await online('no-scripts', visa)).script('841E0000')).toBe('6D00')
  })

  it('a MAC of the transaction before is of no use', async () => {
    const { virtual, account, arqc } = await online('script-updating', mir)
    const later = await open(virtual, mir)
    await generate(later, '80', '8C')
    expect((await send(later.card, secured(account, arqc, '841E0000'))).sw).toBe('6988')
  })

  it('unblocks the PIN', async () => {
    const { virtual, script } = await online('script-updating', mir)
    expect(await script('84240000')).toBe('9000')
    expect(virtual.state.pinTriesLeft).toBe(3)
  })

  it.each([
    ['visa10', 'emvpt', 'AFFFFFFFFF1234', undefined],
    ['visa10 over the current PIN', 'emvpt', 'AFFFFFFFFF1234', '1234'],
    ['visa18', 'offline-pin', visa, undefined],
    ['mastercard20', 'enciphered-pin', mastercard, undefined],
    ['ccd', 'script-updating', mir, undefined],
  ] as const)('changes the PIN, %s', async (_, name, aid, current) => {
    const { virtual, account, card, arqc } = await online(name, aid)
    const digits = (pin: string) => Uint8Array.from(pin, Number)
    const version = cryptogramVersions[account.version]
    const command = pinChangeCommand(version, cardKeys(account), sessionOf(arqc), digits('98765'), current && digits(current))
    expect((await send(card.card, hex(command))).sw).toBe('9000')
    const again = await open(virtual, aid)
    expect(await verifyPin(again.card, '1234')).toMatch(/^63C/)
    expect(await verifyPin(again.card, '98765')).toBe('9000')
  })

  it('changes limits and records, and tells the next transaction how scripts went', async () => {
    const { virtual, card, script } = await online('offline-limits', mastercard)
    expect(await script('04DA9F58', '01')).toBe('9000')
    expect(await script('04DA9F54', '000000000500')).toBe('9000')
    expect(await script('04DA9F36', '0001')).toBe('6A88')
    expect(hex((await send(card.card, '80CA9F5800')).data)).toBe('9F580101')
    expect(await script('04DC0114', '70045F280246')).toBe('9000')
    expect(await script('04DC0914', '7000')).toBe('6A83')
    const next = await open(virtual, mastercard)
    expect(hex(next.objects.get('5F28')!)).toBe('46')
    const results = (await generate(next, '80', '8C')).objects.get('9F10')!
    expect([results[4] >> 4, results[6] & 0x03]).toEqual([3, 3]) // three done, one at least failed
  })
})

describe('T=0', () => {
  it('keeps data for GET RESPONSE and tells the length', async () => {
    const card = loadCard('visa-signature').contact()
    const raw = async (command: string) => hex(await card.transmit(fromHex(command)))
    expect(card.atr[1] >> 4).toBe(6)
    expect(await raw('00C0000010')).toBe('6985')
    const select = await raw(`00A4040007${visa}`)
    expect(select).toMatch(/^61..$/)
    expect(await raw('00C0000000')).toBe(`6C${select.slice(2)}`)
    expect(await raw('00C0000004')).toBe('6F208407611E')
    await raw(`00A4040007${visa}`)
    expect(await raw(`00C00000${select.slice(2)}`)).toMatch(/^6F.*9000$/)
    await raw('80A80000028300')
    expect(await raw('00B2010C00')).toMatch(/^6C..$/)
  })

  it('an answer that was not fetched is gone after the next command', async () => {
    const card = loadCard('visa-signature').contact()
    await card.transmit(fromHex(`00A4040007${visa}`))
    await card.transmit(fromHex('80CA9F3600'))
    expect(hex(await card.transmit(fromHex('00C0000010')))).toBe('6985')
  })
})

describe('faults', () => {
  const select = fromHex(`00A4040007${visa}00`)

  it('slow: the answer comes after its delay, by the clock that was given', async () => {
    const clock = new VirtualClock()
    const from = clock.now()
    await clock.settle(loadCard('slow', { clock }).contact().transmit(select))
    expect(clock.now() - from).toBe(400)
  })

  it('silent: card-mute after the waiting time, and nothing left over', async () => {
    const clock = new VirtualClock()
    const answer = loadCard('silent').contact({ clock }).transmit(select)
    await expect(clock.settle(answer)).rejects.toMatchObject({ code: 'card-mute' })
    expect(clock.pending).toBe(0)
  })

  it('cancelled or pulled while the card thinks', async () => {
    const clock = new VirtualClock()
    const stop = new AbortController()
    const session = loadCard('slow').contact({ clock })
    const cancelled = session.transmit(select, { signal: stop.signal })
    stop.abort()
    await expect(cancelled).rejects.toMatchObject({ code: 'aborted' })
    const pulled = session.transmit(select)
    session.remove()
    await expect(pulled).rejects.toMatchObject({ code: 'card-removed' })
    await expect(session.transmit(select)).rejects.toMatchObject({ code: 'card-removed' })
    expect(clock.pending).toBe(0)
  })

  it('one command at a time', async () => {
    const clock = new VirtualClock()
    const session = loadCard('slow').contact({ clock })
    const one = session.transmit(select)
    await expect(session.transmit(select)).rejects.toMatchObject({ code: 'busy' })
    expect(hex((await clock.settle(one)).subarray(-2))).toBe('9000')
  })

  it('pulled at the eighth command, silent from the seventh', async () => {
    await expect(open(loadCard('pulled'), mir)).rejects.toMatchObject({ code: 'card-removed' })
    const clock = new VirtualClock()
    await expect(clock.settle(open(loadCard('silent-later', { clock }), mir))).rejects.toMatchObject({ code: 'card-mute' })
  })

  it.each([
    ['garbage', 6, '6F82108407A0009000'],
    ['short-answers', 4, '90'],
    ['odd-status', 5, '6F00'],
  ] as const)('%s at command %i', async (name, at, bytes) => {
    const card = loadCard(name).contact()
    for (let i = 1; i < at; i++) expect(hex((await card.transmit(select)).subarray(-2))).toBe('9000')
    expect(hex(await card.transmit(select))).toBe(bytes)
    expect(hex((await card.transmit(select)).subarray(-2))).toBe('9000')
  })
})

describe('bad profiles are refused with a path and a rule', () => {
  const base = profiles.mir as CardProfile
  const [application] = base.applications
  const app = (changes: object): object => ({ ...base, applications: [{ ...application, ...changes }] })
  const rows: [path: string, rule: RegExp, profile: unknown][] = [
    ['(profile)', /expected object/, 'a string'],
    ['pan', /Luhn/, { ...base, pan: '2200000000000000' }],
    ['expires', /YYMMDD/, { ...base, expires: '401331' }],
    ['effective', /not after/, { ...base, effective: '410101' }],
    ['serviceCode', /3 digits/, { ...base, serviceCode: '20' }],
    ['applications', /1/, { ...base, applications: [] }],
    ['pin.triesLeft', /tryLimit/, { ...base, pin: { digits: '1234', tryLimit: 3, triesLeft: 4 } }],
    ['applications.0.aid', /5 to 16 bytes/, app({ aid: 'A0' })],
    ['applications.0.aid', /hex digits/, app({ aid: 'A00000065810zz' })],
    ['applications.0.cdol1', /length of one byte/, app({ cdol1: '9F02' })],
    ['applications.0.cdol1', /asks for 9F37/, app({ cdol1: '9F02 06 95 05' })],
    ['applications.0.cvm.rules.0.method', /./, app({ cvm: { rules: [{ method: 'retina' }] } })],
    [
      'applications.0.cvm.rules',
      /needs the card to have a pin/,
      { ...app({ cvm: { rules: [{ method: 'offlinePin' }] } }), pin: undefined },
    ],
    ['applications.0.oda', /certified key/, app({ cvm: { rules: [{ method: 'encipheredPin' }] }, oda: { method: 'none' } })],
    ['applications.0.oda.issuerKey', /one of issuer-1152/, app({ oda: { method: 'dda', issuerKey: 'issuer-9' } })],
    ['applications.0.oda.issuerKey', /cannot be certified/, app({ oda: { method: 'dda', caKey: 0xe2, issuerKey: 'issuer-1976' } })],
    ['applications.0.oda.issuerKey', /no test CA key A000000658 E9/, app({ oda: { method: 'dda', caKey: 0xe9 } })],
    ['applications.0.oda.iccKey', /cannot be certified/, app({ oda: { method: 'dda', issuerKey: 'issuer-1152', iccKey: 'icc-1408' } })],
    ['applications.0.oda.iccKey', /1640 bits/, app({ oda: { method: 'cda', caKey: 0xe3, issuerKey: 'issuer-1976', iccKey: 'icc-1976' } })],
    ['applications.0.codeTable', /code table/, app({ preferredName: 'X', codeTable: undefined })],
    ['applications.0.preferredName', /./, app({ preferredName: 'Мир', codeTable: 5 })],
    ['applications.0.iac', /all three/, app({ iac: { denial: '0000000000' } })],
    ['applications.0.layout', /no record holds/, app({ layout: [{ sfi: 1, record: 1, tags: ['5A'] }] })],
    ['applications.0.layout', /log/, app({ log: { records: 3 }, layout: [{ sfi: 11, record: 1, tags: ['5A'] }] })],
    ['applications', /own AID/, { ...base, applications: [application, application] }],
    ['applications.0', /unrecognized key.*colour/i, app({ colour: 'red' })],
  ]
  it.each(rows)('%s: %s', (path, rule, profile) => {
    try {
      new VirtualCard(profile as CardProfile)
      expect.unreachable('the profile was taken')
    } catch (error) {
      if (!isFault(error, 'bad-config')) throw error
      expect(error.details.path).toBe(path)
      expect(error.details.rule).toMatch(rule)
      expect(error.message).toContain(path)
    }
  })

  it('an unknown name tells the known ones', () => {
    expect(() => loadCard('no-such-card')).toThrow(/no-such-card.*mir-maestro/)
  })

  it('a message never has the PAN in it', () => {
    const bad = { ...base, pan: '2200000000000000', expires: 'x' }
    expect(() => new VirtualCard(bad)).toThrow(expect.objectContaining({ message: expect.not.stringContaining('2200000') }))
  })
})

it('the stripe is the chip card’s own', () => {
  const { stripe } = loadCard('mir-maestro')
  expect(stripe).toEqual({ track1: 'B2200000000000103^TESTOV/TEST^40122010000000000', track2: '2200000000000103=40122010000000000' })
})

describe('docs/cards.md', () => {
  const page = readFileSync(new URL('../../../docs/cards.md', import.meta.url), 'utf8')

  it('names every profile', () => {
    const table = page.slice(page.indexOf('## Profiles'), page.indexOf('The PIN is 1234'))
    const named = [...table.matchAll(/`([a-z0-9-]+)`/g)].map(([, name]) => name).sort()
    expect([...new Set(named)]).toEqual(Object.keys(profiles).sort())
  })

  it('its shortest profile is a card that pays', async () => {
    const [, literal] = /const mine: CardProfile = (\{[\s\S]*?\n\})\n/.exec(page)!
    const mine = new Function(`return ${literal}`)() as CardProfile
    const card = await open(loadCard(mine), visa)
    const arqc = await generate(card, '80', '8C')
    expect(await cid(generate(card, '40', '8D', { ...terminalData, '91': approval(issuerView(mine)[0], arqc) }))).toBe('40')
  })
})
