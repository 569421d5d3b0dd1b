/** Screens and messages of the mPOS guide (seed 002) that `tapdip order pay` shows, with what must happen behind them. Needs `npm run build`. */

import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { discover } from '../../../devices/discover.ts'
import type { HostRule } from '../../../simulator/acquirer/rules.ts'
import { Air } from '../../../simulator/air/air.ts'
import { serveAir } from '../../../simulator/air/socket.ts'
import {
  type Counter,
  type CounterOptions,
  instant,
  listen,
  loadCard,
  person,
  virtualCounter,
  virtualReader,
} from '../../../simulator/world.ts'
import { faultMessage } from '../../../src/messages/messages.ts'
import { bluetooth } from '../../transport/bluetooth.ts'

vi.setConfig({ testTimeout: 60_000 }) // each case starts processes, on machines that others use too

const root = resolve(import.meta.dirname, '../../..')
/** The reader goes on showing after the app has ended. */
const patience = { timeout: 10_000 }
const ends: (() => unknown)[] = []
let state: string
beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), 'tapdip-mpos-'))
  ends.push(() => rmSync(state, { recursive: true, force: true }))
})
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

interface Ended {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

interface Running {
  readonly child: ChildProcess
  readonly ended: Promise<Ended>
  /** Resolves when it has printed that, after what was waited for before. */
  says(words: string): Promise<void>
  types(line: string): void
}

/** `tapdip order …` in Russian, on the journal of this test. */
function start(args: readonly string[], env: NodeJS.ProcessEnv = {}): Running {
  const child = spawn(process.execPath, [join(root, 'dist/devices/cli.js'), 'order', ...args, '--lang', 'ru'], {
    cwd: root,
    env: { ...process.env, LANG: 'C.UTF-8', TAPDIP_STATE: state, ...env },
  })
  ends.push(() => child.kill('SIGKILL'))
  let [out, err, read] = ['', '', 0]
  let look = () => {}
  child.stdout.setEncoding('utf8').on('data', text => (out += text))
  child.stderr.setEncoding('utf8').on('data', text => {
    err += text
    look()
  })
  const ended = new Promise<Ended>(done => child.once('close', code => done({ code, out, err })))
  return {
    ...{ child, ended },
    says: words =>
      new Promise((found, lost) => {
        look = () => {
          const at = err.indexOf(words, read)
          if (at < 0) return
          read = at + words.length
          look = () => {}
          found()
        }
        look()
        void ended.then(() => lost(new Error(`it ended before it said '${words}': ${err}`)))
      }),
    types: line => void child.stdin.write(`${line}\n`),
  }
}

async function run(args: readonly string[], typed: readonly string[] = []): Promise<Ended> {
  const running = start(args)
  running.child.stdin?.end(typed.map(line => `${line}\n`).join(''))
  return running.ended
}

async function counter(options: CounterOptions = {}): Promise<Counter> {
  const made = await virtualCounter({ listen: 'tcp:0', pins: ['1234'], ...options })
  ends.push(() => made.close())
  return made
}

async function enter(amount: string): Promise<string> {
  const { out, code, err } = await run(['new', amount])
  expect(code, err).toBe(0)
  return out.trim()
}

const payArgs = (number: string, { uri, acquirer }: Counter, ...more: string[]) => [
  ...['pay', number, '--method', 'reader', '--reader', uri, '--acquirer', acquirer.url, '--app', 'MIR', '--status-time', '5', ...more],
]
/** For cards that are no MIR: whatever they have is paid with. */
const payAny = (number: string, made: Counter) => payArgs(number, made).filter(one => one !== '--app' && one !== 'MIR')
const screens = ({ reader }: Counter) => reader.body.screens.map(({ lines }) => lines[0])

describe('the reader is found', () => {
  it.skipIf(!bluetooth)(
    'none nearby, searched again, found, agreed to, connected; the next order takes the last one by itself',
    async () => {
      const air = new Air()
      ends.push(() => air.close())
      const reader = virtualReader({ family: 'bluepad', resultTime: 10 })
      const radio = air.controller()
      const listening = await listen('ble', link => reader.serve(link), { ble: { shape: reader.ble!, name: reader.serial, air: radio } })
      ends.push(
        () => reader.close(),
        () => listening.close(),
      )
      const hold = () => person(reader.body, loadCard('mir-maestro'), { pace: instant, pins: ['1234'] })
      let leave = hold()
      ends.push(() => leave())
      const { acquirer } = await counter()
      const socket = await serveAir(air)
      ends.push(() => socket.close())
      radio.power(false)
      const pay = async () => ['pay', await enter('25.00'), '--method', 'reader', '--acquirer', acquirer.url]
      const first = start(await pay(), { TAPDIP_AIR: socket.uri })
      await first.says('Поиск картридеров поблизости…')
      await first.says('Картридеры поблизости не найдены.')
      await first.says('Enter — повторить поиск')
      radio.power(true)
      first.types('')
      await first.says('Поиск картридеров поблизости…')
      await first.says('Найден картридер PP0918900518. Хотите подключиться?')
      first.types('r')
      await first.says('Найден картридер PP0918900518. Хотите подключиться?')
      first.types('')
      await first.says('Подключение картридера PP0918900518…')
      await first.says('Пожалуйста, вставьте/прокатайте/приложите карту.')
      await first.says('Покупатель выбирает платёжную систему на картридере.')
      first.child.stdin?.end()
      expect(await first.ended).toMatchObject({ code: 0, out: expect.stringContaining('Статус заказа: Оплачен') })
      leave()
      reader.body.pull()
      leave = hold()
      const second = start(await pay(), { TAPDIP_AIR: socket.uri })
      second.child.stdin?.end()
      const { code, err } = await second.ended
      expect(code, err).toBe(0)
      expect(err).toContain('> Соединение с последним подключённым картридером PP0918900518…\n')
      expect(err).not.toContain('Поиск')
    },
    60_000,
  )

  it('without the location service Bluetooth is not searched, and the app says what to switch on; switched on, it is', async () => {
    const said: string[] = []
    const english: string[] = []
    for (const location of ['off', 'denied', 'on'] as const) {
      const search = discover({ once: true, timeout: 200, transports: ['ble'], location: async () => location })
      for await (const one of search) {
        if (one.type !== 'unavailable') continue
        said.push(faultMessage(one.fault, 'ru'))
        english.push(faultMessage(one.fault, 'en'))
      }
    }
    expect(said[0]).toMatch(/^Для поиска картридера необходимо включить "Геолокацию"/)
    expect(said[1]).toMatch(/^Ошибка включения "Геолокации": приложению не разрешён доступ/)
    expect(english[0]).toMatch(/^To search for readers, the location service must be switched on/)
    expect(english[1]).toMatch(/^The location service could not be used: the app is not allowed to/)
    expect(said.slice(2).join()).not.toMatch(/геолокац/i)
  })
})

describe('the reader will not pay', () => {
  it('a battery too low: told in the app, before the card is asked for', async () => {
    const made = await counter({ battery: { percent: 3 } })
    const { code, err } = await run(payArgs(await enter('25.00'), made))
    expect(code).toBe(1)
    expect(err).toContain('Недостаточный заряд батареи картридера: зарядите')
    expect(err).not.toContain('приложите карту')
    expect(made.acquirer.orders).toEqual([])
  })

  it('firmware that must be updated: told in the app before the card is asked for; updated, it pays the same order', async () => {
    const made = await counter({ family: 'bluepad' })
    const { condition } = made.reader.firmware
    condition.requiredVersion = '9.0.0'
    const number = await enter('25.00')
    const refused = await run(payArgs(number, made))
    expect(refused.code).toBe(1)
    expect(refused.err).toContain('Необходимо обновить прошивку картридера')
    expect(refused.err).not.toContain('приложите карту')
    expect(made.acquirer.orders).toEqual([])
    condition.update.install('9.0.0')
    made.next({ pins: ['1234'] })
    expect(await run(payArgs(number, made))).toMatchObject({ code: 0 })
  })

  it('lost in the middle: told, nothing was sent, and the order can be paid', async () => {
    const made = await counter({ pins: [], pace: { ...instant, think: 60_000 } })
    const number = await enter('25.00')
    const paying = start(payArgs(number, made))
    await paying.says('Покупатель вводит PIN-код на картридере.')
    await made.reader.close()
    const { code, err } = await paying.ended
    expect(code).toBe(1)
    expect(err).toContain('Связь с картридером потеряна')
    expect(made.acquirer.orders).toEqual([])
    expect(await run(payArgs(number, await counter()))).toMatchObject({ code: 0 })
  })
})

it('the cross at the change window: not paid, and the order is as it was', async () => {
  const { acquirer } = await counter()
  const number = await enter('8.08')
  const { code, err } = await run(['pay', number, '--method', 'cash', '--acquirer', acquirer.url], ['x'])
  expect(code, err).toBe(12)
  expect(err).toContain('ПОДСЧЁТ СДАЧИ')
  expect(err).toContain('ОТМЕНЕНО: отменено продавцом')
  expect(acquirer.orders).toEqual([])
  expect(await run(['pay', number, '--method', 'cash', '--received', '10', '--acquirer', acquirer.url])).toMatchObject({ code: 0 })
})

describe('the customer signs', () => {
  const signing = { card: 'visa-signature' } as const

  it('the field is cleared, an empty one is no signature, the drawn one is confirmed; then the host is asked, and the card given back', async () => {
    const made = await counter(signing)
    const { code, out, err } = await run(payAny(await enter('5000.00'), made), ['c', '', 'Ivanov'])
    expect(code, err).toBe(0)
    expect(err).toMatch(/ПОДПИСЬ ПОКУПАТЕЛЯ[\s\S]*Подпись ещё не выполнена\.[\s\S]*Запрос авторизации…/)
    expect(out).not.toMatch(/Подпись: _/)
    const shown = screens(made)
    expect(shown.indexOf('Present card.')).toBeLessThan(shown.indexOf('Processing. Please wait.'))
    await vi.waitFor(() => expect(screens(made).slice(-3)).toEqual(['PLEASE REMOVE CARD', 'TRANSACTION SUCCESSFUL', 'WELCOME']), patience)
  })

  it('the cross ends the payment: nothing was sent, and the card is given back', async () => {
    const made = await counter(signing)
    const { code, out, err } = await run(payAny(await enter('5000.00'), made), ['x'])
    expect(code, err).toBe(12)
    expect(err).toContain('ОТМЕНЕНО: отменено покупателем')
    expect(out).toContain('Статус заказа: Отменён')
    expect(made.acquirer.orders).toEqual([])
    await vi.waitFor(() => expect(screens(made)).toContain('PLEASE REMOVE CARD'), patience)
  })

  it('a tap below 3000 roubles asks for nothing, neither signature nor PIN', async () => {
    const made = await counter({ card: 'mastercard', present: 'tap' })
    const { code, err } = await run(payAny(await enter('2999.99'), made))
    expect(code, err).toBe(0)
    expect(err).toContain('Приложена бесконтактная карта.')
    expect(err).not.toMatch(/ПОДПИСЬ|PIN/)
    expect(screens(made).join()).not.toContain('PIN')
  })
})

describe('the host answers, or does not', () => {
  it('a decline is told with its reason, on the result screen too; the attempt is repeated and pays', async () => {
    const rules: HostRule[] = [{ do: 'decline', code: '51', reason: 'no money', times: 1 }]
    const made = await counter({ rules })
    const number = await enter('255.00')
    const declined = await run(payArgs(number, made))
    expect(declined.code).toBe(10)
    expect(declined.err).toMatch(/Вставлена чиповая карта\.\n> Пожалуйста, подождите…[\s\S]*ОТКАЗ: .*51 недостаточно средств/)
    expect(declined.out).toContain('Статус заказа: Отказ')
    expect(declined.out).toMatch(/Информация: .*51 недостаточно средств/)
    expect(screens(made)).toContain('DECLINED')
    made.next({ pins: ['1234'] })
    const paid = await run(payArgs(number, made))
    expect(paid.code, paid.err).toBe(0)
    expect(paid.out).toContain('Статус заказа: Оплачен')
  })

  it('in process: the result is asked for by itself until it is there', async () => {
    const made = await counter({
      rules: [
        { do: 'dropAnswer', times: 1 },
        { do: 'dropRequest', on: 'status', times: 2 },
      ],
    })
    const { code, out, err } = await run(payArgs(await enter('66.22'), made))
    expect(code, err).toBe(0)
    expect(err).toMatch(/Платёж в процессе: запрос результата…[\s\S]*ОПЛАЧЕНО/)
    expect(out).toContain('Статус заказа: Оплачен')
  })

  it('no network: the bank cannot be reached, nothing is charged, and the order can be paid when it is there', async () => {
    const made = await counter()
    const number = await enter('66.22')
    const args = payArgs(number, made)
    const nowhere = args.map(one => (one === made.acquirer.url ? 'http://127.0.0.1:1/' : one))
    const lost = await run(nowhere)
    expect(lost.code).toBe(10)
    expect(lost.err).toContain('ОТКАЗ: нет связи с банком')
    expect(made.acquirer.orders).toEqual([])
    made.next({ pins: ['1234'] })
    expect(await run(args)).toMatchObject({ code: 0 })
  })

  it('a wrong PIN is told, and entered again', async () => {
    const made = await counter({ pins: ['4321', '1234'] })
    const { code, err } = await run(payArgs(await enter('25.00'), made))
    expect(code, err).toBe(0)
    expect(err).toMatch(/Покупатель вводит PIN-код на картридере\.[\s\S]*Неверный PIN-код: покупатель вводит его снова\.[\s\S]*ОПЛАЧЕНО/)
    expect(screens(made).filter(line => line === 'ENTER PIN:').length).toBeGreaterThanOrEqual(2)
    await vi.waitFor(() => expect(screens(made).slice(-3)).toEqual(['TRANSACTION APPROVED', 'PLEASE REMOVE CARD', 'WELCOME']), patience)
  })
})
