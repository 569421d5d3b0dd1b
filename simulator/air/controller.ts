/** A virtual Bluetooth LE controller: HCI packets from its host on one side, the virtual air on the other. */

import { equal, fromHex } from '../../src/bytes.ts'
import type { Clock } from '../../src/clock.ts'
import { Fault } from '../../src/errors.ts'
import { h4 } from '../../src/transport/ble/h4.ts'
import type { HciHost, HciPort } from '../../src/transport/ble/hci.ts'
import { accepted, advertising, event, op, readU16, status, u16 } from './hci.ts'

/** One end of a connection; the other is `peer`'s. */
interface Connection {
  readonly handle: number
  readonly peer: Controller
  readonly peerHandle: number
  /** Milliseconds without a word after which the link is lost. */
  readonly supervision: number
  /** What is kept while the ends do not hear each other, and the timer that ends the link. */
  waiting?: { readonly packets: Uint8Array[]; readonly cancel: () => void }
  /** Of a central that asked for encryption: the key that the peripheral must have, too. */
  key?: Uint8Array
}

interface Wanted {
  readonly address: Uint8Array
  /** Interval, latency, supervision timeout, as they stand in the command. */
  readonly parameters: Uint8Array
}

const NOBODY: HciHost = { packet() {}, power() {} }

/** What a controller needs of the air that it is on. */
export interface Ether {
  readonly clock: Clock
  /** Milliseconds between two advertisements. */
  readonly interval: number
  readonly buffers: { readonly length: number; readonly count: number }
  readonly controllers: ReadonlySet<Controller>
  hear(one: Controller, other: Controller): boolean
  nextHandle(): number
}

/** Made by `Air.controller`. Its host is any Bluetooth stack: one at a time. */
export class Controller {
  /** `02:00:00:00:00:01` */
  readonly address: string
  /** Its signal as others hear it, in dBm; from -127 to 20. */
  rssi: number
  /** ACL packets that its host sends are lost, although they are confirmed. */
  dropAcl = false
  /** Bonded to the host at this address, `02:00:00:00:00:07`: any other's link is ended as soon as it asks for anything. */
  bondedTo: string | undefined
  /** Opcodes that were answered with "unknown command". */
  readonly unknown = new Set<number>()
  readonly #air: Ether
  readonly #bytes: Uint8Array
  #host = NOBODY
  #taken = false
  #on = true
  #inRange = true
  #advertising = { on: false, type: 0, data: new Uint8Array(), response: new Uint8Array() }
  #scanning = { on: false, active: false, unique: false, seen: new Set<string>() }
  #wanted: Wanted | undefined
  readonly #connections = new Map<number, Connection>()
  #stopAdvertising: (() => void) | undefined

  constructor(air: Ether, address: string, rssi: number) {
    this.#air = air
    this.address = address
    this.rssi = rssi
    this.#bytes = fromHex(address.replaceAll(':', '')).reverse()
  }

