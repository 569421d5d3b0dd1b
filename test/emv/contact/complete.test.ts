/** From the first GENERATE AC to the end: requests, answers, host, issuer authentication, scripts (EMV 4.4 Book 3, 10.8–10.11). */

import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { fromHex, hex, text } from '../../../src/bytes.ts'
import { VirtualClock } from '../../../src/clock.ts'
import { complete } from '../../../src/emv/contact/complete.ts'
import type { AuthorisationRequest, AuthorisationResponse, Terminal } from '../../../src/emv/terminal.ts'
import { Fault } from '../../../src/errors.ts'
import { kernelAt, type Scene, scriptCard, testConfig } from './kernel-fixture.ts'

const AC1 = '1111111111111111'
const AC2 = '2222222222222222'
const IAD = '06010A03A4A002'
const ac = (cid: string, cryptogram: string) => `8012${cid}0017${cryptogram}${IAD}9000`
const ac77 = (cid: string, cryptogram: string) => `771E9F2701${cid}9F360200179F2608${cryptogram}9F1007${IAD}9000`
/** CDOL1: 9F02 and 95; CDOL2: 8A, 91 and 95. */
const cdols = { '8C': '9F02069505', '8D': '8A02910A9505' }
const first = (p1: string, answer: string, tvr = '0000008000'): [string, string] => [`80AE${p1}000B000000005000${tvr}00`, answer]
const second = (p1: string, answer: string, code: string, tvr = '0000008000', data = '00'.repeat(10)): [string, string] => [
  `80AE${p1}0011${code}${data}${tvr}00`,
  answer,
]
const codeHex = (code: string) => hex(Uint8Array.from(code, char => char.charCodeAt(0)))
const [C00, C51, CZ3, CY3] = ['00', '51', 'Z3', 'Y3'].map(codeHex)

const online = testConfig({}, { tacOnline: '0000008000' })
type Host = AuthorisationResponse | Terminal['authorise']

async function run(script: [string, string][], host?: Host, scene: Scene = {}) {
  const card = scriptCard(script)
  const requests: AuthorisationRequest[] = []
  const at = kernelAt({
    config: online,
    ...scene,
    card,
    icc: { 82: '0000', '5A': '2200123456789012', ...cdols, '9F0D': '0000000000', '9F0F': '0000000000', ...scene.icc },
    terminal: {
      ...(host && {
        async authorise(request, options) {
          requests.push(request)
          return typeof host === 'function' ? host(request, options) : host
        },
      }),
      ...scene.terminal,
    },
  })
  at.kernel.raise('floorLimitExceeded', { rule: 'the test' })
  const stop = await complete(at.kernel)
  expect(card.rest()).toEqual([])
  const { data, progress } = at.kernel
  return {
    stop,
    tvr: at.tvr(),
    tsi: at.tsi(),
    code: data.get(0x8a) && text(data.get(0x8a)!),
    data,
    progress,
    requests,
    explained: at.explained,
  }
}

const offline = { config: testConfig() }
const denied = { config: testConfig({}, { tacDenial: '0000008000' }) }
const approved: AuthorisationResponse = { type: 'approved', code: '00', authorisationCode: 'X28328', rrn: '123456789012' }
const declined: AuthorisationResponse = { type: 'declined', code: '51' }

