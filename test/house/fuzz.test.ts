/** Every decoder of the package on inputs of all kinds: what it throws is a Fault. Needs `npm run build` (npm test does it); `npm run fuzz` for more. */

import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { expect, it } from 'vitest'

it('120,000 inputs over every decoder: nothing is thrown that is no Fault', { timeout: 120_000 }, async () => {
  const script = join(import.meta.dirname, '../../bench/fuzz/run.mjs')
  const args = [script, '--count', '120000', '--seed', '3', '--workers', '1', '--no-growth']
  const { code, out } = await new Promise<{ code: number; out: string }>(resolve =>
    execFile(process.execPath, args, (error, stdout, stderr) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, out: stdout + stderr }),
    ),
  )
  expect(out).toMatch(/1[2-9]\d{4} inputs, 1\d\d decoders, .* 0 exceptions/)
  expect(code).toBe(0)
})
