export interface Shown {
  readonly file: string
  readonly line: number
  readonly name: string
  readonly kind: 'export' | 'member'
  readonly documented: boolean
  readonly example: boolean
}
export const firstNames: readonly string[]
export function entries(): Readonly<Record<string, string>>
export function shown(): readonly Shown[]
export function withoutExample(all?: readonly Shown[]): readonly string[]
/** The API of TypeScript, as far as a test needs it. */
export const ts: {
  createSourceFile(name: string, text: string, target: number): { readonly statements: readonly object[] }
  isExpressionStatement(node: object): boolean
  isForOfStatement(node: object): boolean
  isForStatement(node: object): boolean
  isIfStatement(node: object): boolean
  readonly ScriptTarget: { readonly Latest: number }
}
