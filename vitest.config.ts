import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { defineConfig } from 'vitest/config'
import ClosingLine from './test/closing-line.ts'

// What whoever runs the tests has set for their own terminal: colours that are forced would stand in what commands print, a language would be that of their words.
for (const name of Object.keys(process.env))
  if (/^(FORCE_COLOR|NO_COLOR|LC_ALL|LC_MESSAGES|LANGUAGE|TAPDIP_(AIR|ISO_MAC_KEY|JOURNAL_KEY|REFUND_\w+|STATE))$/.test(name))
    delete process.env[name]

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/hw/**'], // npm run test:hw-virtual
    // For what hangs; how long something may take is asserted where it matters. A busy machine takes ten times as long.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    reporters: ['default', new ClosingLine()],
    pool: 'forks',
    // One more than a small machine has cores: what waits for a line, a browser or a process costs no time of one.
    maxWorkers: 3,
    // Commands that tests run remember their last reader here, not in the developer's own state.
    env: { TAPDIP_STATE: join(tmpdir(), `tapdip-test-${process.pid}`), LANG: 'C.UTF-8' },
  },
})
