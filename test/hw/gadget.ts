/** A USB device with a serial port (CDC-ACM) that the kernel itself emulates: /dev/ttyGS0 is the device's end, /dev/ttyACM0 the host's (dummy_hcd and configfs). */

import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'

const folder = '/sys/kernel/config/usb_gadget/reader'

export interface GadgetStrings {
  readonly vendor: string
  readonly product: string
  readonly serial: string
  readonly manufacturer: string
  readonly name: string
}

/** Describes the device; it is not plugged in yet. */
export function makeSerialGadget({ vendor, product, serial, manufacturer, name }: GadgetStrings): void {
  execFileSync('modprobe', ['-a', 'dummy_hcd', 'libcomposite', 'usb_f_acm', 'cdc-acm'])
  if (existsSync(folder)) return
  for (const part of ['', '/strings/0x409', '/configs/c.1', '/functions/acm.usb0']) mkdirSync(folder + part)
  const files = { idVendor: `0x${vendor}`, idProduct: `0x${product}`, 'strings/0x409/serialnumber': serial, 'strings/0x409/manufacturer': manufacturer, 'strings/0x409/product': name } // biome-ignore format: a table
  for (const [file, value] of Object.entries(files)) writeFileSync(`${folder}/${file}`, value)
  symlinkSync(`${folder}/functions/acm.usb0`, `${folder}/configs/c.1/acm.usb0`)
}

export function plugGadget(): void {
  writeFileSync(`${folder}/UDC`, readdirSync('/sys/class/udc')[0])
}

/** A reader whose cable is pulled. */
export function unplugGadget(): void {
  try {
    writeFileSync(`${folder}/UDC`, '\n')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENODEV') throw error // it is not plugged in
  }
}
