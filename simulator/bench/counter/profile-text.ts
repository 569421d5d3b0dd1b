/** The profile of a card as text that a person edits, and what is wrong with it, by place and line. */

import { LineCounter, parseDocument } from 'yaml'
import { asFault, Fault } from '../../../src/errors.ts'
import { VirtualCard } from '../../cards/icc.ts'
import type { CardProfile } from '../../cards/profile/card-profile.ts'

interface Problem {
  readonly path: string
  readonly line?: number
  readonly rule: string
}

export function profileOut(profile: CardProfile): string {
  return `${JSON.stringify(profile, null, 2)}\n`
}

/** @throws Fault `bad-config` with details.path, rule and, where the text has one, line */
export function profileIn(text: string): Record<string, unknown> {
  const { profile, problems } = read(text)
  const [first] = problems
  if (first) throw new Fault('bad-config', `${first.path}: ${first.rule}`, { ...first })
  return profile as Record<string, unknown>
}

export function checkProfile(text: string): { readonly ok: boolean; readonly problems: readonly Problem[] } {
  const { problems } = read(text)
  return { ok: problems.length === 0, problems }
}

/** JSON is YAML too. */
function read(text: string): { readonly profile: unknown; readonly problems: readonly Problem[] } {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const [wrong] = document.errors
  if (wrong) return { profile: undefined, problems: [{ path: '(text)', line: lines.linePos(wrong.pos[0]).line, rule: wrong.message }] }
  const profile = document.toJS({ maxAliasCount: 10 }) as unknown
  if (typeof profile !== 'object' || profile === null || Array.isArray(profile))
    return { profile, problems: [{ path: '(text)', line: 1, rule: 'the fields of a card profile' }] }
  try {
    new VirtualCard(profile as CardProfile)
    return { profile, problems: [] }
  } catch (error) {
    const { message, details } = asFault(error)
    const path = String(details.path ?? details.field ?? '(text)')
    const line = lineOf(path)
    return { profile, problems: [{ path, ...(line !== undefined && { line }), rule: String(details.rule ?? message) }] }
  }

  /** Of the innermost of its parts that the text has. */
  function lineOf(path: string): number | undefined {
    const keys = path.split('.').map(key => (/^\d+$/.test(key) ? Number(key) : key))
    for (let depth = keys.length; depth > 0; depth--) {
      const node = document.getIn(keys.slice(0, depth), true) as { readonly range?: readonly number[] } | undefined
      if (node?.range) return lines.linePos(node.range[0]).line
    }
    return undefined
  }
}
