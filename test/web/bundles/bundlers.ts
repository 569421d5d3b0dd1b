/** The bundlers that pages and apps are made with, each as its users call it: no alias, no polyfill, nothing external. */

import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { builtinModules } from 'node:module'
import { tmpdir } from 'node:os'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { gzipSync } from 'node:zlib'
import { transformSync } from 'esbuild'

const root = resolve(import.meta.dirname, '../../..')

/** What is installed too, and takes Node: left out, so that a bundler that looks for it fails. */
const inNode = /libsql|hono|commander|^ws$|^yaml$/

/** What a bundler has made of a program. */
export interface Bundle {
  /** Files by name, those that are loaded at once first. */
  readonly initial: readonly string[]
  readonly late: readonly string[]
  /** Modules that something of is left of. */
  readonly modules: readonly string[]
}

/** A project of an app with the package installed, as npm lays it out: what is compiled, and what it depends on. */
export class Project {
  readonly folder = mkdtempSync(join(tmpdir(), 'tapdip-app-'))

  constructor() {
    const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
    const installed = join(this.folder, 'node_modules')
    const own = join(installed, 'tapdip')
    mkdirSync(join(own, 'dist'), { recursive: true })
    cpSync(join(root, 'package.json'), join(own, 'package.json'))
    for (const part of ['src', 'devices'])
      cpSync(join(root, 'dist', part), join(own, 'dist', part), { recursive: true, filter: path => !/\.(d\.ts|map)$/.test(path) })
    const plain = (path: string) => !/\.(d\.[cm]?ts|map)$/.test(path)
    const install = (name: string): void => {
      if (existsSync(join(installed, name)) || inNode.test(name)) return
      cpSync(join(root, 'node_modules', name), join(installed, name), { recursive: true, filter: plain })
      Object.keys(JSON.parse(readFileSync(join(installed, name, 'package.json'), 'utf8')).dependencies ?? {}).forEach(install)
    }
    Object.keys(dependencies).forEach(install)
    writeFileSync(join(this.folder, 'package.json'), '{"name":"app","type":"module","private":true}')
    for (const name of ['program.js', 'one-family.js']) cpSync(join(import.meta.dirname, name), join(this.folder, name))
  }

  /** Where a bundler writes. */
  out(name: string): string {
    return join(this.folder, 'out', name)
  }

  close(): void {
    rmSync(this.folder, { recursive: true, force: true })
  }
}

/** Bytes of the files, minified and gzipped. */
export function weight(files: readonly string[]): number {
  const small = (file: string) => transformSync(readFileSync(file, 'utf8'), { minify: true }).code
  return files.reduce((sum, file) => sum + gzipSync(small(file), { level: 9 }).length, 0)
}

/** Names of what only Node has, in what a bundler has written: by `import`, `require`, or what stands in for a module that is not there. */
export function nodeIn(files: readonly string[]): string[] {
  const names = builtinModules.filter(name => !name.startsWith('_')).join('|')
  const asked = new RegExp(`(?:from|import|require)\\s*\\(?\\s*["'\`](?:node:[a-z_/]+|${names})["'\`]|__vite-browser-external`, 'g')
  return files.flatMap(file => readFileSync(file, 'utf8').match(asked) ?? [])
}

type Chunk = { fileName: string; isEntry: boolean; imports: readonly string[]; modules: Record<string, { renderedLength: number }> }

/** Of Rollup's output, and Vite's. */
function made(folder: string, chunks: readonly Chunk[]): Bundle {
  const byName = new Map(chunks.map(chunk => [chunk.fileName, chunk]))
  const initial = new Set<string>()
  const reach = (name: string): void => {
    if (initial.has(name) || !byName.has(name)) return
    initial.add(name)
    byName.get(name)!.imports.forEach(reach)
  }
  reach(chunks.find(({ isEntry }) => isEntry)!.fileName)
  const path = (name: string) => join(folder, name)
  return {
    initial: [...initial].map(path),
    late: chunks.filter(({ fileName }) => !initial.has(fileName)).map(({ fileName }) => path(fileName)),
    modules: chunks.flatMap(({ modules }) => Object.keys(modules).filter(id => modules[id].renderedLength > 0)),
  }
}

export async function withVite({ folder }: Project, program: string, out: string): Promise<Bundle> {
  const { build } = await import('vite')
  const result = await build({
    root: folder,
    configFile: false,
    logLevel: 'error',
    build: {
      outDir: out,
      emptyOutDir: true,
      modulePreload: false,
      reportCompressedSize: false,
      rolldownOptions: { input: join(folder, program) },
    },
  })
  return made(
    out,
    (result as unknown as { output: Chunk[] }).output.filter(one => 'modules' in one),
  )
}

export async function withRollup({ folder }: Project, program: string, out: string): Promise<Bundle> {
  const { rollup } = await import('rollup')
  const { nodeResolve } = await import('@rollup/plugin-node-resolve')
  const commonjs = (await import('@rollup/plugin-commonjs')).default as unknown as () => import('rollup').Plugin
  const bundle = await rollup({
    input: join(folder, program),
    plugins: [nodeResolve({ browser: true }), commonjs()],
    onLog(level, log) {
      // zod's own.
      if (level === 'warn' && log.code !== 'INVALID_ANNOTATION' && log.code !== 'CIRCULAR_DEPENDENCY') throw new Error(log.message)
    },
  })
  const { output } = await bundle.write({ dir: out, format: 'es' })
  await bundle.close()
  return made(
    out,
    output.filter(one => one.type === 'chunk'),
  )
}

