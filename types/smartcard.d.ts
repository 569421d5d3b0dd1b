/** What is used of the optional package `smartcard` (PC/SC bindings); declared here, since it may not be installed where this is compiled. */
declare module 'smartcard' {
  export interface NativeCard {
    transmit(command: Buffer, options?: { maxRecvLength?: number }): Promise<Buffer>
    disconnect(disposition?: number): void
    reconnect(shareMode: number, protocols: number, initialization: number): Promise<number>
    readonly atr: Buffer | null
  }
  export interface NativeReader {
    readonly name: string
    readonly state: number
    connect(shareMode: number, protocols: number): Promise<NativeCard>
  }
  export interface NativeEvent {
    readonly type: 'reader-attached' | 'reader-detached' | 'card-inserted' | 'card-removed' | 'error'
    /** The reader's name; of an `error` its words. */
    readonly reader: string
    readonly state: number
  }
  export class Context {
    listReaders(): NativeReader[]
    close(): void
  }
  export class ReaderMonitor {
    start(hear: (event: NativeEvent) => void): void
    stop(): void
  }
  export const SCARD_SHARE_EXCLUSIVE: number
  export const SCARD_SHARE_SHARED: number
  export const SCARD_PROTOCOL_T0: number
  export const SCARD_PROTOCOL_T1: number
  export const SCARD_UNPOWER_CARD: number
  export const SCARD_STATE_PRESENT: number
}
