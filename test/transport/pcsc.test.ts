/**
 * PC/SC: what happens without it, and, where pcscd, vpcd and the package `smartcard` are installed, everything over the real service: a virtual card in the slot
 * of vpcd, our driver on the other side of pcscd. The card is served by another process: calls of PC/SC that are synchronous would wait for a card that cannot
 * answer before they return. Needs `npm run build` (npm test does it).
 */

import { execFile, spawn } from 'node:child_process'
import { resolve as path } from 'node:path'
import { promisify } from 'node:util'
import type { NativeEvent } from 'smartcard'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { open } from '../../devices/index.ts'
import { startAcquirer } from '../../simulator/acquirer/host.ts'
import { loadCard } from '../../simulator/cards/icc.ts'
import { VPCD_READER } from '../../simulator/scenario/over/line.ts'
import { virtualConfig } from '../../simulator/world.ts'
import { fromHex, hex } from '../../src/bytes.ts'
import { sleep } from '../../src/clock.ts'
import { currency } from '../../src/currency.ts'
import { type Fault, isFault } from '../../src/errors.ts'
import { httpAcquirer } from '../../src/payment/host/http.ts'
import { pay } from '../../src/payment/pay/payment.ts'
import type { Reader, ReaderEvent } from '../../src/reader/reader.ts'
import { listPcscReaders, openPcsc, type PcscLibrary } from '../../src/transport/pcsc.ts'
import { parseUri, type Uri } from '../../src/transport/uri.ts'
import { pcscMissing, startPcscd } from '../pcscd.ts'
import { faultOf } from './link-contract.ts'

const PSE = fromHex('00A404000E315041592E5359532E444446303100')
const RUB = currency('RUB')
const merchant = { name: 'MobileTestMerchant', id: '635459020000001', terminal: '63545902' }
const at = (uri: string) => parseUri(uri) as Uri & { scheme: 'pcsc' }

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

describe('without PC/SC', () => {
  it('no package: the fault names it', async () => {
    const library = () => Promise.reject(new Error('Cannot find package'))
    const fault = await openPcsc(at('pcsc:'), { library }).catch(error => error)
    expect(isFault(fault, 'missing-library')).toBe(true)
    expect(fault.message).toContain('npm install smartcard')
  })

  it('no service: at once, and it says what to start', async () => {
    const { SCARD_STATE_PRESENT } = { SCARD_STATE_PRESENT: 0x20 }
    class Context {
      constructor() {
        throw new Error('PC/SC service not running') // what the library throws (pcsc_errors.h)
      }
    }
    const library = async () => ({ Context, SCARD_STATE_PRESENT }) as unknown as PcscLibrary
    for (const ask of [openPcsc(at('pcsc:'), { library }), listPcscReaders({ library })]) {
      const fault: Fault = await ask.then(
        () => expect.fail('a Fault was expected'),
        error => error,
      )
      expect(fault.code).toBe('link-failed')
      expect(fault.details.reason).toBe('no-pcscd')
      expect(fault.message).toContain('pcscd')
    }
  })

  it('another reader that is unplugged, or a monitor that fails, costs nothing; our own is missed', async () => {
    let hear: (event: NativeEvent) => void = () => {}
    const running = new Set<object>()
    const readers = [{ name: 'Ours', state: 0x20 }, { name: 'Other', state: 0 }] // biome-ignore format: a list
    class ReaderMonitor {
      start(listener: typeof hear) {
        running.add(this)
        hear = listener
        for (const { name, state } of readers) listener({ type: 'reader-attached', reader: name, state })
      }
      stop() {
        running.delete(this)
      }
    }
    class Context {
      listReaders() {
        return readers
      }
      close() {}
    }
    const library = async () => ({ ReaderMonitor, Context, SCARD_STATE_PRESENT: 0x20 }) as unknown as PcscLibrary
    const slot = await openPcsc(at('pcsc:'), { library })
    expect(slot).toMatchObject({ name: 'Ours', cardPresent: true })
    readers.pop()
    hear({ type: 'reader-detached', reader: 'Other', state: 0 })
    hear({ type: 'error', reader: 'Unknown reader', state: 0 })
    expect(running.size).toBe(1)
    hear({ type: 'card-removed', reader: 'Ours', state: 0x10 })
    expect(slot.cardPresent).toBe(false)
    const waiting = faultOf(slot.powerOn({}))
    readers.pop()
    hear({ type: 'error', reader: 'Unknown reader', state: 0 })
    expect(await waiting).toBe('link-closed')
    expect((await slot.closed)?.code).toBe('link-closed')
    expect(running.size).toBe(0)
  })

  it('an answer without a status is none: the card that went under the command is missed', async () => {
    let hear: (event: NativeEvent) => void = () => {}
    class ReaderMonitor {
      start(listener: typeof hear) {
        hear = listener
        listener({ type: 'reader-attached', reader: 'Ours', state: 0x20 })
      }
      stop() {}
    }
    // As seen of pcscd with vpcd when the card's end hangs up: success, and nothing received.
    const card = { atr: fromHex('3B00'), reconnect: async () => {}, transmit: async () => Buffer.alloc(0), disconnect() {} }
    class Context {
      listReaders() {
        return [{ name: 'Ours', state: 0x20, connect: async () => card }]
      }
      close() {}
    }
    const library = async () => ({ ReaderMonitor, Context, SCARD_STATE_PRESENT: 0x20 }) as unknown as PcscLibrary
    const slot = await openPcsc(at('pcsc:'), { library })
    const powered = await slot.powerOn({})
    const sent = faultOf(powered.transmit(PSE))
    await new Promise(setImmediate) // the command fails before the service has noticed the removal
    hear({ type: 'card-removed', reader: 'Ours', state: 0x10 })
    expect(await sent).toBe('card-removed')
    await slot.close()
  })

  it('a query that is none', async () => {
    expect(await faultOf(openPcsc(at('pcsc:?share=everybody')))).toBe('bad-uri')
  })
})

