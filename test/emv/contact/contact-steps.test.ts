/** Selection, records and data authentication in one go: recorded cards, the card of emvpt, and every virtual card. */

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { loadCard } from '../../../simulator/cards/icc.ts'
import type { ProfileName } from '../../../simulator/cards/profiles/index.ts'
import { testCaKeys, testRevoked } from '../../../simulator/keys.ts'
import { concat, fromHex, hex } from '../../../src/bytes.ts'
import { currency } from '../../../src/currency.ts'
import { parseCaKey } from '../../../src/emv/ca-keys.ts'
import type { Card } from '../../../src/emv/card.ts'
import type { TerminalConfig } from '../../../src/emv/config.ts'
import { authenticate } from '../../../src/emv/contact/authenticate.ts'
import { startApplication } from '../../../src/emv/contact/initiate.ts'
import { transact } from '../../../src/emv/contact/kernel.ts'
import { buildCandidateList } from '../../../src/emv/contact/select.ts'
import { canRequestCda } from '../../../src/emv/oda/combined.ts'
import { recoverPinKey } from '../../../src/emv/oda/keys.ts'
import { readRecords } from '../../../src/emv/steps/records.ts'
import type { Terminal } from '../../../src/emv/terminal.ts'
import { readOne, write } from '../../../src/tlv/ber.ts'
import published from '../../vectors/ca_public_keys.json' with { type: 'json' }
import transcripts from '../../vectors/card_transcripts.json' with { type: 'json' }
import emvpt from '../../vectors/emvpt_contact_test_card.json' with { type: 'json' }
import { caKey, keys } from '../oda/oda-card.ts'
import { testConfig } from './kernel-fixture.ts'
import { application, bench, scriptedCard } from './scripted-card.ts'

/** Live and test keys that somebody published with a checksum. */
const ca = published.keys
  .filter(key => key.hash_matches && key.modulus_bits <= 1984 && key.exponent !== '02')
  .map(key => parseCaKey({ ...key, checksum: key.claimed_hash }))

/** The steps from the candidate list to data authentication. */
async function steps(card: Card, config: Partial<TerminalConfig>, today: string, unpredictable = '01234567') {
  const at = bench(card, { ...config, capabilities: config.capabilities ?? fromHex('E0F8C8') }, [0, 0, 0])
  at.kernel.data.setTerminal(0x9a, fromHex(today))
  at.kernel.data.setTerminal(0x9f37, fromHex(unpredictable))
  const stop =
    (await buildCandidateList(at.kernel)) ??
    (await startApplication(at.kernel)) ??
    (await readRecords(at.kernel)) ??
    (await authenticate(at.kernel))
  return { ...at, stop, card: at.kernel.data.card }
}

describe('recorded contact cards', () => {
  const contact = transcripts.transcripts.filter(one => one.interface === 'contact')
  it.each(contact)('$id: data and data authentication as verified independently', async ({ apdus, verified }) => {
    // Each source begins with an attempt that was broken off; the whole card follows from the last SELECT on, up to GENERATE AC.
    const from = apdus.findLastIndex(({ c }) => c.startsWith('00A404'))
    const to = apdus.findIndex(({ c }, index) => index > from && !/^(00A4|80A8|00B2)/.test(c))
    const aid = apdus[from].c.slice(10, -2)
    for (const [capabilities, method] of [
      ['E0F8C8', 'cda'],
      ['E0F880', 'sda'],
    ] as const) {
      const card = scriptedCard([apdus[from], ...apdus.slice(from, to)]) // found by AID, then selected
      const config = { usePse: false, applications: [application(aid)], caKeys: ca, capabilities: fromHex(capabilities) }
      const run = await steps(card, config, '120316')
      expect(run.stop).toBeUndefined()
      card.done()
      const values: Record<string, unknown> = verified
      for (const tag of ['5A', '5F24', '9F07', '8E', '9F0D', '9F0E', '9F0F', '8C', '8D'])
        expect([tag, hex(run.card.get(Number.parseInt(tag, 16))!)]).toEqual([tag, values[tag]])
      expect([hex(run.card.get(0x82)!), hex(run.card.get(0x94)!)]).toEqual([values.aip, values.afl])
      const signed = run.kernel.odaInput!.map(hex).join('') + (run.card.has(0x9f4a) ? hex(run.card.get(0x82)!) : '')
      expect(signed).toBe(values.static_data)
      if (!('issuer_modulus' in values)) {
        expect(run.tvr()).toEqual(['odaNotPerformed'])
        continue
      }
      expect(run.tvr()).toEqual(method === 'sda' ? ['sdaSelected'] : [])
      expect(hex(run.kernel.oda!.issuerKey!.modulus)).toBe(values.issuer_modulus)
      if (method === 'sda') expect(hex(run.card.get(0x9f45)!)).toBe(values['9F45'])
      else expect(hex(run.kernel.oda!.iccKey!.modulus)).toBe(values.icc_modulus)
    }
  })

  it('are 2', () => expect(contact).toHaveLength(2))
})

