/** The tests that `npm run mutation` runs: those of the contact kernel, without pages, processes and real time. */

import { defineConfig } from 'vitest/config'
import { platforms } from './test/platforms.ts'

export default defineConfig({
  resolve: { alias: platforms },
  test: {
    include: ['test/emv/config.test.ts', 'test/emv/{contact,steps,oda}/*.test.ts', 'test/emv/explain/bit-rules.test.ts'],
    exclude: ['test/emv/contact/kernel-model.test.ts'],
    testTimeout: 20_000,
  },
})
