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
  },
})
