/**
 * `npm run bench:beside -- <git ref> [piece]`: the build of a commit beside this one, in turn, in one run: contact transaction, tap, record, a whole virtual payment. Exits
 * with 1 where this one is slower by more than the noise.
 *
 * What counts is processor time: on a shared machine the clock on the wall tells of the neighbours. Each build runs in a process of its own, so that no build meets code
 * that another one has made slow. Two processes run the same old build: how far they are apart is the noise. A round measures all pieces of all processes, each time in
 * another order; the quickest round of each counts, for neighbours only ever add. Slower is what lies above 5 % and above three times the noise.
 */

import { fork } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { buildOf, commitOf, root } from './older.mjs'
import { recordValue } from './record.mjs'

const RULES = { rounds: 40, milliseconds: 20, warmUp: 4000, slower: 0.05, noises: 3 }

/** The pieces, of public names and of the codec, which every build has in the same place. */
async function pieces(build) {
  const at = path => import(pathToFileURL(join(build, 'dist', path)).href)
  const [app, { loadCard, virtualConfig, virtualCounter }, ber, { equal, fromHex }] = await Promise.all([
    at('devices/index.js'),
    at('simulator/world.js'),
    at('src/tlv/ber.js'),
    at('src/bytes.js'),
  ])
  const config = virtualConfig()
  const options = { random: length => new Uint8Array(length).fill(0x5a) }
  const transaction = { amount: 250_000n, currency: app.currency('RUB'), at: new Date(2026, 2, 26, 10, 52, 0) }
  const terminal = {
    selectApplication: async () => 0,
    enterPin: async () => ({ type: 'onlinePin', block: { format: 0, data: new Uint8Array(8), ksn: new Uint8Array(10) } }),
    authorise: async () => ({ type: 'approved', code: '00' }),
  }

  /** Runs once with a live card, then from what it answered, so that only the kernel is measured. */
  async function played(live, run) {
    const exchanges = []
    const over = transmit => run({ interface: live.interface, atr: live.atr, transmit })
    const outcome = await over(async (apdu, how) => {
      const response = await live.transmit(apdu, how)
      exchanges.push({ command: apdu.slice(), response })
      return response
    })
    if (outcome.result !== 'approved' || !outcome.online) throw new Error(`${build}: ${outcome.result} ${outcome.reason}`)
    let next = 0
    await over(async apdu => {
      const { command, response } = exchanges[next++]
      if (!equal(apdu, command)) throw new Error(`${build}: command ${next} differs from the recorded one`)
      return response
    })
    return () => {
      let next = 0
      return over(async () => exchanges[next++].response)
    }
  }

  const onTap = card => ({ activate: async () => card, off: async () => {} })
  const rules = app.russianContactless()
  const record = ber.write(0x70, fromHex(recordValue))
  let number = 0
  return {
    'contact transaction': await played(loadCard('mastercard', options).contact(), card =>
      app.transact(card, transaction, config, terminal, options),
    ),
    'tap, mir': await played(loadCard('mir', options).contactless(), card =>
      app.tap(onTap(card), transaction, config, rules, terminal, options),
    ),
    'tap, mastercard': await played(loadCard('mastercard', options).contactless(), card =>
      app.tap(onTap(card), transaction, config, rules, terminal, options),
    ),
    'record decoded': () => ber.readTemplate(record, 0x70),
    'whole virtual payment': async () => {
      const counter = await virtualCounter({ card: 'mir-maestro', pins: ['1234'] })
      const reader = await app.open(counter.link(), { family: 'qpos' })
      const { result } = await app.pay(
        { number: `beside-${number++}`, amount: 250_000n, currency: app.currency('RUB') },
        {
          reader,
          acquirer: app.httpAcquirer(counter.acquirer.url),
          merchant: { name: 'MobileTestMerchant', id: '635459020000001', terminal: '63545902' },
          prompts: { selectApplication: async candidates => candidates.findIndex(({ label }) => label === 'MIR') },
        },
      )
      if (result !== 'approved') throw new Error(`${build}: ${result}`)
      await reader.close()
      await counter.close()
    },
  }
}

