/** What must never leave in clear, and where it was found: a card number, track, name, PIN or key as text, BCD, hex, base64 or a list of numbers. */

import { inspect } from 'node:util'

export interface Canary {
  readonly what: string
  readonly forms: readonly string[]
}

const listed = (bytes: Uint8Array) => [...bytes].join(',')

/** Every way in which bytes can stand in a text; three places in base64, since what stands before moves it. */
function formsOf(bytes: Uint8Array): string[] {
  const base64 = [0, 1, 2].map(before => {
    const shifted = Buffer.concat([Buffer.alloc(before), bytes])
    const from = before === 0 ? 0 : 4
    return shifted.toString('base64').slice(from, Math.floor((shifted.length * 4) / 3 / 4) * 4)
  })
  return [
    Buffer.from(bytes).toString('hex'),
    listed(bytes),
    Buffer.from(bytes).toString('latin1'),
    ...base64.filter(text => text.length >= 8),
  ]
}

export const secretNumber = (what: string, digits: string): Canary => ({
  what,
  forms: [...formsOf(Buffer.from(digits)), ...formsOf(Buffer.from(digits.slice(0, digits.length & ~1), 'hex'))],
})
export const secretBytes = (what: string, bytes: Uint8Array): Canary => ({ what, forms: formsOf(bytes) })

/** `what form` of each that stands in the text, whatever white space, capitals and `0x` are between its parts. */
export function found(canaries: readonly Canary[], text: string): string[] {
  const dense = text.replace(/\s|0x/g, '')
  const lower = dense.toLowerCase()
  return canaries.flatMap(({ what, forms }) =>
    forms
      .filter(
        form =>
          form.length >= 6 &&
          (dense.includes(form) || text.includes(form) || (/^[0-9a-f]+$/i.test(form) && lower.includes(form.toLowerCase()))),
      )
      .map(form => `${what} as ${form.slice(0, 2)}…`),
  )
}

/** All that a developer's `console.log`, a debugger's dump and JSON would show of a value. */
export function faces(value: unknown): string {
  const json = JSON.stringify(value, (_, one) => (typeof one === 'bigint' ? one.toString() : one)) ?? ''
  const options = { depth: Number.POSITIVE_INFINITY, maxArrayLength: null, maxStringLength: null, breakLength: Number.POSITIVE_INFINITY }
  return [json, inspect(value, options), inspect(value, { ...options, showHidden: true }), String(value)].join('\n')
}
