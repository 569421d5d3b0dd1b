/** A shop's counter over Bluetooth LE with no radio: virtual readers on the virtual air by unmodified bleno, the app by unmodified noble, in this process and in others. Needs `npm run build`. */

import { type ChildProcess, spawn } from 'node:child_process'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { discover } from '../../devices/discover.ts'
import { open } from '../../devices/index.ts'
import { type AcquirerHost, type HostEvent, startAcquirer } from '../../simulator/acquirer/host.ts'
import type { HostRule } from '../../simulator/acquirer/rules.ts'
import { Air } from '../../simulator/air/air.ts'
import type { Controller } from '../../simulator/air/controller.ts'
import { nobleOn } from '../../simulator/air/host.ts'
import { serveAir } from '../../simulator/air/socket.ts'
import { turnKnob } from '../../simulator/readers/knobs.ts'
import { listen } from '../../simulator/readers/listen/listen.ts'
import type { VirtualReader } from '../../simulator/readers/reader.ts'
import { instant, loadCard, person, virtualCounter, virtualReader } from '../../simulator/world.ts'
import { currency } from '../../src/currency.ts'
import type { Fault } from '../../src/errors.ts'
import { faultMessage } from '../../src/messages/messages.ts'
import { httpAcquirer } from '../../src/payment/host/http.ts'
import { type AppPrompts, pay } from '../../src/payment/pay/payment.ts'
import type { Reader } from '../../src/reader/reader.ts'
import { type ConnectionState, ReaderConnection } from '../../src/reader/reconnect.ts'
import { bluetooth } from './bluetooth.ts'

const root = resolve(import.meta.dirname, '../..')
const tapdip = join(root, 'dist/devices/cli.js')
const tapdipSim = join(root, 'dist/simulator/cli.js')

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

let air: Air
beforeEach(() => {
  air = new Air()
  ends.push(() => air.close())
})

interface Served {
  readonly reader: VirtualReader
  readonly radio: Controller
  readonly uri: string
}

/** A virtual reader on the air, with a person who holds a card. */
async function serve(kind: string): Promise<Served> {
  const [family, dialect] = kind.split(' ')
  const reader = virtualReader({ family, ...(dialect && { dialect }), resultTime: 10 })
  const radio = air.controller()
  const listening = await listen('ble', link => reader.serve(link), { ble: { shape: reader.ble!, name: reader.serial, air: radio } })
  const leave = person(reader.body, loadCard('mir-maestro'), { pace: instant, pins: ['1234'] })
  ends.push(
    () => reader.close(),
    () => listening.close(),
    () => leave(),
  )
  return { reader, radio, uri: family === 'magtek' ? `${listening.uri}?family=magtek` : listening.uri } // its name tells no family
}

async function acquirer(onEvent: (event: HostEvent) => void = () => {}, rules: readonly HostRule[] = []): Promise<AcquirerHost> {
  const host = await startAcquirer({ rules, onEvent })
  ends.push(() => host.close())
  return host
}

