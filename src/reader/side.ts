/** One side of a family's codec: it encodes what this side says and decodes what the other side says. */

/** What one side of a line says and hears. */
export interface Side<Out, In> {
  /** The complete frame(s) of one message. @throws Fault `bad-argument` */
  encode(message: Out): Uint8Array
  /** For one line: it keeps what is unfinished. */
  decoder(): Decoder<In>
}

/** Deframes a byte stream. It owns no timer: the Conversation tells it when the line has gone quiet. */
export interface Decoder<T> {
  /** The messages completed by this chunk. Never throws: noise is skipped, a frame with a bad check is dropped. */
  push(chunk: Uint8Array): T[]
  /** The line went quiet: an unfinished tail is no frame, good frames hidden behind a false start are returned. */
  idle(): T[]
}
