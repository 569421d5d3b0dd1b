/** The factory of the optional package `@abandonware/noble`, which has no types of its own; declared here, since the package may not be installed where this is compiled. */
declare module '@abandonware/noble/with-custom-binding.js' {
  const make: (options: object) => unknown
  export default make
}
