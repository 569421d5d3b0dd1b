/** Where a reader, or a printer, is: an address on the command line. */

import { isFault } from '../../src/errors.ts'
import { usageFault } from '../../src/refusal.ts'
import { parseUri, uriForms } from '../../src/transport/uri.ts'

/** For commander's parsers: the address as it was given. @throws Fault `bad-uri` that names the flag */
export function readerUri(field: string): (text: string) => string {
  return text => {
    try {
      return parseUri(text).uri
    } catch (error) {
      if (!isFault(error, 'bad-uri')) throw error
      throw usageFault('usage.uri', { field, value: text, allowed: Object.values(uriForms).join(' · ') }, 'bad-uri')
    }
  }
}
