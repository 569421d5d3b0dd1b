/** The trace: how everything that happens at a counter is written, in one order and on one clock: a header, then one event a line. What is secret was masked before. */

/** The version of the format, in its first line. 1 was the recording of a line alone. */
export const TRACE_FORMAT = 2

/** What JSON can hold. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json }

/** The first line: what is told of, and how. */
export interface TraceHeader {
  /** Always `trace`. */
  readonly tapdip: 'trace'
  /** `TRACE_FORMAT`. */
  readonly version: number
  /** Version of the package that wrote it. */
  readonly package: string
  /** When it began: ISO 8601. The times of the events count from here. */
  readonly start: string
  /** What the times are of. */
  readonly clock: 'system' | 'virtual'
  /** The reader, as far as it is known when the trace begins. */
  readonly reader?: {
    readonly family: string
    readonly dialect?: string
    readonly model?: string
    readonly serial?: string
    readonly firmware?: string
  }
  /** Name of the card's profile. */
  readonly card?: string
  /** SHA-256 of the terminal's configuration, hex. */
  readonly configuration?: string
  /** Of what is random. */
  readonly seed?: number
  /** What was masked, by the names of the rules: `pan`, `track`, `pin`, `key`, `name`. */
  readonly masked: readonly string[]
}

/** Where an event was seen. `driver`: in the program that links the reader; `reader`: in the reader itself, where it is a virtual one. */
export type TraceSource = 'app' | 'driver' | 'link' | 'reader' | 'card' | 'person' | 'host'

/** How large a span is: a payment has presentations of a card, these have steps of the kernel, and these have commands to the card. */
export type SpanLevel = 'payment' | 'presentation' | 'step' | 'command'

/** What every event has. */
export interface TraceStamp {
  /** Milliseconds since the start. */
  readonly at: number
  readonly from: TraceSource
  /** Identifier of the innermost span that it belongs to. */
  readonly span?: number
}

/** What happened. */
export type TraceContent =
  | { readonly kind: 'span'; readonly id: number; readonly parent?: number; readonly level: SpanLevel; readonly name: string }
  /** `fault`: code of the Fault that it ended with. */
  | { readonly kind: 'spanEnd'; readonly id: number; readonly fault?: string }
  /** Bytes that passed the line, as the family's redaction leaves them; `bytes` (hex) is left out where only their number may be told. */
  | { readonly kind: 'link'; readonly way: 'out' | 'in'; readonly length: number; readonly bytes?: string }
  | { readonly kind: 'link'; readonly end: 'close' | 'peer' | 'loss' }
  /** A message of the family's codec; `out` is what the host of the reader sends. */
  | { readonly kind: 'message'; readonly way: 'out' | 'in'; readonly type: string; readonly content: Json }
  /** A command and its answer, hex; `answer` is left out where none came (the card was gone). */
  | {
      readonly kind: 'apdu'
      readonly interface: 'contact' | 'contactless'
      readonly name: string
      readonly command: string
      readonly answer?: string
    }
  /** A rule of the kernel: as `Explanation`, values in hex by hex tag. */
  | {
      readonly kind: 'kernel'
      readonly step: string
      readonly rule: string
      readonly inputs: Readonly<Record<string, string>>
      readonly effect: readonly string[]
    }
  /** What the display shows from now on; `message` is left out for text that the host sent. */
  | { readonly kind: 'screen'; readonly lines: readonly string[]; readonly message?: string }
  | { readonly kind: 'light'; readonly light: string }
  | { readonly kind: 'sound'; readonly sound: string }
  /** A key of the keypad; a digit of a PIN is `*`. */
  | { readonly kind: 'key'; readonly key: string }
  | { readonly kind: 'card'; readonly event: 'inserted' | 'removed' | 'tapped' | 'left' | 'swiped' }
  /** The body's other news: battery, power, tamper; and what a reader tells its driver (`ReaderEvent`). */
  | { readonly kind: 'reader'; readonly event: string; readonly content?: Json }
  /** The app was asked, has answered, or was told. */
  | { readonly kind: 'app'; readonly what: 'ask' | 'answer' | 'event'; readonly name: string; readonly content?: Json }
  /** The host was asked, has answered (seen by the client); or what the host itself did and why (`decision`, seen by the virtual host). */
  | { readonly kind: 'host'; readonly what: 'request' | 'answer' | 'decision'; readonly name: string; readonly content?: Json }
  /** A step of a payment was written down. */
  | { readonly kind: 'journal'; readonly stage: string; readonly content?: Json }
  /** How a payment ended: as `paymentJson`, with its receipt. */
  | { readonly kind: 'result'; readonly result: string; readonly reason?: string; readonly content: Json }

/** One line after the first. */
export type TraceEvent = TraceStamp & TraceContent

/** What takes events while they happen. Where there is none, nothing is made: `tracer?.tell(…)`. */
export interface Tracer {
  /** Writes an event down, masked. Never throws. */
  tell(from: TraceSource, content: TraceContent): void
  /** Begins a span inside the one that is open; the function ends it. Never throws. */
  span(level: SpanLevel, name: string): (fault?: string) => void
}
