/** The tests that `npm run mutation` runs: those of the contact kernel, without pages, processes and real time. */

import { defineConfig } from 'vitest/config'

const tests = [
  'bit-rules', 'cda-endings', 'complete', 'config', 'contact-steps', 'decide', 'initiate', 'kernel', 'kernel-profiles', 'oda', 'reasons',
  'restrict', 'risk', 'select', 'verify',
] // biome-ignore format: a list

export default defineConfig({ test: { include: tests.map(name => `test/${name}.test.ts`), testTimeout: 20_000 } })
