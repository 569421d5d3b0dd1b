/** Lines that a program writes beside its work: when they are on the disk, and what a disk that fails costs. */

import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { lineFile } from '../../src/line-file.ts'

const folder = mkdtempSync(join(tmpdir(), 'tapdip-lines-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const place = (name: string) => join(folder, name)
const options = { option: '--record', onFailure: (what: string) => expect.fail(what) }
const turn = () => new Promise(resolve => setImmediate(resolve))

describe('a file of lines', () => {
  it('has those of a turn of the event loop when the turn is over, in their order', async () => {
    const file = place('turn')
    const write = lineFile(file, options)
    write('one')
    write('two')
    expect(readFileSync(file, 'utf8')).toBe('')
    await turn()
    expect(readFileSync(file, 'utf8')).toBe('one\ntwo\n')
    write('three')
    await turn()
    expect(readFileSync(file, 'utf8')).toBe('one\ntwo\nthree\n')
    expect(statSync(file).mode & 0o777).toBe(0o600)
  })

  it('has each at once where it is asked to', () => {
    const file = place('each')
    const write = lineFile(file, { ...options, each: true })
    write('one')
    expect(readFileSync(file, 'utf8')).toBe('one\n')
    write('two')
    expect(readFileSync(file, 'utf8')).toBe('one\ntwo\n')
  })

  it('has those that wait when it is flushed, once, and early when there are many', async () => {
    const file = place('flush')
    const write = lineFile(file, options)
    write('one')
    write.flush()
    expect(readFileSync(file, 'utf8')).toBe('one\n')
    await turn()
    expect(readFileSync(file, 'utf8')).toBe('one\n')
    const long = 'x'.repeat(1 << 16)
    write(long)
    expect(readFileSync(file, 'utf8')).toBe(`one\n${long}\n`)
  })

  it('overwrites nothing unasked', async () => {
    const file = place('there')
    const write = lineFile(file, options)
    write('one')
    await turn()
    expect(() => lineFile(file, options)).toThrow(/there already|exists/)
    lineFile(file, { ...options, overwrite: true })
    expect(readFileSync(file, 'utf8')).toBe('')
  })

  it.skipIf(process.platform !== 'linux')('on a disk that is full tells once, and takes the rest without a word', async () => {
    const told: string[] = []
    const write = lineFile('/dev/full', { option: '--trace', onFailure: what => told.push(what) })
    write('one')
    await turn()
    write('two')
    await turn()
    expect(told).toEqual([expect.stringMatching(/^--trace \/dev\/full: ENOSPC.*; nothing more is written there$/)])
  })
})
