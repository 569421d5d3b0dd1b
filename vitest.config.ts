import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'
import ClosingLine from './test/closing-line.ts'
import { platforms } from './test/platforms.ts'

// What whoever runs the tests has set for their own terminal: colours that are forced would stand in what commands print, a language would be that of their words.
for (const name of Object.keys(process.env))
  if (/^(FORCE_COLOR|NO_COLOR|LC_ALL|LC_MESSAGES|LANGUAGE|TAPDIP_(AIR|ISO_MAC_KEY|JOURNAL_KEY|REFUND_\w+|STATE))$/.test(name))
    delete process.env[name]

/** What changes or counts what is its whole process's: environment, exit code, signals, handles, heap. A process for each file; for the others loading the package would be the most of their time. */
const own = [
  'test/{hostile,house,transport}/**/*.test.ts',
  'test/devices/commands/*.test.ts',
  'test/payment/host/iso-dialect.test.ts',
  'test/simulator/commands/*.test.ts',
  'test/simulator/scenario/provoke-serve.test.ts',
  'test/tlv/ber.test.ts',
  'test/trace/header.test.ts',
]

/** The longest first, so that none of them is alone at the end. */
const long =
  /\/(devices\/commands\/(cli|order|mpos-\w+|signals|newcomer)|simulator\/(bench\/app|bench\/web|scenario)\/[\w-]+|house\/(readme|packed-suite|packed|campaign|fuzz))\.test\.ts$/

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ project, moduleId }: TestSpecification) => (project.name === 'own' ? 0 : 2) + (long.test(moduleId) ? 0 : 1)
    return (await super.sort(files)).sort((one, other) => place(one) - place(other))
  }
}

export default defineConfig({
  resolve: { alias: platforms },
  // What pages draw is Preact's; the project's own settings know nothing of it.
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  test: {
    exclude: ['test/hw/**'], // npm run test:hw-virtual
    // For what hangs; how long something may take is asserted where it matters. A busy machine takes ten times as long.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    reporters: ['default', new ClosingLine()],
    pool: 'forks',
    // One more than a small machine has cores: what waits for a line, a browser or a process costs no time of one.
    maxWorkers: 3,
    setupFiles: 'test/each-test.ts',
    sequence: { sequencer: LongestFirst },
    // Commands that tests run remember their last reader here, not in the developer's own state.
    env: { TAPDIP_STATE: join(tmpdir(), `tapdip-test-${process.pid}`), LANG: 'C.UTF-8' },
    projects: [
      { extends: true, test: { name: 'own', include: own } },
      { extends: true, test: { name: 'shared', include: ['test/**/*.test.ts'], exclude: ['test/hw/**', ...own], isolate: false } },
    ],
  },
})
