/** A file that cannot be read or written, told by its flag, its path and the rule, in both languages; the system's own words stay in the cause. */

import type { Fault, FaultCode } from './errors.ts'
import { usageFault } from './refusal.ts'

/** By the system's code (errno(3)); another one is told as it is. */
const rules = {
  ENOENT: { read: 'usage.file.missing', write: 'usage.file.nowhere' },
  ENOTDIR: { read: 'usage.file.missing', write: 'usage.file.nowhere' },
  EISDIR: { read: 'usage.file.directory', write: 'usage.file.directory' },
  EACCES: { read: 'usage.file.unreadable', write: 'usage.file.unwritable' },
  EPERM: { read: 'usage.file.unreadable', write: 'usage.file.unwritable' },
  EROFS: { read: 'usage.file.unreadable', write: 'usage.file.unwritable' },
  EEXIST: { read: 'usage.file.exists', write: 'usage.file.exists' },
  ENOSPC: { read: 'usage.read', write: 'usage.file.full' },
  EDQUOT: { read: 'usage.read', write: 'usage.file.full' },
  ENAMETOOLONG: { read: 'usage.file.noName', write: 'usage.file.noName' },
  ELOOP: { read: 'usage.file.noName', write: 'usage.file.noName' },
  ERR_INVALID_ARG_VALUE: { read: 'usage.file.noName', write: 'usage.file.noName' }, // Node’s, of a NUL in it
} as const

/** A book in SQLite, by `details.reason` of the Fault `journal` that opening it ended with. */
const books = {
  'not-found': 'usage.file.nowhere',
  'no-permission': 'usage.file.unwritable',
  corrupt: 'usage.file.damaged',
  locked: 'usage.file.locked',
  full: 'usage.file.full',
} as const

/** `field` is the flag or the argument that named the file. */
export function fileFault(field: string, path: string, cause: unknown, how: 'read' | 'write'): Fault {
  const code = path === '' ? 'ENAMETOOLONG' : String((cause as { code?: unknown } | undefined)?.code ?? 'EIO')
  const says = Object.hasOwn(rules, code) ? rules[code as keyof typeof rules][how] : (`usage.${how}` as const)
  return told(usageFault(says, { field, value: path, why: code }), cause)
}

/** The same for a book; one that is none, as a directory is, is told as a file that cannot be opened. What is no path at all is `bad-argument`. */
export function bookFault(field: string, path: string, cause: Fault, code: FaultCode): Fault {
  if (cause.code === 'bad-argument') return told(usageFault('usage.file.noName', { field, value: path }), cause)
  const reason = String(cause.details.reason)
  const says = Object.hasOwn(books, reason) ? books[reason as keyof typeof books] : 'usage.file.noBook'
  return told(usageFault(says, { field, value: path, reason }, code), cause)
}

/** The system's words, for whoever debugs. */
function told(fault: Fault, cause: unknown): Fault {
  return Object.assign(fault, { cause })
}
