/** Public transcripts of contactless cards, played through Entry Point and kernel: the same commands, the cards' real signatures, the expected ends. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { fromHex, fromText, hex, text } from '../src/bytes.ts'
import { parseCaKey } from '../src/emv/ca-keys.ts'
import type { Card } from '../src/emv/card.ts'
import type { TerminalConfig } from '../src/emv/config.ts'
import { amexKernel } from '../src/emv/contactless/amex.ts'
import { parsePpse, requestedKernel } from '../src/emv/contactless/candidates.ts'
import { type ContactlessKernel, EntryPoint } from '../src/emv/contactless/entry.ts'
import { mastercardKernel } from '../src/emv/contactless/mastercard.ts'
import { russianMpos } from '../src/emv/profiles.ts'
import { write } from '../src/tlv/ber.ts'

const load = (name: string) => JSON.parse(readFileSync(join(import.meta.dirname, `vectors/${name}.json`), 'utf8'))
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
  .filter(key => key.rid === 'A000000025' && key.hash_matches)
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
