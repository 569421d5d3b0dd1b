/** What is used of the npm package `tlv` 1.1.1, which brings no types. */
declare module 'tlv' {
  export class TLV {
    constructor(tag: number, value: Buffer | readonly TLV[])
    readonly tag: number
    readonly value: Buffer | readonly TLV[]
    readonly constructed: boolean
    getFirstChild(tag: number): TLV | null
    getChildren(tag: number): TLV[]
    readonly byteLength: number
    encode(room?: Buffer): Buffer
  }
  export function parse(bytes: Buffer): TLV
  export function parseAll(bytes: Buffer): TLV[]
}