export async function withEsbuild({ folder }: Project, program: string, out: string): Promise<Bundle> {
  const { build } = await import('esbuild')
  const { metafile } = await build({
    ...{ absWorkingDir: folder, entryPoints: [program], outdir: out, logLevel: 'silent' },
    ...{ bundle: true, minify: true, splitting: true, format: 'esm', metafile: true },
  })
  const chunks = Object.entries(metafile.outputs).map(([name, { entryPoint, imports, inputs }]) => ({
    fileName: resolve(folder, name),
    isEntry: entryPoint === program,
    imports: imports.flatMap(({ kind, path }) => (kind === 'import-statement' ? [resolve(folder, path)] : [])),
    modules: Object.fromEntries(Object.entries(inputs).map(([id, { bytesInOutput }]) => [id, { renderedLength: bytesInOutput }])),
  }))
  return made('/', chunks)
}

export async function withWebpack({ folder }: Project, program: string, out: string): Promise<Bundle> {
  const { default: webpack } = await import('webpack')
  const compiler = webpack({
    ...{ mode: 'production', target: 'web', context: folder, entry: `./${program}`, devtool: false, performance: false },
    output: { path: out, filename: 'main.js' },
    optimization: { minimize: false }, // `weight` does it, faster
  })
  const stats = await new Promise<import('webpack').Stats>((taken, refused) =>
    compiler.run((error, given) => (error || !given ? refused(error) : taken(given))),
  )
  await new Promise(closed => compiler.close(closed))
  const { errors = [], warnings = [] } = stats.toJson({ all: false, errors: true, warnings: true })
  if (errors.length + warnings.length > 0) throw new Error([...errors, ...warnings].map(({ message }) => message).join('\n'))
  const files = readdirSync(out).filter(name => name.endsWith('.js'))
  const { modules = [] } = stats.toJson({ all: false, modules: true, nestedModules: true, modulesSpace: 9999, nestedModulesSpace: 9999 })
  return {
    initial: [join(out, 'main.js')],
    late: files.filter(name => name !== 'main.js').map(name => join(out, name)),
    modules: modules.flatMap(({ name, modules: inner }) => (inner ? inner.map(one => String(one.name)) : [String(name)])),
  }
}

/**
 * What Metro's own resolver makes of each import in `modules` of esbuild, as it is asked for an app of React Native: package exports and imports with its conditions, no
 * file of Node. @returns what does not resolve, and what resolves to another file than in a page
 */
export async function metroMisses(
  { folder }: Project,
  program: string,
): Promise<{ readonly asked: number; readonly misses: readonly string[] }> {
  const { build } = await import('esbuild')
  const { resolve: find } = await import('metro-resolver')
  const { metafile } = await build({
    ...{ absWorkingDir: folder, entryPoints: [program], outdir: 'out/graph', write: false, logLevel: 'silent' },
    ...{ bundle: true, splitting: true, format: 'esm', metafile: true },
  })
  const packageOf = (path: string): ReturnType<import('metro-resolver').ResolutionContext['getPackageForModule']> => {
    for (let at = path; at !== dirname(at) && basename(at) !== 'node_modules'; at = dirname(at)) {
      const file = join(at, 'package.json')
      if (existsSync(file))
        return { rootPath: at, packageJson: JSON.parse(readFileSync(file, 'utf8')), packageRelativePath: relative(at, path) }
    }
    return null
  }
  const asIn = (originModulePath: string, isESMImport: boolean): import('metro-resolver').ResolutionContext => ({
    ...{ originModulePath, isESMImport, allowHaste: false, assetExts: new Set(), customResolverOptions: {}, dev: false },
    ...{ disableHierarchicalLookup: false, extraNodeModules: null, nodeModulesPaths: [], preferNativePlatform: true },
    doesFileExist: path => existsSync(path) && statSync(path).isFile(),
    getPackage: path => (existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : null),
    getPackageForModule: packageOf,
    fileSystemLookup: path =>
      existsSync(path) ? { exists: true, type: statSync(path).isFile() ? 'f' : 'd', realPath: realpathSync(path) } : { exists: false },
    ...{ mainFields: ['react-native', 'browser', 'main'], redirectModulePath: path => path, resolveAsset: () => null },
    ...{ resolveHasteModule: () => undefined, resolveHastePackage: () => undefined, sourceExts: ['js', 'jsx', 'json', 'ts', 'tsx'] },
    ...{ unstable_conditionNames: ['react-native'], unstable_conditionsByPlatform: {}, unstable_enablePackageExports: true },
    ...{ unstable_incrementalResolution: false, unstable_logWarning: () => {} },
  })
  const misses: string[] = []
  let asked = 0
  for (const [from, { imports }] of Object.entries(metafile.inputs))
    for (const { original, path, kind } of imports) {
      if (original === undefined) continue
      asked++
      const [there, here] = [join(folder, from), join(folder, path)]
      try {
        const found = find(asIn(there, kind !== 'require-call'), original, 'ios')
        const file = found.type === 'sourceFile' ? found.filePath : found.type
        if (/\/tapdip\/dist\//.test(here) && file !== here) misses.push(`${from}: ${original} is ${file}`)
      } catch (error) {
        misses.push(`${from}: ${original}: ${(error as Error).message.split('\n', 1)[0]}`)
      }
    }
  return { asked, misses }
}
