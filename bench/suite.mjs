/** The shipped suite beside the plain loop: the same payments run as scenarios on virtual time, and by `virtualCounter` and `pay` as an app's own test would write them. */

import { currency, httpAcquirer, open, parseAmount, pay } from '../dist/devices/index.js'
import { pace } from '../dist/simulator/readers/body/cardholder.js'
import { runCase } from '../dist/simulator/scenario/run.js'
import { casesIn, scenarioFiles, shippedScenarios } from '../dist/simulator/scenario/suite.js'
import { virtualCounter } from '../dist/simulator/world.js'

const merchant = { name: 'MobileTestMerchant', id: '635459020000001', terminal: '63545902' }
const plain = new Set(['name', 'about', 'tags', 'reader', 'card', 'person', 'amount', 'expect'])

/** Cases of the suite that a loop of five lines can pay: a reader, a card, a dip, tap or swipe, an amount. */
export function plainCases() {
  return casesIn(scenarioFiles([shippedScenarios()])).filter(
    ({ plan }) =>
      Object.keys(plan).every(key => plain.has(key) || plan[key] === undefined) &&
      typeof (plan.reader ?? '') === 'string' &&
      typeof (plan.card ?? '') === 'string' &&
      ['dip', 'tap', 'swipe', undefined].includes(plan.person) &&
      plan.expect?.fault === undefined,
  )
}

/**
 * Every n-th of them.
 * @param {number} count how many at most
 */
function sample(count) {
  const all = plainCases()
  const every = all.length / Math.min(count, all.length)
  return Array.from({ length: Math.min(count, all.length) }, (_, at) => all[Math.floor(at * every)])
}

/** Reader, person, acquirer over HTTP, on the system's clock. `unhurried`: the person takes the time that one takes at `serve`; a counter's own takes none. */
async function byLoop({ plan }, at, unhurried) {
  const [family, dialect] = (plan.reader ?? 'qpos').split(' ')
  const counter = await virtualCounter({
    ...{ family, card: plan.card ?? 'mir-maestro' },
    ...(dialect && { dialect }),
    ...(plan.person && { present: plan.person }),
    ...(unhurried && { pace }),
  })
  try {
    const reader = await open(counter.link(), { family, ...(dialect && { dialect }) })
    const amount = parseAmount(plan.amount ?? '2500.00', currency('RUB'))
    const { result } = await pay(
      { number: `bench_${at}`, amount, currency: currency('RUB') },
      { reader, merchant, acquirer: httpAcquirer(counter.acquirer.url) },
    )
    await reader.close()
    return result
  } finally {
    await counter.close()
  }
}

async function byRunner(one) {
  const { status, result, reason } = await runCase(one)
  if (status !== 'passed') throw new Error(`${one.name}: ${reason}`)
  return result?.result
}

/** Milliseconds on the wall and of the processor that something takes. */
export const timed = async work => {
  const [began, cpu] = [performance.now(), process.cpuUsage()]
  await work()
  const { user, system } = process.cpuUsage(cpu)
  return { wall: performance.now() - began, cpu: (user + system) / 1000 }
}

/**
 * Milliseconds of wall time and of processor time that a payment takes each way, on average, in turn; and the results that differ (none).
 * @param {number} count payments
 * @param {boolean} unhurried whether the person of the loop takes their time
 */
export async function suiteBeside(count, unhurried) {
  const cases = sample(count)
  for (const [at, one] of sample(20).entries()) {
    await byRunner(one)
    await byLoop(one, `warm_${at}`, false) // both have loaded and compiled what they need
  }
  const [runner, loop] = [
    { wall: 0, cpu: 0 },
    { wall: 0, cpu: 0 },
  ]
  const differ = []
  for (const [at, one] of cases.entries()) {
    let [virtual, real] = []
    const add = (sum, { wall, cpu }) => Object.assign(sum, { wall: sum.wall + wall, cpu: sum.cpu + cpu })
    add(
      runner,
      await timed(async () => {
        virtual = await byRunner(one)
      }),
    )
    add(
      loop,
      await timed(async () => {
        real = await byLoop(one, at, unhurried)
      }),
    )
    if (virtual !== real) differ.push(`${one.name}: ${virtual}, ${real}`)
  }
  const each = ({ wall, cpu }) => ({ wall: wall / cases.length, cpu: cpu / cases.length })
  return { payments: cases.length, runner: each(runner), loop: each(loop), ratio: loop.wall / runner.wall, differ }
}
