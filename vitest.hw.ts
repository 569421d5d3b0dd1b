/** The tests that `npm run test:hw-virtual` runs in a virtual machine: over the kernel's own HID, USB, serial and Bluetooth. Elsewhere they are skipped. */

import { defineConfig } from 'vitest/config'
import ClosingLine from './test/closing-line.ts'
import { platforms } from './test/platforms.ts'

export default defineConfig({
  resolve: { alias: platforms },
  test: {
    include: ['test/hw/*.test.ts'],
    testTimeout: 180_000, // the machine is some ten times slower than this one, and this one may be busy
    hookTimeout: 240_000,
    reporters: ['default', new ClosingLine()],
    pool: 'forks', // a process for each file: one process reaches HID devices by one driver
    fileParallelism: false,
    server: { deps: { external: [/\/dist\//] } }, // what is built needs no further work, of which the machine would have minutes
  },
})
