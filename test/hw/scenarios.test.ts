/** The scenario files with the tag `lines`, the same as in test/simulator/scenario/lines.test.ts, over a serial port that the kernel itself emulates (CDC-ACM): results and traces as in memory. */

import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Case } from '../../simulator/scenario/matrix.ts'
import { differences, nobodyGreeted } from '../simulator/scenario/same.ts'
import { makeSerialGadget, plugGadget, unplugGadget } from './gadget.ts'
import { built, describeHere, root, soon } from './machine.ts'

const line = { listen: 'serial:/dev/ttyGS0?baud=9600', uri: 'serial:/dev/ttyACM0' }

describeHere('scenario files over serial over USB', () => {
  let files = new Map<string, Case>()
  let runCase: typeof import('../../simulator/scenario/run.ts').runCase

  beforeAll(async () => {
    const [{ connect }, suite, run] = await Promise.all([
      built.tapdip(),
      import(`${root}/dist/simulator/scenario/suite.js`) as Promise<typeof import('../../simulator/scenario/suite.ts')>,
      import(`${root}/dist/simulator/scenario/run.js`) as Promise<typeof import('../../simulator/scenario/run.ts')>,
    ])
    runCase = run.runCase
    makeSerialGadget({ vendor: '03aa', product: '0001', serial: 'MPOS0000000001', manufacturer: 'Tapdip', name: 'Virtual QPOS' })
    plugGadget()
    for (const end of ['serial:/dev/ttyGS0', 'serial:/dev/ttyACM0']) await (await soon(() => connect(end))).close() // in raw mode, both: else they echo
    const cases = suite.selected(suite.casesIn(suite.scenarioFiles([])), { tags: ['lines'] }).filter(({ plan }) => !plan.skip)
    // The machine is slow: the first case of each file, which is of a QPOS.
    files = new Map(cases.toReversed().map(one => [one.file!, one]))
  })
  afterAll(unplugGadget)

  it('twenty files: the same results as in memory, and traces that differ in link events alone', async () => {
    expect(files.size).toBe(20)
    const found: Record<string, string[]> = {}
    for (const [file, one] of files) {
      const near = await runCase(one)
      const all = differences(near, await runCase(one, { over: line, limit: 400_000 }), [nobodyGreeted])
      console.log(`${all.length === 0 ? 'the same' : 'not the same'}: ${file}`)
      if (all.length > 0) found[file] = all
    }
    expect(found).toEqual({})
  }, 1_500_000) // biome-ignore format: the limit at its end
})
