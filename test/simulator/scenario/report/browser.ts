/** A page in Chromium, without network. */

import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'

/** Where the browser is. */
export const executablePath = process.env.TAPDIP_CHROMIUM ?? '/usr/bin/chromium'

/** Why pages cannot be opened here; undefined where they can. */
export const noBrowser = existsSync(executablePath) ? undefined : `no ${executablePath}: apt-get install chromium`

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** What axe finds, by rule and place: in the whole page, or in a part of it; by all rules, or some. Scripts are texts: the page’s own world has names that this one has not. */
export async function violations(page: Page, part = 'html', rules?: readonly string[]): Promise<string[]> {
  if (!(await page.evaluate('"axe" in window'))) await page.evaluate(axe)
  const options = JSON.stringify(rules ? { runOnly: rules } : {})
  return page.evaluate(
    `axe.run(${JSON.stringify(part)}, ${options}).then(({ violations }) => violations.flatMap(({ id, nodes }) => nodes.map(one => [id, one.html.slice(0, 200), one.failureSummary].join(" "))))`,
  )
}

/** What a page did that it should not: what it asked for, said on the console, or broke with. */
export interface Opened {
  readonly page: Page
  readonly requests: string[]
  readonly complaints: string[]
}

export class Pages {
  readonly folder = mkdtempSync(join(tmpdir(), 'tapdip-report-'))
  #browser: Browser | undefined

  write(name: string, html: string): string {
    const file = join(this.folder, name)
    writeFileSync(file, html)
    return pathToFileURL(file).href
  }

  async open(url: string, options: BrowserContextOptions = {}, there = 'h1'): Promise<Opened> {
    this.#browser ??= await chromium.launch({ executablePath, args: ['--no-sandbox'], timeout: 120_000 })
    const context = await this.#browser.newContext({ offline: true, viewport: { width: 1280, height: 800 }, ...options })
    const page = await context.newPage()
    page.setDefaultTimeout(60_000)
    const [requests, complaints]: [string[], string[]] = [[], []]
    page.on('request', request => requests.push(request.url()))
    page.on('console', said => complaints.push(said.text()))
    page.on('pageerror', error => complaints.push(String(error)))
    await page.goto(url)
    await page.waitForSelector(there)
    return { page, requests, complaints }
  }

  async close(): Promise<void> {
    await this.#browser?.close()
    rmSync(this.folder, { recursive: true, force: true })
  }
}