describe('offline', () => {
  it('TC asked and given approves', async () => {
    const { stop, code, tsi, data } = await run([first('40', ac('40', AC1))], undefined, offline)
    expect([stop.result, stop.reason, code, tsi]).toEqual(['approved', undefined, 'Y1', '2000'])
    expect([0x9f27, 0x9f36, 0x9f26, 0x9f10].map(tag => hex(data.get(tag)!))).toEqual(['40', '0017', AC1, IAD])
  })

  it('format 2 says the same', async () => {
    const { stop, data } = await run([first('40', ac77('40', AC1))], undefined, offline)
    expect(stop.result).toBe('approved')
    expect([0x9f27, 0x9f36, 0x9f26, 0x9f10].map(tag => hex(data.get(tag)!))).toEqual(['40', '0017', AC1, IAD])
  })

  it.each([0, 32])('takes issuer application data of %i bytes in both formats', async length => {
    const data = 'CC'.repeat(length)
    const head = `400017${AC1}`
    const format1 = `80${hex(Uint8Array.of(11 + length))}${head}${data}9000`
    const objects = `9F2701409F360200179F2608${AC1}${length ? `9F10${hex(Uint8Array.of(length))}${data}` : ''}`
    for (const answer of [format1, `77${hex(Uint8Array.of(objects.length / 2))}${objects}9000`]) {
      const { stop, data: known } = await run([first('40', answer)], undefined, offline)
      expect([stop.result, known.get(0x9f10)?.length ?? 0]).toEqual(['approved', length])
    }
  })

  it.each([
    ['00', 'offlineDeclined'],
    ['01', 'notAccepted'],
    ['02', 'offlineDeclined'],
  ])('TC asked, AAC given (CID %s) declines', async (cid, reason) => {
    expect(await run([first('40', ac(cid, AC1))], undefined, offline)).toMatchObject({ stop: { result: 'declined', reason }, code: 'Z1' })
  })

  it('a denied transaction asks for an AAC', async () => {
    expect(await run([first('00', ac('00', AC1))], undefined, denied)).toMatchObject({
      stop: { result: 'declined', reason: 'offlineDeclined' },
      code: 'Z1',
    })
  })

  it('an advice that the card wants is kept', async () => {
    expect((await run([first('00', ac('08', AC1))], undefined, denied)).progress.advice).toBe(true)
    expect((await run([first('00', ac('00', AC1))], undefined, denied)).progress.advice).toBe(false)
  })

  it('the card may send online what the terminal would approve', async () => {
    const { stop, requests } = await run([first('40', ac('80', AC1)), second('40', ac('40', AC2), C00)], approved, offline)
    expect([stop.result, requests.length]).toEqual(['approved', 1])
  })
})

describe('answers that are none', () => {
  const error = { result: 'declined', reason: 'cardError' }
  it.each([
    ['00', ac('40', AC1), denied], // TC for AAC
    ['00', ac('80', AC1), denied], // ARQC for AAC
    ['80', ac('40', AC1), {}], // TC for ARQC
    ['80', ac('C0', AC1), {}], // RFU
    ['80', '6985', {}],
    ['80', '9000', {}],
    ['80', '800A80001711111111111111119000', {}], // one byte short
    ['80', '7703AABB9000', {}],
    ['80', '770A9F2701809F360200179000', {}], // no cryptogram
    ['80', `77139F270180${'9F3603000017'}9F2608${AC1}9000`, {}],
    ['80', `700F9F2701809F2608${AC1}9000`, {}],
    ['80', '771380009000', {}],
    ['80', `802C800017${AC1}${'CC'.repeat(33)}9000`, {}], // issuer application data of 33 bytes
    ['80', `77399F2701809F360200179F2608${AC1}9F1021${'CC'.repeat(33)}9000`, {}],
    ['80', `77149F270280009F360200179F2608${AC1}9000`, {}], // CID of 2 bytes
    ['80', `77129F2701809F3601179F2608${AC1}9000`, {}], // ATC of 1
    ['80', `77129F2701809F360200179F260711111111111111${'9000'}`, {}], // cryptogram of 7
  ])('to P1 %s: %s', async (p1, answer, scene) => {
    expect((await run([first(p1, answer)], undefined, scene)).stop).toEqual(error)
  })

  it('a DOL gets the data objects that the application is configured with', async () => {
    const config = testConfig({}, { data: { '9F53': '52' } })
    const { stop } = await run([['80AE4000025200' + '00', ac('40', AC1)]], undefined, { config, icc: { '8C': '9F53019F1D01' } })
    expect(stop.result).toBe('approved')
  })

  it("a card cannot overwrite what is the terminal's", async () => {
    const objects = `9F2701409F360200179F2608${AC1}950500000000009F0206999999999999`
    const answer = `77${hex(Uint8Array.of(objects.length / 2))}${objects}9000`
    const { stop, data, tvr } = await run([first('40', answer)], undefined, offline)
    expect([stop.result, hex(data.get(0x9f02)!), tvr]).toEqual(['approved', '000000005000', '0000008000'])
    expect(data.card.has(0x9f02)).toBe(false)
  })
})

