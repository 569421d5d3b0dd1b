/** Where a virtual Bluetooth LE device advertises: an air of this process, one of its own for others to join, one that it joins, or the adapter of this machine. */

import { dialAir, type OpenHci } from '../../../src/transport/ble/hci.ts'
import { startFault } from '../../../src/transport/ble/radio.ts'
import type { Link } from '../../../src/transport/link.ts'
import type { BleShape } from '../../../src/transport/shape.ts'
import { Air } from '../../air/air.ts'
import type { Controller } from '../../air/controller.ts'
import { serveAir } from '../../air/socket.ts'
import { plugBle } from './ble-device.ts'
import type { Listening } from './listening.ts'

export interface BleAdvertised {
  readonly shape: BleShape
  readonly name: string
  /** Nothing works before the host has paired. */
  readonly secure?: boolean | undefined
  /** The air of this process, or a controller of one, on which it is. */
  readonly air?: Air | Controller | undefined
}

/**
 * With a port: on an air that listens there. Without: on `air`, else on the air that `TAPDIP_AIR` names, else on the adapter of this machine.
 * @throws Fault `busy` (the port is taken), `link-failed`, `missing-library`, `bad-uri` (TAPDIP_AIR)
 */
export async function listenBle(
  { air, ...plug }: BleAdvertised,
  port: string | undefined,
  serve: (link: Link) => Promise<void>,
): Promise<Listening> {
  const undo: (() => unknown)[] = []
  const release = async () => {
    for (const one of undo.splice(0).reverse()) await one()
  }
  try {
    const own = port === undefined ? undefined : new Air()
    const served = own && (await serveAir(own, Number(port)))
    if (served) undo.push(served.close)
    const radio = controllerOf(own ?? air, undo)
    const hci: OpenHci | undefined = radio ? host => radio.open(host) : await joinAir(undo)
    const plugged = await plugBle({ ...plug, hci }, serve)
    undo.push(plugged.close)
    return { uri: `ble:${encodeURIComponent(plug.name)}`, ...(served && { air: served.uri }), ...(radio && { radio }), close: release }
  } catch (error) {
    await release()
    throw startFault(error) // bleno opens the kernel's control channel as it loads
  }
}

function controllerOf(air: Air | Controller | undefined, undo: (() => unknown)[]): Controller | undefined {
  if (!(air instanceof Air)) return air
  const controller = air.controller()
  undo.push(() => air.remove(controller))
  return controller
}

async function joinAir(undo: (() => unknown)[]): Promise<OpenHci | undefined> {
  const uri = process.env.TAPDIP_AIR
  if (!uri) return undefined
  const { open, close } = await dialAir(uri, { timeout: 3000 })
  undo.push(close)
  return open
}
