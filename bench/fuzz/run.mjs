/** `npm run fuzz -- --count 100000000 --seed 1`: every decoder with as many inputs as asked for in all; what is thrown is a Fault, and time grows with the input. Needs `npm run build`. */

import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { everyDecoder } from './decoders.mjs'
import { bytesOf, jsonOf, random, textOf } from './inputs.mjs'

const makers = { bytes: bytesOf, text: textOf, json: jsonOf }
/** Inputs made at once, so that several decoders share the work of making them. */
const BATCH = 512

/** `count` inputs in all, in turn over the decoders. */
async function fuzz(count, seed) {
  const decoders = await everyDecoder()
  const draw = random(seed)
  const wrong = []
  const per = Object.fromEntries(decoders.map(({ name }) => [name, 0]))
  let done = 0
  while (done < count) {
    const inputs = { bytes: [], text: [], json: [] }
    for (const takes of Object.keys(inputs))
      for (let made = 0; made < (takes === 'bytes' ? BATCH : BATCH / 8); made++) inputs[takes].push(makers[takes](draw))
    for (const { name, takes, run } of decoders)
      for (const input of inputs[takes]) {
        try {
          run(input)
        } catch (error) {
          if ((error?.name !== 'Fault' || error.code === 'internal') && wrong.length < 20)
            wrong.push({
              name,
              error: String(error?.stack ?? error).slice(0, 300),
              input: takes === 'bytes' ? Buffer.from(input).toString('hex') : JSON.stringify(input),
            })
        }
        done++
        per[name]++
      }
  }
  return { done, wrong, per }
}

const KIB = 1024
/** Long inputs that a careless decoder reads again and again. */
const shapes = {
  zeros: length => new Uint8Array(length),
  ones: length => new Uint8Array(length).fill(0xff),
  'beginnings of frames': length => Uint8Array.from({ length }, (_, at) => [0x4d, 0x00, 0x08, 0x56, 0x69, 0x56, 0x01, 0x55][at % 8]),
  'open templates': length => Uint8Array.from({ length }, (_, at) => [0x70, 0x84, 0x00, 0x10, 0x00, 0x00][at % 6]),
  'small objects': length => Uint8Array.from({ length }, (_, at) => [0x9f, 0x02, 0x01, 0x00][at % 4]),
  noise: length => {
    const draw = random(7)
    return Uint8Array.from({ length }, () => draw(256))
  },
}

/** The worst growth of time from 16 KiB to 1 MiB, as a factor beside 64. A decoder that is done before the clock moves has none. */
async function growth() {
  const rows = []
  for (const { name, takes, run } of await everyDecoder()) {
    if (takes === 'json') continue
    for (const [shape, make] of Object.entries(shapes)) {
      const asText = bytes => Buffer.from(bytes).toString('latin1')
      const [short, long] = [16 * KIB, 1024 * KIB].map(length => (takes === 'text' ? asText(make(length)) : make(length)))
      const once = input => {
        const begun = process.hrtime.bigint()
        try {
          run(input)
        } catch {
          // judged by `fuzz`
        }
        return Number(process.hrtime.bigint() - begun) / 1e6
      }
      once(short)
      const [small, large] = [Math.min(...Array.from({ length: 5 }, () => once(short))), Math.min(once(long), once(long))]
      if (large > 5) rows.push({ name, shape, small, large, ratio: large / Math.max(small, 0.02) / 64 })
    }
  }
  return rows.sort((one, other) => other.ratio - one.ratio)
}

if (!isMainThread) parentPort.postMessage(await fuzz(workerData.count, workerData.seed))
else {
  const { values } = parseArgs({
    options: {
      count: { type: 'string', default: '1000000' },
      seed: { type: 'string', default: '1' },
      workers: { type: 'string', default: String(availableParallelism()) },
      growth: { type: 'boolean', default: true },
    },
    allowNegative: true,
  })
  const [count, seed, workers] = [values.count, values.seed, values.workers].map(Number)
  const begun = Date.now()
  const results = await Promise.all(
    Array.from(
      { length: workers },
      (_, index) =>
        new Promise((resolve, reject) =>
          new Worker(new URL(import.meta.url), { workerData: { count: Math.ceil(count / workers), seed: seed * 1000 + index } })
            .on('message', resolve)
            .on('error', reject),
        ),
    ),
  )
  const done = results.reduce((sum, one) => sum + one.done, 0)
  const wrong = results.flatMap(one => one.wrong)
  const decoders = Object.keys(results[0].per).length
  console.log(
    `seed ${seed}: ${done} inputs, ${decoders} decoders, ${Math.round((Date.now() - begun) / 1000)} s, ${wrong.length} exceptions that are no Fault`,
  )
  for (const { name, error, input } of wrong) console.log(`${name}: ${error}\n  ${input.slice(0, 400)}`)
  let slow = []
  if (values.growth) {
    const rows = await growth()
    slow = rows.filter(({ ratio }) => ratio > 1.5)
    for (const { name, shape, small, large, ratio } of rows.slice(0, 5))
      console.log(`${ratio.toFixed(2)} × 64  ${name}, ${shape}: 16 KiB ${small.toFixed(2)} ms, 1 MiB ${large.toFixed(1)} ms`)
    console.log(`${slow.length} decoders take more than 1.5 × 64 times as long for 64 times as much`)
  }
  process.exitCode = wrong.length + slow.length > 0 ? 1 : 0
}
