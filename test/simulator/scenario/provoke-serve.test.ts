/** The counter of a recipe for somebody else's app: real processes, and `tapdip pay` is the app. Needs `npm run build`. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { partsOf } from '../../../simulator/scenario/over/served.ts'
import { type ProvokeCode, provokeCodes, recipeOf } from '../../../simulator/scenario/provoke.ts'
import { start, tapdip, tapdipSim } from '../../devices/commands/processes.ts'

const state = mkdtempSync(join(tmpdir(), 'tapdip-provoke-'))
process.env.TAPDIP_STATE = state
afterAll(() => rmSync(state, { recursive: true, force: true }))

interface Told {
  readonly reader: string
  readonly acquirer: string
  readonly app: readonly string[]
  readonly pay?: readonly string[]
}

async function served(code: string, ...more: readonly string[]) {
  const counter = start(tapdipSim, ['provoke', code, '--serve', ...more], undefined, { open: true })
  return counter
}

/** Pays as it is told to: what `tapdip pay --json` says, and how it exits. */
async function paid(words: readonly string[]) {
  const { code, out, err } = await start(tapdip, [...words, '--json']).ended
  return { code, said: JSON.parse(out || err) as Record<string, unknown> }
}

async function end(counter: Awaited<ReturnType<typeof served>>) {
  counter.child.kill('SIGINT')
  expect((await counter.ended).code).toBe(0)
}

describe('provoke --serve', { timeout: 120_000 }, () => {
  it.each<[code: string, more: readonly string[], exit: number, said: object]>([
    ['cardRemoved', ['--family', 'miura'], 12, { reason: 'cardRemoved' }],
    ['linkLost', ['--family', 'magtek', '--dialect', 'mms'], 12, { reason: 'linkLost' }],
    ['unableToGoOnline', ['--family', 'idtech'], 10, { reason: 'unableToGoOnline' }],
    ['busy', ['--family', 'bluepad'], 1, { error: expect.objectContaining({ code: 'busy' }) }],
    ['otherApplication', [], 12, { reason: 'otherApplication' }],
  ])('%s: tapdip pay ends so', async (code, more, exit, said) => {
    const counter = await served(code, '--json', ...more)
    const [json] = await counter.says(/^\{[\s\S]*^\}/m)
    const { pay = [], app } = JSON.parse(json) as Told
    expect(app[0]).toMatch(/^pay 2500\.00 RUB/)
    expect(pay.slice(0, 3)).toEqual(['npx', 'tapdip', 'pay'])
    expect(await paid(pay.slice(2))).toMatchObject({ code: exit, said })
    await end(counter)
  })

  it('tells in Russian what to pay and where, shows the display, and ends so each time', async () => {
    const counter = await served('cardRemoved', '--lang', 'ru')
    const [, uri] = await counter.says(/картридер: (tcp:\S+)/)
    const [, host] = await counter.says(/эквайер: (http:\S+)/)
    await counter.says(/ваше приложение: pay 2500\.00 RUB/)
    await counter.says(/исход: cardRemoved \(карта извлечена\)/)
    const words = ['pay', '2500.00', '--currency', 'RUB', '--reader', uri, '--acquirer', host]
    for (const _ of ['first', 'again']) {
      expect(await paid(words)).toMatchObject({ code: 12, said: { reason: 'cardRemoved' } })
      await counter.says(/готово к следующей оплате/)
    }
    await end(counter)
    expect((await counter.ended).out).toMatch(/^\| ДОБРО ПОЖАЛОВАТЬ \|$/m)
  })
})

it('every recipe can be served; what is the app’s is told', () => {
  const planOf = (code: string) => recipeOf(provokeCodes.find(one => one.code === code)!).can[0].plan
  for (const one of provokeCodes) for (const { plan } of recipeOf(one as ProvokeCode).can) expect(partsOf(plan).app).not.toEqual([])
  expect(partsOf(planOf('cardRemoved'))).toMatchObject({ app: ['pay 2500.00 RUB'], pay: ['2500.00', '--currency', 'RUB'] })
  expect(partsOf(planOf('journalFailed')).app).toEqual(['pay 2500.00 RUB', 'diskFull, at { journal: answered }'])
  expect(partsOf(planOf('interrupted')).app).toEqual(['pay 2500.00 RUB', 'sync', 'kill, at { journal: answered }'])
  expect(partsOf(planOf('journal')).app).toEqual(['diskFull', 'pay 2500.00 RUB'])
  expect(partsOf(planOf('nobodyAnswered'))).toEqual({ app: ['pay 2500.00 RUB', 'sign: nobody'], before: [], faults: [] })
  expect(partsOf(planOf('aborted'))).toMatchObject({
    app: ['update to 2.0.0', 'abort, at { update: 13 }'],
    before: [{ knob: 'charging on' }],
  })
  expect(() => partsOf({ name: 'x', faults: [{ at: { stage: 'authorising' }, do: 'cut' }] })).toThrow(
    /not for another app: .*stage: authorising/,
  )
  expect(() => partsOf({ name: 'x', steps: [{ pay: {} }, { knob: 'charging on' }] })).toThrow(
    /after the app has begun it has the step knob/,
  )
})
