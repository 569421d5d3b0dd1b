/** Serial links over pseudo-terminals: errors at opening, a port used again, and a peer that vanishes at the worst moment. */

import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { openPty, type Pty } from '../../simulator/readers/listen/pty.ts'
import { connect } from '../../src/transport/connect.ts'
import type { Link } from '../../src/transport/link.ts'
import { listSerialPorts, openSerial, type SerialLibrary } from '../../src/transport/serial.ts'
import { sysfsPorts } from '../../src/transport/serial-sysfs.ts'
import { parseUri, type Uri } from '../../src/transport/uri.ts'
import { faultOf, read } from './link-contract.ts'

const links: Link[] = []

async function plug(): Promise<Pty & { readonly uri: string }> {
  const pty = await openPty()
  links.push(pty.link)
  return { ...pty, uri: `serial:${pty.path}` }
}

async function open(uri: string): Promise<Link> {
  const link = await connect(uri)
  links.push(link)
  return link
}

const serialUri = (uri: string) => parseUri(uri) as Uri & { scheme: 'serial' }

/** Handles of this process that would keep it alive, but for those that vitest and the library hold. */
const handles = () => process.getActiveResourcesInfo().filter(name => /TTY|FSReq|Poll|Timeout|Pipe|TCP/i.test(name)).length

afterEach(async () => {
  for (const link of links.splice(0)) await link.close()
})

describe('opening a serial port', () => {
  it('tells a port that is not there, one that is no terminal, and one that is in use', async () => {
    expect(await faultOf(connect('serial:/dev/ttyNotThere'))).toBe('not-found')
    const file = join(mkdtempSync(join(tmpdir(), 'tapdip-')), 'file')
    writeFileSync(file, '')
    await expect(connect(`serial:${file}`)).rejects.toMatchObject({ code: 'link-failed', details: { reason: 'no-terminal' } })
    rmSync(join(file, '..'), { recursive: true })
    const { uri } = await plug()
    await open(uri)
    expect(await faultOf(connect(uri))).toBe('busy')
  })

  it('takes the line settings from the URI and refuses those that make no sense', async () => {
    const { path } = await plug()
    const link = await open(`serial:${path}?baud=9600&stop=2&flow=rtscts&family=qpos`)
    const stty = spawn('stty', ['-a', '-F', path])
    let modes = ''
    for await (const chunk of stty.stdout) modes += chunk
    expect(modes).toMatch(/speed 9600 baud/)
    expect(modes).toMatch(/ cstopb/)
    expect(modes).toMatch(/ crtscts/)
    await link.close()
    for (const bad of ['baud=fast', 'parity=mark', 'stop=3', 'bits=9', 'flow=some', 'baud'])
      expect(await faultOf(connect(`serial:${path}?${bad}`))).toBe('bad-uri')
  })

  it('names the package to install where it is missing', async () => {
    const missing = 'serialport-that-is-not-installed'
    const library = () => import(missing) as Promise<SerialLibrary>
    await expect(openSerial(serialUri('serial:/dev/ttyACM0'), { library })).rejects.toMatchObject({
      code: 'missing-library',
      message: expect.stringContaining('npm install serialport'),
    })
    expect(await faultOf(listSerialPorts({ library }))).toBe('missing-library')
  })

  it('an opening that was given up leaves the port free', async () => {
    const { uri } = await plug()
    const controller = new AbortController()
    const opening = openSerial(serialUri(uri), { signal: controller.signal })
    setImmediate(() => controller.abort())
    await opening.then(
      link => link.close(),
      error => expect(error).toMatchObject({ code: 'aborted' }),
    )
    await expect.poll(() => open(uri).then(() => 'open')).toBe('open')
  })

  it('lists the ports of this machine, each with a URI that leads to it', async () => {
    for (const port of await listSerialPorts()) expect(parseUri(port.uri)).toMatchObject({ scheme: 'serial', path: port.path })
  })

  it('lists ports with vendor and product as numbers', async () => {
    const list = async () => [{ path: '/dev/ttyACM0', vendorId: '1209', productId: 'c0de', serialNumber: 'SN1' }, { path: 'COM3' }]
    const library = async () => ({ SerialPort: Object.assign(class {}, { list }) }) as unknown as SerialLibrary
    expect(await listSerialPorts({ library })).toEqual([
      { uri: 'serial:/dev/ttyACM0', path: '/dev/ttyACM0', vendor: 0x1209, product: 0xc0de, serial: 'SN1' },
      { uri: 'serial:COM3', path: 'COM3' },
    ])
  })
})

