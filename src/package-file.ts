/** Files that the package brings: pages, scenarios, programs of its own. Node only. */

import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

/** Where `path`, from the package's root, is here: the package finds itself by its own name, from source and from whatever was built of it. */
export function packageFile(path: string): string {
  return join(dirname(createRequire(import.meta.url).resolve('tapdip/package.json')), path)
}
