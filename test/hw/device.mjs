/**
 * The other process: plugs HID devices into the kernel, whose bytes a test says and hears through TCP. For each TCP connection, which begins with a line of JSON
 * ({ plug, block?, keep? }), a device is there until it closes; it answers `\n` when the device is plugged in. `block`: bytes of one send(); when left out, as they
 * come. `keep`: the connection stays when the host closes the device.
 * Arguments: `uhid` or `usbip`.
 */

import { spawn } from 'node:child_process'
import { createServer } from 'node:net'
import { plugUhid } from '../../dist/simulator/readers/listen/uhid.js'
import { BUS_ID, serveUsbip } from '../../dist/simulator/readers/listen/usbip.js'

const plugIn = { uhid: plugUhid, usbip: plugUsbip }[process.argv[2]]

const server = createServer({ noDelay: true }, async socket => {
  socket.on('error', () => {})
  const over = new Promise(resolve => socket.once('close', resolve))
  const bytes = socket[Symbol.asyncIterator]()
  let rest = Buffer.alloc(0)
  const more = async () => {
    const { value, done } = await bytes.next()
    if (!done) rest = Buffer.concat([rest, value])
    return !done
  }
  while (!rest.includes(10)) if (!(await more())) return
  const { plug, block, keep } = JSON.parse(rest.subarray(0, rest.indexOf(10)))
  rest = rest.subarray(rest.indexOf(10) + 1)

  const say = async link => {
    for (;;) {
      while (rest.length >= (block ?? 1)) {
        const one = rest.subarray(0, block ?? rest.length)
        rest = rest.subarray(one.length)
        await link.send(one)
      }
      if (!(await more())) return
    }
  }
  const listening = await plugIn(plug, async link => {
    say(link).catch(() => {})
    try {
      for await (const chunk of link.incoming)
        if (!socket.write(chunk)) await new Promise(resolve => socket.once('drain', resolve).once('close', resolve))
    } catch {
      if (!keep) socket.destroy() // the host has closed the device
    }
  })
  socket.write('\n')
  await over
  await listening.close()
})
server.listen(0, '127.0.0.1', () => console.log(server.address().port))
process.on('SIGTERM', () => process.exit())

/** A USB/IP server and the kernel's client of it. */
async function plugUsbip(plug, serve) {
  const listening = await serveUsbip(plug, serve, { host: '127.0.0.1', port: 0 })
  await usbip('--tcp-port', String(listening.port), 'attach', '-r', '127.0.0.1', '-b', BUS_ID)
  return listening
}

function usbip(...args) {
  return new Promise((resolve, reject) => {
    const child = spawn('usbip', args, { stdio: ['ignore', 'ignore', 'inherit'] })
    child.once('error', reject)
    child.once('exit', code => (code === 0 ? resolve() : reject(new Error(`usbip ${args.join(' ')}: ${code}`))))
  })
}
