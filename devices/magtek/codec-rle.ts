/** Run-length coding of card data and notifications over Bluetooth: a byte that comes twice in a row is followed by how often it comes in all. */

/** Runs of 2 to 255 become three bytes. */
export function encodeRle(bytes: Uint8Array): Uint8Array {
  const out: number[] = []
  for (let at = 0; at < bytes.length; ) {
    const byte = bytes[at]
    let run = 1
    while (run < 255 && bytes[at + run] === byte) run++
    if (run === 1) out.push(byte)
    else out.push(byte, byte, run)
    at += run
  }
  return Uint8Array.from(out)
}

/** A pair at the very end, without its count, stands for itself (Magensa/magensa-bluetooth reads it so). */
export function decodeRle(bytes: Uint8Array): Uint8Array {
  const out: number[] = []
  for (let at = 0; at < bytes.length; at++) {
    if (bytes[at] === bytes[at + 1] && at + 2 < bytes.length) {
      for (let left = bytes[at + 2]; left > 0; left--) out.push(bytes[at])
      at += 2
    } else out.push(bytes[at])
  }
  return Uint8Array.from(out)
}
