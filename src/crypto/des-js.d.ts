/** The part of `des.js` that `des.ts` uses; the package has no types of its own. */

declare module 'des.js' {
  interface Cipher {
    update(data: ArrayLike<number>): number[]
    final(): number[]
  }
  interface CipherClass {
    create(options: { type: 'encrypt' | 'decrypt'; key: ArrayLike<number>; padding?: boolean }): Cipher
  }
  const des: { DES: CipherClass; EDE: CipherClass }
  export default des
}
