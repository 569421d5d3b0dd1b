/** What the desk has for whoever holds the line: an answer, what the line is to do with it, or the word that it takes no such message. */

/** What a rule does to the line instead of answering, or with the answer. `twice`: the answer goes out twice where the protocol has room for it. */
export type Line = 'drop' | 'garbage' | 'closeSocket' | 'silence' | 'twice'

/** An answer, none where the line is dropped before there is one. */
export interface Reply<T> {
  /** What the host says. */
  readonly answer?: T
  /** What becomes of the line; left out, the answer goes out as it is. */
  readonly line?: Line
}

/** A message that is well-formed, and still not taken. */
export class Refusal extends Error {
  /** As of HTTP: 400, 404, 409, 413. */
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

/** A response code of the host's own, with its sentence for the merchant. */
export interface Refused {
  /** ISO 8583:1987, field 39: two characters. */
  readonly code: string
  readonly reason: string
}
