import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { defineConfig } from 'vitest/config'
import ClosingLine from './test/closing-line.ts'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/hw/**'], // npm run test:hw-virtual
    testTimeout: 20_000,
    hookTimeout: 30_000,
    reporters: ['default', new ClosingLine()],
    pool: 'forks',
    maxWorkers: 2,
    // Commands that tests run remember their last reader here, not in the developer's own state.
    env: { TAPDIP_STATE: join(tmpdir(), `tapdip-test-${process.pid}`) },
  },
})
