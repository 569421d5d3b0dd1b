/** Payments from the app's side: virtual cards and their real cryptograms, a real acquirer on loopback, and everything that can break between them. */

import { afterEach, describe, expect, it } from 'vitest'
import { type AcquirerHost, type AcquirerOptions, type HostEvent, startAcquirer } from '../../../simulator/acquirer/host.ts'
import type { HostRule } from '../../../simulator/acquirer/rules.ts'
import { loadCard } from '../../../simulator/cards/icc.ts'
import type { CardProfile } from '../../../simulator/cards/profile/profile.ts'
import { profiles } from '../../../simulator/cards/profiles/index.ts'
import { hex } from '../../../src/bytes.ts'
import { systemClock } from '../../../src/clock.ts'
import { currency } from '../../../src/currency.ts'
import { Fault } from '../../../src/errors.ts'
import { hostMessage } from '../../../src/messages/messages.ts'
import type { Acquirer } from '../../../src/payment/acquirer.ts'
import { httpAcquirer } from '../../../src/payment/host/http.ts'
import type { PaymentEvent } from '../../../src/payment/pay/events.ts'
import { type PayOptions, pay, paymentJson } from '../../../src/payment/pay/payment.ts'
import { reasonWords } from '../../../src/payment/pay/result.ts'
import { receiptLines } from '../../../src/payment/receipt/receipt.ts'
import { CounterReader, type CounterReaderOptions } from '../../devices/counter-reader.ts'

const RUB = currency('RUB')
const merchant = { name: 'MobileTestMerchant', id: 'MTM', terminal: '63545902' }
const order = (number = '26032019_105115_346084952', amount = 150_00n) => ({ number, amount, currency: RUB })
const visa = profiles['visa-signature'].pan
const mir = profiles['mir-maestro'].pan
const signature = {
  strokes: [
    [
      { x: 1, y: 1 },
      { x: 5, y: 3 },
    ],
  ],
}

const open: AcquirerHost[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map(host => host.close()))
})

interface Counter {
  readonly host: AcquirerHost
  readonly seen: HostEvent[]
  readonly events: PaymentEvent[]
  readonly reader: CounterReader
  pay(options?: Partial<PayOptions>, number?: string, amount?: bigint): ReturnType<typeof pay>
}

async function counter(
  profile: string | CardProfile,
  reader: Omit<CounterReaderOptions, 'card'> = {},
  host: AcquirerOptions = {},
): Promise<Counter> {
  const seen: HostEvent[] = []
  const events: PaymentEvent[] = []
  const hear = (event: HostEvent) => {
    seen.push(event)
    host.onEvent?.(event)
  }
  const acquirer = await startAcquirer({ ...host, onEvent: hear })
  open.push(acquirer)
  const device = new CounterReader({ card: loadCard(profile), ...reader })
  const fast = { statusTime: 400, reversalTime: 400 }
  return {
    host: acquirer,
    seen,
    events,
    reader: device,
    pay: ({ prompts, ...options } = {}, number, amount) =>
      pay(order(number, amount), {
        reader: device,
        acquirer: httpAcquirer(acquirer.url, { timeout: 2000 }),
        merchant,
        ...fast,
        ...options,
        prompts: { ...prompts, onEvent: event => events.push(event) },
      }),
  }
}

const stages = (events: readonly PaymentEvent[]) => events.flatMap(event => (event.type === 'stage' ? [event.stage] : []))

