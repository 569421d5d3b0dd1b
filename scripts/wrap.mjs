// Brings the prose of Markdown files to lines of at most 120 characters: `node scripts/wrap.mjs README.md docs/orders.md`. Tables, headings and code stay as they are.
import { readFileSync, writeFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'

const WIDTH = 120
/** What would be a list, a heading, a quotation or a rule at the beginning of a line. */
const startsBlock = /^([-+*]|\d+[.)]|#{1,6}|>.*|\||=+)$/

/** Words that no line may end inside: what stands between backticks is one of them. */
function words(text) {
  const found = text.match(/(?:`[^`]*`|[^\s`])+/g) ?? []
  const kept = []
  // A word that would begin a block goes with the one before it.
  for (const word of found)
    if (startsBlock.test(word) && kept.length > 0) kept.push(`${kept.pop()} ${word}`)
    else kept.push(word)
  return kept
}

function fill(text, first, rest) {
  const lines = []
  let line = first
  let empty = true
  for (const word of words(text)) {
    if (!empty && [...line].length + 1 + [...word].length > WIDTH) {
      lines.push(line)
      line = rest
      empty = true
    }
    line += (empty ? '' : ' ') + word
    empty = false
  }
  return [...lines, line]
}

/** The same text, with no line of prose longer than that. A paragraph in which none is stays as it is. */
export function wrap(text) {
  const out = []
  let block = []
  let fence = false
  const flush = () => {
    if (block.some(line => [...line].length > WIDTH)) {
      const [, first] = /^(\s*(?:[-+*] +|\d+[.)] +|> ?)?)/.exec(block[0])
      const rest = first.includes('>') ? first : ' '.repeat(first.length)
      const joined = [
        block[0].slice(first.length),
        ...block.slice(1).map(line => line.trim().replace(first.includes('>') ? /^> ?/ : /^$/, '')),
      ]
      out.push(...fill(joined.join(' '), first, rest))
    } else out.push(...block)
    block = []
  }
  for (const line of text.split('\n')) {
    const isFence = /^\s*```/.test(line)
    if (isFence || fence || line.trim() === '' || /^\s*(\||#{1,6} |<!--)/.test(line)) {
      flush()
      out.push(line)
      if (isFence) fence = !fence
      continue
    }
    if (/^\s*([-+*] |\d+[.)] )/.test(line)) flush()
    block.push(line)
  }
  flush()
  return out.join('\n')
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href)
  for (const file of process.argv.slice(2)) {
    const text = readFileSync(file, 'utf8')
    const wrapped = wrap(text)
    if (wrapped !== text) writeFileSync(file, wrapped)
  }
