#!/usr/bin/env node
/** The `tapdip-sim` command: virtual readers, a virtual acquirer, and the demonstration. */

import { run } from '../src/command/line.ts'
import { simulatorProgram } from './program.ts'

await run(await simulatorProgram(process.argv.slice(2)))
