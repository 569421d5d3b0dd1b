/** The fields of messages by what they are: secret, of one session only, or to be compared. */

/** What a field is. */
export type RecordedKind =
  /** Says the same whenever the same is meant; shown, and compared. */
  | 'plain'
  /** A card number in digits and F, two a byte. */
  | 'pan'
  /** Track 2, two digits a byte. */
  | 'track'
  /** Card numbers or tracks 1 and 2 as characters. */
  | 'trackText'
  /** A name of a person, as characters. */
  | 'name'
  /** Words for people, which may hold a card number. */
  | 'words'
  /** A command of an issuer's script: its head is shown. */
  | 'script'
  /** Enciphered, a PIN, a key, or nobody knows. */
  | 'secret'
  /** Of this one session: amounts, random numbers, counters, key serial numbers, the issuer's cryptogram. Shown, not compared. */
  | 'free'
  /** yyMMdd, two digits a byte: as `free`; what an answer repeats of it is put right when it is played. */
  | 'date'
  /** HHmmss, two digits a byte; as `date`. */
  | 'time'
  /** A number that an answer has in common with what it answers; as `date`. */
  | 'reference'

/** Gets a field, leaves its bytes as they are, and gives as many back: they, or others. `tag`: of a data object. */
export type FieldEdit = (kind: RecordedKind, bytes: Uint8Array, tag?: number) => Uint8Array
