/** One counter of a campaign: a virtual QPOS with a person, faulty wires to it and to the host, and an app in a process of its own. */

import { fork } from 'node:child_process'
import { join } from 'node:path'
import { instant, listen, loadCard, person, virtualConfig, virtualReader } from '../../dist/simulator/world.js'
import { fastClock, rest } from './clock.mjs'
import { startWire, Trouble } from './wire.mjs'

/** Real milliseconds in which whatever the app was asked is answered, or it hangs. */
const HANGS = 60_000

const never = new Uint8Array(5)
/** Approved by card and terminal alone: such payments are advised later. */
const offline = ({ applications, ...config }) => ({
  ...config,
  applications: applications.map(one => ({ ...one, tacDenial: never, tacOnline: never, tacDefault: never, floorLimit: 1_000_000n })),
})

/** Who comes to which counter. */
export const customers = [
  { card: 'mir-maestro', present: 'dip', pins: ['1234'] },
  { card: 'visa-signature', present: 'dip' },
  { card: 'mastercard', present: 'tap' },
  { card: 'offline-approve', present: 'dip', config: offline, advised: true },
  { card: 'mir', present: 'dip', pins: ['1234'] },
  { card: 'jcb', present: 'tap' },
]

/** Where an app that killed itself says it did. */
function lastWords(stderr) {
  return stderr.startsWith('{') ? { death: JSON.parse(stderr) } : {}
}

export async function openShop({ lane, directory, acquirer, isoLine, pace, merchant, sabotage, onFault }) {
  const clock = fastClock(pace)
  const { card: name, config = own => own, advised: _, ...script } = customers[lane]
  const card = loadCard(name)
  const device = virtualReader({ clock, resultTime: 0, config: config(virtualConfig()) })
  const listening = await listen('tcp:0', link => device.serve(link), { onError: onFault })
  const trouble = new Trouble()
  const wires = {
    reader: await startWire(Number(new URL(listening.uri).port), 'qpos', trouble),
    http: await startWire(acquirer.port, 'http', trouble),
    iso: await startWire(isoLine.port, 'iso', trouble),
  }
  const journal = join(directory, `journal-${lane}.db`)
  const asked = JSON.stringify({
    ...{ journal, pace, merchant, sabotage },
    key: '09'.repeat(32),
    reader: `tcp://127.0.0.1:${wires.reader.port}?family=qpos`,
    http: `http://127.0.0.1:${wires.http.port}/`,
    iso: `tcp://127.0.0.1:${wires.iso.port}`,
  })
  let leave = () => {}
  let child
  let stderr = ''
  let ids = 0

  async function start() {
    stderr = ''
    child = fork(join(import.meta.dirname, 'app.mjs'), [asked], { stdio: ['ignore', 'inherit', 'pipe', 'ipc'] })
    child.stderr.on('data', text => (stderr += text))
    await new Promise((resolve, reject) => {
      child.once('message', resolve)
      child.once('exit', code => reject(new Error(`the app does not start (${code}): ${stderr}`)))
    })
    child.removeAllListeners('exit')
  }

  /** What the app answers; `dead` when it was killed meanwhile. @throws when it hangs, or dies of itself */
  function ask(task, more = {}) {
    const id = ++ids
    return new Promise((resolve, reject) => {
      const settle = act => {
        clearTimeout(limit)
        child.off('message', hear)
        child.off('close', end)
        act()
      }
      const hear = answer => answer.id === id && settle(() => resolve(answer))
      const end = (code, signal) =>
        settle(() =>
          signal === 'SIGKILL'
            ? resolve({ told: 'dead', notices: [], ...lastWords(stderr) })
            : reject(new Error(`the app died of itself (${signal ?? code}): ${stderr}`)),
        )
      const limit = setTimeout(() => settle(() => reject(new Error(`the app hangs in ${task}`))), HANGS)
      child.on('message', hear)
      child.on('close', end) // its last words are read by then
      child.send(
        { id, task, ...more },
        error => error && child.exitCode === null && child.signalCode === null && settle(() => reject(error)),
      )
    })
  }

  await start()
  return {
    ...{ card, trouble, journal, ask, start },
    kill: () => child.kill('SIGKILL'),
    /** The customer comes to the counter with the card. */
    welcome() {
      leave()
      device.body.pull()
      device.body.leave()
      leave = person(device.body, card, { pace: instant, ...script })
    },
    /** Transactions that the card has begun. */
    get atc() {
      return Math.max(...card.state.applications.map(({ atc }) => atc))
    },
    async close() {
      leave()
      if (child.exitCode === null && child.signalCode === null) {
        const ended = new Promise(resolve => child.once('exit', resolve))
        child.disconnect()
        await ended
      }
      await rest(0)
      for (const wire of Object.values(wires)) await wire.close()
      await listening.close()
      await device.close()
    },
  }
}