describe('a payment that goes through', () => {
  it('co-badged card: the app chooses, the PIN is checked at the issuer, the card accepts the ARPC', async () => {
    const { pay, host, seen, events } = await counter('mir-maestro', { cvm: 'onlinePin' })
    const before = host.balance(mir)!
    const result = await pay({
      prompts: { selectApplication: async candidates => candidates.findIndex(({ label }) => label === 'MIR') },
    })
    expect(result).toMatchObject({
      result: 'approved',
      interface: 'chip',
      cvm: 'onlinePin',
      application: { aid: 'A0000006581010', label: 'MIR' },
      responseCode: '00',
      attempts: 1,
    })
    expect(hex(result.outcome.tags.get(0x9f27)!)).toBe('40') // the card's TC: it has verified the ARPC (issuer authentication is required by its profile)
    expect(seen).toMatchObject([
      { type: 'authorisation', arqc: 'right', pin: 'right', code: '00', pan: `${mir.slice(0, 6)}******${mir.slice(-4)}` },
    ])
    expect(before - host.balance(mir)!).toBe(150_00n)
    expect(host.order(order().number)).toMatchObject({ state: 'Approved', operations: [{ type: 'payment', state: 'Approved' }] })
    expect(stages(events)).toEqual(['preflight', 'card', 'authorising'])
    expect(result.billNumber).toBe(host.order(order().number)!.billNumber)
  })

  it('gives the slip of the guide, in English and Russian', async () => {
    const { pay } = await counter('visa-signature', { cvm: 'signature' })
    const at = new Date(2026, 2, 26, 10, 52)
    const result = await pay({ clock: { ...systemClock, now: () => +at } })
    const { receipt } = result
    expect(receiptLines(receipt, 'ru')).toEqual([
      'ПРЕДПРИЯТИЕ:',
      'MobileTestMerchant',
      'Терминал: 63545902',
      'Заказ: 26032019_105115_346084952',
      'ОПЛАЧЕН',
      'Сумма: 150.00 RUB',
      'AID: A0000000031010 VISA CREDIT',
      'TVR: 8000048000',
      'TSI: E800',
      'Карта: VISA',
      `PAN: ${visa.slice(0, 6)}******${visa.slice(-4)}`,
      'Держатель: CARDHOLDER/VISA',
      'Проверка: подпись',
      `RRN: ${receipt.rrn}`,
      `Код авторизации: ${receipt.authorisationCode}`,
      'Код ответа: 00',
      'Дата: 26.03.2026 10:52',
      '',
      'Подпись: ____________________',
    ])
    expect(receipt.rrn).toMatch(/^608510\d{6}$/)
    expect(receipt.authorisationCode).toMatch(/^X\d{5}$/)
    expect(receiptLines(receipt, 'en')).toContain('PAID')
    expect(receiptLines(receipt, 'en')).toContain('Verified by: signature')
  })

  it('holds no PAN, track, name or PIN in what may be printed', async () => {
    const { pay } = await counter('mir-maestro', { cvm: 'onlinePin' })
    const text = JSON.stringify(paymentJson(await pay()))
    expect(text).not.toMatch(new RegExp(`${mir}|TESTOV/TEST.*"57"|"5A"|"57"|"5F20"|"1234"`))
    expect(text).toContain(`${mir.slice(0, 6)}******${mir.slice(-4)}`)
    expect(JSON.parse(text)).toMatchObject({ result: 'approved', interface: 'chip', cvm: 'onlinePin', application: { label: 'MIR' } })
  })

  it('prints a commission where there is one', async () => {
    const { reader, host } = await counter('visa-signature')
    const options = { reader, acquirer: httpAcquirer(host.url), merchant: { ...merchant, address: 'Shaumyana 4' } }
    const { receipt } = await pay({ ...order(), commission: '0%' }, options)
    expect(receiptLines(receipt, 'ru').slice(0, 7)).toEqual([
      'ПРЕДПРИЯТИЕ:',
      'MobileTestMerchant',
      'Shaumyana 4',
      'Терминал: 63545902',
      `Заказ: ${order().number}`,
      'ОПЛАЧЕН',
      'Сумма: 150.00 RUB',
    ])
    expect(receiptLines(receipt, 'ru')).toContain('Комиссия: 0%')
  })

  it('takes the signature before it asks the host, and needs no line on the slip then', async () => {
    const { pay, events } = await counter('visa-signature', { cvm: 'signature' })
    const result = await pay({ prompts: { captureSignature: async () => signature } })
    expect(result).toMatchObject({ result: 'approved', signature, receipt: { signatureLine: false } })
    expect(stages(events)).toEqual(['preflight', 'card', 'signature', 'authorising'])
  })

  it('an offline approval is told to the host', async () => {
    const [application] = profiles['offline-pin'].applications
    const profile = { ...profiles['offline-pin'], applications: [{ ...application, risk: { policy: 'approve' as const } }] }
    const { pay, seen, host } = await counter(profile, { cvm: 'offlinePin', offline: true })
    const result = await pay()
    expect(result).toMatchObject({ result: 'approved', advice: 'done' })
    expect(seen).toMatchObject([{ type: 'advice', code: '00', arqc: 'right' }])
    expect(host.order(order().number)?.state).toBe('Approved')
  })

  it('a client that cannot say the advice: unknown, nothing is thrown once a card has signed', async () => {
    const [application] = profiles['offline-pin'].applications
    const profile: CardProfile = { ...profiles['offline-pin'], applications: [{ ...application, risk: { policy: 'approve' } }] }
    const { pay, host } = await counter(profile, { cvm: 'offlinePin', offline: true })
    const client = httpAcquirer(host.url)
    const advise = () => Promise.reject(new Fault('bad-argument', 'field 55 is too long', { field: 'iso8583.55' }))
    expect(await pay({ acquirer: { ...client, advise } })).toMatchObject({ result: 'unknown' })
  })
})

