/** Optional libraries that do not load: not installed, or installed and not built for this platform. */

import { Fault } from './errors.ts'

/** What the loaders of native libraries say when their binary is missing or of another platform: they have words, some have codes. */
const UNBUILT = /bindings file|native build|native binding|load binding|prebuil|compiled against|dlopen|ELF|shared object|\.node\b/i

/** A file of a package that is there, or the package of one platform's binary. */
const BINARY = /^[./\\]|^[A-Za-z]:|^@[^/]+\/.*(linux|darwin|win32)/

/** The error says that code is missing, rather than the device behind it. */
export function isMissing(cause: unknown): boolean {
  const { code = '', message = '' } = cause instanceof Error ? (cause as NodeJS.ErrnoException) : {}
  return /MODULE_NOT_FOUND|ERR_DLOPEN_FAILED/.test(code) || UNBUILT.test(message)
}

/**
 * @param what before "needs the package": `USB HID`
 * @param more after the command that helps
 * @returns Fault `missing-library` with details.library and details.reason: `not-installed`, `not-built`
 */
export function missingLibrary(what: string, library: string, cause: unknown, more = ''): Fault {
  const words = cause instanceof Error ? cause.message : String(cause)
  const absent = /Cannot find (?:module|package) '([^']*)'/.exec(words)?.[1]
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
  const installed = absent === undefined ? isMissing(cause) && !code.endsWith('MODULE_NOT_FOUND') : BINARY.test(absent)
  return installed
    ? new Fault(
        'missing-library',
        `${what} the package ${library}, which is installed and not built for this platform: npm rebuild ${library}${more} (${words.split('\n', 1)[0]})`,
        { library, reason: 'not-built' },
        { cause },
      )
    : new Fault(
        'missing-library',
        `${what} the package ${library}: npm install ${library}${more}`,
        { library, reason: 'not-installed' },
        { cause },
      )
}
