/** The serial ports of a Linux system as its kernel lists them, for systems without udev. */

import { readdir, readFile, realpath } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/** A port as `serialport` lists it; the ids are hex. */
export interface ListedPort {
  readonly path: string
  readonly vendorId?: string | undefined
  readonly productId?: string | undefined
  readonly serialNumber?: string | undefined
  readonly manufacturer?: string | undefined
}

/** Terminals with a device behind them: built-in UARTs, USB CDC-ACM and converters, Bluetooth RFCOMM. */
const serial = /^(tty(S|ACM|USB|AMA|XRUSB|O|MFD)|rfcomm)\d+$/

/** Ports under `/sys/class/tty`, by name. A `ttyS` whose type is 0 (unknown chip) is a slot without a port. */
export async function sysfsPorts(sys = '/sys'): Promise<ListedPort[]> {
  const folder = join(sys, 'class/tty')
  const names = (await readdir(folder).catch(() => [])).filter(name => serial.test(name)).sort()
  const ports = await Promise.all(
    names.map(async (name): Promise<ListedPort[]> => {
      if (name.startsWith('ttyS') && (await line(join(folder, name, 'type'))) === '0') return []
      const device = await realpath(join(folder, name, 'device')).catch(() => undefined)
      return device === undefined ? [] : [{ path: `/dev/${name}`, ...(await usbIds(device)) }]
    }),
  )
  return ports.flat()
}

/** The ids of the USB device that `device`, or one of its interfaces, belongs to. */
async function usbIds(device: string): Promise<Omit<ListedPort, 'path'>> {
  for (let at = device, up = 0; up < 4; at = dirname(at), up++) {
    const vendorId = await line(join(at, 'idVendor'))
    if (vendorId === undefined) continue
    const [productId, serialNumber, manufacturer] = await Promise.all(
      ['idProduct', 'serial', 'manufacturer'].map(name => line(join(at, name))),
    )
    return { vendorId, productId, serialNumber, manufacturer }
  }
  return {}
}

async function line(file: string): Promise<string | undefined> {
  return readFile(file, 'latin1').then(
    text => text.trim(),
    () => undefined,
  )
}
