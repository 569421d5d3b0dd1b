/** A bench as it is started, and as it runs. */

/** How a bench is started. */
export interface BenchOptions {
  /** 0, the default, takes a free one. */
  readonly port?: number | undefined
  /** Asked of everybody; a random one when left out. */
  readonly token?: string | undefined
  /** The session that it begins with, as `POST /api/sessions` takes it, which nobody's absence ends unless it says so; none for `false`. */
  readonly session?: Readonly<Record<string, unknown>> | false | undefined
}

/** A running bench. It holds a port until it is closed. */
export interface Bench extends AsyncDisposable {
  /** For a browser, and for `benchClient`: with the token behind its `#`. */
  readonly url: string
  /** `http://127.0.0.1:<port>` */
  readonly origin: string
  /** Asked of everybody. */
  readonly token: string
  /** The TCP port on 127.0.0.1. */
  readonly port: number
  /** Ends every session. Idempotent. */
  close(): Promise<void>
}
