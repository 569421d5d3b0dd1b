/** Records of fixed size: named numbers and byte fields, one behind the other, read and written by one description. */

/** A field of a record. */
export interface LayoutField<N extends string, T> {
  /** Of the value in the record. */
  readonly name: N
  /** Bytes that it takes. */
  readonly size: number
  /** Its value at `at`. */
  read(bytes: Uint8Array, at: number): T
  /** Puts it there. */
  write(bytes: Uint8Array, at: number, value: T): void
}

/** A record with its fields by name. */
export interface Layout<T> {
  /** Bytes of the whole record. */
  readonly span: number
  /** The record at `at`, which `bytes` must hold whole; byte fields are views. */
  decode(bytes: Uint8Array, at?: number): T
  /** Writes the record into `bytes` at `at`. */
  encode(value: T, bytes: Uint8Array, at?: number): void
}

/** An unsigned byte. */
export function u8<N extends string>(name: N): LayoutField<N, number> {
  return { name, size: 1, read: (bytes, at) => bytes[at], write: (bytes, at, value) => void (bytes[at] = value) }
}

/** An unsigned number of two bytes, the higher first. */
export function u16be<N extends string>(name: N): LayoutField<N, number> {
  return {
    ...{ name, size: 2, read: (bytes, at) => bytes[at] * 256 + bytes[at + 1] },
    write(bytes, at, value) {
      bytes[at] = value >> 8
      bytes[at + 1] = value
    },
  }
}

/** `size` bytes: a view when read, exactly as many when written. */
export function blob<N extends string>(size: number, name: N): LayoutField<N, Uint8Array> {
  return { name, size, read: (bytes, at) => bytes.subarray(at, at + size), write: (bytes, at, value) => bytes.set(value, at) }
}

/** The fields in their order. */
export function struct<F extends LayoutField<string, number> | LayoutField<string, Uint8Array>>(
  fields: readonly F[],
): Layout<{ [K in F as K['name']]: K extends LayoutField<string, infer T> ? T : never }> {
  const places = fields.map((field, i) => ({ field, offset: fields.slice(0, i).reduce((sum, { size }) => sum + size, 0) }))
  // Records of one shape: one that grows field by field is a dictionary for whoever reads it.
  const blank = Object.fromEntries(fields.map(({ name }) => [name, undefined]))
  return {
    span: fields.reduce((sum, { size }) => sum + size, 0),
    decode(bytes, at = 0) {
      const record: Record<string, unknown> = { ...blank }
      for (const { field, offset } of places) record[field.name] = field.read(bytes, at + offset)
      return record as never
    },
    encode(value, bytes, at = 0) {
      for (const { field, offset } of places) field.write(bytes, at + offset, value[field.name as keyof typeof value] as never)
    },
  }
}
