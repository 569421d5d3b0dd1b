/** Sentences that are made in English, deep below the table of messages, and told in Russian by its rows; `{}` is what stands in its place. */

type Rows = Readonly<Record<string, readonly [english: string, russian: string]>>

/** Rows as they are looked up. */
export interface Phrases {
  /** What a sentence is in Russian as it stands. */
  whole(sentence: string): string | undefined
  /** What it is by its places. @param part tells what stands in one */
  filled(sentence: string, part: (text: string) => string): string | undefined
}

/** Made when the first sentence is looked up: most programs retell none. */
export function phrasesOf(table: Rows): Phrases {
  let made: ReturnType<typeof make> | undefined
  return {
    whole: sentence => (made ??= make(table)).plain.get(sentence),
    filled(sentence, part) {
      for (const { english, russian } of (made ??= make(table)).patterns) {
        const found = english.exec(sentence)
        if (!found) continue
        let at = 0
        return russian.replace(/\{\}/g, () => part(found[++at]))
      }
      return undefined
    },
  }
}

function make(table: Rows) {
  const rows = Object.values(table)
  return {
    plain: new Map(rows.filter(([english]) => !english.includes('{}'))),
    // What says more of itself comes first: `record {} of the directory answered {}` before `{} answered {}`.
    patterns: rows
      .filter(([english]) => english.includes('{}'))
      .map(([english, russian]) => ({ english: new RegExp(`^${english.split('{}').map(escaped).join('(.+?)')}$`), russian }))
      .toSorted((one, other) => other.english.source.length - one.english.source.length),
  }
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}
