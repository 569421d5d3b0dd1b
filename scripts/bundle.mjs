// What Node loads: the compiled modules of each entry, command and process together, in few files. Hundreds of small modules cost a second of a processor before the first line
// of a program runs; bundlers of apps, which throw away what nobody uses, keep the modules as they were compiled.
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { rolldown } from 'rolldown'

/** Packages stay what an app has installed, once, whoever asks for them; `#` begins the names of our own platform. */
const isPackage = id => !/^[./#]/.test(id)

/** @param {string} root of the package, with `dist` compiled */
export async function buildBundle(root) {
  const { exports, sideEffects: programs } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const entries = Object.values(exports).flatMap(one => (one.node ? one.default : []))
  const paths = [...entries, ...programs].map(path => path.replace(/^\.\/dist\//, ''))
  const out = join(root, 'dist/node')
  rmSync(out, { recursive: true, force: true })
  const build = await rolldown({
    input: Object.fromEntries(paths.map(path => [path.replace(/\.js$/, ''), join(root, 'dist', path)])),
    external: isPackage,
    platform: 'node',
    preserveEntrySignatures: 'strict',
    treeshake: false,
  })
  await build.write({ dir: out, format: 'esm', entryFileNames: '[name].js', chunkFileNames: 'chunks/[name]-[hash].js', sourcemap: true })
  await build.close()
  // Commands and processes stay where they are named: there is the way in to what is bundled.
  for (const path of programs) {
    const file = join(root, path)
    const [shebang = ''] = /^#!.*\n/.exec(readFileSync(file, 'utf8')) ?? []
    writeFileSync(file, `${shebang}import '${relative(dirname(file), join(out, path.replace('./dist/', '')))}'\n`)
    rmSync(`${file}.map`, { force: true })
  }
}
