/** A vitest reporter that ends a run with one plain line, `N passed, N failed, N skipped`, for machines that read only that. */
import type { Reporter, TestModule } from 'vitest/node'

export default class ClosingLine implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly unknown[]): void {
    let passed = 0
    let failed = unhandled.length
    let skipped = 0
    for (const module of modules) {
      let ownFailures = 0
      for (const test of module.children.allTests()) {
        const { state } = test.result()
        if (state === 'passed') passed++
        else if (state === 'failed') ownFailures++
        else skipped++
      }
      // A file that does not load has no failed test of its own, yet it failed.
      failed += module.state() === 'failed' ? Math.max(1, ownFailures) : ownFailures
    }
    console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`)
  }
}
