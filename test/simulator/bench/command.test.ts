/** `tapdip-sim bench` as a user runs it: what it prints, what a program reads of it, how it ends. Needs `npm run build`. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { benchClient } from '../../../simulator/bench/client.ts'
import { start, tapdipSim } from '../../devices/commands/processes.ts'
import { ends } from '../../ends.ts'

it('--headless says where it is in one line of JSON, stands there with a counter of a file, and ends by a signal', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tapdip-bench-'))
  ends.push(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'counter.json')
  writeFileSync(
    file,
    JSON.stringify({ tapdip: 'counter', version: 1, readers: [{ family: 'miura', battery: 30 }], cards: [{ profile: 'mir' }], apps: [] }),
  )
  const running = start(tapdipSim, ['bench', '--headless', '--counter', file, '--lang', 'ru'])
  const told = JSON.parse((await running.says(/^(\{.*\})\n/))[1])
  expect(told).toEqual({
    url: `${told.origin}/#token=${told.token}`,
    origin: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
    token: expect.stringMatching(/^[0-9a-f]{32}$/),
    session: 's1',
  })
  const session = benchClient(told.url).session('s1')
  expect(await session.readers()).toMatchObject([{ family: 'miura', battery: { percent: 30 }, screen: { lines: ['ДОБРО ПОЖАЛОВАТЬ'] } }])
  expect(await session.cards()).toHaveLength(1)
  expect(await session.apps()).toEqual([])
  running.child.kill('SIGTERM')
  expect(await running.ended).toMatchObject({ code: 0, err: '' })
}, 60_000)

it('prints its address, where the readers are, and its acquirer; no browser is opened where there is no terminal', async () => {
  const running = start(tapdipSim, ['bench'])
  const [, url] = await running.says(
    /^bench: (\S+#token=\S+)\nr1: MPOS0000000001: tcp:\/\/127\.0\.0\.1:\d+\?family=qpos\nacquirer: http:\/\/127\.0\.0\.1:\d+\/\n/,
  )
  const page = await fetch(url)
  expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8'])
  expect(page.headers.get('content-security-policy')).toContain("default-src 'none'")
  running.child.kill('SIGINT')
  expect((await running.ended).code).toBe(0)
}, 60_000)
