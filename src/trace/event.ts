/** The trace: how everything that happens at a counter is written, in one order and on one clock: a header, then one event a line. What is secret was masked before. */

/** The version of the format, in its first line. 1 was the recording of a line alone. */
export const TRACE_FORMAT = 2

/** What JSON can hold; what is undefined is left out. */
export type Json =
  | string
  | number
  | boolean
  | null
  | readonly Json[]
  | {
      /** By its name. */
      readonly [name: string]: Json | undefined
    }

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
    /** `qpos`, `bluepad`, … */
    readonly family: string
    /** Which of the family’s languages. */
    readonly dialect?: string
    /** As the reader names it. */
    readonly model?: string
    /** As the reader names it. */
    readonly serial?: string
    /** Version. */
    readonly firmware?: string
  }
  /** Name of the card's profile. */
  readonly card?: string
  /** Of the line that is recorded, where that is known. */
  readonly uri?: string
  /** SHA-256 of the terminal's configuration, hex. Null where there is none that whoever opened the trace could know: a reader keeps its own. */
  readonly configuration?: string | null
  /** Of what is random. Null where chance is the system's: what pays in earnest can not be repeated. */
  readonly seed?: number | null
  /** By which rules it was masked: the names of `maskingRules`. */
  readonly masked: readonly string[]
}

/** What a header tells of the counter; the rest of it is the writer's. */
export type TraceSubject = Omit<TraceHeader, 'tapdip' | 'version' | 'package' | 'start' | 'clock' | 'masked'>

/** Where an event was seen. `driver`: in the program that links the reader; `reader`: in the reader itself, where it is a virtual one. */
export type TraceSource = 'app' | 'driver' | 'link' | 'reader' | 'card' | 'person' | 'host'

/** How large a span is: a payment has presentations of a card, these have steps of the kernel, and these have commands to the card. */
export type SpanLevel = 'payment' | 'presentation' | 'step' | 'command'

/** What every event has. */
export interface TraceStamp {
  /** Milliseconds since the start. */
  readonly at: number
  /** Where it was seen. */
  readonly from: TraceSource
  /** Identifier of the innermost span that it belongs to. */
  readonly span?: number
  /** The rules that something in this event was masked by; left out where all of it stands here. */
  readonly masked?: readonly string[]
}

/** A span begins: what follows lies inside it, until its end. */
export interface TraceSpan {
  /** What kind of event this is. */
  readonly kind: 'span'
  /** Counts from 1. */
  readonly id: number
  /** The one that it lies in. */
  readonly parent?: number
  /** How large it is. */
  readonly level: SpanLevel
  /**
   * Of a payment, or of a change of an order, the number of the order; of a presentation the interface; of a step as `Explanation.step`, or what is done without a card: `cash`, `sbp`,
   * `confirmation`, `cancellation`, `refund`, `increment`, `status`, `recovery`, `reconciliation`; of a command its name.
   */
  readonly name: string
}

/** A span ends. */
export interface TraceSpanEnd {
  /** What kind of event this is. */
  readonly kind: 'spanEnd'
  /** Which. */
  readonly id: number
  /** Code of the Fault that it ended with. */
  readonly fault?: string
}

/** Bytes that passed the line, as the family’s redaction leaves them. */
export interface TraceLink {
  /** What kind of event this is. */
  readonly kind: 'link'
  /** `out`: the host of the reader sent them. */
  readonly way: 'out' | 'in'
  /** Bytes. */
  readonly length: number
  /** Hex; left out where only their number may be told. */
  readonly bytes?: string
}

/** The line is closed: from here, by the peer, or it was lost. */
export interface TraceLinkEnd {
  /** What kind of event this is. */
  readonly kind: 'link'
  /** How. */
  readonly end: 'close' | 'peer' | 'loss'
}

/** A message of the family’s codec. */
export interface TraceMessage {
  /** What kind of event this is. */
  readonly kind: 'message'
  /** `out`: the host of the reader sent it. */
  readonly way: 'out' | 'in'
  /** Its name in the codec. */
  readonly type: string
  /** Its fields; bytes in hex. */
  readonly content: Json
}

/** A command to a card, and its answer. */
export interface TraceApdu {
  /** What kind of event this is. */
  readonly kind: 'apdu'
  /** How the card is reached. */
  readonly interface: 'contact' | 'contactless'
  /** Of the command: `READ RECORD`. */
  readonly name: string
  /** Hex. */
  readonly command: string
  /** Hex, with its status; left out where none came: the card was gone. */
  readonly answer?: string
}

/** A rule of the kernel was applied: as `Explanation`. */
export interface TraceKernel {
  /** What kind of event this is. */
  readonly kind: 'kernel'
  /** As in `Explanation`. */
  readonly step: string
  /** As in `Explanation`. */
  readonly rule: string
  /** Hex values by hex tag. */
  readonly inputs: Readonly<Record<string, string>>
  /** As in `Explanation`. */
  readonly effect: readonly string[]
}

