/** A run as one page of HTML that needs nothing else: no network, no server, and nothing of what it shows can run in it. */

import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { deflateSync } from 'node:zlib'
import { Fault } from '../../../src/errors.ts'
import { type Language, message } from '../../../src/messages/messages.ts'
import { packageFile } from '../../../src/package-file.ts'
import type { RunReport } from '../result.ts'
import { compareRuns } from './compare.ts'
import type { ReportData } from './data.ts'
import { saidOfLines } from './line.ts'

/** How a report is made. */
export interface HtmlOptions {
  /** The language that it opens in; English when left out. The reader may change it. */
  readonly language?: Language
  /** An earlier run: what became another since is shown. */
  readonly against?: RunReport
  /** The cases are traces alone, which nothing was expected of: no status is told. */
  readonly traces?: boolean
}

/** Characters of JSON from which on the data are deflated. */
const LARGE = 1_000_000

/** Script and style of the page, as `npm run build` has made them. @throws Fault `missing-library` where it has not */
function page(): { readonly script: string; readonly style: string } {
  const file = packageFile('dist/simulator/scenario/report/page.json')
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch (cause) {
    throw new Fault('bad-config', `the page of reports is not built: npm run build (${file})`, { file }, { cause })
  }
}

const hash = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`
const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')

/** JSON that no reader of HTML takes for the end of a script, or the begin of anything. */
function embedded(data: ReportData): string {
  const json = JSON.stringify(data)
  if (json.length < LARGE) return `<script id="data" type="application/json">${json.replaceAll('<', '\\u003c')}</script>`
  return `<script id="data" type="text/plain" data-form="deflate">${deflateSync(json).toString('base64')}</script>`
}

/** The page. @throws Fault `bad-config` where the package is not built */
export function htmlReport(run: RunReport, { language = 'en', against, traces }: HtmlOptions = {}): string {
  const { script, style } = page()
  const data: ReportData = {
    run,
    lines: saidOfLines(run),
    ...(against && { comparison: compareRuns(against, run) }),
    ...(traces && { traces }),
    language,
  }
  const policy = `default-src 'none'; script-src ${hash(script)}; style-src ${hash(style)}; img-src data:; base-uri 'none'; form-action 'none'`
  return `<!doctype html>
<html lang="${language}" data-theme="auto">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>${escaped(message('report.title', language, { suite: run.suite }))}</title>
<style>${style}</style>
</head>
<body>
<div id="page">${message('report.reading', language)}</div>
${embedded(data)}
<script>${script}</script>
</body>
</html>
`
}
