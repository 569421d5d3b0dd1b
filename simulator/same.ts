/** For types that are written by hand beside a schema: `true` where both say the same, key by key and in both directions; else a sentence, which does not compile. */
export type Same<Named, Inferred> =
  (<T>() => T extends Named ? 1 : 2) extends <T>() => T extends Inferred ? 1 : 2 ? true : 'the named type and the schema differ'
