/** The transports of a machine with Node, but Bluetooth: each is loaded when it is asked for. */

import type { ConnectOptions } from '../../transport/connect-options.ts'
import type { Link, SlotLink } from '../../transport/link.ts'
import type { Uri } from '../../transport/uri.ts'

type At<S extends Uri['scheme']> = Extract<Uri, { scheme: S }>

export async function openTcp(at: At<'tcp'>, options: ConnectOptions): Promise<Link> {
  return (await import('../../transport/tcp.ts')).openTcp(at, options)
}

export async function openSerial(at: At<'serial'>, options: ConnectOptions): Promise<Link> {
  return (await import('../../transport/serial.ts')).openSerial(at, options)
}

export async function openHid(at: At<'hid'>, options: ConnectOptions): Promise<Link> {
  return (await import('../../transport/hid.ts')).openHid(at, options.hid, options)
}

export async function openPcsc(at: At<'pcsc'>, options: Pick<ConnectOptions, 'signal'>): Promise<SlotLink> {
  return (await import('../../transport/pcsc.ts')).openPcsc(at, options)
}

export async function listSerialPorts() {
  return (await import('../../transport/serial.ts')).listSerialPorts()
}

export async function listHid() {
  return (await import('../../transport/hid.ts')).listHid()
}

export async function listPcscReaders() {
  return (await import('../../transport/pcsc.ts')).listPcscReaders()
}
