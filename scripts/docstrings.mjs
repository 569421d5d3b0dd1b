/**
 * What the package's entries show without a word: every export, resolved to where it is declared, and every member of the interfaces, type literals and classes
 * among them. `node scripts/docstrings.mjs [folder…]`, in the checkout, lists file by file what has no docstring, which of the first names have no `@example`,
 * and the counts.
 */

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const require = createRequire(import.meta.url)
/** TypeScript 7 has no API in JavaScript: this is the one that API Extractor brings. */
export const ts = createRequire(require.resolve('@microsoft/api-extractor'))('typescript')

const root = process.cwd()

/** The twenty names that an app meets first: each has an `@example`. */
export const firstNames = [
  ...['open', 'discover', 'connect', 'ReaderConnection', 'pay', 'AppPrompts', 'httpAcquirer', 'iso8583Acquirer', 'openJournal', 'openTill'],
  ...[
    'receiptLines',
    'isFault',
    'mposFor',
    'transact',
    'tap',
    'VirtualClock',
    'virtualCounter',
    'virtualReader',
    'HostRule',
    'CardProfile',
  ],
]

/** Source files of the entries that package.json lists, by the name under which they are imported. */
export function entries() {
  const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const typed = Object.entries(exports).filter(([, target]) => target.types)
  return Object.fromEntries(typed.map(([name, { types }]) => [name, types.replace('./dist/', '').replace(/\.d\.ts$/, '.ts')]))
}

/**
 * @typedef {{ file: string, line: number, name: string, kind: 'export' | 'member', documented: boolean, example: boolean }} Shown
 * @returns {Shown[]} each export and each member once, wherever it is shown, in the order of files and lines
 */
export function shown() {
  const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile)
  const { options } = ts.parseJsonConfigFileContent({ ...config, include: ['types'] }, ts.sys, root)
  const files = Object.values(entries()).map(file => join(root, file))
  const program = ts.createProgram(files, options)
  const checker = program.getTypeChecker()
  const found = new Map()
  const seen = new Set()

  const isOurs = node => !/node_modules/.test(node.getSourceFile().fileName)
  const resolved = symbol => (symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol)

  function note(symbol, node, name, kind) {
    const at = `${node.getSourceFile().fileName}:${node.getStart()}`
    if (found.has(at)) return
    const { line } = node.getSourceFile().getLineAndCharacterOfPosition(node.getStart())
    const tags = symbol.getJsDocTags(checker)
    found.set(at, {
      file: relative(root, node.getSourceFile().fileName),
      line: line + 1,
      name,
      kind,
      documented: symbol.getDocumentationComment(checker).length > 0 || tags.length > 0,
      example: tags.some(tag => tag.name === 'example'),
    })
  }

  function members(node, owner) {
    if (seen.has(node)) return
    seen.add(node)
    for (const clause of node.heritageClauses ?? []) for (const type of clause.types) inherited(type.expression)
    for (const member of node.members) {
      if (isHidden(member)) continue
      const name = member.name?.getText() ?? (ts.isConstructorDeclaration(member) ? 'constructor' : '()')
      const symbol = member.symbol ?? checker.getSymbolAtLocation(member.name)
      note(symbol, member, `${owner}.${name}`, 'member')
      if (!ts.isClassDeclaration(node) || ts.isPropertyDeclaration(member)) literals(member, `${owner}.${name}`)
    }
  }

  /** Members that come from an interface or class which is not exported itself are shown too. */
  function inherited(expression) {
    const symbol = checker.getSymbolAtLocation(expression)
    for (const node of symbol ? (resolved(symbol).declarations ?? []) : [])
      if (isOurs(node) && (ts.isInterfaceDeclaration(node) || ts.isClassDeclaration(node))) members(node, node.name.text)
  }

  function literals(node, owner) {
    ts.forEachChild(node, child => (ts.isTypeLiteralNode(child) ? members(child, owner) : literals(child, owner)))
  }

  function walk(symbol) {
    for (const each of checker.getExportsOfModule(symbol)) {
      const target = resolved(each)
      for (const node of target.declarations ?? []) {
        if (!isOurs(node)) continue
        if (ts.isSourceFile(node))
          walk(target) // export * as name
        else {
          note(target, node, target.name, 'export')
          if (ts.isInterfaceDeclaration(node) || ts.isClassDeclaration(node)) members(node, target.name)
          if (ts.isTypeAliasDeclaration(node)) literals(node, target.name)
        }
      }
    }
  }

  for (const file of files) walk(checker.getSymbolAtLocation(program.getSourceFile(file)))
  return [...found.values()].sort((one, other) => one.file.localeCompare(other.file) || one.line - other.line)
}

function isHidden(member) {
  const modifiers = ts.getCombinedModifierFlags(member)
  return (
    (modifiers & ts.ModifierFlags.Private) !== 0 ||
    (member.name !== undefined && ts.isPrivateIdentifier(member.name)) ||
    ts.isClassStaticBlockDeclaration(member) ||
    ts.isSemicolonClassElement(member)
  )
}

/** The first names that no entry shows with an `@example`. */
export function withoutExample(all = shown()) {
  return firstNames.filter(name => !all.some(one => one.kind === 'export' && one.name === name && one.example))
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const folders = process.argv.slice(2)
  const all = shown()
  const here = all.filter(({ file }) => folders.length === 0 || folders.some(folder => file.startsWith(folder)))
  for (const file of new Set(here.map(one => one.file))) {
    const bare = here.filter(one => one.file === file && !one.documented)
    if (bare.length > 0) console.log(`${file} (${bare.length})`)
    for (const { line, name } of bare) console.log(`  ${line}: ${name}`)
  }
  for (const kind of ['export', 'member']) {
    const those = here.filter(one => one.kind === kind)
    console.log(`${kind}s: ${those.filter(one => one.documented).length} of ${those.length} documented`)
  }
  console.log(`without @example: ${withoutExample(all).join(', ') || 'none'}`)
}