/** Runs a command to its end; what keeps it running longer than it has to is a failure of its own. */
async function run(
  file: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<{ code: number | null; out: string; err: string }> {
  const child = spawn(process.execPath, [file, ...args], {
    cwd: root,
    env: { ...process.env, LANG: 'C.UTF-8', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  ends.push(() => child.kill('SIGKILL'))
  let [out, err] = ['', '']
  child.stdout.setEncoding('utf8').on('data', text => {
    out += text
  })
  child.stderr.setEncoding('utf8').on('data', text => {
    err += text
  })
  const code = await new Promise<number | null>(done => child.once('close', done))
  return { code, out, err }
}

/** Families and dialects, and what their payment of a co-badged card says of the choice. */
const chooses: Readonly<Record<string, string>> = {
  bluepad: 'The customer chooses the payment system on the reader.',
  qpos: 'Choose the payment system',
  'magtek v5': 'Choose the payment system',
  'magtek mms': 'Asking for authorisation',
}

describe.skipIf(!bluetooth)('the counter over Bluetooth LE', () => {
  it('`tapdip list` of another process finds the readers on the air, with family and signal, and ends', async () => {
    await serve('bluepad')
    const { radio } = await serve('qpos')
    radio.rssi = -71
    const socket = await serveAir(air)
    ends.push(() => socket.close())
    const { code, out, err } = await run(tapdip, ['list', '--json', '--time', '1', '--over', 'ble'], { TAPDIP_AIR: socket.uri })
    expect(err).toBe('')
    expect(JSON.parse(out)).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ uri: 'ble:PP0918900518', family: 'bluepad', name: 'PP0918900518', rssi: -52 }),
        expect.objectContaining({ uri: 'ble:MPOS0000000001', family: 'qpos', name: 'MPOS0000000001', rssi: -71 }),
      ]),
    )
    expect(code).toBe(0)
  })

  describe.each(Object.keys(chooses))('%s', kind => {
    it('`tapdip pay` of another process connects by name, pays, and ends', async () => {
      const { uri } = await serve(kind)
      const host = await acquirer()
      const socket = await serveAir(air)
      ends.push(() => socket.close())
      const args = ['pay', '2500.00', '--currency', 'RUB', '--reader', uri, '--acquirer', host.url, '--app', 'MIR', '--json']
      const { code, out, err } = await run(tapdip, args, { TAPDIP_AIR: socket.uri })
      expect(JSON.parse(out)).toMatchObject({ result: 'approved' })
      expect(err).toContain(chooses[kind])
      expect(code).toBe(0)
    })

    it('a link loss while the host decides: the outcome is unknown and is taken back; the reader comes back by itself, and pays', async () => {
      const { uri, radio } = await serve(kind)
      const seen: HostEvent[] = []
      const host = await acquirer(event => seen.push(event), [{ when: {}, do: 'delay', ms: 300, times: 1 }])
      const central = nobleOn(air.controller())
      ends.push(() => central.close())
      const connection = new ReaderConnection({ open: (where, { signal }) => open(where, { signal, bluetooth: central.lib }) })
      const states: ConnectionState['type'][] = []
      const watching = (async () => {
        for await (const { type } of connection.states) states.push(type)
      })()
      ends.push(() => connection.close())
      const buy = (number: string, reader: Reader, prompts: AppPrompts = {}) =>
        pay(
          { number, amount: 250_000n, currency: currency('RUB') },
          { reader, acquirer: httpAcquirer(host.url), merchant: { name: 'MobileTestMerchant', id: 'MTM', terminal: '63545902' }, prompts },
        )

      await connection.use(uri)
      const reader = await connection.ready({ timeout: 10_000 })
      const lost = await buy('1', reader, {
        onEvent: event => event.type === 'stage' && event.stage === 'authorising' && setTimeout(() => radio.linkLoss(), 100),
      })
      expect(lost.outcome).toMatchObject({ result: 'unknown', online: true })
      expect(lost).toMatchObject({ result: 'cancelled', reversal: 'done' })
      expect(seen).toContainEqual(expect.objectContaining({ type: 'reversal', key: lost.key }))

      const again = await connection.ready({ timeout: 10_000 })
      expect(again).not.toBe(reader)
      expect(await buy('2', again)).toMatchObject({ result: 'approved' })
      await connection.close()
      await watching
      expect(states).toEqual(['connecting', 'ready', 'waiting', 'connecting', 'ready', 'off', 'closed'])
    })
  })

  it.each(Object.keys(chooses))('a %s that is bonded to another host refuses, and says so; this one gets in when it is', async kind => {
    const { uri, radio, reader } = await serve(kind)
    turnKnob({ reader, radio }, 'bond other')
    const controller = air.controller()
    const central = nobleOn(controller)
    ends.push(() => central.close())
    const connection = new ReaderConnection({ open: (where, { signal }) => open(where, { signal, bluetooth: central.lib }) })
    ends.push(() => connection.close())
    await connection.use(uri)
    const refused = await connection.ready({ timeout: 10_000 }).catch((fault: unknown) => fault)
    expect(refused).toMatchObject({ code: 'link-failed', details: { reason: 'bonded' } })
    expect(faultMessage(refused as Fault, 'en')).toContain('paired with another device')
    expect(faultMessage(refused as Fault, 'ru')).toContain('сопряжён с другим устройством')
    expect(connection.state.type).toBe('failed') // however often one tries: somebody has to let it go first
    turnKnob({ reader, radio }, `bond ${controller.address}`)
    connection.retry()
    expect((await until(connection, 'ready')).type).toBe('ready')
  })

  it('a reader that is switched off is not on the air; switched on, it is; out of range its link is lost', async () => {
    const counter = await virtualCounter({ family: 'bluepad', listen: 'ble:0' })
    ends.push(
      () => counter.close(),
      () => delete process.env.TAPDIP_AIR,
    )
    process.env.TAPDIP_AIR = counter.air
    const { uri, radio, reader: device } = counter
    const reader = await open(uri)
    const lost = (async () => {
      for await (const event of reader.events) if (event.type === 'state') return event.state
      return 'ended'
    })()
    device.body.switchOff()
    expect(await lost).toBe('disconnected')
    await reader.close()
    const search = discover({ transports: ['ble'], timeout: 300 })
    for await (const one of search) expect.fail(`found ${JSON.stringify(one)}`)
    device.body.switchOn()
    const again = await open(uri)
    radio!.inRange = false
    await expect(again.status()).rejects.toMatchObject({ code: 'link-closed' })
    await again.close()
  })

  it('`tapdip-sim serve --listen ble:0` is an air that other programs join, readers and apps', async () => {
    const first = spawn(process.execPath, [tapdipSim, 'serve', 'bluepad', '--listen', 'ble:0'], { cwd: root })
    ends.push(() => first.kill('SIGKILL'))
    const TAPDIP_AIR = await says(first, /TAPDIP_AIR=(tcp:\S+)/)
    const second = spawn(process.execPath, [tapdipSim, 'serve', 'qpos', '--listen', 'ble'], {
      cwd: root,
      env: { ...process.env, TAPDIP_AIR },
    })
    ends.push(() => second.kill('SIGKILL'))
    expect(await says(second, /^(MPOS\S+: ble:\S+)$/m)).toBe('MPOS0000000001: ble:MPOS0000000001?family=qpos')
    const info = await run(tapdip, ['info', 'ble:MPOS0000000001', '--json'], { TAPDIP_AIR })
    expect(JSON.parse(info.out)).toMatchObject({ family: 'qpos' })
    // Whoever is killed is gone from the air, and the reader is free for the next.
    const killed = spawn(
      process.execPath,
      [tapdip, 'pay', '1.00', '--currency', 'RUB', '--reader', 'ble:PP0918900518', '--acquirer', 'http://127.0.0.1:9'],
      {
        cwd: root,
        env: { ...process.env, TAPDIP_AIR },
      },
    )
    await says(killed, /(ready)/)
    killed.kill('SIGKILL')
    expect((await run(tapdip, ['info', 'ble:PP0918900518'], { TAPDIP_AIR })).code).toBe(0)
    const stopped = new Promise(done => second.once('close', done))
    second.kill('SIGINT')
    expect(await stopped).toBe(0)
    const gone = await run(tapdip, ['list', '--json', '--time', '3'], { TAPDIP_AIR })
    expect(gone.out).not.toContain('MPOS0000000001')
    expect(gone.out).toContain('PP0918900518')
  }, 60_000)
})

/** The state of that type, from now on or as it is. */
async function until(connection: ReaderConnection, type: ConnectionState['type']): Promise<ConnectionState> {
  if (connection.state.type === type) return connection.state
  for await (const state of connection.states) if (state.type === type) return state
  return connection.state
}

/** Waits until a program has said it, on either of its outputs. */
function says(child: ChildProcess, pattern: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = ''
    const hear = (chunk: Buffer) => {
      text += chunk
      const found = pattern.exec(text)
      if (found) resolve(found[1])
    }
    child.stdout?.on('data', hear)
    child.stderr?.on('data', hear)
    child.once('exit', () => reject(new Error(`it ended before it said ${pattern}: ${text}`)))
  })
}
