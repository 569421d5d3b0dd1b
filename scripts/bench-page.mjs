// The page of the bench, made by Vite into dist: no network, no script in its HTML, and no more than it may weigh.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build } from 'vite'

const root = fileURLToPath(new URL('..', import.meta.url))
const source = join(root, 'simulator/bench/web')
const made = join(root, 'dist/simulator/bench/web')

/** Bytes of all of it, gzipped. */
const MOST = 250_000
/** Preact is in the script: its licence (MIT) asks to be named. */
const BANNER = '/* With Preact, (c) 2015-present Jason Miller, MIT licence. */\n'

export async function buildBenchPage() {
  await build({
    root: source,
    base: './',
    configFile: false,
    logLevel: 'warn',
    oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
    build: {
      outDir: made,
      emptyOutDir: true,
      target: 'es2022',
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      reportCompressedSize: false,
    },
  })
  const files = readdirSync(made, { recursive: true, encoding: 'utf8' }).filter(name => /\.(html|js|css)$/.test(name))
  for (const name of files.filter(one => one.endsWith('.js')))
    writeFileSync(join(made, name), BANNER + readFileSync(join(made, name), 'utf8'))
  const size = files.reduce((sum, name) => sum + gzipSync(readFileSync(join(made, name))).length, 0)
  if (size > MOST) throw new Error(`the page of the bench is ${size} bytes gzipped, ${MOST} are allowed`)
  const html = readFileSync(join(made, 'index.html'), 'utf8')
  if (/<script(?![^>]*\ssrc=)|\son\w+=|https?:\/\//.test(html))
    throw new Error('the page of the bench has a script of its own, or asks the network')
  return { files: files.length, size }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(await buildBenchPage())