  /** The HCI of this controller. @throws Fault `busy` while another host has it */
  open(host: HciHost): HciPort {
    if (this.#taken) throw new Fault('busy', `the virtual controller ${this.address} has a host`, { address: this.address })
    this.#taken = true
    this.#host = host
    host.power(this.#on)
    return {
      send: packet => this.#receive(packet),
      close: () => {
        if (this.#host !== host) return
        this.#taken = false
        this.#host = NOBODY
        this.#reset() // a host that has gone takes its links with it
      },
    }
  }

  /** Connections there are now. */
  get links(): number {
    return this.#connections.size
  }

  get on(): boolean {
    return this.#on
  }

  /** The adapter's switch. Off: its links are lost without a word to its own host, as when a radio is turned off. */
  power(on: boolean): void {
    if (this.#on === on) return
    this.#on = on
    if (!on) this.#reset()
    this.#host.power(on)
  }

  /** False: nobody hears it and it hears nobody. Links are lost when their supervision time is over; until then nothing that was sent is lost. */
  get inRange(): boolean {
    return this.#inRange
  }

  set inRange(inRange: boolean) {
    this.#inRange = inRange
    for (const link of this.#connections.values()) {
      this.#listen(link)
      link.peer.#listen(link.peer.#connections.get(link.peerHandle)!)
    }
  }

  /** All its links end at once, at both ends, as if the supervision time were over. */
  linkLoss(): void {
    for (const { handle } of [...this.#connections.values()]) this.#end(handle, status.connectionTimeout, status.connectionTimeout)
  }

  /** Lets go of timers. */
  close(): void {
    this.#reset()
    this.#host = NOBODY
  }

  // — what the host says —

  #receive(packet: Uint8Array): void {
    if (!this.#on) return
    if (packet[0] === h4.command) this.#command(readU16(packet, 1), packet.subarray(4))
    else if (packet[0] === h4.acl) this.#acl(packet)
  }

  #command(opcode: number, data: Uint8Array): void {
    const returned = this.#answer(opcode, data)
    if (returned) {
      this.#host.packet(event.complete(opcode, returned))
      this.#afterwards(opcode, data)
    } else if (!this.#ofConnection(opcode, data) && !this.#connecting(opcode, data)) {
      this.unknown.add(opcode)
      this.#host.packet(event.complete(opcode, [status.unknownCommand]))
    }
  }

  /** What a command returns that is done at once; undefined for the others. */
  #answer(opcode: number, data: Uint8Array): readonly (number | Uint8Array)[] | undefined {
    if (accepted.has(opcode)) return [status.ok]
    const { length, count } = this.#air.buffers
    switch (opcode) {
      case op.readLeHostSupport:
        return [status.ok, 1, 0]
      case op.readLocalVersion:
        return [status.ok, 0x09, u16(0), 0x09, u16(0xffff), u16(0)] // version 5.0
      case op.readLocalCommands:
        return [status.ok, SUPPORTED_COMMANDS]
      case op.readLocalFeatures:
        return [status.ok, LE_ONLY]
      case op.readLocalExtendedFeatures:
        return [status.ok, data[0] ?? 0, 0, LE_ONLY]
      case op.readBufferSize:
        return [status.ok, u16(length), 0, u16(count), u16(0)]
      case op.readAddress:
        return [status.ok, this.#bytes]
      case op.leReadBufferSize:
        return [status.ok, u16(length), count]
      case op.leReadLocalFeatures:
        return [status.ok, LE_FEATURES]
      case op.leReadAcceptListSize:
      case op.leReadResolvingListSize:
        return [status.ok, 8]
      case op.leReadSupportedStates:
        return [status.ok, Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 3, 0, 0)]
      case op.leRandom:
        return [status.ok, crypto.getRandomValues(new Uint8Array(8))]
      case op.leReadDefaultDataLength:
        return [status.ok, u16(27), u16(0x148)]
      case op.leReadMaximumDataLength:
        return [status.ok, u16(251), u16(0x848), u16(251), u16(0x848)]
      case op.leSetDataLength:
        return [status.ok, data.slice(0, 2)]
      case op.leReadAdvertisingPower:
        return [status.ok, 0]
      case op.leCancelConnection:
        return [this.#wanted ? status.ok : status.commandDisallowed]
      case op.reset:
      case op.leSetRandomAddress:
      case op.leSetAdvertisingParameters:
      case op.leSetAdvertisingData:
      case op.leSetScanResponse:
      case op.leSetAdvertisingEnable:
      case op.leSetScanParameters:
      case op.leSetScanEnable:
        return [status.ok]
      default:
        return undefined
    }
  }

  /** What a command that was answered changes. */
  #afterwards(opcode: number, data: Uint8Array): void {
    const wanted = this.#wanted
    if (opcode === op.reset) this.#reset()
    else if (opcode === op.leSetAdvertisingParameters) this.#advertising.type = data[4]
    else if (opcode === op.leSetAdvertisingData) this.#advertising.data = data.slice(1, 1 + data[0])
    else if (opcode === op.leSetScanResponse) this.#advertising.response = data.slice(1, 1 + data[0])
    else if (opcode === op.leSetAdvertisingEnable) this.#advertise(data[0] === 1)
    else if (opcode === op.leSetScanParameters) this.#scanning.active = data[0] === 1
    else if (opcode === op.leSetScanEnable)
      this.#scanning = { ...this.#scanning, on: data[0] === 1, unique: data[1] === 1, seen: new Set() }
    else if (opcode === op.leCancelConnection && wanted) {
      this.#wanted = undefined
      this.#connected(status.unknownConnection, 0, 0, wanted.address, wanted.parameters)
    }
  }

  /** Commands about one connection, whose handle is their first parameter. False: it is none of them. */
  #ofConnection(opcode: number, data: Uint8Array): boolean {
    const handle = data.length >= 2 ? readU16(data, 0) : 0
    const link = this.#connections.get(handle)
    const known = link ? status.ok : status.unknownConnection
    switch (opcode) {
      case op.readRssi:
        this.#host.packet(event.complete(opcode, [known, u16(handle), link ? link.peer.rssi : 127]))
        return true
      case op.leLongTermKeyReply:
      case op.leLongTermKeyNegativeReply:
        this.#host.packet(event.complete(opcode, [known, u16(handle)]))
        if (link) this.#encrypt(link, opcode === op.leLongTermKeyReply ? data.slice(2, 18) : undefined)
        return true
      case op.disconnect:
      case op.readRemoteVersion:
      case op.leReadRemoteFeatures:
      case op.leUpdateConnection:
      case op.leStartEncryption:
        this.#host.packet(event.status(opcode, known))
        if (link) this.#act(opcode, link, data)
        return true
      default:
        return false
    }
  }

  #act(opcode: number, link: Connection, data: Uint8Array): void {
    const { handle, peer, peerHandle } = link
    if (opcode === op.disconnect) this.#end(handle, status.localHostTerminated, data[2])
    else if (opcode === op.readRemoteVersion) this.#host.packet(event.remoteVersion(handle))
    else if (opcode === op.leReadRemoteFeatures) this.#host.packet(event.le(0x04, [status.ok, u16(handle), LE_FEATURES]))
    else if (opcode === op.leUpdateConnection) {
      const parameters = [data.slice(4, 6), data.slice(6, 8), data.slice(8, 10)]
      this.#host.packet(event.le(0x03, [status.ok, u16(handle), ...parameters]))
      peer.#host.packet(event.le(0x03, [status.ok, u16(peerHandle), ...parameters]))
    } else if (opcode === op.leStartEncryption) {
      link.key = data.slice(12, 28)
      peer.#host.packet(event.le(0x05, [u16(peerHandle), data.slice(2, 10), data.slice(10, 12)]))
    }
  }

  /** The wish for a connection, which the next advertisement of that address fulfils. False: it is none. */
  #connecting(opcode: number, data: Uint8Array): boolean {
    if (opcode !== op.leCreateConnection) return false
    this.#host.packet(event.status(opcode, this.#wanted ? status.commandDisallowed : status.ok))
    this.#wanted ??= { address: data.slice(6, 12), parameters: data.slice(15, 21) }
    return true
  }

  /** A packet for the peer. The controller keeps none: what its host sends is confirmed when the other end has it (Vol 4, Part E, 4.1.1). */
  #acl(packet: Uint8Array): void {
    const link = this.#connections.get(readU16(packet, 1) & 0xfff)
    if (!link) return
    const { bondedTo } = link.peer
    if (bondedTo !== undefined && bondedTo !== this.address && !isMtuExchange(packet))
      this.#end(link.handle, status.authenticationFailure, status.localHostTerminated)
    else if (link.waiting) link.waiting.packets.push(packet)
    else this.#carry(link, packet)
  }

