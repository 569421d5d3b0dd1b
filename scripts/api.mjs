/** What each entry shows, as text: `npm run api` compares it with api/<entry>.md and ends with 1 where they differ; `npm run api -- --write` writes it. Needs `npm run build`. */

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Extractor, ExtractorConfig } from '@microsoft/api-extractor'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const lib = ['es2023', 'dom', 'dom.iterable', 'esnext.disposable']

/**
 * @param {(entry: string, name: string) => void} [forgotten] hears of each name that a signature of the entry has and the entry does not export
 * @returns {Map<string, string>} the report of each entry by its file, `api/emv.md`
 */
export function reports(forgotten = () => {}) {
  const { exports, version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const folder = mkdtempSync(join(tmpdir(), 'tapdip-api-'))
  try {
    return new Map(
      Object.entries(exports)
        .filter(([, { types }]) => types)
        .map(([entry, { types }]) => {
          const name = entry === '.' ? 'tapdip' : entry.slice(2)
          extract(name, join(root, types), folder, forgotten)
          const [, code] = /```ts\r?\n([\s\S]*?)```/.exec(readFileSync(join(folder, `${name}.api.md`), 'utf8'))
          const shown = code
            .replaceAll('\r', '')
            .replaceAll(' (undocumented)', '') // scripts/docstrings.mjs counts those
            .replace(/\n\/\/ \(No @packageDocumentation[^\n]*\n/, '')
            .trim()
          const title = entry === '.' ? 'tapdip' : `tapdip/${name}`
          return [
            `api/${name}.md`,
            `# ${title}\n\nWritten by \`npm run api -- --write\`, begun at ${version}.\n\n\`\`\`ts\n${shown}\n\`\`\`\n`,
          ]
        }),
    )
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function extract(name, types, folder, forgotten) {
  const silent = { default: { logLevel: 'none' } }
  const compilerOptions = { target: 'es2022', lib, module: 'nodenext', moduleResolution: 'nodenext', types: [], skipLibCheck: true }
  const config = ExtractorConfig.prepare({
    configObjectFullPath: undefined,
    packageJsonFullPath: join(root, 'package.json'),
    configObject: {
      projectFolder: root,
      mainEntryPointFilePath: types,
      compiler: { overrideTsconfig: { compilerOptions, files: [types] } },
      apiReport: { enabled: true, reportFileName: name, reportFolder: folder, reportTempFolder: join(folder, 'temp') },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      messages: { compilerMessageReporting: silent, extractorMessageReporting: silent, tsdocMessageReporting: silent },
    },
  })
  const quiet = message => {
    message.handled = true
    if (message.messageId === 'ae-forgotten-export') forgotten(name, /"([^"]+)"/.exec(message.text)[1])
  }
  const { succeeded } = Extractor.invoke(config, { localBuild: true, messageCallback: quiet })
  if (!succeeded) throw new Error(`no report of ${name}`)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const write = process.argv.includes('--write')
  mkdirSync(join(root, 'api'), { recursive: true })
  for (const [file, text] of reports()) {
    let before = ''
    try {
      before = readFileSync(join(root, file), 'utf8')
    } catch {}
    if (before === text) continue
    console.log(`${file} ${write ? 'is written' : 'differs: npm run api -- --write, and read the difference'}`)
    if (write) writeFileSync(join(root, file), text)
    else process.exitCode = 1
  }
}
