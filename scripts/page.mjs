// The page of reports as one script and one style, in dist: whoever makes a report needs no bundler.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { rolldown } from 'rolldown'

const root = fileURLToPath(new URL('..', import.meta.url))
const source = join(root, 'simulator/scenario/report/page')

/** Preact is in the script: its licence (MIT) asks to be named. */
const BANNER = '/* With Preact, (c) 2015-present Jason Miller, MIT licence. */'

export async function buildPage() {
  const bundle = await rolldown({
    input: join(source, 'main.tsx'),
    platform: 'browser',
    tsconfig: join(source, 'tsconfig.json'),
    transform: { target: 'es2022' },
  })
  const { output } = await bundle.generate({ format: 'iife', minify: true })
  await bundle.close()
  if (output.length !== 1) throw new Error(`the page is ${output.length} files, one was wanted`)
  const script = `${BANNER}\n${output[0].code.trim()}`
  if (/<\/script|<!--/i.test(script)) throw new Error('the page’s script would end its own element')
  const style = ['../../../trace-view/tokens', 'style/base', 'style/overview', '../../../trace-view/trace']
    .map(name => readFileSync(join(source, `${name}.css`), 'utf8'))
    .join('')
    .replace(/\/\*[\s\S]*?\*\/\s*/g, '')
  writeFileSync(join(root, 'dist/simulator/scenario/report/page.json'), JSON.stringify({ script, style }))
  return { script: script.length, style: style.length }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(await buildPage())