describe('online', () => {
  it('approved: TC asked and given', async () => {
    const { stop, code, progress, requests, data } = await run([first('80', ac('80', AC1)), second('40', ac('40', AC2), C00)], approved)
    expect([stop.result, stop.reason, code]).toEqual(['approved', undefined, '00'])
    expect(progress).toMatchObject({ online: true, hostApproved: true, unanswered: false, response: approved })
    expect(hex(data.get(0x9f26)!)).toBe(AC2)
    const [{ tags, cvm, interface: by }] = requests
    expect([by, cvm]).toEqual(['chip', 'none'])
    expect(Object.fromEntries([0x9f26, 0x9f27, 0x95, 0x9b, 0x9f02, 0x5a].map(tag => [tag.toString(16), hex(tags.get(tag)!)]))).toEqual({
      '9f26': AC1,
      '9f27': '80',
      95: '0000008000',
      '9b': '2000',
      '9f02': '000000005000',
      '5a': '2200123456789012',
    })
  })

  it('declined: AAC asked', async () => {
    expect(await run([first('80', ac('80', AC1)), second('00', ac('00', AC2), C51)], declined)).toMatchObject({
      stop: { result: 'declined', reason: 'hostDeclined' },
      code: '51',
    })
  })

  it('a TC for the AAC asked approves nothing', async () => {
    expect((await run([first('80', ac('80', AC1)), second('00', ac('40', AC2), C51)], declined)).stop).toEqual({
      result: 'declined',
      reason: 'hostDeclined',
    })
  })

  it('the card declines after the approval', async () => {
    const { stop, code, progress } = await run([first('80', ac('80', AC1)), second('40', ac('00', AC2), C00)], approved)
    expect([stop, code, progress.hostApproved]).toEqual([{ result: 'declined', reason: 'cardDeclined' }, '00', true])
  })

  it.each(['6985', ac('80', AC2), '9000'])('the card answers %s after the approval', async answer => {
    expect((await run([first('80', ac('80', AC1)), second('40', answer, C00)], approved)).stop).toEqual({
      result: 'declined',
      reason: 'cardError',
    })
  })

  it('an AAC for the ARQC asked declines without the host', async () => {
    expect(await run([first('80', ac('00', AC1))])).toMatchObject({ stop: { result: 'declined', reason: 'offlineDeclined' }, code: 'Z1' })
  })

  describe('without an answer', () => {
    const silent: [string, Host, boolean][] = [
      ['unableToGoOnline', { type: 'unableToGoOnline' }, false],
      ['host-unreachable', () => Promise.reject(new Fault('host-unreachable', 'no network')), false],
      ['host-no-answer', () => Promise.reject(new Fault('host-no-answer', 'no answer')), true],
      ['any other error', () => Promise.reject(new Error('socket hang up')), true],
      ['a code that is none', { type: 'approved', code: '000' }, true],
      ['a code of other signs', { type: 'approved', code: '0-' }, true],
      ['issuer data too short', { type: 'approved', code: '00', issuerAuthenticationData: new Uint8Array(7) }, true],
      ['issuer data too long', { type: 'approved', code: '00', issuerAuthenticationData: new Uint8Array(17) }, true],
    ]
    it.each(silent)('%s: the default codes approve', async (_, host, unanswered) => {
      const result = await run([first('80', ac('80', AC1)), second('40', ac('40', AC2), CY3)], host)
      expect(result).toMatchObject({
        stop: { result: 'approved' },
        code: 'Y3',
        progress: { online: true, unanswered, hostApproved: false },
      })
    })

    it('the default codes decline', async () => {
      const config = testConfig({}, { tacOnline: '0000008000', tacDefault: '0000008000' })
      const result = await run([first('80', ac('80', AC1)), second('00', ac('00', AC2), CZ3)], { type: 'unableToGoOnline' }, { config })
      expect(result).toMatchObject({ stop: { result: 'declined', reason: 'unableToGoOnline' }, code: 'Z3' })
    })

    it('the card declines what the default codes approve', async () => {
      const result = await run([first('80', ac('80', AC1)), second('40', ac('00', AC2), CY3)], { type: 'unableToGoOnline' })
      expect(result).toMatchObject({ stop: { result: 'declined', reason: 'unableToGoOnline' }, code: 'Z3' })
    })

    it('a host that never answers is given up after its time', async () => {
      const clock = new VirtualClock()
      const script = [first('80', ac('80', AC1)), second('40', ac('40', AC2), CY3)]
      const work = run(script, () => new Promise(() => {}), { options: { clock, timeouts: { host: 5000 } } })
      expect(await clock.settle(work)).toMatchObject({ stop: { result: 'approved' }, progress: { unanswered: true } })
      expect(clock.now()).toBe(+new Date('2026-03-26T10:52:00') + 5000)
      expect(clock.pending).toBe(0)
    })
  })

  describe('a referral', () => {
    const referral: AuthorisationResponse = { type: 'referral', code: '01' }
    it('declines where the terminal cannot refer', async () => {
      expect((await run([first('80', ac('80', AC1)), second('00', ac('00', AC2), codeHex('01'))], referral)).stop).toEqual({
        result: 'declined',
        reason: 'referral',
      })
    })

    it.each([
      ['approved', '40', { result: 'approved' }],
      ['declined', '00', { result: 'declined', reason: 'referral' }],
    ] as const)('%s by the attendant', async (decision, p1, stop) => {
      const asked: unknown[] = []
      const refer: Terminal['refer'] = async (request, response) => {
        asked.push([request.interface, response])
        return decision
      }
      const script = [first('80', ac('80', AC1)), second(p1, ac(p1, AC2), codeHex('01'))]
      expect((await run(script, referral, { terminal: { refer } })).stop).toMatchObject(stop)
      expect(asked).toEqual([['chip', referral]])
    })

    it.each([false, true])('that fails is no refusal (cancelled meanwhile: %s)', async cancelled => {
      const controller = new AbortController()
      const refer = async () => {
        if (cancelled) controller.abort()
        throw new Fault('reader-error', 'the attendant has gone home')
      }
      const ended = run([first('80', ac('80', AC1))], referral, { terminal: { refer }, options: { signal: controller.signal } })
      await expect(ended).rejects.toThrow(cancelled ? 'aborted' : 'gone home')
    })

    it('that takes too long declines', async () => {
      const clock = new VirtualClock()
      const script = [first('80', ac('80', AC1)), second('00', ac('00', AC2), codeHex('01'))]
      const scene = { terminal: { refer: () => new Promise<never>(() => {}) }, options: { clock } }
      expect((await clock.settle(run(script, referral, scene))).stop.reason).toBe('referral')
    })
  })
})