describe('a payment that is declined or cancelled', () => {
  it('approved by the card alone, and the customer will not sign: cancelled, the host never hears of it', async () => {
    const [application] = profiles['offline-pin'].applications
    const profile = { ...profiles['offline-pin'], applications: [{ ...application, risk: { policy: 'approve' as const } }] }
    const refusing = await counter(profile, { cvm: 'signature', offline: true })
    const refused = await refusing.pay({ prompts: { captureSignature: async () => undefined } })
    expect(refused).toMatchObject({
      result: 'cancelled',
      reason: 'cardholderCancelled',
      receipt: { result: 'cancelled', signatureLine: false },
    })
    expect(refusing.seen).toEqual([])
    const signing = await counter(profile, { cvm: 'signature', offline: true })
    expect(await signing.pay({ prompts: { captureSignature: async () => signature } })).toMatchObject({
      result: 'approved',
      signature,
      advice: 'done',
    })
  })

  it('the customer will not sign: nothing was sent', async () => {
    const { pay, seen } = await counter('visa-signature', { cvm: 'signature' })
    const result = await pay({ prompts: { captureSignature: async () => undefined } })
    expect(result).toMatchObject({ result: 'cancelled', reason: 'cardholderCancelled' })
    expect(result).not.toHaveProperty('reversal')
    expect(seen).toEqual([])
  })

  it('an empty signature is refused and nothing was sent', async () => {
    const { pay, seen } = await counter('visa-signature', { cvm: 'signature' })
    await expect(pay({ prompts: { captureSignature: async () => ({ strokes: [[]] }) } })).rejects.toMatchObject({ code: 'bad-argument' })
    expect(seen).toEqual([])
  })

  it('the customer chooses no application', async () => {
    const { pay, seen } = await counter('mir-maestro')
    expect(await pay({ prompts: { selectApplication: async () => undefined } })).toMatchObject({ result: 'cancelled' })
    expect(seen).toEqual([])
  })

  it.each<[string, HostRule[], Partial<CounterReaderOptions>, bigint, string]>([
    ['by amount', [{ do: 'decline', code: '61', reason: 'over the limit', when: { amount: { above: 100_00n } } }], {}, 150_00n, '61'],
    ['by card number', [{ do: 'decline', code: '43', reason: 'stolen', when: { pan: '4761' } }], {}, 150_00n, '43'],
    ['without money', [], {}, 2_000_000_00n, '51'],
    ['when an amount was changed on the way', [], { tamper: tags => void tags.set(0x9f02, new Uint8Array(6)) }, 150_00n, '88'],
    ['when the cryptogram is missing', [], { tamper: tags => void tags.delete(0x9f26) }, 150_00n, '88'],
  ])('%s, with its reason', async (_, rules, reader, amount, code) => {
    const { pay, host } = await counter('visa-signature', reader, { rules })
    const result = await pay({}, undefined, amount)
    expect(result).toMatchObject({
      result: 'declined',
      reason: 'hostDeclined',
      responseCode: code,
      receipt: { result: 'declined', responseCode: code },
    })
    expect(result.hostReason).toBeTruthy()
    expect(reasonWords(result, 'en')).toBe(`declined by the bank: ${code} ${hostMessage(code, 'en')}`)
    expect(reasonWords(result, 'ru')).toMatch(/^отклонено банком: \d\d [а-яё]/)
    expect(host.balance(visa)).toBe(1_000_000_00n)
    expect(host.order(order().number)?.state).toBe('Declined')
  })

  it('a script goes with a decline, and the card carries it out', async () => {
    const rules: HostRule[] = [{ do: 'decline', code: '41', reason: 'lost', script: 'blockApplication' }]
    const { pay } = await counter('visa-signature', {}, { rules })
    const { outcome } = await pay()
    expect(outcome.response).toMatchObject({ type: 'declined', scripts: [expect.any(Uint8Array)] })
    const scripts = outcome.response?.type === 'declined' ? outcome.response.scripts! : []
    expect(hex(scripts[0])).toMatch(/^72169F180400000001860D841E000008[0-9A-F]{16}$/)
  })

  it('wrong PIN once, then right: a new authorisation with a fresh cryptogram', async () => {
    const { pay, seen, reader } = await counter('mir-maestro', { cvm: 'onlinePin', pins: ['9999', '1234'] })
    const asked: unknown[] = []
    const result = await pay({ prompts: { tryAgain: async (...why) => asked.push(why.slice(0, 2)) > 0 } })
    expect(result).toMatchObject({ result: 'approved', attempts: 2 })
    expect(asked).toEqual([['wrongPin', 1]])
    expect(seen).toMatchObject([
      { pin: 'wrong', code: '55' },
      { pin: 'right', code: '00' },
    ])
    expect(new Set(seen.map(event => 'key' in event && event.key)).size).toBe(2)
    expect(reader.transactions).toBe(2)
  })

  it('wrong PIN and the customer gives up; three wrong ones end it', async () => {
    const first = await counter('mir-maestro', { cvm: 'onlinePin', pins: ['9999'] })
    expect(await first.pay({ prompts: { tryAgain: async () => false } })).toMatchObject({
      result: 'declined',
      responseCode: '55',
      attempts: 1,
    })
    const second = await counter('mir-maestro', { cvm: 'onlinePin', pins: ['9999'] })
    expect(await second.pay({ prompts: { tryAgain: async () => true } })).toMatchObject({
      result: 'declined',
      responseCode: '75',
      attempts: 3,
    })
  })

  it('an order that is paid is not paid again', async () => {
    const { pay, host } = await counter('visa-signature')
    expect((await pay()).result).toBe('approved')
    const left = host.balance(visa)
    expect(await pay()).toMatchObject({ result: 'declined', responseCode: '94' })
    expect(host.balance(visa)).toBe(left)
    expect(host.order(order().number)?.state).toBe('Approved')
  })

  it('a referral', async () => {
    const { pay } = await counter('visa-signature', {}, { rules: [{ do: 'refer', reason: 'call 800' }] })
    expect(await pay()).toMatchObject({ result: 'declined', reason: 'referral', responseCode: '01', hostReason: 'call 800' })
  })

  it('a referral that the bank agrees to by voice is booked', async () => {
    const { pay, host, seen } = await counter('visa-signature', {}, { rules: [{ do: 'refer', reason: 'call 800' }] })
    expect(await pay({ newKey: () => 'k', prompts: { refer: async () => 'approved' } })).toMatchObject({
      result: 'approved',
      advice: 'done',
    })
    expect(seen).toMatchObject([
      { type: 'authorisation', code: '01' },
      { type: 'advice', key: 'k-voice', code: '00' },
    ])
    expect(host.balance(visa)).toBe(100_000_000n - 150_00n)
    expect(host.order(order().number)?.state).toBe('Approved')
  })
})