/** Microseconds of processor time that one run takes, of as many as take so many milliseconds of it. */
async function timed(work, milliseconds) {
  const before = process.cpuUsage()
  let count = 0
  let spent = 0
  do {
    for (let batch = 0; batch < 5; batch++, count++) {
      const pending = work()
      if (pending instanceof Promise) await pending
    }
    const { user, system } = process.cpuUsage(before)
    spent = user + system
  } while (spent < milliseconds * 1000)
  return spent / count
}

/** A process with one build: is told a piece, and answers its time. */
async function child(build) {
  const works = await pieces(build)
  process.on('message', async ({ name, milliseconds }) => process.send({ time: await timed(works[name], milliseconds) }))
  process.send({ names: Object.keys(works) })
}

function started(build) {
  const process = fork(fileURLToPath(import.meta.url), ['--build', build], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  let hear
  const ended = new Promise((_, reject) => process.once('exit', code => reject(new Error(`the process of ${build} ended with ${code}`))))
  ended.catch(() => {})
  process.on('message', message => hear(message))
  const heard = () => Promise.race([ended, new Promise(resolve => (hear = resolve))])
  const ready = heard()
  return {
    ready,
    stop: () => process.kill(),
    measure(name, milliseconds) {
      const answer = heard()
      process.send({ name, milliseconds })
      return answer.then(({ time }) => time)
    },
  }
}

const quickest = values => Math.min(...values)

async function main(ref, only = '') {
  const folder = mkdtempSync(join(tmpdir(), 'tapdip-beside-'))
  const builds = { old: join(folder, 'old'), again: join(folder, 'again'), new: root }
  const running = []
  try {
    const commit = commitOf(ref)
    if (commit === undefined) throw new Error(`there is no commit ${ref} here`)
    buildOf(commit, builds.old)
    cpSync(builds.old, builds.again, { recursive: true, verbatimSymlinks: true })
    const processes = {}
    for (const [name, build] of Object.entries(builds)) running.push((processes[name] = started(build)))
    const [{ names: all }] = await Promise.all(running.map(({ ready }) => ready))
    const names = all.filter(name => name.includes(only))
    const times = Object.fromEntries(names.map(name => [name, []]))
    for (let round = -1; round < RULES.rounds; round++) {
      for (const name of names) {
        const row = {}
        const turns = Object.keys(builds)
        for (const build of turns.map((_, at) => turns[(at + round + turns.length) % turns.length]))
          row[build] = await processes[build].measure(name, round < 0 ? RULES.warmUp : RULES.milliseconds)
        if (round >= 0) times[name].push(row)
      }
    }
    console.log(
      `Node ${process.version}, ${cpus()[0].model.trim()}; processor time, this build beside ${commit}, the quickest of ${RULES.rounds} rounds\n`,
    )
    let failed = false
    for (const name of names) {
      const [before, again, now] = ['old', 'again', 'new'].map(build => quickest(times[name].map(row => row[build])))
      const [ratio, same] = [now / before, again / before]
      const allowed = 1 + Math.max(RULES.slower, RULES.noises * Math.abs(same - 1))
      const slow = ratio > allowed
      failed ||= slow
      const [from, to] = [before, now].map(time => `${time.toFixed(1)} µs`.padStart(12))
      console.log(
        `${name.padEnd(24)}${from} →${to}   ${ratio.toFixed(3)} of it, the old one beside itself ${same.toFixed(3)}: ` +
          `${slow ? 'SLOWER than' : 'ok, at most'} ${allowed.toFixed(3)}`,
      )
    }
    if (failed) process.exitCode = 1
  } finally {
    for (const one of running) one.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

const [what, which] = process.argv.slice(2)
if (what === '--build') await child(which)
else if (what === undefined) {
  console.error('npm run bench:beside -- <git ref> [piece]')
  process.exitCode = 2
} else await main(what, which)