describe('issuer authentication', () => {
  const arpc = 'A1A2A3A4A5A6A7A83030'
  const answer: AuthorisationResponse = { ...approved, issuerAuthenticationData: fromHex(arpc) } as AuthorisationResponse
  const icc = { 82: '0400' }

  it('EXTERNAL AUTHENTICATE where the card wants it', async () => {
    const script: [string, string][] = [
      first('80', ac('80', AC1)),
      [`008200000A${arpc}`, '9000'],
      second('40', ac('40', AC2), C00, '0000008000', arpc),
    ]
    expect(await run(script, answer, { icc })).toMatchObject({ stop: { result: 'approved' }, tvr: '0000008000', tsi: '3000' })
  })

  it('that fails is told to the card', async () => {
    const script: [string, string][] = [
      first('80', ac('80', AC1)),
      [`008200000A${arpc}`, '6300'],
      second('40', ac('00', AC2), C00, '0000008040', arpc),
    ]
    expect(await run(script, answer, { icc })).toMatchObject({
      stop: { result: 'declined', reason: 'cardDeclined' },
      tvr: '0000008040',
      tsi: '3000',
    })
  })

  it('with the second GENERATE AC where the card does not', async () => {
    const script = [first('80', ac('80', AC1)), second('40', ac('40', AC2), C00, '0000008000', arpc)]
    expect(await run(script, answer)).toMatchObject({ stop: { result: 'approved' }, tsi: '2000' })
  })

  it.each([8, 16])('data of %i bytes go to the card', async length => {
    const data = 'AB'.repeat(length)
    const script: [string, string][] = [
      first('80', ac('80', AC1)),
      [`00820000${length.toString(16).padStart(2, '0').toUpperCase()}${data}`, '9000'],
      second('40', ac('40', AC2), C00, '0000008000', data.slice(0, 20).padEnd(20, '0')),
    ]
    const host = { ...approved, issuerAuthenticationData: fromHex(data) } as AuthorisationResponse
    expect((await run(script, host, { icc })).stop.result).toBe('approved')
  })

  it('is not done without data', async () => {
    expect((await run([first('80', ac('80', AC1)), second('40', ac('40', AC2), C00)], approved, { icc })).tsi).toBe('2000')
  })
})

