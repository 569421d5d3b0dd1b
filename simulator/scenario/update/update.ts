/** `test --update`: what a scenario file expects is rewritten to what was seen, value by value: comments, order and all else of the file stay as they are. */

import { type Document, isNode, isPair, isScalar, isSeq, type Node, parseDocument, visit } from 'yaml'
import { starNumbers } from '../../../src/stars.ts'
import { isSensitive } from '../../../src/tlv/tags.ts'
import type { Json } from '../../../src/trace/event.ts'
import type { Case } from '../matrix.ts'
import { parseScenarios, placesOf } from '../read.ts'
import type { ScenarioResult } from '../result.ts'

/** Why something that did not hold is not rewritten. */
export type Left = 'cases' | 'secret' | 'elsewhere' | 'hand' | 'file'

/** One expectation that did not hold, and what became of it. */
export interface Update {
  /** Of the scenario, from 1. */
  readonly line: number
  /** `expect.tags.95`. */
  readonly path: string
  readonly before: Json
  /** As it stands in the file now; left out where it was not rewritten. */
  readonly now?: string
  readonly left?: Left
}

interface Edit {
  readonly from: number
  readonly to: number
  readonly text: string
  readonly update: Update
}

/**
 * The text with its expectations rewritten, and what was done with each that did not hold.
 * @param cases all of this file @param results those of them that were run
 */
export function updated(
  text: string,
  file: string,
  cases: readonly Case[],
  results: readonly ScenarioResult[],
): { readonly text: string; readonly updates: readonly Update[] } {
  const document = parseDocument(text, { prettyErrors: false, stringKeys: false, version: '1.2' })
  visit(document, {
    Pair(_, { key }) {
      if (isScalar(key) && typeof key.value !== 'string') key.value = key.source ?? String(key.value)
    },
  })
  const edits: Edit[] = []
  const left: Update[] = []
  for (const { line, path: under } of placesOf(text)) {
    const own = results.filter(one => (one.line ?? 1) === line)
    const all = cases.filter(one => (one.line ?? 1) === line).length
    for (const path of new Set(own.flatMap(({ expectations }) => expectations.filter(one => !one.passed).map(one => one.path)))) {
      const seen = own.flatMap(({ expectations }) => expectations.filter(one => one.path === path))
      const same = new Set(seen.map(({ expected, actual }) => JSON.stringify([expected, actual]))).size === 1
      const [{ expected: before, actual }] = seen
      const update = { line, path, before }
      const leave = (why: Left) => void left.push({ ...update, left: why })
      if (!same || seen.length < all) {
        leave('cases')
        continue
      }
      const written = seenOf(path, before, actual)
      if (written === undefined) leave('hand')
      else if (isSecret(path, written)) leave('secret')
      else {
        const node = nodeOf(document, [...under, ...path.split('.')])
        const from = node?.range?.[0]
        if (!node || from === undefined) leave('elsewhere')
        else {
          const length = text.slice(from, node.range![1]).trimEnd().length
          if (text.slice(from, from + length).includes('#'))
            leave('hand') // a comment stands in it
          else {
            const now = inText(written, file.endsWith('.json'))
            edits.push({ from, to: from + length, text: now, update: { ...update, now } })
          }
        }
      }
    }
  }
  edits.sort((one, other) => other.from - one.from)
  let changed = text
  for (const { from, to, text: now } of edits) changed = changed.slice(0, from) + now + changed.slice(to)
  const done = edits.map(({ update }) => update).reverse()
  try {
    parseScenarios(changed, file)
  } catch {
    return { text, updates: [...left, ...done.map(({ now: _, ...one }) => ({ ...one, left: 'file' as const }))] }
  }
  return { text: changed, updates: [...done, ...left] }
}

const words = [
  'result',
  'reason',
  'fault',
  'exit',
  'interface',
  'cvm',
  'application',
  'responseCode',
  'attempts',
  'online',
  'reversal',
  'advice',
]
const rewritten = new RegExp(
  `^(?:steps\\.\\d+\\.)?expect\\.(?:${words.join('|')}|bits\\.\\d+|tags\\.\\w+|receipt\\.\\w+|order\\.\\w+|journal\\.\\w+|firmware|stages)$`,
)

/** What is to stand there; undefined for what somebody has to think about: what must never appear, screens, questions to the host. */
function seenOf(path: string, expected: Json, actual: Json): Json | undefined {
  if (!rewritten.test(path)) return undefined
  if (/\.bits\.\d+$/.test(path)) {
    const bit = String(expected)
    if (actual === null) return undefined
    return bit.startsWith('not ') ? bit.slice(4) : `not ${bit}`
  }
  if (actual === null) return /\.(tags|receipt)\.\w+$/.test(path) ? null : undefined
  return actual
}

/** A number as long as a card's, a track, or a data object that is never shown. */
function isSecret(path: string, value: Json): boolean {
  const [, tag] = /\.tags\.(\w+)$/.exec(path) ?? []
  if (tag !== undefined) return isSensitive(Number.parseInt(tag, 16))
  const text = JSON.stringify(value)
  return starNumbers(text) !== text
}

function inText(value: Json, json: boolean): string {
  if (Array.isArray(value)) return `[${value.map(one => inText(one, json)).join(', ')}]`
  if (typeof value !== 'string') return String(value)
  const plain = /^(?:not )?[A-Za-z][\w.-]*$/.test(value) && !/^(true|false|null|yes|no|on|off|y|n)$/i.test(value)
  return plain && !json ? value : JSON.stringify(value)
}

/** The value of a path as an expectation has it: `steps.1.expect` is inside the step's own name. */
function nodeOf(document: Document, path: readonly string[]): Node | undefined {
  let node: unknown = document.contents
  for (const name of path) {
    if (isSeq(node)) node = node.items[Number(name)]
    else {
      const found = pairOf(node, name) ?? (name === 'expect' ? inside(node) : undefined)
      node = found
    }
    if (node === undefined) return undefined
  }
  return isNode(node) ? node : undefined
}

function pairOf(node: unknown, name: string): unknown {
  const { items = [] } = (node ?? {}) as { readonly items?: readonly unknown[] }
  const pair = items.find(one => isPair(one) && isScalar(one.key) && String(one.key.value).toUpperCase() === name.toUpperCase())
  return isPair(pair) ? pair.value : undefined
}

/** `expect` of the only thing that a step says. */
function inside(step: unknown): unknown {
  const { items = [] } = (step ?? {}) as { readonly items?: readonly unknown[] }
  const [first] = items
  return isPair(first) ? pairOf(first.value, 'expect') : undefined
}
