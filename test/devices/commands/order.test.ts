/** `tapdip order` as a shop runs it: processes over one journal, a virtual reader and host; what is printed, and what the host's book says. Needs `npm run build`. */

import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { type AcquirerHost, type AcquirerOptions, startAcquirer } from '../../../simulator/acquirer/host.ts'
import { type Counter, virtualCounter } from '../../../simulator/world.ts'
import { parseMerchantCode } from '../../../src/payment/receipt/qr-code.ts'

vi.setConfig({ testTimeout: 60_000 }) // each test is a dozen processes

const root = resolve(import.meta.dirname, '../../..')
const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

interface Ended {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** Hears all that was said so far, and types. */
type Hear = (said: string, type: (line: string) => void) => void

const payloadIn = (said: string) => /^000201.*6304[0-9A-F]{4}$/m.exec(said)?.[0]
/** Does something once the pattern has been said. */
const once = (pattern: RegExp, act: (said: string, type: (line: string) => void) => void): Hear => {
  let done = false
  return (said, type) => {
    if (done || !pattern.test(said)) return
    done = true
    act(said, type)
  }
}

/** A shop of one journal, and a host that can be away. */
class Shop {
  readonly #folder = mkdtempSync(join(tmpdir(), 'tapdip-order-'))
  #port = 0
  host!: AcquirerHost