describe('what the terminal and its explanation get', () => {
  const script = [first('80', ac('80', AC1)), second('40', ac('40', AC2), C00)]

  it('the host and the attendant can be given up', async () => {
    const signals: AbortSignal[] = []
    const authorise: Terminal['authorise'] = async (_, { signal }) => {
      signals.push(signal)
      return { type: 'referral', code: '00' }
    }
    const refer: Terminal['refer'] = async (_request, _response, { signal }) => {
      signals.push(signal)
      return 'approved'
    }
    await run(script, authorise, { terminal: { refer } })
    expect(signals.map(signal => signal.aborted)).toEqual([false, false])
  })

  it('the authorisation code is data of the transaction (89)', async () => {
    const { data } = await run(script, approved)
    expect(text(data.get(0x89)!)).toBe('X28328')
    expect((await run(script, { type: 'approved', code: '00' })).data.get(0x89)).toBeUndefined()
  })

  it.each([
    [{ type: 'approved', code: '0' }, 'Book 4, 12.2.3', /response code '0'/],
    [new Fault('host-no-answer', 'line down'), 'Book 4, 12.2.1', /^host-no-answer: line down$/],
  ] as const)('why an answer is none: %o', async (answer, rule, why) => {
    const authorise: Terminal['authorise'] = async () => {
      if (answer instanceof Fault) throw answer
      return answer
    }
    const { explained } = await run([first('80', ac('80', AC1)), second('40', ac('40', AC2), CY3)], authorise)
    expect(explained.find(entry => entry.rule.startsWith(rule))?.effect).toEqual([expect.stringMatching(why)])
    expect(explained.find(entry => entry.rule === 'Book 3, 10.9: unable to go online')?.effect).toEqual(['the default action codes decide'])
  })
})

