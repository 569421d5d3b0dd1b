/** A virtual ID TECH reader behind a USB cable: its reports, its driver, one payment each way. */

import { expect, it } from 'vitest'
import { open } from '../../../devices/index.ts'
import { loadCard } from '../../../simulator/cards/icc.ts'
import { cardholder } from '../../../simulator/readers/body/cardholder.ts'
import { HidDeviceLink } from '../../../simulator/readers/listen/hid-device.ts'
import { instant, virtualReader } from '../../../simulator/world.ts'
import { systemClock } from '../../../src/clock.ts'
import type { Terminal } from '../../../src/emv/terminal.ts'
import { openHid } from '../../../src/transport/hid.ts'
import { issuerOf, rub } from '../../emv/contactless/tap-table.ts'
import { FakeDevice, fakeHid } from '../../transport/fake-hid.ts'

const never: Terminal['selectApplication'] = () => Promise.reject(new Error('the app was asked for an application'))

it('pays by chip and by tap over reports of 64 bytes', async () => {
  await using plugged = virtualReader({ family: 'idtech', resultTime: 0 })
  const { shape, vendor, product } = plugged.hid!
  const usb = new FakeDevice({ vendorId: vendor, productId: product })
  const far = new HidDeviceLink('test:', shape, { say: async report => usb.say(...report), release: async () => {} })
  usb.reports.push = (...reports) => {
    for (const report of reports) far.hear(report.slice(1))
    ids.push(...reports.map(report => report[0]))
    return 0
  }
  const ids: number[] = []
  const served = plugged.serve(far)
  const cable = await openHid({ scheme: 'hid', uri: 'hid:0acd:3530', vendor, product, query: {} }, shape, fakeHid(usb))
  const byUsb = await open(cable, { family: 'idtech' })
  const { authorise } = issuerOf(systemClock)
  for (const [name, present] of [
    ['mir-maestro', 'dip'],
    ['mir', 'tap'],
  ] as const) {
    const leave = cardholder(plugged.body, { card: loadCard(name), present, pace: instant })
    const outcome = await byUsb.transact({ amount: 250_000n, currency: rub }, { selectApplication: never, authorise })
    expect(outcome).toMatchObject({ result: 'approved', interface: present === 'tap' ? 'tap' : 'chip' })
    leave()
    plugged.body.pull()
  }
  expect(new Set(ids)).toEqual(new Set([1]))
  await byUsb.close()
  far.hostGone()
  await served
})
