/** Scenarios of TypeScript: what is run, what is told of it, and what is refused before anything runs. */

import { describe, expect, it } from 'vitest'
import { readerNames } from '../../../../simulator/scenario/schema-world.ts'
import { runScenario, type ScenarioReaderName, scenario } from '../../../../simulator/world.ts'
import type { Told } from '../../../../src/trace/event.ts'

/** A name that the type lacks, or has too much, does not compile; one that the package has and the type lacks fails below. */
const named: Readonly<Record<ScenarioReaderName, true>> = {
  ...{ qpos: true, bluepad: true, 'bluepad mped': true, miura: true, magtek: true, 'magtek v5': true, 'magtek mms': true, idtech: true },
}

const expired = { name: 'An expired card', card: 'expired', expect: { result: 'declined', bits: ['TVR.expired'] } } as const

describe('scenario and runScenario', () => {
  it('the readers of the type are those of the package', () => {
    expect(Object.keys(named).sort()).toEqual([...readerNames].sort())
  })

  it('a scenario is what it was', () => {
    const one = scenario({ name: 'A dip', card: 'mir' })
    expect(one).toEqual({ name: 'A dip', card: 'mir' })
  })

  it('passes with nothing that failed, its trace, its screens and its slip', async () => {
    const told: Told[] = []
    const tracer = { tell: (_: unknown, content: Told) => void told.push(content), span: () => () => {} }
    const { status, failures, trace, cases } = await runScenario(
      { ...expired, expect: { ...expired.expect, bits: ['TVR.expired'] } },
      { tracer },
    )
    expect([status, failures, cases.length]).toEqual(['passed', [], 1])
    const kinds = (events: readonly { readonly kind: string }[]) => events.map(({ kind }) => kind).filter(kind => !kind.startsWith('span'))
    const heard = kinds(trace!.events) // to the end of the last step; the tracer hears the counter close, too
    expect(kinds(told).slice(0, heard.length)).toEqual(heard)
    expect(kinds(told)).toContain('apdu')
    expect(cases[0].screens.length).toBeGreaterThan(2)
    expect(cases[0].receipt).toMatchObject({ result: 'declined' })
  })

  it('tells each thing that did not hold, by case and path, with the rule behind a bit', async () => {
    const { status, failures, trace } = await runScenario({
      name: 'A dip',
      matrix: { card: ['mir', 'expired'] },
      expect: { result: 'approved', bits: ['not TVR.expired'] },
    })
    expect(status).toBe('failed')
    expect(failures.map(one => [one.case, one.path, one.actual])).toEqual([
      ['A dip [expired]', 'expect.result', 'declined'],
      ['A dip [expired]', 'expect.bits.0', expect.stringMatching(/^TVR\.expired/)],
    ])
    expect(failures[1].explanation?.join()).toMatch(/set by/)
    expect(trace?.header.card).toBe('expired') // of the case that failed
  })

  it('is the same for the same seed', async () => {
    const traces = async (seed: number) => JSON.stringify((await runScenario({ name: 'x', card: 'mir' }, { seed })).trace?.events)
    const [one, again, other] = [await traces(7), await traces(7), await traces(8)]
    expect(again).toBe(one)
    expect(other).not.toBe(one)
  })

  it('runs on a socket too', { timeout: 60_000 }, async () => {
    const { status, trace } = await runScenario(
      { name: 'x', reader: 'miura', card: 'mir', expect: { result: 'approved' } },
      { over: 'tcp' },
    )
    expect([status, trace?.header.clock]).toEqual(['passed', 'system'])
  })

  it('that was ended is skipped, and one whose card is none is told', async () => {
    expect(await runScenario({ name: 'x' }, { signal: AbortSignal.abort() })).toMatchObject({ status: 'skipped', failures: [] })
    const { status, failures } = await runScenario({ name: 'x', card: { profile: 'mir', with: { pan: '1' } } })
    expect([status, failures[0]]).toEqual(['failed', expect.objectContaining({ case: 'x', path: '(case)', actual: 'bad-config' })])
  })

  it.each([
    ['a card that nobody has', { card: 'mri' }, /card: 'mri'.*did you mean 'mir'/],
    ['a field that is none', { raeder: 'qpos' }, /raeder.*did you mean 'reader'/],
    ['a wrong kind', { expect: { attempts: 'two' } }, /expect\.attempts: 'two', it takes a number/],
    ['a matrix that is none', { matrix: 5 }, /matrix/],
    ['variants that are none', { variants: 5 }, /variants/],
  ])('refuses %s before anything runs, with its path', async (_, fields, says) => {
    await expect(runScenario({ name: 'x', ...fields } as never)).rejects.toMatchObject({
      ...{ name: 'Fault', code: 'bad-config', message: expect.stringMatching(says) },
    })
  })

  it.each([
    [() => scenario({} as never), 'definition.name'],
    [() => runScenario({ name: '' }), 'definition.name'],
    [() => runScenario({ name: 'x' }, { over: 'radio' } as never), 'options.over'],
    [() => runScenario({ name: 'x' }, { seed: -1 }), 'options.seed'],
    [() => runScenario({ name: 'x' }, { signal: true } as never), 'options.signal'],
    [() => runScenario({ name: 'x' }, { tracer: {} } as never), 'options.tracer'],
  ])('%s', async (work, field) => {
    await expect((async () => work())()).rejects.toMatchObject({ code: 'bad-argument', details: { field } })
  })
})
