/** The tests that `npm run mutation` runs: those of the contact kernel, without pages, processes and real time. */

import { defaultServerConditions } from 'vite'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  ssr: { resolve: { conditions: ['tapdip-source', ...defaultServerConditions] } },
  test: {
    include: ['test/emv/config.test.ts', 'test/emv/{contact,steps,oda}/*.test.ts', 'test/emv/explain/bit-rules.test.ts'],
    exclude: ['test/emv/contact/kernel-model.test.ts'],
    testTimeout: 20_000,
  },
})