describe('ports from sysfs, where udevadm is not installed', () => {
  it('finds USB and built-in ports, and no ttyS without a chip', async () => {
    const sys = mkdtempSync(join(tmpdir(), 'tapdip-sys-'))
    const device = (path: string, files: Record<string, string>) => {
      mkdirSync(join(sys, path), { recursive: true })
      for (const [name, value] of Object.entries(files)) writeFileSync(join(sys, path, name), `${value}\n`)
    }
    const tty = (name: string, target: string | undefined, type = '0') => {
      mkdirSync(join(sys, 'class/tty', name), { recursive: true })
      writeFileSync(join(sys, 'class/tty', name, 'type'), `${type}\n`)
      if (target) symlinkSync(join(sys, target), join(sys, 'class/tty', name, 'device'))
    }
    device('devices/usb1/1-1', { idVendor: '1209', idProduct: 'c0de', serial: 'SN-USB-0001', manufacturer: 'Tapdip' })
    device('devices/usb1/1-1/1-1:1.0', {})
    device('devices/usb1/1-2', { idVendor: '0403', idProduct: '6001' })
    device('devices/usb1/1-2/1-2:1.0/ttyUSB0', {})
    device('devices/platform/serial8250', {})
    tty('ttyACM0', 'devices/usb1/1-1/1-1:1.0')
    tty('ttyUSB0', 'devices/usb1/1-2/1-2:1.0/ttyUSB0')
    tty('ttyS0', 'devices/platform/serial8250', '4')
    tty('ttyS1', 'devices/platform/serial8250', '0')
    tty('tty1', undefined)
    tty('ptmx', undefined)
    expect(await sysfsPorts(sys)).toEqual([
      { path: '/dev/ttyACM0', vendorId: '1209', productId: 'c0de', serialNumber: 'SN-USB-0001', manufacturer: 'Tapdip' },
      { path: '/dev/ttyS0' },
      { path: '/dev/ttyUSB0', vendorId: '0403', productId: '6001' },
    ])
    rmSync(sys, { recursive: true })
  })
})

describe('a device on a pseudo-terminal', () => {
  it('does not hear its own words while no host is there, and a host that comes later hears what it says then', async () => {
    const { link, uri } = await plug()
    await link.send(Uint8Array.of(1, 2, 0x0a))
    const heard = read(link, 1)
    await new Promise(resolve => setTimeout(resolve, 20)) // an echo would need real time
    const host = await open(uri)
    await host.send(Uint8Array.of(9))
    expect(await heard).toEqual(Uint8Array.of(9))
    await link.send(Uint8Array.of(3))
    expect((await read(host, 1)).at(-1)).toBe(3)
  })

  it('goes on when the host closes and opens its end again', async () => {
    const { link, uri } = await plug()
    for (const byte of [1, 2, 3]) {
      const host = await open(uri)
      await host.send(Uint8Array.of(byte))
      expect(await read(link, 1)).toEqual(Uint8Array.of(byte))
      await link.send(Uint8Array.of(byte, 0x0a, 0x0d, 0x04))
      expect(await read(host, 4)).toEqual(Uint8Array.of(byte, 0x0a, 0x0d, 0x04))
      await host.close()
    }
  })
})

describe('a peer that vanishes', () => {
  it('while a read is in flight: 20 of 20 end as link-closed, at once, and nothing runs on', async () => {
    const before = handles()
    for (let round = 0; round < 20; round++) {
      const { link, uri } = await plug()
      const host = await open(uri)
      await host.send(Uint8Array.of(round))
      await read(link, 1)
      await link.send(Uint8Array.of(round))
      await read(host, 1)
      const start = performance.now()
      void link.close() // right after data: serialport has just begun its next read
      await expect(read(host, 1)).rejects.toMatchObject({ code: 'link-closed', details: { by: 'loss' } })
      expect(performance.now() - start).toBeLessThan(1000)
      expect(await faultOf(host.send(Uint8Array.of(1)))).toBe('link-closed')
    }
    const cpu = process.cpuUsage()
    await new Promise(resolve => setTimeout(resolve, 300))
    const { user, system } = process.cpuUsage(cpu)
    expect((user + system) / 300_000).toBeLessThan(0.5)
    expect(handles()).toBeLessThanOrEqual(before)
  })

  it('while the host is idle, and while a send waits for a full line', async () => {
    const idle = await plug()
    const host = await open(idle.uri)
    const reading = faultOf(read(host, 1))
    await new Promise(resolve => setTimeout(resolve, 10))
    await idle.link.close()
    expect(await reading).toBe('link-closed')

    const full = await plug()
    const sender = await open(full.uri)
    const sending = faultOf(
      (async () => {
        for (;;) await sender.send(new Uint8Array(4096))
      })(),
    )
    await new Promise(resolve => setTimeout(resolve, 30))
    await full.link.close()
    expect(await sending).toBe('link-closed')
  })

  describe('in a process of its own', () => {
    const root = resolve(import.meta.dirname, '../..')
    const built = join(root, 'dist/src/transport/connect.js')

    beforeAll(async () => {
      if (existsSync(built)) return
      const build = spawn(process.execPath, [join(root, 'scripts/build.mjs')])
      await new Promise(resolve => build.once('exit', resolve))
    }, 120_000)

    it('the process ends by itself', async () => {
      const program = `
        import { once } from 'node:events'
        import { connect } from ${JSON.stringify(built)}
        const [uri] = await once(process.stdin, 'data')
        process.stdin.destroy()
        const link = await connect(uri.toString())
        await link.send(Uint8Array.of(7))
        try { for await (const chunk of link.incoming) console.log(chunk[0]) } catch (error) { console.log(error.code) }
      `
      // Started before the terminal is opened: node-pty's master is inherited by what is started later, and would stay plugged there.
      const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['pipe', 'pipe', 'inherit'] })
      const exit = new Promise<number | null>(resolve => child.once('exit', resolve))
      const { link, uri } = await plug()
      let output = ''
      child.stdout.on('data', chunk => {
        output += chunk
        if (output === '8\n') void link.close()
      })
      child.stdin.end(uri)
      await read(link, 1)
      await link.send(Uint8Array.of(8))
      const ended = await Promise.race([exit, new Promise(resolve => setTimeout(resolve, 5000, 'still running').unref())])
      child.kill('SIGKILL')
      expect(output).toBe('8\nlink-closed\n')
      expect(ended).toBe(0)
    })
  })
})
