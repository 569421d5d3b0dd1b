/** A client that a public generator makes of the OpenAPI document pays with a wrong PIN, pulls the card, reads the screen and downloads the picture. */

import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generate } from 'openapi-typescript-codegen'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { currency, httpAcquirer, open, pay } from '../../../devices/index.ts'
import { type RunningBench, startBench } from '../../../simulator/bench/bench.ts'
import { asking } from './client.ts'

let bench: RunningBench
let folder: string
beforeAll(async () => {
  bench = await startBench()
  folder = mkdtempSync(join(tmpdir(), 'tapdip-generated-'))
})
afterAll(async () => {
  await bench.close()
  rmSync(folder, { recursive: true, force: true })
})

it('pays with a wrong PIN, pulls the card, reads the screen, downloads the picture', async () => {
  const document = (await asking(bench)('GET', '/api/openapi.json')).json
  writeFileSync(join(folder, 'openapi.json'), JSON.stringify(document))
  await generate({ input: join(folder, 'openapi.json'), output: join(folder, 'client'), httpClient: 'fetch' as never, useUnionTypes: true })
  const { OpenAPI, ...services } = await import(join(folder, 'client', 'index.ts'))
  OpenAPI.BASE = bench.origin
  OpenAPI.TOKEN = bench.token
  expect(readdirSync(join(folder, 'client', 'models'))).toEqual(expect.arrayContaining(['Reader.ts', 'Card.ts', 'Bank.ts']))
  const { ReadersService: readers, CardsService: cards, BankService: bank } = services
  const all = (await cards.listCards('s1')) as readonly { id: string; profile: string }[]
  const card = all.find(({ profile }) => profile === 'mir')!.id
  const { uri } = await readers.getReader('s1', 'r1')
  const reader = await open(uri)
  const order = { number: '1', amount: 2500_00n, currency: currency('RUB') }
  const merchant = { name: 'MobileTestMerchant', id: '635459020000001', terminal: '63545902' }
  const paid = pay(order, { reader, acquirer: httpAcquirer((await bank.getBank('s1')).url), merchant })
  await readers.waitForReader('s1', 'r1', { message: 'reader.presentCard' })
  await readers.insertCard('s1', 'r1', { card })
  expect((await readers.waitForReader('s1', 'r1', { message: 'reader.enterPin' })).screen.lines).toEqual(['ENTER PIN:'])
  await readers.pressKeys('s1', 'r1', { keys: ['9', '9', '9', '9', 'enter'] })
  expect((await paid).result).toBe('declined')
  expect((await readers.getReader('s1', 'r1')).screen.message).toBe('reader.declined')
  expect((await readers.pullCard('s1', 'r1')).slot).toBeNull()
  expect((await bank.getBank('s1')).requests[0]).toMatchObject({ code: '55', cvm: 'onlinePin' })
  const picture = await readers.screenSvg('s1', 'r1', 3)
  expect(picture).toContain('<svg')
  await reader.close()
  const failed = await readers
    .turnKnob('s1', 'r1', { line: 'battery x' })
    .catch((error: { status: number; body: { error: object } }) => error)
  expect(failed).toMatchObject({ status: 400, body: { error: { field: 'knob', value: 'x' } } })
}, 60_000)
