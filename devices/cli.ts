#!/usr/bin/env node
/** The `tapdip` command: find readers, pay, decode, explain, send raw commands. */

import { run } from '../src/command/line.ts'
import { tapdipProgram } from './program.ts'

await run(await tapdipProgram(process.argv.slice(2)))
