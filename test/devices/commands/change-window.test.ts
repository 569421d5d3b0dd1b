/** «Подсчёт сдачи»: the change is there while the sum is typed, key by key, and too little is said in the merchant's language. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type AcquirerHost, startAcquirer } from '../../../simulator/world.ts'
import { atTerminal, typedIn } from './at-terminal.ts'

let state: string
let host: AcquirerHost
beforeEach(async () => {
  state = mkdtempSync(join(tmpdir(), 'tapdip-change-'))
  host = await startAcquirer()
  await atTerminal(['order', 'new', '8.08', '--number', '1'], { state }).ended
})
afterEach(async () => {
  await host.close()
  rmSync(state, { recursive: true, force: true })
})
const cash = (...more: string[]) => ['order', 'pay', '1', '--method', 'cash', '--acquirer', host.url, ...more]

describe.each([
  ['ru', 'Сдача: ', ' руб.', '! 5.00 руб. меньше суммы заказа: 8.08 руб.', '5.00 RUB меньше суммы заказа: 8.08 RUB'],
  ['en', 'Change: ', ' RUB', '! 5.00 RUB is less than the order: 8.08 RUB', '5.00 RUB is less than the order: 8.08 RUB'],
] as const)('--lang %s', (lang, change, unit, less, refused) => {
  it('appears as the sum is typed, a key at a time; too little is refused and typed again', async () => {
    const shown = atTerminal(cash('--lang', lang), { state })
    await shown.says(`${change}0.00${unit}`) // as the guide's window opens: the sum of the order, and no change
    shown.keys('5')
    await shown.says(/5 {3}\S+ 0\.00/)
    shown.keys('0')
    await shown.says(`50   ${change}41.92${unit}`)
    shown.keys('\x7f')
    await shown.says(/5 {3}\S+ 0\.00/)
    shown.keys('\r')
    await shown.says(less)
    shown.keys('10')
    await shown.says(`10   ${change}1.92${unit}`)
    shown.keys('.5')
    await shown.says(`10.5   ${change}2.42${unit}`)
    shown.keys('\r')
    const { code, err } = await shown.ended
    expect(code, err).toBe(0)
    expect(err.slice(err.lastIndexOf('\x1b[K'))).toContain(`${change}2.42${unit}`)
    expect(host.order('1')).toMatchObject({ state: 'Approved' })
  })

  it('the cross, Ctrl-D and Ctrl-C end it: nothing is paid', async () => {
    for (const end of ['x\r', '\x04']) {
      const shown = atTerminal(cash('--lang', lang), { state })
      await shown.says(`${change}0.00`)
      shown.keys(end)
      expect((await shown.ended).code).toBe(12)
    }
    const shown = atTerminal(cash('--lang', lang), { state })
    await shown.says(`${change}0.00`)
    shown.interrupt()
    expect((await shown.ended).code).toBe(12)
    expect(host.orders).toEqual([])
  })

  it('--received that is too little, and what a script types', async () => {
    const flag = await typedIn(cash('--received', '5', '--lang', lang), [], { state })
    expect(flag).toMatchObject({ code: 2, err: expect.stringContaining(refused) })
    const typed = await typedIn(cash('--lang', lang), ['5', '10'], { state })
    expect(typed.code, typed.err).toBe(0)
    expect(typed.err).toContain(less)
    expect(typed.err).toContain(`${change}1.92${unit}`)
  })
})