describe('scripts', () => {
  const withScripts = (...scripts: string[]): AuthorisationResponse =>
    ({ ...approved, scripts: scripts.map(fromHex) }) as AuthorisationResponse
  const putData = '04DA9F580101'
  const ac1 = first('80', ac('80', AC1))
  const ac2 = (tvr: string) => second('40', ac('40', AC2), C00, tvr)
  const results = ({ data }: Awaited<ReturnType<typeof run>>) => data.get(0x9f5b) && hex(data.get(0x9f5b)!)

  it('71 before, 72 after the second GENERATE AC, each with its identifier', async () => {
    const one = `710F9F1804AABBCCDD8606${putData}`
    const two = `72088606${putData}`
    const result = await run([ac1, [putData, '6300'], ac2('0000008000'), [putData, '6283']], withScripts(two, one))
    expect([result.tvr, result.tsi, results(result)]).toEqual(['0000008000', '2400', '20AABBCCDD2000000000'])
    expect(result.stop.result).toBe('approved')
  })

  it('a command that fails ends its script, not the next one', async () => {
    const one = `71108606${putData}8606${putData}`
    const result = await run(
      [ac1, [putData, '9000'], [putData, '6A80'], [putData, '9000'], ac2('0000008020')],
      withScripts(one, `71088606${putData}`),
    )
    const told = result.explained.filter(({ step, rule }) => step === 'scripts' && rule.includes('script 00000000'))
    expect(told.map(({ rule, effect, inputs }) => [rule, effect, inputs.has(0x9f5b)])).toEqual([
      ['Book 3, 10.10: script 00000000: command 2 answered 6A80', ['TVR scriptFailedBeforeFinalAc'], true],
      ['Book 3, 10.10: script 00000000: 1 commands', ['performed'], true],
    ])
    expect([result.tvr, results(result)]).toEqual(['0000008020', '12000000002000000000'])
  })

  it('one that fails after the end has its own bit', async () => {
    const result = await run([ac1, ac2('0000008000'), [putData, '6985']], withScripts(`72088606${putData}`))
    expect([result.tvr, result.tsi, results(result)]).toEqual(['0000008010', '2400', '1100000000'])
    expect(result.stop.result).toBe('approved')
  })

  it('a card that is gone after its TC fails its scripts 72, not the payment', async () => {
    const script = scriptCard([ac1, ac2('0000008000')])
    const card = {
      ...script,
      transmit: (apdu: Uint8Array) => (apdu[0] === 0x04 ? Promise.reject(new Fault('card-removed', 'gone')) : script.transmit(apdu)),
    }
    const at = kernelAt({
      config: online,
      card,
      icc: { 82: '0000', '5A': '2200123456789012', ...cdols, '9F0D': '0000000000', '9F0F': '0000000000' },
      terminal: { authorise: async () => withScripts(`72088606${putData}`, `72088606${putData}`) },
    })
    at.kernel.raise('floorLimitExceeded', { rule: 'the test' })
    expect((await complete(at.kernel)).result).toBe('approved')
    expect([at.tvr(), hex(at.kernel.data.get(0x9f5b)!)]).toEqual(['0000008010', '11000000000000000000'])
  })

  it('a card that is gone during scripts 71 ends the payment', async () => {
    const script = scriptCard([ac1])
    const card = {
      ...script,
      transmit: (apdu: Uint8Array) => (apdu[0] === 0x04 ? Promise.reject(new Fault('card-removed', 'gone')) : script.transmit(apdu)),
    }
    const at = kernelAt({
      config: online,
      card,
      icc: { 82: '0000', '5A': '2200123456789012', ...cdols, '9F0F': '0000000000' },
      terminal: { authorise: async () => withScripts(`71088606${putData}`) },
    })
    at.kernel.raise('floorLimitExceeded', { rule: 'the test' })
    await expect(complete(at.kernel)).rejects.toMatchObject({ code: 'card-removed' })
  })

  it('the 15th command and later ones count as 15', async () => {
    const commands = Array.from({ length: 16 }, () => '860404DA0000').join('')
    const oks = Array.from({ length: 15 }, (): [string, string] => ['04DA0000', '9000'])
    const result = await run(
      [ac1, ...oks, ['04DA0000', '6F00'], ac2('0000008020')],
      withScripts(`71${hex(Uint8Array.of(commands.length / 2))}${commands}`),
    )
    expect(results(result)).toBe('1F00000000')
  })

  it.each([
    ['7103860404', '0000000000'], // truncated
    ['73088606' + putData, '0000000000'], // another template
    ['7106860304DA9F', '0000000000'], // no command
    ['710E9F1803AABBCC8606' + putData, '0000000000'], // identifier of 3 bytes
    ['', '0000000000'],
  ])('%s is not performed', async (script, expected) => {
    const result = await run([ac1, ac2('0000008020')], withScripts(script))
    expect([result.tvr, result.tsi, results(result)]).toEqual(['0000008020', '2400', expected])
  })

  it('128 bytes together are performed, what is beyond is not', async () => {
    const data = 'AB'.repeat(55)
    const script = `713E863C04DA0000${'37'}${data}`
    expect(script.length / 2).toBe(64)
    const command = `04DA000037${data}`
    const result = await run(
      [ac1, [command, '9000'], [command, '9000'], ac2('0000008020')],
      withScripts(script, script, `71088606${putData}`),
    )
    expect([result.tvr, results(result)]).toEqual(['0000008020', '2000000000' + '2000000000' + '0000000000'])
  })

  it('a declined transaction has scripts too', async () => {
    const host = { ...declined, scripts: [fromHex(`71088606${putData}`)] } as AuthorisationResponse
    const result = await run([ac1, [putData, '9000'], second('00', ac('00', AC2), C51)], host)
    expect([result.stop.reason, results(result)]).toEqual(['hostDeclined', '2000000000'])
  })
})

describe('TC hash', () => {
  const sha1 = (data: string) => createHash('sha1').update(fromHex(data)).digest('hex').toUpperCase()

  it('over the TDOL of the card', async () => {
    const icc = { '8C': '9814', 97: '9F02069505' }
    await run([[`80AE400014${sha1('0000000050000000008000')}00`, ac('40', AC1)]], undefined, { ...offline, icc })
  })

  it('over the default TDOL, which the TVR tells first', async () => {
    const config = testConfig({}, { tdol: '9505' })
    const { tvr } = await run([[`80AE400014${sha1('0000008080')}00`, ac('40', AC1)]], undefined, { config, icc: { '8C': '9814' } })
    expect(tvr).toBe('0000008080')
  })

  it('over nothing where there is no default either', async () => {
    const { tvr } = await run([[`80AE400014${sha1('')}00`, ac('40', AC1)]], undefined, { ...offline, icc: { '8C': '9814' } })
    expect(tvr).toBe('0000008080')
  })
})