describe('the contact test card of emvpt, as recorded', () => {
  /** A table of requests and answers; what it does not know is answered 6A82. T=0 lines carry no Le behind data. */
  function table(): Card & { sent: string[] } {
    const sent: string[] = []
    const answers = new Map(emvpt.exchanges.map(({ c, r }) => [c, r]))
    const transmit = async (apdu: Uint8Array) => {
      const c = hex(apdu)
      sent.push(c)
      return fromHex(answers.get(c) ?? (c.length > 10 && c.endsWith('00') ? answers.get(c.slice(0, -2)) : undefined) ?? '6A82')
    }
    return { interface: 'contact', atr: fromHex('3B65000020630400'), sent, transmit }
  }
  const config = { applications: [application('AFFFFFFFFF1234')], caKeys: [caKey] }

  it('its certificate chain verifies and its DDA signature checks', async () => {
    const card = table()
    const { kernel, stop, tvr, tsi, card: data } = await steps(card, config, '180724', emvpt.verified.ddaUnpredictableNumber)
    expect(stop).toBeUndefined()
    expect([tvr(), tsi()]).toEqual([[], ['odaPerformed']])
    expect(kernel.oda).toMatchObject({ method: 'dda', issuerKey: { modulus: keys.issuer.modulus }, iccKey: { modulus: keys.icc.modulus } })
    expect(data.get(0x9f4c)!.length).toBeGreaterThan(1)
    expect(hex(data.get(0x5a)!)).toBe(emvpt.verified.pan)
    expect(recoverPinKey(kernel)!.modulus).toEqual(keys.icc.modulus)
    expect(card.sent).toContain('00880000040123456700')
  })

  it('another Unpredictable Number is not what it signed', async () => {
    const card = table()
    const transmit = card.transmit
    card.transmit = apdu => transmit(hex(apdu).startsWith('0088') ? fromHex('00880000040123456700') : apdu)
    expect((await steps(card, config, '180724', '76543210')).tvr()).toEqual(['ddaFailed'])
  })

  it('a terminal without its CA key fails DDA', async () => {
    expect((await steps(table(), { ...config, caKeys: [] }, '180724')).tvr()).toEqual(['ddaFailed'])
  })
})

describe('virtual cards', () => {
  const aids = ['A0000000031010', 'A0000000041010', 'A0000000043060', 'A0000006581010', 'AFFFFFFFFF1234']
  const config = { applications: aids.map(aid => application(aid, { ddol: fromHex('9F3704') })), caKeys: testCaKeys, revoked: testRevoked }
  const run = (name: ProfileName, capabilities = 'E0F8C8') =>
    steps(loadCard(name).contact(), { ...config, capabilities: fromHex(capabilities) }, '261121')

  it.each([
    ['no-oda', ['odaNotPerformed']], ['sda', ['sdaSelected']], ['dda', []], ['default-ddol', []], ['cda', []], ['mir-maestro', []],
    ['wrong-signature', ['sdaFailed', 'sdaSelected']], ['changed-data', ['sdaFailed', 'sdaSelected']], ['wrong-dynamic-signature', ['ddaFailed']],
    ['wrong-cda', []], ['wrong-issuer-certificate', ['ddaFailed']], ['wrong-icc-certificate', ['ddaFailed']], ['expired-certificate', ['ddaFailed']],
    ['revoked-certificate', ['ddaFailed']], ['unknown-ca-key', ['ddaFailed']], ['missing-certificate', ['iccDataMissing', 'ddaFailed']],
    ['wrong-tag-list', ['sdaFailed', 'sdaSelected']], ['emvpt', []], ['enciphered-pin', []], ['pin-key', ['sdaSelected']], ['long-aids', []], ['no-pse', []],
  ] as [ProfileName, string[]][])('%s: %j', async (name, bits) => {
    const { stop, tvr, tsi, kernel } = await run(name)
    expect(stop).toBeUndefined()
    expect(tvr()).toEqual(bits)
    expect(tsi()).toEqual(bits.includes('odaNotPerformed') || kernel.oda?.method === 'cda' ? [] : ['odaPerformed'])
    expect(canRequestCda(kernel)).toBe(kernel.oda?.method === 'cda')
  }) // biome-ignore format: a table

  it('both applications of a co-badged card are offered, in their order', async () => {
    const { shown } = await run('mir-maestro')
    expect(shown[0].map(({ label }) => label.toUpperCase())).toEqual([expect.stringMatching(/MIR|МИР/), expect.stringContaining('MAESTRO')])
  })

  it.each([
    ['blocked-card', 'cardBlocked'], ['blocked-application', 'applicationBlocked'], ['refuses-initiation', 'notAccepted'],
  ] as [ProfileName, string][])('%s ends with %s', async (name, reason) => {
    expect((await run(name)).stop).toEqual({ result: 'declined', reason })
  }) // biome-ignore format: a table

  it('a card with a PIN encipherment key gives that one', async () => {
    const { kernel } = await run('pin-key')
    expect(kernel.data.card.has(0x9f46)).toBe(false)
    expect(recoverPinKey(kernel)).toBeDefined()
    expect(recoverPinKey((await run('enciphered-pin')).kernel)).toBeDefined()
  })
})

