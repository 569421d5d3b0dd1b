/** The XML inside MPED messages: flat elements, whose names alone matter (ResponseParser.m, XMLTags.m). */

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

/** Characters of a message, which has room for no more (codec-frame.ts). */
const LONGEST = 1 << 16

/** The texts of all elements without children, by name; the last of one name counts. What is no XML, or longer than any message, gives none. */
export function elements(xml: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  if (xml.length > LONGEST) return found
  for (const [, name, content] of xml.matchAll(/<([A-Za-z][\w.-]*)(?:\s[^<>]*)?>([^<>]*)<\/\1\s*>/g))
    found.set(name, unescaped(content).trim())
  return found
}

function unescaped(text: string): string {
  return text.replace(/&(?:#(\d{1,7})|#x([0-9a-fA-F]{1,6})|(\w+));/g, (whole, decimal?: string, hexadecimal?: string, name?: string) => {
    if (name !== undefined) return entities[name] ?? whole
    const point = decimal === undefined ? Number.parseInt(hexadecimal!, 16) : Number(decimal)
    return point <= 0x10ffff ? String.fromCodePoint(point) : whole
  })
}

/** An element `root` with one for each field that is not undefined. */
export function xml(root: string, fields: Readonly<Record<string, string | number | boolean | undefined>>): string {
  const inner = Object.entries(fields).flatMap(([name, value]) =>
    value === undefined ? [] : [`<${name}>${escaped(String(value))}</${name}>`],
  )
  return `<${root}>${inner.join('')}</${root}>`
}

/** The same as a document of its own, as the vendor's library sends it. */
export function xmlDocument(...[root, fields]: Parameters<typeof xml>): string {
  return `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>${xml(root, fields)}`
}

function escaped(text: string): string {
  return text.replace(/[&<>]/g, char => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[char]!)
}
