/** Whose words an answer is in, loaded when an opening has failed: it brings the anatomy of every family. */

import type { asAnother as here } from '../../wrong-family.ts'

export const asAnother = async (...args: Parameters<typeof here>): Promise<ReturnType<typeof here>> =>
  (await import('../../wrong-family.ts')).asAnother(...args)
