/** What an opened journal tells of rows that nobody can read. */

/** What is wrong with one row, or with a table. */
export interface Damage {
  /** The table's name in the file. */
  readonly table: string
  /** SQLite's row number; left out when the table itself is. */
  readonly row?: number
  /** What the row is about: a payment's key, an order's number. */
  readonly name?: string
  /** The one that cannot be read, where it is one. */
  readonly column?: string
  /** In words, with nothing of the row's content. */
  readonly why: string
}

/** What was done about it. */
export interface Repaired extends Damage {
  /** `mended`: the till goes on with it; `aside`: kept in the table `aside`, and in the way of nothing but a second payment of its order. */
  readonly became: 'mended' | 'aside'
}
