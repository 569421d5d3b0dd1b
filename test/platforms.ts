/**
 * What the source says of platforms (`imports` of package.json), taken from the source too. No condition does it: Vitest would hand it to Node,
 * and what is built and imported beside the source would ask for TypeScript.
 */

import { fileURLToPath } from 'node:url'

const file = (path: string) => fileURLToPath(new URL(`../${path}`, import.meta.url))

export const platforms = [
  { find: /^#platform\/(.+)$/, replacement: file('src/platform/node/$1.ts') },
  { find: /^#drivers\/(.+)$/, replacement: file('devices/drivers/node/$1.ts') },
]
