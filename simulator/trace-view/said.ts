/** What bytes of the line say, in the words of the reader's family: the codecs are too much for a page, so that whoever makes it reads them before. */

/** A message of the line. */
export interface SaidMessage {
  readonly from: 'host' | 'reader'
  /** As the family's codec names it. */
  readonly type: string
  /** Its fields, a line each. */
  readonly text: string
}

/** What bytes of the line say. */
export interface LineSaid {
  readonly messages: readonly SaidMessage[]
  /** Pieces of the line that it takes, where they are more than one. */
  readonly pieces?: number
}
