/** Every file that a command reads or writes: what is wrong with it is told with the flag, the path and the rule, in both languages and never in the system's words. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { VirtualClock } from '../../../src/clock.ts'
import { fileFault } from '../../../src/file-fault.ts'
import { faultMessage } from '../../../src/messages/messages.ts'
import { longJournal, spoil } from '../../payment/journal/long-journal.ts'
import { line, type Name } from './line.ts'

const folder = mkdtempSync(join(tmpdir(), 'tapdip-files-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const at = (name: string) => join(folder, name)
mkdirSync(at('directory'))
writeFileSync(at('there'), 'somebody’s')

const bank = ['--acquirer', 'http://127.0.0.1:1']
const pay = ['pay', '1.00', '--currency', 'RUB', ...bank]
const nowhere = at('none/x')
const reads = ['there is no file', 'нет файла'] as const
const writes = ['there is no directory for', 'нет папки для'] as const
const folders = ['is a directory', '— папка'] as const
const exists = ['is there already; --overwrite', 'уже есть; --overwrite'] as const

const rows: readonly (readonly [program: Name, words: readonly string[], flag: string, path: string, said: readonly [string, string]])[] = [
  ['tapdip', ['update', 'tcp://127.0.0.1:1?family=qpos', nowhere], '<image>', nowhere, reads],
  ['tapdip', ['update', 'tcp://127.0.0.1:1?family=qpos', at('directory')], '<image>', at('directory'), folders],
  ['tapdip', [...pay, '--config', nowhere], '--config', nowhere, reads],
  ['tapdip', [...pay, '--contactless', at('directory')], '--contactless', at('directory'), folders],
  ['tapdip', [...pay, '--iso-dialect', nowhere, '--acquirer', 'iso8583://127.0.0.1:1'], '--iso-dialect', nowhere, reads],
  ['tapdip', [...pay, '--trace', nowhere], '--trace', nowhere, writes],
  ['tapdip', [...pay, '--trace', at('directory')], '--trace', at('directory'), folders],
  ['tapdip', [...pay, '--trace', at('there')], '--trace', at('there'), exists],
  ['tapdip', ['explain', nowhere], '<file>', nowhere, reads],
  ['tapdip', ['keys', 'check', '--key', `@${nowhere}`], '--key', nowhere, reads],
  ['tapdip', ['order', 'list', '--journal', nowhere], '--journal', nowhere, writes],
  ['tapdip', ['order', 'list', '--journal', at('directory')], '--journal', at('directory'), ['cannot be opened as a file', 'не открывается как файл']],
  ['tapdip-sim', ['image', 'qpos', '2.0.0', nowhere], '<file>', nowhere, writes],
  ['tapdip-sim', ['image', 'qpos', '2.0.0', at('directory')], '<file>', at('directory'), folders],
  ['tapdip-sim', ['serve', 'qpos', '--config', nowhere], '--config', nowhere, reads],
  ['tapdip-sim', ['serve', 'qpos', '--explain', at('there')], '--explain', at('there'), exists],
  ['tapdip-sim', ['acquirer', '--port', '0', '--state', nowhere], '--state', nowhere, writes],
  ['tapdip-sim', ['acquirer', '--port', '0', '--state', at('there')], '--state', at('there'), ['damaged or no database', 'повреждён или не база данных']],
] // biome-ignore format: a table

it.each(rows)('%s %o: %s', async (program, words, flag, path, said) => {
  for (const [index, lang] of (['en', 'ru'] as const).entries()) {
    const { err, code } = await line(program, [...words, '--lang', lang])
    for (const part of [flag, path, said[index]]) expect(err).toContain(part)
    expect(err).not.toMatch(/\bE[A-Z]{4,}\b|no such file|illegal operation|acquirer’s state|\n\s+at /)
    expect(code).toBe(flag === '--journal' ? 1 : 2)
  }
})

it.each([
  ['EACCES', 'read', 'may not be read', 'нет прав на чтение'],
  ['EROFS', 'write', 'may not be written', 'нет прав на запись'],
  ['ENOSPC', 'write', 'no room on the disk', 'нет места'],
  ['ENOTDIR', 'write', 'no directory', 'нет папки'],
  ['EIO', 'read', 'cannot be read: EIO', 'не удаётся прочитать'],
] as const)('%s at a %s', (code, how, en, ru) => {
  const fault = fileFault('--config', '/a/b', Object.assign(new Error('the system’s words'), { code }), how)
  expect(faultMessage(fault, 'en')).toContain(en)
  expect(faultMessage(fault, 'ru')).toContain(ru)
  for (const lang of ['en', 'ru'] as const) {
    expect(faultMessage(fault, lang)).toMatch(/--config.*\/a\/b/)
    expect(faultMessage(fault, lang)).not.toContain('system')
  }
  expect(fault.cause).toMatchObject({ code })
})

describe('a long journal', () => {
  it('`order list` shows a page and says how the next one is asked for', async () => {
    const { path } = await longJournal(5, new VirtualClock(Date.now()))
    const list = (...words: readonly string[]) => line('tapdip', ['order', 'list', '--journal', path, ...words])
    const first = await list('--limit', '3')
    expect(first).toMatchObject({ code: 0, out: expect.stringMatching(/^FIRST .*\nOLD-1 .*\nOLD-2 .*\n$/) })
    expect(first.err).toContain('--after OLD-2')
    const last = await list('--limit', '3', '--after', 'OLD-2', '--json')
    expect(JSON.parse(last.out).map(({ number }: { number: string }) => number)).toEqual(['OLD-3', 'OLD-4', 'OLD-5'])
    expect(last.err).toBe('')
    expect(await list('--after', 'NOBODY')).toMatchObject({ code: 1, err: expect.stringContaining('NOBODY') })
  })

  it('a file of an older version gets its indexes, and `order repair` looks at every row', async () => {
    const { path, write } = await longJournal(1100, new VirtualClock(Date.now()))
    await write(
      'DROP TABLE IF EXISTS looks',
      'DROP INDEX IF EXISTS orders_created',
      'DROP INDEX IF EXISTS orders_unsettled',
      'DROP INDEX IF EXISTS notices_untold',
    )
    expect((await line('tapdip', ['order', 'list', '--journal', path, '--limit', '1'])).out).toMatch(/^FIRST /)
    await write(spoil('OLD-1050'))
    expect(await line('tapdip', ['order', 'list', '--journal', path, '--limit', '1'])).toMatchObject({ code: 0 })
    const { code, out } = await line('tapdip', ['order', 'repair', '--journal', path])
    expect([code, out]).toEqual([0, expect.stringMatching(/^mended: entries k-1050 facts /)])
  })
})