  constructor() {
    ends.push(async () => {
      await this.host?.close()
      rmSync(this.#folder, { recursive: true, force: true })
    })
  }

  async open(options: AcquirerOptions = {}): Promise<this> {
    this.host = await startAcquirer({ port: this.#port, state: join(this.#folder, 'host.db'), ...options })
    this.#port = this.host.port
    return this
  }

  /** `tapdip order …`; `input` is typed. */
  run(command: string, args: readonly string[] = [], input?: string | Hear): Promise<Ended> {
    const online = ['pay', 'status', 'confirm', 'cancel', 'refund', 'sync'].includes(command)
    const address = online ? ['--acquirer', `http://127.0.0.1:${this.#port}`] : []
    const all = ['order', command, ...args, ...address]
    const child = spawn(process.execPath, [join(root, 'dist/devices/cli.js'), ...all], {
      cwd: root,
      env: { ...process.env, LANG: 'C.UTF-8', TAPDIP_STATE: this.#folder, PCSCLITE_CSOCK_NAME: join(this.#folder, 'no.pcscd') },
    })
    ends.push(() => child.kill('SIGKILL'))
    let [out, err] = ['', '']
    child.stdout.setEncoding('utf8').on('data', text => (out += text))
    child.stderr.setEncoding('utf8').on('data', text => {
      err += text
      if (typeof input === 'function') input(err, line => void child.stdin.write(line))
    })
    if (typeof input !== 'function') child.stdin.end(input ?? '')
    child.once('close', () => child.stdin.destroy())
    return new Promise(done => child.once('close', code => done({ code, out, err })))
  }

  async enter(...args: string[]): Promise<string> {
    const { out, code, err } = await this.run('new', args)
    expect(code, err).toBe(0)
    return out.trim()
  }
}

const open = (options?: AcquirerOptions) => new Shop().open(options)

/** Its host stays unused: the shop has its own. */
async function counter(options: Parameters<typeof virtualCounter>[0] = {}): Promise<Counter> {
  const made = await virtualCounter({ listen: 'tcp:0', pins: ['1234'], ...options })
  ends.push(() => made.close())
  return made
}

describe('an order by card', () => {
  it('entered with items, paid, paid again, shown, refunded in part, cancelled', async () => {
    const shop = await open()
    const made = await shop.run('new', ['--number', '74747474646', '--item', 'Компактный фотик|2|1.82|20', '--item', 'PowerShot|3|1.16|20|0.12', '--email', 'mail@assist.ru', '--lang', 'ru']) // biome-ignore format: a command
    expect(made).toMatchObject({ code: 0, out: '74747474646\n' })
    for (const line of ['ДАННЫЕ ЗАКАЗА', 'Позиции заказа:', '1. Компактный фотик', '2.000 x 1.82 = 3.64', '3.000 x 1.16 = 3.48', 'СКИДКА = 0.12', 'Всего: 7.00 руб.\nПредоплачено ранее: 0.00\nК оплате: 7.00 руб.', 'Email для отправки чека: mail@assist.ru']) // biome-ignore format: a list
      expect(made.err).toContain(line)
    expect(await shop.run('new', ['7.00', '--number', '74747474646'])).toMatchObject({ code: 2 })
    const twoLines = await shop.run('new', ['--item', 'Чай\nИТОГ =0.00|1|5.00', '--lang', 'ru'])
    expect(twoLines).toMatchObject({ code: 2, out: '' })
    expect(twoLines.err).toContain('order.items.1.name: символ 4 — U+000A; допустима одна строка без управляющих символов')
    const { uri } = await counter()
    const pay = ['74747474646', '--method', 'reader', '--reader', uri, '--app', 'MIR', '--lang', 'ru']
    const paid = await shop.run('pay', pay)
    expect(paid.code, paid.err).toBe(0)
    for (const line of [
      '> ОПЛАЧЕНО',
      'ПРОВЕДЕНИЕ ПЛАТЕЖА\nДетальная информация\n',
      '> Печать чека: tapdip order receipt 74747474646 --printer',
      'Пожалуйста, вставьте/прокатайте/приложите карту.',
    ])
      expect(paid.err).toContain(line)
    for (const line of ['ПРЕДПРИЯТИЕ:', 'РЕЗУЛЬТАТ\nИнформация о заказе\nСтатус заказа: Оплачен\nСумма заказа: 7.00 руб.\nПредоплата: -\nСпособ оплаты: Картридер\n', 'Номер заказа: 74747474646']) // biome-ignore format: a list
      expect(paid.out).toContain(line)
    expect(paid.out).toMatch(/Номер транзакции: \d{16}\n/)
    const again = await shop.run('pay', pay)
    expect(again).toMatchObject({ code: 0, err: expect.stringContaining('Заказ 74747474646 уже оплачен.') })
    expect(shop.host.order('74747474646')!.operations).toHaveLength(1)
    const refunded = await shop.run('refund', ['74747474646', '--item', '1=1', '--json'])
    expect(JSON.parse(refunded.out)).toMatchObject({ result: 'approved', order: { state: 'PartialCanceled' } })
    expect(shop.host.order('74747474646')!.operations.at(-1)).toMatchObject({ amount: 182n })
    expect(await shop.run('refund', ['74747474646', '--amount', '7.00'])).toMatchObject({
      code: 10,
      err: expect.stringMatching(/REFUSED: 13/),
    })
    expect(await shop.run('refund', ['74747474646', '--amount', '99.00'])).toMatchObject({
      code: 2,
      err: expect.stringContaining("--amount is '99.00', it takes 0.01–5.18 RUB"),
    })
    expect(await shop.run('cancel', ['74747474646'])).toMatchObject({ code: 0, out: expect.stringContaining('State: Cancelled') })
    const listed = await shop.run('list', ['--json'])
    expect(JSON.parse(listed.out)).toMatchObject([{ number: '74747474646', state: 'Canceled', entries: [{ kind: 'payment' }, {}, {}, {}] }])
    expect(paid.out + paid.err + listed.out).not.toMatch(/220220\d{6}/)
    const slip = await shop.run('receipt', ['74747474646'])
    expect(slip.out).toContain('PAID')
    const shown = await shop.run('status', ['74747474646'])
    expect(shown.out).toContain(
      'RESULT\nOrder information\nState: Cancelled\nOrder amount: 7.00 RUB\nPrepayment: -\nPaid by: Card reader\n',
    )
  })

  it('SoftPOS takes a field of its own, never the card reader that was used last', async () => {
    const shop = await open()
    const { uri, reader } = await counter()
    expect(await shop.run('pay', [await shop.enter('10.00'), '--method', 'reader', '--reader', uri, '--app', 'MIR'])).toMatchObject({
      code: 0,
    })
    const asked = () => reader.body.screens.filter(({ message }) => message === 'reader.presentCard').length
    expect(asked()).toBe(1)
    const number = await shop.enter('20.00')
    // No PC/SC service is there: the environment points its clients at none.
    const none = await shop.run('pay', [number, '--method', 'softpos'])
    expect(none).toMatchObject({ code: 1, err: expect.stringMatching(/no field for SoftPOS: a PC\/SC reader with an antenna is needed/) })
    expect(await shop.run('pay', [number, '--method', 'softpos', '--reader', uri])).toMatchObject({
      code: 2,
      err: expect.stringContaining('SoftPOS takes a field of its own'),
    })
    expect(asked()).toBe(1)
    expect(shop.host.order(number)).toBeUndefined()
    const orders = JSON.parse((await shop.run('list', ['--json'])).out) as { number: string; entries: unknown[] }[]
    expect(orders.find(one => one.number === number)).toMatchObject({ state: 'In Process', entries: [] })
  })

  it('in two stages: held, confirmed in part', async () => {
    const shop = await open()
    const number = await shop.enter('100.00')
    expect(number).toMatch(/^\d{8}_\d{6}_\d{3}$/)
    const { uri } = await counter()
    const paid = await shop.run('pay', [number, '--reader', uri, '--hold', '--json'], '2\n1\n')
    expect(paid.code, paid.err).toBe(0)
    expect(paid.err).toContain('METHOD OF PAYMENT')
    expect(JSON.parse(paid.out)).toMatchObject({ result: 'approved', order: { state: 'Delayed' } })
    expect(await shop.run('confirm', [number, '--amount', '40.00'])).toMatchObject({ code: 0, out: expect.stringContaining('State: Confirmed in part') }) // biome-ignore format: one line
  })

  it('a host that is silent: in process, still being processed, and told at the next start', async () => {
    const shop = await open({ rules: [{ do: 'dropAnswer' }, { do: 'dropRequest', on: ['status', 'reversal'], times: 50 }] })
    const number = await shop.enter('100.00')
    const { uri } = await counter()
    const pay = [number, '--method', 'reader', '--reader', uri, '--app', 'MIR', '--status-time', '0', '--no-sync', '--lang', 'ru']
    const paid = await shop.run('pay', pay)
    expect(paid.code, paid.err).toBe(11)
    expect(paid.out).toContain('Статус заказа: В процессе')
    expect(await shop.run('pay', pay)).toMatchObject({ code: 11, err: expect.stringContaining(`Платёж по заказу ${number} ещё обрабатывается.`) }) // biome-ignore format: one line
    await shop.host.close()
    expect(await shop.run('sync')).toMatchObject({ code: 11, err: expect.stringMatching(/no connection[\s\S]*Waiting for the server: 1/) })
    await shop.open()
    const status = await shop.run('status', [number, '--lang', 'ru'])
    expect(status.err).toContain(`* Синхронизация с сервером: Прерванный платёж по заказу №${number} отменён: деньги не списаны`)
    expect(status).toMatchObject({ code: 0, out: expect.stringContaining('Статус заказа: Отменён') })
    expect(await shop.run('sync')).toMatchObject({ code: 0, err: expect.stringContaining('Nothing is waiting') })
    expect(
      await shop.run(
        'pay',
        pay.filter(one => one !== '--no-sync'),
      ),
    ).toMatchObject({ code: 0 })
  })
})

describe('an order in cash', () => {
  it('change is calculated; less than the order is refused; the host has the sale and its fiscal document', async () => {
    const shop = await open()
    const number = await shop.enter('8.08', '--number', '20200914_155814_864')
    expect(await shop.run('pay', [number, '--method', 'cash', '--received', '8.07'])).toMatchObject({ code: 2, err: expect.stringContaining('8.07 RUB is less than the order: 8.08 RUB') }) // biome-ignore format: one line
    expect(shop.host.orders).toEqual([])
    const paid = await shop.run('pay', [number, '--lang', 'ru'], '1\n5\n10\n')
    expect(paid.code, paid.err).toBe(0)
    for (const line of ['ПОДСЧЁТ СДАЧИ', '! 5.00 руб. меньше суммы заказа: 8.08 руб.', 'Получено: 10.00 руб.', 'Сдача: 1.92 руб.', `Фискальный документ для заказа №${number} передан в Ассист`]) // biome-ignore format: a list
      expect(paid.err).toContain(line)
    for (const line of ['Способ оплаты: Наличные', 'Получено: 10.00 RUB', 'Сдача: 1.92 RUB', 'Статус заказа: Оплачен'])
      expect(paid.out).toContain(line)
    expect(shop.host.order(number)).toMatchObject({ state: 'Approved', operations: [{ amount: 808n, transactions: [{ kind: 'cash' }] }] })
    expect(await shop.run('pay', [number, '--method', 'cash', '--received', '8.08'])).toMatchObject({ code: 0, err: expect.stringContaining('already paid') }) // biome-ignore format: one line
    expect(await shop.run('refund', [number])).toMatchObject({ code: 0 })
    expect(shop.host.order(number)!.operations.map(({ fiscal }) => fiscal)).toMatchObject([{ kind: 'sale', amount: 808n, document: 1 }, { kind: 'refund', document: 2 }]) // biome-ignore format: one line
  })

  it('three orders without a network; the network comes back: all handed over once, with their own times, and told', async () => {
    const shop = await open()
    await shop.host.close()
    const numbers: string[] = []
    for (const amount of ['10.00', '20.00', '30.00']) {
      const number = await shop.enter(amount)
      numbers.push(number)
      const paid = await shop.run('pay', [number, '--method', 'cash', '--received', '100', '--json'])
      expect(paid.code, paid.err).toBe(0)
      expect(paid.err).toContain('paid offline and will be handed over later')
      expect(JSON.parse(paid.out)).toMatchObject({ sale: { registration: 'pending' }, order: { state: 'Approved', offline: true } })
    }
    expect(await shop.run('sync')).toMatchObject({ code: 11, err: expect.stringContaining('Waiting for the server: 3') })
    const before = JSON.parse((await shop.run('list', ['--json'])).out)
    await new Promise(resolve => setTimeout(resolve, 20)) // the host's time is another
    await shop.open({ rules: [{ do: 'dropAnswer', on: 'cash', times: 1 }] }) // and one answer is lost on the way
    const first = await shop.run('sync', ['--lang', 'ru'])
    const second = first.code === 0 ? first : await shop.run('sync', ['--lang', 'ru'])
    expect(second.code, first.err + second.err).toBe(0)
    for (const number of numbers) {
      const said = [`Заказ №${number} успешно передан на сервер. Дата и время проведения заказа обновлены`, `Фискальный документ для заказа №${number} передан в Ассист`] // biome-ignore format: a list
      for (const words of said) expect((first === second ? first.err : first.err + second.err).split(words)).toHaveLength(2)
      const order = shop.host.order(number)!
      expect(order.operations).toHaveLength(1)
      const mine = before.find((one: { number: string }) => one.number === number)
      expect(order.operations[0].at.toISOString()).toBe(mine.entries[0].at)
    }
    expect(shop.host.orders).toHaveLength(3)
    expect(JSON.parse((await shop.run('list', ['--json'])).out)).toMatchObject(numbers.map(() => ({ offline: false, state: 'Approved' })))
    expect(await shop.run('sync')).toMatchObject({ code: 0, err: expect.not.stringContaining('No.') })
    expect(await shop.run('status', [numbers[0]])).toMatchObject({ code: 0, out: expect.stringContaining('State: Paid') })
  })

  it('what the host refuses is told, and stays paid: the money is in the drawer', async () => {
    const shop = await open({ merchants: [{ id: 'somebody else' }] })
    const number = await shop.enter('10.00')
    const paid = await shop.run('pay', [number, '--method', 'cash', '--received', '10', '--json'])
    expect(JSON.parse(paid.out)).toMatchObject({ sale: { registration: 'refused' }, order: { state: 'Approved', entries: [{ reason: 'notRegistered', code: '03', open: false }] } }) // biome-ignore format: one line
  })
})

describe('an order by SBP', () => {
  const waiting = /Enter shows|Enter — показать/

  it('the code is shown, its state is refreshed, shown again, and the customer pays', async () => {
    const shop = await open()
    const number = await shop.enter('1.00')
    let shown = 0
    const paid = await shop.run('pay', [number, '--method', 'sbp', '--lang', 'ru'], (said, type) => {
      const now = said.split('\n000201').length - 1
      if (!waiting.test(said) || now === shown) return
      shown = now
      if (now === 1) type('\n')
      else setTimeout(() => shop.host.payQr(payloadIn(said)!), 1500)
    })
    expect(paid.code, paid.err).toBe(0)
    expect(shown).toBe(2)
    expect(paid.err).toMatch(/Номер транзакции: \d{16}\n> СБП QR-код:/)
    for (const line of ['Подождите...', 'СБП QR-код:', 'Статус заказа: В процессе', '> ОПЛАЧЕНО']) expect(paid.err).toContain(line)
    expect(paid.out).toMatch(/Статус заказа: Оплачен[\s\S]*Способ оплаты: СБП[\s\S]*Номер транзакции: \d{16}/)
    expect(parseMerchantCode(payloadIn(paid.err)!)).toMatchObject({ dynamic: true, amount: 100n, system: 'test.tapdip.sbp', terminal: '63545902' }) // biome-ignore format: one line
    expect(shop.host.order(number)).toMatchObject({ state: 'Approved', operations: [{ transactions: [{ kind: 'sbp' }], fiscal: {} }] })
  })

  it('another way to pay while it hangs: taken back first, so that only one is charged', async () => {
    const shop = await open()
    const number = await shop.enter('1.00')
    const changed = await shop.run(
      'pay',
      [number, '--method', 'sbp'],
      once(waiting, (_, type) => type('o\n1\n\n')),
    )
    expect(changed.code, changed.err).toBe(0)
    expect(changed.err).toMatch(/Taking the SBP payment back first[\s\S]*METHOD OF PAYMENT[\s\S]*CHANGE[\s\S]*APPROVED/)
    const payload = payloadIn(changed.err)!
    expect(() => shop.host.payQr(payload)).toThrow(/cannot be paid/)
    expect(shop.host.order(number)).toMatchObject({ state: 'Approved', operations: [{ state: 'Canceled' }, { state: 'Approved', amount: 100n }] }) // biome-ignore format: one line
  })

  it('the cross: taken back, with its reason', async () => {
    const shop = await open()
    const crossed = await shop.run(
      'pay',
      [await shop.enter('1.00'), '--method', 'sbp', '--lang', 'ru'],
      once(/отмена\./, (_, type) => type('x\n')),
    )
    expect(crossed, crossed.err).toMatchObject({ code: 12, err: expect.stringContaining('> ОТМЕНЕНО: отменено продавцом\n') })
    expect(crossed.out).toContain('Информация: отменено продавцом')
  })

  it('the customer was quicker than the merchant: paid by SBP, and no other way is offered', async () => {
    const shop = await open()
    const number = await shop.enter('1.00')
    const quick = await shop.run('pay', [number, '--method', 'sbp'], once(waiting, (said, type) => {
      shop.host.payQr(payloadIn(said)!)
      type('o\n1\n\n')
    })) // biome-ignore format: a call
    expect(quick.code, quick.err).toBe(0)
    expect(quick.err).not.toContain('METHOD OF PAYMENT')
    expect(shop.host.order(number)).toMatchObject({ state: 'Approved', operations: [{ transactions: [{ kind: 'sbp' }] }] })
  })

  it('left in process: the code again, still being processed, taken back for another way; and told when it is paid', async () => {
    const shop = await open()
    const [first, second] = [await shop.enter('1.00', '--number', 'one'), await shop.enter('2.00', '--number', 'two')]
    for (const number of [first, second]) {
      const left = await shop.run('pay', [number, '--method', 'sbp', '--wait', '0'])
      expect(left, left.err).toMatchObject({ code: 11, out: expect.stringContaining('State: In process') })
    }
    const again = await shop.run('pay', [first, '--method', 'cash', '--received', '1'])
    expect(again).toMatchObject({ code: 11, err: expect.stringContaining('is still being processed') })
    const payload = payloadIn(again.err)!
    const inProcess = await shop.run('status', [first, '--qr', '--json'])
    expect(payloadIn(inProcess.err)).toBe(payload)
    expect(JSON.parse(inProcess.out)).toMatchObject({
      entries: [{ open: true, transaction: expect.stringMatching(/^\d{16}$/), qr: { payload } }],
    })
    const instead = await shop.run('pay', [first, '--method', 'cash', '--received', '1', '--instead'])
    expect(instead.code, instead.err).toBe(0)
    expect(instead.err).toContain('Taking the SBP payment back first…')
    expect(instead.err).not.toContain('approval')
    expect(() => shop.host.payQr(payload)).toThrow(/cannot be paid/)
    const other = payloadIn((await shop.run('status', [second, '--qr'])).err)!
    shop.host.payQr(other)
    const told = await shop.run('sync', ['--lang', 'ru'])
    expect(told).toMatchObject({ code: 0, err: expect.stringContaining('Статус заказа №two изменился на "Approved"') })
    expect(await shop.run('pay', [second, '--method', 'sbp', '--instead'])).toMatchObject({ code: 0, err: expect.stringContaining('already paid') }) // biome-ignore format: one line
  })

  it('a cancellation that the host does not confirm: no other way is offered', async () => {
    const shop = await open({ rules: [{ do: 'dropRequest', on: ['reversal'] }] })
    const number = await shop.enter('1.00')
    const stuck = await shop.run(
      'pay',
      [number, '--method', 'sbp', '--status-time', '1'],
      once(waiting, (_, type) => type('o\n')),
    )
    expect(stuck, stuck.err).toMatchObject({ code: 11, err: expect.stringMatching(/not confirmed that the SBP payment is cancelled/) })
    expect(stuck.err).not.toContain('METHOD OF PAYMENT')
    expect(await shop.run('pay', [number, '--method', 'cash', '--received', '1', '--no-sync'])).toMatchObject({ code: 11 })
  })

  it('no network: nothing is sent, and nothing hangs', async () => {
    const shop = await open()
    const number = await shop.enter('1.00')
    await shop.host.close()
    expect(await shop.run('pay', [number, '--method', 'sbp', '--hold'])).toMatchObject({ code: 2 })
    expect(await shop.run('pay', [number, '--method', 'sbp'])).toMatchObject({ code: 1, err: expect.stringContaining('host-unreachable') })
    expect(await shop.run('pay', [number, '--method', 'cash', '--received', '1'])).toMatchObject({ code: 0 })
  })
})

describe('a receipt again', () => {
  it('as text, JSON, picture and on a printer; fiscal with the marks of the host, and without them where there is no host', async () => {
    const shop = await open()
    const number = await shop.enter('--item', 'Новый товар|3|50.00|20', '--email', 'mail@assist.ru')
    expect(await shop.run('pay', [number, '--method', 'cash', '--received', '200'])).toMatchObject({ code: 0 })
    const marked = ['--fiscal', '--acquirer', shop.host.url, '--inn', '7728029110', '--taxation', 'osn', '--lang', 'ru']
    const { out } = await shop.run('receipt', [number, ...marked, '--width', '32'])
    for (const line of ['КАССОВЫЙ ЧЕК', 'ИТОГ                     =150.00', 'Сумма НДС 20%             =25.00', 'НАЛИЧНЫМИ', 'СДАЧА                     =50.00', 'СНО: ОСН', 'ФН № 9999078900000001', 'ФД № 0000000001']) // biome-ignore format: a list
      expect(out).toContain(line)
    expect(Math.max(...out.split('\n').map(line => line.length))).toBeLessThanOrEqual(32)
    const json = JSON.parse((await shop.run('receipt', [number, ...marked, '--json'])).out)
    expect(json).toMatchObject({
      slip: { method: 'cash', change: '50.00' },
      fiscal: [{ kind: 'sale', total: '150.00', mark: { document: 1 } }],
    })
    await shop.run('refund', [number, '--item', '1=1'])
    const both = JSON.parse((await shop.run('receipt', [number, ...marked, '--json'])).out)
    expect(both.fiscal).toMatchObject([{ kind: 'sale' }, { kind: 'refund', total: '50.00', items: [{ quantity: '1.000' }] }])
    const printed: Buffer[] = []
    const printer = createServer(socket => socket.on('data', data => printed.push(data)))
    await new Promise<void>(resolve => printer.listen(0, '127.0.0.1', resolve))
    ends.push(() => printer.close())
    const { port } = printer.address() as AddressInfo
    const file = join(tmpdir(), `tapdip-receipt-${process.pid}.png`)
    ends.push(() => rmSync(file, { force: true }))
    await shop.host.close()
    const again = await shop.run('receipt', [number, ...marked, '--png', file, '--printer', `tcp://127.0.0.1:${port}`])
    expect(again.code, again.err).toBe(0)
    expect(again.out).toContain('НЕ ФИСКАЛИЗИРОВАН')
    expect(readFileSync(file).subarray(1, 4).toString()).toBe('PNG')
    await vi.waitFor(() => expect(new TextDecoder('ibm866').decode(Buffer.concat(printed))).toContain('Новый товар'))
    expect(await shop.run('receipt', [number, '--inn', '12'])).toMatchObject({ code: 2 })
    expect(await shop.run('receipt', [number, '--printer', 'tcp://127.0.0.1:1'])).toMatchObject({ code: 1 })
    expect(await shop.run('receipt', ['none'])).toMatchObject({ code: 1 })
  })
})

describe('what is no order', () => {
  it.each([
    [['pay', 'none', '--method', 'reader'], 1, /no order none/],
    [['pay', 'none', '--method', 'barter'], 2, /--method is 'barter'/],
    [['new'], 2, /\[amount\], --item is missing/],
    [['new', '--item', 'a|0|1'], 2, /--item is '0', it takes quantity 0\.001–999999\.999/],
    [['new', '--item', 'a|1|1|200'], 2, /--item is 'a\|1\|1\|200', it takes VAT 0–100 %/],
    [['new', '--item', 'a|1|1|20|2'], 2, /--item is 'a\|1\|1\|20\|2', it takes discount ≤ 1\.00/],
    [['new', '2', '--item', 'a|1|1'], 2, /not the sum of the items/],
    [['status', 'none', '--lang', 'fr'], 2, /--lang is 'fr'/],
    [['list', '--journal', '/proc/none/j.db'], 1, /journal/],
    [['barter'], 2, /there is no command 'barter'/],
  ] as const)('%# exits with its code', async ([command, ...args], code, words) => {
    const shop = await open()
    expect(await shop.run(command, args)).toMatchObject({ code, err: expect.stringMatching(words) })
  })
})
