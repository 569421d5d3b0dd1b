/** Who may import whom (the table of the design, as data): a file that reaches further fails here. */

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'

const root = resolve(import.meta.dirname, '../..')

/** What a platform brings: named by `#platform/…`, whose files look at whatever they stand for. */
const platform = /^src\/platform\/(node|web)\//

/** The bottom: single files of `src`, the message table, and stripes. */
const bottom = [/^src\/(?!index|tools)[\w-]+\.ts$/, /^src\/(messages|magstripe)\//, platform]

/** First row whose pattern matches a file decides; `may` lists patterns of project files it may import (its own folder and what lies in it where `own` is set). */
const rows: readonly { files: RegExp; may: readonly RegExp[]; own?: boolean; never?: RegExp }[] = [
  { files: /^devices\/commands\//, may: [/^src\//, /^devices\/(?!cli|program)[\w-]+\.ts$/, /^devices\/commands\//] },
  { files: /^src\/((index|tools)\.ts$|entries\/)/, may: [/^src\//] },
  { files: platform, may: [/^src\/(?!index|tools|entries)/] },
  { files: /^src\/([\w-]+\.ts$|messages\/|magstripe\/)/, may: bottom },
  { files: /^src\/command\//, may: bottom, own: true },
  { files: /^src\/tlv\//, may: bottom, own: true },
  { files: /^src\/crypto\//, may: bottom, own: true },
  { files: /^src\/trace\//, may: [...bottom, /^src\/(tlv|apdu)\//], own: true },
  { files: /^src\/apdu\//, may: [...bottom, /^src\/tlv\//], own: true },
  { files: /^src\/decode\//, may: [...bottom, /^src\/(tlv|apdu)\//], own: true },
  { files: /^src\/emv\//, may: [...bottom, /^src\/(tlv|apdu|crypto|emv)\//] },
  { files: /^src\/transport\//, may: [...bottom, /^src\/(transport|trace)\//] },
  { files: /^src\/recording\//, may: [...bottom, /^src\/(tlv|transport|trace)\//], own: true },
  { files: /^src\/reader\//, may: [...bottom, /^src\/(reader|apdu|emv|tlv|trace)\//, /^src\/transport\/link\.ts$/], own: true },
  { files: /^src\/payment\//, may: [...bottom, /^src\/(emv|reader|tlv|payment|trace)\//, /^src\/transport\/link\.ts$/] },
  {
    // a codec and its parts: codec.ts, codec-frame.ts, …
    files: /^devices\/(?<family>[\w-]+)\/(\w+\/)?codec(-\w+)?\.ts$/,
    may: [...bottom, /^src\/(tlv|crypto)\//, /^src\/reader\/side\.ts$/, /^src\/transport\/shape\.ts$/],
    own: true,
    never: /driver/,
  },
  {
    files: /^devices\/(?<family>[\w-]+)\/(\w+\/)?dissect(or|-\w+)\.ts$/,
    may: [...bottom, /^src\/(tlv|recording)\//, /^src\/transport\/trace\.ts$/],
    own: true,
    never: /driver/,
  },
  // A row of the table of families: of the driver what opens it, and how its lines look.
  { files: /^devices\/families\//, may: [/^devices\/([\w-]+\/(codec|dissector|no-link)|drivers\/(node|web)\/\w+|family)\.ts$/] },
  { files: /^devices\/drivers\//, may: [/^devices\/([\w-]+\/driver|wrong-family)\.ts$/], own: true },
  {
    files: /^devices\/(?<family>[\w-]+)\//,
    may: [...bottom, /^src\/(reader|emv|tlv|apdu|crypto|trace|decode)\//, /^src\/transport\/link\.ts$/],
    own: true,
  },
  { files: /^devices\/[\w-]+\.ts$/, may: [/^src\//, /^devices\//] },
  // Pages: nothing of the world that they show but its words, and types.
  {
    files: /^simulator\/bench\/web\//,
    may: [/^src\//, /^simulator\/(trace-view\/|bench\/web\/|bench\/schema\/(types|app)\.ts$|readers\/body\/keys\.ts$)/, /\.css$/],
  },
  // What stands above the virtual world runs it, and real readers too; commands stand above it all.
  {
    files: /^simulator\/(commands\/|(cli|program|world)\.ts$)/,
    may: [/^src\//, /^devices\/([\w-]+\/codec|anatomy|index|discover|families|pcsc\/driver|told-reader)\.ts$/, /^simulator\//],
  },
  {
    files: /^simulator\/(scenario|bench)\//,
    may: [/^src\//, /^devices\/([\w-]+\/codec|anatomy|index|discover|families|pcsc\/driver|told-reader)\.ts$/, /^simulator\//],
    never: /^simulator\/(commands\/|(cli|program)\.ts)/,
  },
  // The line of a virtual reader as its host would record it: what each family has to hide is known by its driver.
  { files: /^simulator\/device-line\.ts$/, may: [/^src\//, /^devices\/famil(ies|y)\.ts$/] },
  // What a page shows of a trace, in a browser: nothing of the world that made it.
  { files: /^simulator\/trace-view\//, may: [/^src\//, /^simulator\/trace-view\//] },
  { files: /^simulator\//, may: [/^src\//, /^devices\/[\w-]+\/codec\.ts$/, /^simulator\/(?!(scenario|bench|commands)\/|device-line)/] },
  { files: /^(test|bench)\//, may: [/./] },
]

/** Rooms that lie above each other: one may look into those below it and into what shares its floor, never up. `.` is the folder's own files. */
const floors: Readonly<Record<string, readonly (readonly string[])[]>> = {
  'src/emv': [['contact', 'contactless'], ['steps', 'oda', 'explain'], ['.']],
  'src/payment': [['till'], ['pay'], ['journal'], ['receipt'], ['host'], ['.']],
  'simulator/readers': [['index'], ['qpos', 'bluepad', 'miura', 'magtek', 'idtech'], ['.'], ['listen', 'body']],
}
/** Rooms of one floor that have nothing to do with each other. */
const apart = [
  ['src/emv/contact', 'src/emv/contactless'],
  ...['qpos', 'bluepad', 'miura', 'magtek', 'idtech'].flatMap((one, at, all) =>
    all.slice(at + 1).map(other => [`simulator/readers/${one}`, `simulator/readers/${other}`]),
  ),
]

/** Why this import goes up the stairs, or through a wall; nothing where it does neither. */
function misplaced(file: string, target: string): string | undefined {
  for (const [house, storeys] of Object.entries(floors)) {
    if (!file.startsWith(`${house}/`) || !target.startsWith(`${house}/`)) continue
    const room = (path: string) => {
      const [first, ...rest] = path.slice(house.length + 1).split('/')
      return rest.length > 0 ? first : first === 'index.ts' ? 'index' : '.'
    }
    const storey = (path: string) => storeys.findIndex(rooms => rooms.includes(room(path)))
    if (storey(file) < 0) return `${file}: the room ${room(file)} is on no floor of ${house}`
    if (storey(target) < storey(file)) return `${file} looks up at ${target}`
  }
  const wall = apart.find(([one, other]) => [one, other].every(room => [file, target].some(path => path.startsWith(`${room}/`))))
  return wall && `${file} looks through the wall at ${target}`
}

/** Packages that only one place may name, and only through `await import()` or `require` inside a function. */
const lazy: Readonly<Record<string, RegExp>> = {
  serialport: /^src\/transport\/serial\.ts$/,
  'node-hid': /^src\/transport\/hid\.ts$/,
  '@abandonware/noble': /^src\/transport\/ble\/radio\.ts$/,
  libsql: /^src\/payment\/journal\/sqlite\.ts$/,
  smartcard: /^src\/transport\/pcsc\.ts$/,
  '@lydell/node-pty': /^simulator\/readers\/listen\/(listen|pty)\.ts$/,
  '@abandonware/bleno': /^simulator\/readers\/listen\/ble-device\.ts$/,
}

/** Folders that must run in a browser: nothing of Node in them. */
const browserSafe =
  /^src\/(?!emv\/contactless\/profile-file|line-file|package-file|platform\/node|transport\/(serial|tcp|hid|ble|pcsc)|payment\/journal\/)/

const sources = ['src', 'devices', 'simulator', 'test', 'bench']
  .filter(folder => existsSync(join(root, folder)))
  .flatMap(folder => readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map(name => `${folder}/${name}`))
  .filter(name => /\.tsx?$/.test(name))

/** Import specifiers of a file: static ones, of which `type` is gone when it runs, and those of `import()`. */
function imports(file: string): { specifier: string; dynamic: boolean; type: boolean }[] {
  const code = readFileSync(join(root, file), 'utf8').replace(/\/\*[\s\S]*?\*\//g, '')
  const found = [...code.matchAll(/^\s*(?:import|export)\s[^'"`;]*?from\s*'([^']+)'|^\s*import\s*'([^']+)'|\bimport\(\s*'([^']+)'/gm)]
  return found.map(([whole, from, bare, dynamic]) => ({
    specifier: from ?? bare ?? dynamic,
    dynamic: dynamic !== undefined,
    type: /^\s*(import|export)\s+type\s/.test(whole),
  }))
}

const isOwn = (specifier: string) => /^[.#]/.test(specifier)

/** The files that an import names: `#platform/…` and `#drivers/…` one for each platform, or that of `only` one. */
function targets(file: string, specifier: string, ...only: ('node' | 'web')[]): string[] {
  const [, room, name] = /^#(platform|drivers)\/(\w+)$/.exec(specifier) ?? []
  if (room === undefined) return [relative(root, resolve(root, dirname(file), specifier))]
  const folder = room === 'platform' ? 'src/platform' : 'devices/drivers'
  return (only.length > 0 ? only : ['node', 'web']).map(side => `${folder}/${side}/${name}.ts`)
}

function violations(file: string): string[] {
  const row = rows.find(one => one.files.test(file))
  if (!row) return [`${file}: no row of the table covers it`]
  return imports(file).flatMap(({ specifier, dynamic }) => {
    if (!isOwn(specifier)) {
      const name = specifier
        .split('/')
        .slice(0, specifier.startsWith('@') ? 2 : 1)
        .join('/')
      const owner = lazy[name]
      if (owner && !/^(test|bench)\//.test(file) && !(owner.test(file) && dynamic))
        return [`${file}: ${name} only through import() in ${owner.source}`]
      return specifier.startsWith('node:') && browserSafe.test(file) ? [`${file}: ${specifier} does not run in a browser`] : []
    }
    return targets(file, specifier).flatMap(target => misdirected(file, row, target))
  })
}

function misdirected(file: string, row: (typeof rows)[number], target: string): string[] {
  if (row.never?.test(target)) return [`${file} may never import ${target}`]
  const own = row.files.exec(file)?.groups?.family ? file.split('/').slice(0, 2).join('/') : dirname(file)
  const where = misplaced(file, target)
  if (where) return [where]
  const allowed = (row.own && target.startsWith(`${own}/`)) || row.may.some(pattern => pattern.test(target))
  return allowed ? [] : [`${file} may not import ${target}`]
}

/** Every circle of imports, types too: a type that two files need goes below both. Files of one circle, in the order in which they were met. */
function circles(graph: ReadonlyMap<string, readonly string[]>): string[][] {
  // Tarjan: a file's `low` is the earliest file that it leads back to.
  const [met, low, path, found] = [new Map<string, number>(), new Map<string, number>(), [] as string[], [] as string[][]]
  const visit = (file: string) => {
    met.set(file, met.size)
    low.set(file, met.get(file)!)
    path.push(file)
    for (const next of graph.get(file) ?? []) {
      if (!met.has(next)) visit(next)
      if (path.includes(next)) low.set(file, Math.min(low.get(file)!, low.get(next)!))
    }
    if (low.get(file) !== met.get(file)) return
    const circle = path.splice(path.indexOf(file))
    if (circle.length > 1 || graph.get(file)?.includes(file)) found.push(circle)
  }
  for (const file of graph.keys()) if (!met.has(file)) visit(file)
  return found
}

describe('architecture', () => {
  it('every import is one that the table allows', () => {
    expect(sources.flatMap(violations)).toEqual([])
  })

  it('no file leads back to itself', () => {
    const own = sources.filter(file => !/^(test|bench)\//.test(file))
    const next = (file: string) =>
      imports(file)
        .filter(({ specifier }) => isOwn(specifier))
        .flatMap(({ specifier }) => targets(file, specifier))
    expect(circles(new Map(own.map(file => [file, next(file)])))).toEqual([])
    expect(circles(new Map(Object.entries({ a: ['b'], b: ['c'], c: ['d', 'b'], d: [] })))).toEqual([['b', 'c']])
  })

  it('what a page links is whole without Node: no built-in, no native package, at once or late', () => {
    const found = new Map<string, string>()
    const load = (file: string, by: string): void => {
      if (found.has(file)) return
      found.set(file, by)
      for (const { specifier, type } of imports(file).filter(one => !one.type && isOwn(one.specifier)))
        for (const target of type ? [] : targets(file, specifier, 'web')) load(target, file)
    }
    for (const entry of ['devices/index', 'src/entries/emv', 'src/entries/payment', 'src/entries/receipt', 'src/entries/tlv'])
      load(`${entry}.ts`, 'an app')
    const foreign = [...found.keys()].flatMap(file =>
      imports(file)
        .filter(({ specifier, type }) => !type && !isOwn(specifier) && (specifier.startsWith('node:') || Object.hasOwn(lazy, specifier)))
        .map(({ specifier }) => `${specifier} in ${file}, which ${found.get(file)} links`),
    )
    expect(foreign).toEqual([])
    expect(found.size).toBeGreaterThan(300)
    expect([...found.keys()].filter(file => file.startsWith('src/platform/node/'))).toEqual([])
  })

  it('a platform has the same names on either side', () => {
    const names = (file: string) =>
      [...readFileSync(join(root, file), 'utf8').matchAll(/^export (?:async )?(?:function\*? |const |\{ )(\w+)/gm)]
        .map(([, name]) => name)
        .sort()
    for (const folder of ['src/platform', 'devices/drivers']) {
      const files = (side: string) => sources.filter(file => file.startsWith(`${folder}/${side}/`)).map(file => file.split('/').at(-1)!)
      expect(files('node').length).toBeGreaterThan(5)
      expect(files('web').filter(name => name !== 'only-node.ts')).toEqual(files('node'))
      for (const name of files('node')) expect(names(`${folder}/web/${name}`)).toEqual(names(`${folder}/node/${name}`))
    }
  })

  it('a command that begins loads nothing of scenarios but their words and door: schemas and reports come when they are asked for', () => {
    const loaded = new Set<string>()
    const load = (file: string): void => {
      if (loaded.has(file)) return
      loaded.add(file)
      for (const { specifier, dynamic, type } of imports(file))
        if (specifier.startsWith('.') && !dynamic && !type) load(relative(root, resolve(root, dirname(file), specifier)))
    }
    load('simulator/cli.ts')
    load('simulator/world.ts')
    const commands = imports('simulator/program.ts').filter(({ dynamic }) => dynamic)
    expect(commands.length).toBeGreaterThan(10)
    for (const { specifier } of commands) load(relative(root, resolve(root, 'simulator', specifier)))
    expect([...loaded].filter(file => file.startsWith('simulator/scenario/')).sort()).toEqual([
      'simulator/scenario/typed/scenario.ts',
      'simulator/scenario/words.ts',
    ])
    expect(loaded.size).toBeGreaterThan(100)
  })

  it('a program that begins loads none of its commands: the one that its line names comes', () => {
    for (const program of ['devices/program.ts', 'simulator/program.ts'])
      expect(imports(program).filter(({ specifier, dynamic }) => !dynamic && specifier.includes('/commands/'))).toEqual([])
  })

  it('no folder is a flat list', () => {
    const inFolder = new Map<string, number>()
    for (const file of sources.filter(one => !/^(test|bench)\//.test(one)))
      inFolder.set(dirname(file), (inFolder.get(dirname(file)) ?? 0) + 1)
    expect([...inFolder].filter(([, files]) => files > 20)).toEqual([])
  })

  it('a file holds one concept: 400 lines at most', () => {
    const lines = (file: string) => readFileSync(join(root, file), 'utf8').trimEnd().split('\n').length
    expect(sources.filter(file => !/^(test|bench)\//.test(file) && lines(file) > 400)).toEqual([])
  })

  it('the table bites', () => {
    expect(misplaced('src/payment/receipt/print.ts', 'src/payment/till/till.ts')).toMatch('looks up')
    expect(misplaced('src/emv/contact/verify.ts', 'src/emv/contactless/tap.ts')).toMatch('through the wall')
    expect(imports('test/house/architecture.test.ts').map(({ specifier }) => specifier)).toContain('node:path')
    expect(sources.length).toBeGreaterThan(20)
  })
})