const cli = path(import.meta.dirname, '../../dist/devices/cli.js')
const sim = path(import.meta.dirname, '../../dist/simulator/cli.js')
const READER = VPCD_READER

describe.skipIf(pcscMissing.length > 0)(
  `over pcscd and vpcd${pcscMissing.length > 0 ? ` (not here: ${pcscMissing.join(', ')})` : ''}`,
  () => {
    let service: Awaited<ReturnType<typeof startPcscd>>
    beforeAll(async () => {
      service = await startPcscd()
    })
    afterAll(() => service.stop())

    /** Puts a card into the slot; the returned function pulls it. */
    async function insert(profile: string): Promise<() => Promise<void>> {
      const child = spawn(process.execPath, [sim, 'serve', 'vpcd', '--listen', 'pcsc', '--card', profile], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      const ended = new Promise<void>(resolve => child.once('close', () => resolve()))
      const pull = async () => {
        child.kill('SIGKILL')
        await ended
      }
      ends.push(pull)
      await new Promise<void>((resolve, reject) => {
        child.stdout.once('data', () => resolve())
        void ended.then(() => reject(new Error('the card was not inserted')))
      })
      return pull
    }

    async function reader(options: Parameters<typeof open>[1] = {}): Promise<Reader> {
      const opened = await open(`pcsc:${encodeURIComponent(READER)}`, options)
      ends.push(() => opened.close())
      return opened
    }

    function told(from: Reader): string[] {
      const seen: string[] = []
      void (async () => {
        for await (const event of from.events) seen.push(short(event))
      })()
      return seen
    }
    const short = (event: ReaderEvent) => (event.type === 'card' ? event.event : event.type === 'state' ? event.state : event.type)

    /** The slot is empty: the service polls, so a card just pulled is still there for a moment. */
    async function emptied(from: Reader): Promise<void> {
      for (let tries = 0; tries < 200 && (await from.status()).card === 'present'; tries++) await sleep(50)
    }

    it('lists the readers, and finds one by a part of its name', async () => {
      expect(await listPcscReaders()).toContain(READER)
      expect((await reader()).info).toMatchObject({ family: 'pcsc', model: READER })
      expect(await faultOf(open('pcsc:No such reader'))).toBe('not-found')
      const { stdout } = await promisify(execFile)(process.execPath, [cli, 'list', '--json'])
      expect(JSON.parse(stdout)).toContainEqual({
        uri: `pcsc:${encodeURIComponent(READER)}`,
        transport: 'pcsc',
        family: 'pcsc',
        name: READER,
      })
    })

    it('waits for the card, gives it a cold reset, passes commands through, notices its removal', async () => {
      const from = await reader()
      await emptied(from)
      expect(await from.status()).toEqual({ card: 'absent' })
      expect(await faultOf(from.openCard!({ timeout: 50 }))).toBe('timeout')
      const seen = told(from)
      const opening = from.openCard!({ timeout: 10_000 })
      const pull = await insert('mir-maestro')
      const slot = await opening
      expect(slot.interface).toBe('contact')
      expect(hex(slot.atr)).toBe(hex(loadCard('mir-maestro').atr))
      expect(hex(await slot.transmit(PSE))).toMatch(/^(6F.*9000|61..)$/)
      expect(await from.status()).toEqual({ card: 'present' })
      await slot.close()
      const again = await from.openCard!()
      expect(hex(await again.transmit(fromHex('00B2010C00')))).toMatch(/^6[9A]..$/) // nothing is selected after the reset
      await pull()
      expect(await faultOf(again.transmit(PSE))).toBe('card-removed')
      await again.close()
      await emptied(from)
      expect(await from.status()).toEqual({ card: 'absent' })
      expect(seen).toEqual(['inserted', 'inserted', 'removed'])
    })

    it('pays with the kernel on the host, and with the next card too', async () => {
      const from = await reader({ config: virtualConfig() })
      const host = await startAcquirer()
      ends.push(() => host.close())
      for (const [number, profile] of ['visa-signature', 'mastercard'].entries()) {
        await emptied(from)
        const pull = await insert(profile)
        const order = { number: `20260326_105200_00${number}`, amount: 250_000n, currency: RUB }
        const result = await pay(order, { reader: from, acquirer: httpAcquirer(host.url), merchant })
        expect(result, profile).toMatchObject({ result: 'approved', interface: 'chip', receipt: { responseCode: '00' } })
        await pull()
      }
    })

    it('`tapdip pay --reader pcsc:` pays, and the process ends by itself', async () => {
      await emptied(await reader())
      await insert('visa-signature')
      // Without --config the terminal has no CA keys: this bank lets that be.
      const host = await startAcquirer({ rules: (['ddaFailed', 'cdaFailed'] as const).map(bit => ({ do: 'tvr', bit, code: '00' })) })
      ends.push(() => host.close())
      const args = ['pay', '100.00', '--currency', 'RUB', '--reader', 'pcsc:', '--acquirer', host.url, '--sign', 'AB', '--json']
      const { stdout } = await promisify(execFile)(process.execPath, [cli, ...args], { timeout: 15_000 })
      expect(JSON.parse(stdout)).toMatchObject({ result: 'approved', interface: 'chip', cvm: 'signature' })
    })

    it('pulled in the middle of a payment: cancelled, nothing was asked of the host', async () => {
      const from = await reader({ config: virtualConfig() })
      await emptied(from)
      const pull = await insert('mir-maestro')
      const outcome = await from.transact(
        { amount: 100n, currency: RUB },
        {
          async selectApplication() {
            await pull()
            return 0
          },
          authorise: () => expect.fail('the host was asked'),
        },
      )
      expect(outcome).toMatchObject({ result: 'cancelled', reason: 'cardRemoved' })
    })

    it('a card that another program holds is busy', async () => {
      const one = await reader()
      const other = await reader()
      await emptied(one)
      await insert('mir')
      const slot = await one.openCard!()
      expect(await faultOf(other.openCard!())).toBe('busy')
      await slot.close()
      await (await other.openCard!()).close()
    })

    it('cancelled while it waits for a card', async () => {
      const from = await reader({ config: virtualConfig() })
      await emptied(from)
      const stop = new AbortController()
      const paying = from.transact(
        { amount: 100n, currency: RUB },
        { selectApplication: async () => 0, authorise: async () => ({ type: 'unableToGoOnline' }) },
        { signal: stop.signal },
      )
      stop.abort()
      expect(await paying).toMatchObject({ result: 'cancelled', reason: 'merchantCancelled' })
    })

    it('the service goes: the reader is disconnected', async () => {
      const from = await reader()
      const seen = told(from)
      void service.stop()
      for (let tries = 0; tries < 80 && !seen.includes('disconnected'); tries++) await sleep(50)
      expect(seen).toContain('disconnected')
      expect(await faultOf(from.openCard!())).toBe('link-closed')
      await from.close()
      expect(await faultOf(listPcscReaders())).toBe('link-failed')
    })
  },
)