  #carry(link: Connection, packet: Uint8Array): void {
    this.#host.packet(event.completedPackets(link.handle, 1))
    if (this.dropAcl) return
    // To a host the first packet of a message is flagged 2, from a host 0 or 2; what continues one is 1 both ways (Part E, 5.4.2).
    const continues = ((readU16(packet, 1) >> 12) & 3) === 1
    const out = packet.slice()
    out.set(u16(link.peerHandle | ((continues ? 1 : 2) << 12)), 1)
    link.peer.#host.packet(out)
  }

  // — the air —

  #advertise(on: boolean): void {
    this.#stopAdvertising?.()
    this.#stopAdvertising = undefined
    this.#advertising.on = on
    if (!on) return
    const again = () => {
      if (this.#advertising.on) this.#stopAdvertising = this.#air.clock.timer(this.#air.interval, again)
      this.#airOne()
    }
    this.#stopAdvertising = this.#air.clock.timer(0, again)
  }

  /** One advertising event: who wants a connection gets it, who scans hears it. */
  #airOne(): void {
    const { type, data, response } = this.#advertising
    for (const other of this.#air.controllers) {
      if (other === this || !this.#air.hear(this, other)) continue
      const wanted = other.#wanted
      if (wanted && type === advertising.connectable && equal(wanted.address, this.#bytes)) {
        other.#connect(this, wanted)
        return
      }
      const scan = other.#scanning
      if (!scan.on || (scan.unique && scan.seen.has(this.address))) continue
      scan.seen.add(this.address)
      const report = (kind: number, bytes: Uint8Array) =>
        other.#host.packet(event.le(0x02, [1, kind, 0, this.#bytes, bytes.length, bytes, this.rssi]))
      report(type, data)
      if (scan.active && (type === advertising.connectable || type === advertising.scannable)) report(advertising.scanResponse, response)
    }
  }

  /** As central, to `peer`, which stops advertising: it has one connection. */
  #connect(peer: Controller, { parameters }: Wanted): void {
    this.#wanted = undefined
    peer.#advertise(false)
    const [handle, peerHandle] = [this.#air.nextHandle(), this.#air.nextHandle()]
    const supervision = readU16(parameters, 4) * 10
    this.#connections.set(handle, { handle, peer, peerHandle, supervision })
    peer.#connections.set(peerHandle, { handle: peerHandle, peer: this, peerHandle: handle, supervision })
    peer.#connected(status.ok, peerHandle, 1, this.#bytes, parameters)
    this.#connected(status.ok, handle, 0, peer.#bytes, parameters)
  }

  #connected(code: number, handle: number, role: 0 | 1, address: Uint8Array, parameters: Uint8Array): void {
    this.#host.packet(event.le(0x01, [code, u16(handle), role, 0, address, parameters, 0]))
  }

  /** Ends a link for both ends, each with its own reason; nothing when there is none. */
  #end(handle: number, own: number | undefined, reason: number): void {
    const link = this.#connections.get(handle)
    if (!link) return
    const { peer, peerHandle } = link
    this.#connections.delete(handle)
    link.waiting?.cancel()
    const other = peer.#connections.get(peerHandle)
    peer.#connections.delete(peerHandle)
    other?.waiting?.cancel()
    if (own !== undefined) this.#host.packet(event.disconnected(handle, own))
    peer.#host.packet(event.disconnected(peerHandle, reason))
  }

  /** Holds a link's packets while its ends do not hear each other, and gives them when they do again. */
  #listen(link: Connection): void {
    if (this.#air.hear(this, link.peer)) {
      const packets = link.waiting?.packets ?? []
      link.waiting?.cancel()
      link.waiting = undefined
      for (const packet of packets) this.#carry(link, packet)
    } else
      link.waiting ??= {
        packets: [],
        cancel: this.#air.clock.timer(link.supervision, () => this.#end(link.handle, status.connectionTimeout, status.connectionTimeout)),
      }
  }

  /** The peripheral's answer to the central's wish: the same key, or no link any more for what needs it. */
  #encrypt(link: Connection, key: Uint8Array | undefined): void {
    const { peer, peerHandle } = link
    const wished = peer.#connections.get(peerHandle)?.key
    const result = key && wished && equal(key, wished) ? status.ok : status.authenticationFailure
    peer.#host.packet(event.encryption(peerHandle, result))
    if (result === status.ok) this.#host.packet(event.encryption(link.handle, result))
  }

  #reset(): void {
    for (const { handle } of [...this.#connections.values()]) this.#end(handle, undefined, status.connectionTimeout)
    this.#advertise(false)
    this.#advertising = { on: false, type: 0, data: new Uint8Array(), response: new Uint8Array() }
    this.#scanning = { on: false, active: false, unique: false, seen: new Set() }
    this.#wanted = undefined
  }
}

/** The first word on a link, which tells nothing (Exchange MTU Request: Vol 3, Part F, 3.4.2.1; on the channel of ATT). */
function isMtuExchange(packet: Uint8Array): boolean {
  return readU16(packet, 7) === 0x0004 && packet[9] === 0x02
}

/** "BR/EDR not supported" and "LE supported (controller)". */
const LE_ONLY = Uint8Array.of(0, 0, 0, 0, 0x60, 0, 0, 0)
/** Encryption, and long data packets. */
const LE_FEATURES = Uint8Array.of(0x21, 0, 0, 0, 0, 0, 0, 0)

/** The bits of the commands above (Vol 4, Part E, 6.27), by octet: what a kernel asks before it uses one. */
const bits = { 0: 0x20, 5: 0xc0, 14: 0xa8, 15: 0x22, 25: 0xff, 26: 0xff, 27: 0x7f, 28: 0x0f, 33: 0x70 }
const SUPPORTED_COMMANDS: Uint8Array = Object.assign(new Uint8Array(64), bits)
