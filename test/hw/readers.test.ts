/** Virtual readers in processes of their own, on the kernel's USB, serial and Bluetooth: `tapdip list` finds them, and each takes a payment through our drivers. */

import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { AcquirerHost } from '../../simulator/acquirer/host.ts'
import { makeSerialGadget, plugGadget, unplugGadget } from './gadget.ts'
import { built, describeHere, Program, run, soon } from './machine.ts'

const serial = 'serial:/dev/ttyACM0?family=qpos'
const bluetooth = 'ble:PP0918900518'
const hid = 'hid:0801:001c' // a tDynamo

describeHere('virtual readers in other processes', () => {
  const programs: Program[] = []
  const start = (command: string, ...args: string[]) => {
    const program = new Program(command, ...args)
    programs.push(program)
    return program
  }
  const serve = (...args: string[]) => start(process.execPath, 'dist/simulator/cli.js', 'serve', ...args, '--pin', '1234')
  let acquirer: AcquirerHost | undefined

  beforeAll(async () => {
    const [{ connect }, { startAcquirer }] = await Promise.all([built.tapdip(), built.simulator()])
    makeSerialGadget({ vendor: '03aa', product: '0001', serial: 'MPOS0000000001', manufacturer: 'Tapdip', name: 'Virtual QPOS' })
    plugGadget()
    for (const end of ['serial:/dev/ttyGS0', 'serial:/dev/ttyACM0']) await (await soon(() => connect(end))).close() // in raw mode, both: else they echo
    // Low energy only: with a dual-mode controller of this version the kernel scans in a way that hears no advertisement of bleno's.
    start('btvirt', '-L', '-l2')
    await soon(async () => expect(existsSync('/sys/class/bluetooth/hci1')).toBe(true))
    await soon(async () => execFileSync('hciconfig', ['hci0', 'up']))
    await soon(async () => execFileSync('hciconfig', ['hci1', 'up']))
    process.env.BLENO_HCI_DEVICE_ID = '0'
    process.env.NOBLE_HCI_DEVICE_ID = '1'
    const readers = [
      serve('qpos', '--listen', 'serial:/dev/ttyGS0?baud=9600'),
      serve('bluepad', '--listen', 'ble'),
      serve('magtek', '--listen', 'hid'),
    ]
    acquirer = await startAcquirer({ port: 0 })
    await Promise.all(readers.map(reader => reader.says(/family=/)))
  })

  afterAll(async () => {
    for (const program of programs.splice(0).reverse()) await program.stop()
    await acquirer?.close()
    unplugGadget()
  })

  it('`tapdip list` shows a serial, a Bluetooth and a HID reader', async () => {
    const { code, output } = await run(process.execPath, 'dist/devices/cli.js', 'list', '--time', '15') // so long it may take to start here
    expect(output).toMatch(/^serial:\/dev\/ttyACM0\?family=qpos\tqpos\t/m)
    expect(output).toMatch(/^ble:\S*\tbluepad\tPP0918900518/m)
    expect(output).toMatch(/^hid:\S*\tmagtek\t/m)
    expect(code).toBe(0)
  })

  it.each([
    [serial, 'onlinePin'],
    [bluetooth, 'onlinePin'],
    [hid, 'none'], // it has no keys
  ])('a payment by chip over %s', async (uri, cvm) => {
    const { open, pay, httpAcquirer, currency } = await built.tapdip()
    const reader = await open(uri)
    try {
      const order = { number: `hw-${uri.slice(0, 3)}`, amount: 250_000n, currency: currency('RUB') }
      const result = await pay(order, {
        reader,
        acquirer: httpAcquirer(acquirer!.url),
        merchant: { name: 'MobileTestMerchant', id: '635459020000001', terminal: '63545902' },
        prompts: { selectApplication: async candidates => candidates.findIndex(({ label }) => label === 'MIR') },
      })
      expect(result.result).toBe('approved')
      expect(result.receipt.cvm).toBe(cvm)
    } finally {
      await reader.close()
    }
  })
})