describe('hostile cards', () => {
  const card = transcripts.transcripts.find(({ id }) => id === 'bertlv-contact-mastercard')!
  const from = card.apdus.findLastIndex(({ c }) => c.startsWith('00A404'))
  const to = card.apdus.findIndex(({ c }, index) => index > from && c.startsWith('80AE'))
  const good = [card.apdus[from], ...card.apdus.slice(from, to)].map(({ r }) => fromHex(r))
  const config = { usePse: false, applications: [application('A0000000041010')], caKeys: ca }
  /** One answer with bytes changed, cut or added, or replaced; the script starts again when it is used up. */
  const change = fc.record({
    at: fc.nat(good.length - 1),
    edits: fc.array(fc.tuple(fc.nat(300), fc.nat(255)), { maxLength: 3 }),
    cut: fc.option(fc.nat(300), { nil: undefined }),
    noise: fc.option(fc.uint8Array({ maxLength: 40 }), { nil: undefined }),
  })

  it('end in a bit, a stop or a fault that is documented, and every bit is explained', async () => {
    let ended = 0
    await fc.assert(
      fc.asyncProperty(
        fc.array(change, { minLength: 1, maxLength: 3 }),
        fc.constantFrom('E0F8C8', 'E0F880', 'E0F8C0'),
        async (changes, capabilities) => {
          const answers = good.map(answer => answer.slice())
          for (const { at, edits, cut, noise } of changes) {
            for (const [place, value] of edits) answers[at][place % answers[at].length] = value
            if (cut !== undefined) answers[at] = Uint8Array.of(...answers[at].subarray(0, cut), 0x90, 0x00)
            if (noise) answers[at] = Uint8Array.of(...noise, 0x90, 0x00)
          }
          let next = 0
          const transmit = async () => answers[next++ % answers.length]
          const run = await steps(
            { interface: 'contact', atr: new Uint8Array(0), transmit },
            { ...config, capabilities: fromHex(capabilities) },
            '120316',
          ).catch(fault => {
            expect(fault).toMatchObject({ code: 'apdu' })
            return undefined
          })
          expect(next).toBeLessThan(2000)
          if (!run) return
          if (run.stop) {
            ended++
            expect(run.stop).toEqual({
              result: expect.stringMatching(/declined|cancelled/),
              reason: expect.stringMatching(/^(cardError|cardBlocked|applicationBlocked|noApplication|notAccepted)$/),
            })
          }
          const effects = run.explained.flatMap(({ effect }) => effect)
          for (const bit of run.tvr()) expect(effects).toContain(`TVR ${bit}`)
          for (const bit of run.tsi()) expect(effects).toContain(`TSI ${bit}`)
        },
      ),
      { seed: 20261121, numRuns: 3000 },
    )
    expect(ended).toBeGreaterThan(500)
  })

  it('a cryptogram cannot come with another PAN', async () => {
    const real = loadCard('dda').contact()
    const other = fromHex('5A085413330089600044')
    let changed = 0
    const transmit = async (apdu: Uint8Array) => {
      const answer = await real.transmit(apdu)
      if (apdu[1] !== 0xae || answer[0] !== 0x77) return answer
      changed++
      return concat(write(0x77, [readOne(answer.subarray(0, -2)).value, other]), Uint8Array.of(0x90, 0x00))
    }
    const config = testConfig({ caKeys: testCaKeys }, { aid: 'A0000000031010' })
    const terminal: Terminal = {
      selectApplication: async () => 0,
      enterPin: async () => ({ type: 'bypassed' }),
      authorise: async () => ({ type: 'declined', code: '05' }),
    }
    const { tags } = await transact(
      { ...real, atr: real.atr, interface: 'contact', transmit },
      { amount: 100n, currency: currency('RUB') },
      config,
      terminal,
    )
    expect(changed).toBeGreaterThan(0)
    expect(hex(tags.get(0x5a)!)).not.toContain('5413330089600044')
  })

  it('nothing that is explained shows the PAN', async () => {
    const run = await steps(
      loadCard('mir-maestro').contact(),
      { applications: [application('A0000006581010')], caKeys: testCaKeys },
      '261121',
    )
    const pan = hex(run.card.get(0x5a)!).replace(/F+$/, '')
    const shown = run.explained.map(({ rule, effect, inputs }) => [rule, ...effect, ...[...inputs.values()].map(hex)].join(' ')).join('\n')
    expect(pan).toMatch(/^\d{16}$/)
    expect(shown).not.toContain(pan)
    expect(run.explained.length).toBeGreaterThan(4)
  })
})
