/** A rig's first minute: the packed package in an empty folder, `npx tapdip-sim test`, and the suite that it brings is green. Needs `npm run build`. */

import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { casesIn, scenarioFiles, shippedScenarios } from '../../simulator/scenario/suite.ts'
import { type PackedApp, packedApp } from './packed.ts'

const run = promisify(execFile)
let app: PackedApp
beforeAll(() => {
  app = packedApp()
}, 120_000)
afterAll(() => app?.remove())

describe('npx tapdip-sim test in an empty folder', () => {
  it('finds the shipped suite, is green, says so in one line, and writes one page', { timeout: 300_000 }, async () => {
    const before = readdirSync(app.folder)
    const { stdout } = await run('npx', ['tapdip-sim', 'test', '--reporter', 'line', '--reporter', 'html=suite.html'], {
      cwd: app.folder,
      env: { ...process.env, LC_ALL: 'C', npm_config_offline: 'true' },
      maxBuffer: 16 << 20,
    }) // another exit code than 0 is thrown
    const counts = stdout
      .trim()
      .split('\n')
      .at(-1)!
      .match(/^(\d+) passed, (\d+) failed, (\d+) skipped in [\d.]+ s$/)
    const [, passed, failed, skipped] = (counts ?? []).map(Number)
    const cases = casesIn(scenarioFiles([shippedScenarios()]))
    expect({ failed, all: passed + skipped }, stdout).toEqual({ failed: 0, all: cases.length })
    expect(skipped).toBe(cases.filter(({ plan }) => plan.skip !== undefined).length)
    expect(readdirSync(app.folder).filter(name => !before.includes(name))).toEqual(['suite.html'])
    const page = readFileSync(join(app.folder, 'suite.html'), 'utf8')
    expect(page.startsWith('<!doctype html>')).toBe(true)
    expect(page).not.toMatch(/<(script|link|img)[^>]*(src|href)="https?:/)
  })
})
