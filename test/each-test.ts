/** Before each file of tests, also where a process runs several: there a module of helpers is loaded once, and a hook of its own would be the first file's alone. */

import { afterEach } from 'vitest'
import { undone } from './ends.ts'

afterEach(undone)
