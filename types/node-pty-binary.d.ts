/** The one call of node-pty's native module that is used: a pseudo-terminal without a process on it. The package types only its terminals. */
declare module '@lydell/node-pty/requireBinary.js' {
  export interface NativePty {
    /** File descriptors of both ends, and the path of the slave. */
    open(columns: number, rows: number): { readonly master: number; readonly slave: number; readonly pty: string }
  }
  export function requireBinary(file: 'pty.node'): NativePty
}
