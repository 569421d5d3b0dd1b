/** The part of buffer-layout 1.2 that the codecs use; the package ships no types. */
declare module 'buffer-layout' {
  export interface Layout<T> {
    /** Length in bytes, -1 when it varies. */
    readonly span: number
    decode(bytes: Uint8Array, offset?: number): T
    /** Writes into `bytes`; returns the number of bytes written. */
    encode(value: T, bytes: Uint8Array, offset?: number): number
  }
  export interface Field<P extends string, T = number> extends Layout<T> {
    readonly property: P
  }
  export function u8<P extends string>(property: P): Field<P>
  export function u16be<P extends string>(property: P): Field<P>
  export function u32be<P extends string>(property: P): Field<P>
  /** `length` bytes, as they are: a view when read, exactly as many when written. */
  export function blob<P extends string>(length: number, property: P): Field<P, Uint8Array>
  export function struct<P extends string>(fields: readonly Field<P>[]): Layout<Record<P, number>>
  export function struct<F extends Field<string, number> | Field<string, Uint8Array>>(
    fields: readonly F[],
  ): Layout<{ [K in F as K['property']]: K extends Layout<infer T> ? T : never }>
}
