/** Every row of the guide on the bench's page, in Debian's Chromium and in both languages: the same scenes and words as in this process. Needs `npm run build`. */

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startBench } from '../../../../simulator/bench/bench.ts'
import type { Language } from '../../../../src/messages/messages.ts'
import { missing, type Seen } from '../../../devices/commands/mpos-words.ts'
import { root } from '../../../devices/commands/processes.ts'
import { noBrowser, type Opened, Pages } from '../../scenario/report/browser.ts'
import { onPage, phonePage } from './on-page.ts'
import { played } from './scenes.ts'
import { screenReason, screenRows } from './screen-words.ts'

const built = existsSync(join(root, 'dist/simulator/bench/web/index.html'))
const qpos = { name: 'qpos', family: 'qpos' }
const rows = screenRows.filter(row => screenReason(row, qpos) === undefined)

/** What stands for no time, because the bank of a session gives and takes back codes at once: in this process each screen is looked at. */
const tooQuick = ['app.sbpWait', 'app.sbpTakingBack']

describe.skipIf(noBrowser || !built).each(['en', 'ru'] as const)('on the page, in %s', (lang: Language) => {
  const pages = new Pages()
  let bench: Awaited<ReturnType<typeof startBench>>
  let opened: Opened
  const plays = new Map<string, Promise<Seen>>()
  const seen = (scene: string): Promise<Seen> => {
    const play = plays.get(scene) ?? played(scene, onPage(bench, opened.page, lang))
    plays.set(scene, play)
    return play
  }

  beforeAll(async () => {
    bench = await startBench({ session: false })
    opened = await pages.open('about:blank', { offline: false }, 'html')
    await phonePage(opened.page, bench)
  })
  afterAll(async () => {
    await pages.close()
    await bench?.close()
  })

  it.each(rows)('row $row ($scene)', async row => {
    const said = await seen(row.scene)
    const { never = [] } = row
    expect(missing(never, said, lang), 'what must not be said').toEqual(never.map(([id]) => id))
    expect(
      missing(
        row.words.filter(([id]) => !tooQuick.includes(id)),
        said,
        lang,
      ),
      `${said.app}\n--- reader\n${said.reader}`,
    ).toEqual([])
  })

  it('the console has no error', () => {
    expect(opened.complaints).toEqual([])
  })
})
