/** `npm run lines -- --count 1000 --seed 1 [--family qpos|bluepad|miura|v5|mms|idtech]`: payments over lines that lose, damage, double and delay a fifth of the messages. */

import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

const { values } = parseArgs({
  options: { count: { type: 'string', default: '1000' }, seed: { type: 'string', default: '1' }, family: { type: 'string' } },
})
const root = join(import.meta.dirname, '..')
const env = {
  ...process.env,
  TAPDIP_LINES: values.count,
  TAPDIP_SEED: values.seed,
  ...(values.family && { TAPDIP_FAMILY: values.family }),
}
const vitest = [join(root, 'node_modules/vitest/vitest.mjs'), 'run', '--maxWorkers', '1', 'test/devices/bad-lines.test.ts']
spawn(process.execPath, vitest, { cwd: root, env, stdio: 'inherit' }).on('close', code => {
  process.exitCode = code ?? 1
})