/** What the display shows from now on. */
export interface TraceScreen {
  /** What kind of event this is. */
  readonly kind: 'screen'
  /** From top to bottom. */
  readonly lines: readonly string[]
  /** Which message it is; left out for text that the host sent. */
  readonly message?: string
}

/** The lights change. */
export interface TraceLight {
  /** What kind of event this is. */
  readonly kind: 'light'
  /** How they are from now on. */
  readonly light: string
}

/** The buzzer. */
export interface TraceSound {
  /** What kind of event this is. */
  readonly kind: 'sound'
  /** What it plays. */
  readonly sound: string
}

/** A key of the keypad was pressed. */
export interface TraceKey {
  /** What kind of event this is. */
  readonly kind: 'key'
  /** Which; a digit of a PIN is `*`. */
  readonly key: string
}

/** A card came or went. */
export interface TraceCard {
  /** What kind of event this is. */
  readonly kind: 'card'
  /** How. */
  readonly event: 'inserted' | 'removed' | 'tapped' | 'left' | 'swiped'
}

/** Other news: battery, power, tamper of a body; from a driver, what its reader tells (`ReaderEvent`). */
export interface TraceReader {
  /** What kind of event this is. */
  readonly kind: 'reader'
  /** Which. */
  readonly event: string
  /** What is told of it. */
  readonly content?: Json
}

/** The app was asked, has answered, or was told. */
export interface TraceApp {
  /** What kind of event this is. */
  readonly kind: 'app'
  /** Which of these. */
  readonly what: 'ask' | 'answer' | 'event'
  /** Of the question, as in `AppPrompts`, or of the event. */
  readonly name: string
  /** What was asked, answered or told. */
  readonly content?: Json
}

/** The host was asked, has answered (seen by the client), or did something (`decision`, seen by the virtual host). */
export interface TraceHost {
  /** What kind of event this is. */
  readonly kind: 'host'
  /** Which of these. */
  readonly what: 'request' | 'answer' | 'decision'
  /** The call: `authorise`; of a decision the event’s type. */
  readonly name: string
  /** What was asked or answered; why it was decided so. */
  readonly content?: Json
}

/** A step of a payment was written down. */
export interface TraceJournal {
  /** What kind of event this is. */
  readonly kind: 'journal'
  /** Which: as `PaymentStep`. */
  readonly stage: string
  /** What was written. */
  readonly content?: Json
}

/** How a payment ended. */
export interface TraceResult {
  /** What kind of event this is. */
  readonly kind: 'result'
  /** As in `PaymentResult`. */
  readonly result: string
  /** Why, where it was not approved. */
  readonly reason?: string
  /** As `paymentJson`, and the lines of its receipt. */
  readonly content: Json
}

/** What happened. */
export type TraceContent =
  | TraceSpan
  | TraceSpanEnd
  | TraceLink
  | TraceLinkEnd
  | TraceMessage
  | TraceApdu
  | TraceKernel
  | TraceScreen
  | TraceLight
  | TraceSound
  | TraceKey
  | TraceCard
  | TraceReader
  | TraceApp
  | TraceHost
  | TraceJournal
  | TraceResult

/** One line after the first. */
export type TraceEvent = TraceStamp & TraceContent

/** What a hook tells: as `TraceContent`, with bytes as bytes and content as it is. The tracer makes JSON of it, masked. */
export type Told = Loose<TraceContent>

type Loose<Content> = Content extends { readonly kind: 'apdu' }
  ? Omit<Content, 'command' | 'answer'> & { readonly command: Uint8Array | string; readonly answer?: Uint8Array | string | undefined }
  : Content extends { readonly kind: 'kernel' }
    ? Omit<Content, 'inputs'> & { readonly inputs: ReadonlyMap<number, Uint8Array> | Readonly<Record<string, string>> }
    : Content extends { readonly content?: Json } | { readonly content: Json }
      ? Omit<Content, 'content'> & { readonly content?: unknown }
      : Content extends { readonly kind: 'span' | 'spanEnd' }
        ? never
        : Content

/** What takes events while they happen. Where there is none, nothing is made: `tracer?.tell(…)`. One for each counter: its spans lie inside each other. */
export interface Tracer {
  /** Writes an event down, masked. Never throws. */
  tell(from: TraceSource, content: Told): void
  /** Begins a span inside the one that is open; the function ends it, and what is still open inside it. Never throws. */
  span(level: SpanLevel, name: string, from?: TraceSource): (fault?: string) => void
  /**
   * Tells what is known of the counter; what was known before stays. Before the first event it stands in the header, later in an event `reader` `about`, which who reads the trace
   * puts there too. A field is read only where it is missing. Never throws.
   */
  about?(subject: TraceSubject): void
}
