/** A vitest reporter that ends a run with what failed, a line each, and one plain line, `N passed, N failed, N skipped`, for machines that read, or keep, only the end. */
import type { Reporter, TestModule } from 'vitest/node'

/** The first line of what went wrong, without colours. */
function why(errors: readonly { readonly message?: string }[] | undefined): string {
  const [first = ''] = (errors?.[0]?.message ?? '').split('\n')
  // biome-ignore lint/suspicious/noControlCharactersInRegex: those of a terminal's colours
  return first.replace(/\x1b\[[0-9;]*m/g, '').slice(0, 200)
}

export default class ClosingLine implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly { readonly message?: string }[]): void {
    let passed = 0
    let skipped = 0
    const failed = unhandled.map(error => `nobody caught: ${why([error])}`)
    for (const module of modules) {
      const before = failed.length
      for (const test of module.children.allTests()) {
        const { state, errors } = test.result()
        if (state === 'passed') passed++
        else if (state === 'failed') failed.push(`${module.relativeModuleId} > ${test.fullName.replaceAll(/\s+/g, ' ')}: ${why(errors)}`)
        else skipped++
      }
      // A file that does not load has no failed test of its own, yet it failed.
      if (module.state() === 'failed' && failed.length === before) failed.push(`${module.relativeModuleId}: ${why(module.errors())}`)
    }
    for (const one of failed) console.log(`FAILED ${one}`)
    console.log(`${passed} passed, ${failed.length} failed, ${skipped} skipped`)
  }
}
