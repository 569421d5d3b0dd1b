/** `npm run fuzz -- --count 100000000 --seed 1`: every decoder with as many inputs as asked for in all; what is thrown is a Fault, and time grows with the input. Needs `npm run build`. */

import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { everyDecoder } from './decoders.mjs'
import { BOUND, growth } from './growth.mjs'
import { bytesOf, jsonOf, random, textOf } from './inputs.mjs'

const makers = { bytes: bytesOf, text: textOf, json: jsonOf }
/** Inputs made at once, so that several decoders share the work of making them. */
const BATCH = 512

/** `count` inputs in all, in turn over the decoders whose name the text `only` matches. */
async function fuzz(count, seed, only) {
  const decoders = (await everyDecoder()).filter(({ name }) => new RegExp(only).test(name))
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

if (!isMainThread) parentPort.postMessage(await fuzz(workerData.count, workerData.seed, workerData.only))
else {
  const { values } = parseArgs({
    options: {
      count: { type: 'string', default: '1000000' },
      seed: { type: 'string', default: '1' },
      workers: { type: 'string', default: String(availableParallelism()) },
      /** A pattern of names: these decoders alone. */
      only: { type: 'string', default: '' },
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
          new Worker(new URL(import.meta.url), {
            workerData: { count: Math.ceil(count / workers), seed: seed * 1000 + index, only: values.only },
          })
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
  let bad = wrong.length
  if (values.growth) {
    const begun = Date.now()
    const { measured, rows, wrong } = await growth(values.only)
    const slow = rows.filter(({ ratio }) => ratio > BOUND)
    for (const { name, shape, sizes, small, large, times, ratio } of [...rows.slice(0, 5), ...slow.slice(5)]) {
      const beside = times === 64 ? `${sizes[0]} ${small.toFixed(3)} ms, ` : times > 0 ? `a ${times}th ${small.toFixed(3)} ms, ` : ''
      console.log(`${ratio.toFixed(2)} × ${times || 'the most for a byte'}  ${name}, ${shape}: ${beside}${sizes[1]} ${large.toFixed(1)} ms`)
    }
    for (const { name, shape, error } of wrong) console.log(`${name}, ${shape}: ${error}`)
    console.log(
      `${measured} long inputs, ${Math.round((Date.now() - begun) / 1000)} s, ${wrong.length} exceptions that are no Fault; ` +
        `${new Set(slow.map(({ name }) => name)).size} decoders take more than ${BOUND} × 64 times as long for 64 times as much`,
    )
    bad += slow.length + wrong.length
  }
  process.exitCode = bad > 0 ? 1 : 0
}