describe('when something breaks', () => {
  it('low battery: refused before the card is asked for', async () => {
    const { pay, reader } = await counter('visa-signature', { battery: { percent: 3 } })
    await expect(pay()).rejects.toMatchObject({ code: 'low-battery', details: { percent: 3 } })
    expect(reader.transactions).toBe(0)
    const charging = await counter('visa-signature', { battery: { percent: 3, charging: true } })
    expect((await charging.pay()).result).toBe('approved')
  })

  it('the host cannot be reached: nothing was sent, the card decides', async () => {
    const { pay, host } = await counter('visa-signature')
    await host.close()
    expect(await pay()).toMatchObject({ result: 'declined', reason: 'unableToGoOnline' })
  })

  it('the answer is lost, the state is asked for: approved once', async () => {
    const { pay, host, seen, events } = await counter('visa-signature', {}, { rules: [{ do: 'dropAnswer' }] })
    expect(await pay()).toMatchObject({ result: 'approved', responseCode: '00' })
    expect(seen.map(({ type }) => type)).toEqual(['authorisation', 'dropped', 'status'])
    expect(host.balance(visa)).toBe(1_000_000_00n - 150_00n)
    expect(stages(events)).toContain('reconciling')
  })

  it('garbage instead of an answer: the same', async () => {
    const { pay } = await counter('visa-signature', {}, { rules: [{ do: 'garbage' }] })
    expect(await pay()).toMatchObject({ result: 'approved', responseCode: '00' })
  })

  it('the request is lost: reversed, and a late copy of it is not charged', async () => {
    const { pay, host, seen } = await counter('visa-signature', {}, { rules: [{ do: 'dropRequest' }] })
    const acquirer = httpAcquirer(host.url)
    let message: Parameters<Acquirer['authorise']>[0] | undefined
    const spying: Acquirer = { ...acquirer, authorise: (sent, options) => acquirer.authorise((message = sent), options) }
    expect(await pay({ acquirer: spying })).toMatchObject({ result: 'declined', reason: 'unableToGoOnline', reversal: 'done' })
    expect(await acquirer.authorise(message!)).toEqual({ about: { key: message!.key }, state: 'reversed' })
    expect(seen.map(({ type }) => type)).toEqual(['dropped', ...seen.slice(1, -2).map(() => 'status'), 'reversal', 'repeat'])
    expect(host.balance(visa)).toBe(1_000_000_00n)
  })

  it('the host dies after the answer was lost: unknown, and the key to ask for it', async () => {
    const dying: Partial<AcquirerOptions> = { onEvent: event => event.type === 'dropped' && void open[0].close() }
    const { pay } = await counter('visa-signature', {}, { ...dying, rules: [{ do: 'dropAnswer' }] })
    const result = await pay({ newKey: () => 'the-key' })
    expect(result).toMatchObject({ result: 'unknown', reversal: 'pending', key: 'the-key', receipt: { result: 'unknown' } })
    expect(reasonWords(result, 'en')).toContain('may have charged')
    expect(reasonWords(result, 'ru')).toContain('не проводите карту ещё раз')
  })

  it('the card declines what the host approved: the approval is reversed', async () => {
    const { pay, host } = await counter('mir-maestro', {}, { rules: [{ do: 'wrongArpc' }] })
    const result = await pay()
    expect(result).toMatchObject({ result: 'declined', reason: 'cardDeclined', reversal: 'done' })
    expect(host.balance(mir)).toBe(1_000_000_00n)
    expect(host.order(order().number)).toMatchObject({ state: 'Canceled', operations: [{ type: 'payment' }, { type: 'cancellation' }] })
  })

  it('the reader is lost after the host approved: reversed', async () => {
    const { pay, host } = await counter('visa-signature', { breaks: 'afterHost' })
    expect(await pay()).toMatchObject({ result: 'cancelled', reason: 'linkLost', reversal: 'done', responseCode: '00' })
    expect(host.balance(visa)).toBe(1_000_000_00n)
  })

  it('the reader is lost before the host was asked: its fault', async () => {
    const { pay, seen } = await counter('visa-signature', { breaks: 'beforeHost' })
    await expect(pay()).rejects.toMatchObject({ code: 'link-closed' })
    expect(seen).toEqual([])
  })

  it('the merchant cancels while the host is thinking: reversed, whatever it decides', async () => {
    const { pay, host, seen } = await counter('visa-signature', {}, { rules: [{ do: 'delay', ms: 400 }] })
    const stop = new AbortController()
    const paying = pay({ signal: stop.signal })
    while (host.orders.length === 0) await new Promise(resolve => setTimeout(resolve, 5))
    stop.abort()
    expect(await paying).toMatchObject({ result: 'cancelled', reason: 'merchantCancelled', reversal: 'done' })
    expect(host.order(order().number)?.state).toBe('Canceled')
    await new Promise(resolve => setTimeout(resolve, 500)) // the host comes to its decision, and may not take the money
    expect(host.balance(visa)).toBe(1_000_000_00n)
    expect(seen.some(({ type }) => type === 'reversal')).toBe(true)
  })

  it('a listener that throws does not stop a payment', async () => {
    const { reader, host } = await counter('visa-signature')
    const thrown: unknown[] = []
    const catching = (error: unknown) => thrown.push(error)
    const others = process.listeners('uncaughtException')
    process.removeAllListeners('uncaughtException').on('uncaughtException', catching)
    try {
      const onEvent = (event: PaymentEvent) => {
        if (event.type === 'host') throw new Error('bug in the app')
      }
      const result = await pay(order(), { reader, acquirer: httpAcquirer(host.url), merchant, prompts: { onEvent } })
      expect(result.result).toBe('approved')
    } finally {
      process.off('uncaughtException', catching)
      for (const other of others) process.on('uncaughtException', other)
    }
    expect(thrown).toEqual([new Error('bug in the app')])
  })

  it('cancelled before it began', async () => {
    const { pay, reader } = await counter('visa-signature')
    await expect(pay({ signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'aborted' })
    expect(reader.transactions).toBe(0)
  })

  it('an order that is none is refused with the rule', async () => {
    const { pay } = await counter('visa-signature')
    await expect(pay({}, '', 1n)).rejects.toMatchObject({ code: 'bad-argument' })
    await expect(pay({}, 'x', 0n)).rejects.toMatchObject({ code: 'bad-argument' })
  })

  it('lets go of the reader’s events', async () => {
    const { pay, reader } = await counter('visa-signature')
    await pay()
    reader.events.push({ type: 'card', event: 'removed' })
    const next = await reader.events[Symbol.asyncIterator]().next()
    expect(next.value).toEqual({ type: 'card', event: 'removed' })
  })
})
