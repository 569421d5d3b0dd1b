/** A scenario that must fail fails: every kind of expectation is held once and broken once, and what was is told. */

import { describe, expect, it } from 'vitest'
import type { ScenarioInput } from '../../../simulator/scenario/schema.ts'
import { only } from './bench.ts'

type Expected = NonNullable<ScenarioInput['expect']>

/** What holds, what does not, where it is told, and what was. */
const kinds: readonly (readonly [string, Omit<ScenarioInput, 'name'>, Expected, Expected, string, unknown])[] = [
  ['result', {}, { result: ['approved', 'declined'] }, { result: 'declined' }, 'expect.result', 'approved'],
  ['reason', {}, { reason: 'none' }, { reason: 'hostDeclined' }, 'expect.reason', 'none'],
  ['fault', { reader: { family: 'qpos', battery: 3 } }, { fault: 'low-battery' }, { fault: 'tampered' }, 'expect.fault', 'low-battery'],
  ['exit', { host: [{ do: 'decline', code: '51', reason: 'no' }] }, { exit: 10 }, { exit: 0 }, 'expect.exit', 10],
  ['interface', {}, { interface: 'chip' }, { interface: 'tap' }, 'expect.interface', 'chip'],
  ['cvm', {}, { cvm: 'onlinePin' }, { cvm: 'signature' }, 'expect.cvm', 'onlinePin'],
  ['application', { card: 'mir-maestro', person: { choose: 'MIR' } }, { application: 'MIR' }, { application: 'VISA' }, 'expect.application', 'MIR'],
  ['responseCode', {}, { responseCode: '00' }, { responseCode: '05' }, 'expect.responseCode', '00'],
  ['attempts', {}, { attempts: 1 }, { attempts: 2 }, 'expect.attempts', 1],
  ['online', {}, { online: true }, { online: false }, 'expect.online', true],
  ['reversal', { host: [{ do: 'wrongArpc' }] }, { reversal: 'done' }, { reversal: 'none' }, 'expect.reversal', 'done'],
  ['advice', {}, { advice: 'none' }, { advice: 'done' }, 'expect.advice', 'none'],
  ['a tag whole', {}, { tags: { '9F02': '000000250000' } }, { tags: { '9F02': '000000250001' } }, 'expect.tags.9F02', '000000250000'],
  ['a tag by mask', {}, { tags: { '9F02': '0000002xxxxx' } }, { tags: { '9F02': '1xxxxxxxxxxx' } }, 'expect.tags.9F02', '000000250000'],
  ['a tag that is not there', {}, { tags: { '9F7F': null } }, { tags: { '9F02': null } }, 'expect.tags.9F02', '000000250000'],
  ['a bit by name', {}, { bits: ['TVR.onlinePinEntered'] }, { bits: ['TVR.expired'] }, 'expect.bits.0', expect.stringMatching(/^not TVR\.expired \(TVR [0-9A-F]{10}\)$/)],
  ['a bit by its place', {}, { bits: ['not TVR.2.7'] }, { bits: ['not TVR.3.3'] }, 'expect.bits.0', expect.stringMatching(/^TVR\.onlinePinEntered/)],
  ['screens in order', {}, { screens: ['reader.presentCard', 'reader.enterPin'] }, { screens: ['reader.enterPin', 'reader.presentCard'] }, 'expect.screens', expect.arrayContaining([expect.stringMatching(/enterPin/)])],
  ['stages', {}, { stages: ['card', 'authorising'] }, { stages: ['reversing'] }, 'expect.stages', expect.arrayContaining(['authorising'])],
  ['the slip', {}, { receipt: { amount: '2500.00', pan: '220000*', change: null } }, { receipt: { amount: '2500.01' } }, 'expect.receipt.amount', '2500.00'],
  ['what the host is asked', {}, { host: ['authorisation'] }, { host: [] }, 'expect.host', expect.arrayContaining([expect.objectContaining({ type: 'authorisation' })])],
  ['facts of that', {}, { host: [{ type: 'authorisation', amount: 2500 }] }, { host: [{ type: 'authorisation', pin: 'wrong' }] }, 'expect.host', expect.anything()],
  ['the order', {}, { order: { state: 'Approved', charged: '2500.00' } }, { order: { state: 'Declined' } }, 'expect.order.state', 'Approved'],
  ['its sums', {}, { order: { charged: 2500 } }, { order: { charged: 1 } }, 'expect.order.charged', '2500.00'],
  ['the journal', {}, { journal: { state: 'Approved', open: 0, entries: ['payment approved'] } }, { journal: { open: 1 } }, 'expect.journal.open', 0],
  ['the firmware', {}, { firmware: '1.0.0' }, { firmware: '2.0.0' }, 'expect.firmware', '1.0.0'],
  ['the time it takes', {}, { within: 60_000 }, { within: 1 }, 'expect.within', expect.any(Number)],
  ['what never is shown', {}, { never: { screens: ['reader.declined'] } }, { never: { screens: ['reader.enterPin'] } }, 'expect.never.screens.0', expect.any(String)],
  ['a stage that never comes', {}, { never: { stages: ['reversing'] } }, { never: { stages: ['authorising'] } }, 'expect.never.stages.0', expect.anything()],
  ['what the host is never asked', {}, { never: { host: ['reversal'] } }, { never: { host: ['authorisation'] } }, 'expect.never.host.0', expect.anything()],
  ['a text that never appears', {}, { never: { text: ['nobody says this'] } }, { never: { text: ['TRANSACTION'] } }, 'expect.never.text.0', 'it appears'],
] // biome-ignore format: a table

describe('an expectation', () => {
  it.each(kinds)('%s: held, and broken', async (_, scenario, holds, breaks, path, was) => {
    const base = { card: 'mir', ...scenario } as const
    const good = await only({ ...base, expect: holds })
    expect([good.status, good.reason, good.fault]).toEqual(['passed', undefined, undefined])
    const bad = await only({ ...base, expect: breaks })
    expect(bad.status).toBe('failed')
    const broken = bad.expectations.filter(({ passed }) => !passed)
    expect(broken.map(one => one.path)).toContain(path)
    expect(broken.find(one => one.path === path)!.actual).toEqual(was)
    expect(bad.reason).toContain(path)
  })

  it('of a bit tells which rule set it, or what would', async () => {
    const expired = await only({ card: 'expired', expect: { bits: ['not TVR.expired'] } })
    expect(expired.expectations[0].explanation).toEqual([expect.stringMatching(/^set by Book 3, 10\.4\.3/)])
    const good = await only({ card: 'mir', expect: { bits: ['TVR.expired'], tags: { 95: '0000000000' } } })
    const of = (path: string) => good.expectations.find(one => one.path === path)?.explanation
    expect(of('expect.bits.0')).toEqual(['Book 3, 10.4.3: the application expired before today'])
    expect(of('expect.tags.95')).toContain('TVR.onlinePinEntered is set')
  })

  it('a fault that nobody expects fails the case, whatever else holds', async () => {
    const { status, expectations, steps } = await only({ reader: { family: 'qpos', battery: 3 }, expect: { host: [] } })
    expect(status).toBe('failed')
    expect(expectations.filter(({ passed }) => !passed)).toEqual([
      { path: 'steps.0', expected: 'no fault', actual: 'low-battery', passed: false, explanation: [expect.stringMatching(/battery/)] },
    ])
    expect(steps[0]).toMatchObject({ step: 'pay', exit: 1, fault: { code: 'low-battery' } })
  })
})
