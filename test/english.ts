/** English that is left in Russian text. */

/** Names that the field has in English alone: of fields, tags' lists, methods and programs. */
const official: readonly RegExp[] = [
  /"[^"]*"|«[^»]*»/g, // text of cards, and of people
  /\b(?:Book [0-9A-C](?:-\d)?|Annex|jPOS|pyemv|binaryfoo|emv-bertlv|Proxmark3|Advance)\b/g,
  /\b(?:[Vv]isa|[Mm]astercard|Maestro|American Express|JCB|[Aa]mex|jcb|[Dd]iscover|[Uu]nion[Pp]ay|[Mm]ir|M\/Chip(?: Advance)?|Common Core (?:Definitions|Identifier))\b/g,
  /\b(?:Card Verification Results|CIAC-Default|Data Record|Discretionary Data|DS ODS Term|GENERATE AC|qPBOC|qUICS|fDDA|hex|byte)\b/g,
]

/** Words of two small letters or more that stand alone or beside others; none where the text is Russian but for official names. */
export function englishIn(text: string): string[] {
  const rest = official.reduce((left, name) => left.replaceAll(name, ' '), text)
  return rest.match(/\b[A-Za-z]?[a-z]{2,}\b(?:[ ,]+[a-z]+\b)*/g) ?? []
}
