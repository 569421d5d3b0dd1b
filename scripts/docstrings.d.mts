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
