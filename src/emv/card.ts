/** A Card is one function: a command goes in, a response comes out. */

/** One card, from reset or activation to its leaving. */
export interface Card {
  /** How the card is reached: `transact` takes contact cards, `tap` contactless ones. */
  readonly interface: 'contact' | 'contactless'
  /** Answer to reset (contact) or historical bytes as the reader reports them (contactless). */
  readonly atr: Uint8Array
  /**
   * Sends one command APDU and resolves with the response APDU, status word included. No 61xx/6Cxx handling: see `apdu`.
   * @throws Fault `card-removed`, `card-mute`, `aborted`
   */
  transmit(apdu: Uint8Array, options?: CardOptions): Promise<Uint8Array>
}

/** What one command may be told. */
export interface CardOptions {
  /** Gives the command up. */
  signal?: AbortSignal
}
