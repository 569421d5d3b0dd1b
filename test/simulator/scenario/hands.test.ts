/** A robot at a reader that is there: each deed of a scenario's person is a request, and what it cannot do ends the case. Needs `npm run build`. */

import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, describe, expect, it } from 'vitest'
import { open } from '../../../devices/index.ts'
import type { Key, PlasticCard } from '../../../simulator/readers/body/senses.ts'
import type { HandsRequest } from '../../../simulator/scenario/rig/hands.ts'
import { listen, loadCard, VirtualPhone, virtualReader } from '../../../simulator/world.ts'
import { only, place } from './bench.ts'

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

/** A reader on TCP, and a robot that does at its body what it is asked: `spoilt` answers in its place, where it says something. */
async function bench(family: string, spoilt: (request: HandsRequest) => number | 'silence' | undefined = () => undefined) {
  const device = virtualReader({ family, resultTime: 0 })
  const { body } = device
  const listening = await listen('tcp:0', link => device.serve(link))
  const asked: HandsRequest[] = []
  const cards = new Map<string, PlasticCard>()
  const held = (name: string, phone = false): PlasticCard => {
    const card = cards.get(name) ?? (phone ? new VirtualPhone(loadCard(name), { locked: true }) : loadCard(name.replace(' (changed)', '')))
    cards.set(name, card)
    return card
  }
  const act = (request: HandsRequest): void => {
    if (request.deed === 'insert') body.insert(held(request.card), { wrongWay: request.wrongWay === true })
    else if (request.deed === 'remove') body.pull()
    else if (request.deed === 'tap') body.tap(held(request.card, request.phone))
    else if (request.deed === 'leave') body.leave()
    else if (request.deed === 'swipe') body.swipe(held(request.card))
    else if (request.deed === 'unlock') held(request.card, true).unlock?.()
    else if (request.deed === 'press') body.press(request.key)
    else {
      const { choose } = request
      const labels = body.screen.lines.slice(1).map(line => line.replace(/^\d /, ''))
      body.press(String((typeof choose === 'string' ? labels.indexOf(choose) : choose) + 1) as Key)
    }
  }
  const robot = createServer(async (request, response) => {
    const said = JSON.parse(Buffer.concat(await request.toArray()).toString()) as HandsRequest
    asked.push(said)
    const instead = spoilt(said)
    if (instead === 'silence') return
    if (instead === undefined) act(said)
    response.writeHead(instead ?? 204).end(instead === undefined ? undefined : 'the arm is stuck')
  })
  await new Promise<void>(ready => robot.listen(0, '127.0.0.1', ready))
  closing.push(
    () => device.close(),
    () => listening.close(),
    () => {
      robot.closeAllConnections()
      return new Promise(done => robot.close(done))
    },
  )
  const uri = `${listening.uri}?family=${family}`
  const url = `http://127.0.0.1:${(robot.address() as AddressInfo).port}/hands`
  const rig = {
    uri,
    open: () => open(uri),
    lead: async () => expect.fail('nobody is led where a robot stands'),
    hands: { url, timeout: 2000 },
  }
  const deeds = () => asked.map(({ tapdip: _, format: __, case: ___, step: ____, ...deed }) => deed)
  return { uri, url, rig, asked, deeds, body }
}

/** The command in a process of its own. */
const simulate = (...words: readonly string[]) =>
  promisify(execFile)(process.execPath, [resolve('dist/simulator/cli.js'), ...words], {
    env: { ...process.env, LC_ALL: 'C' },
    timeout: 100_000,
  })

const pin = (...keys: readonly string[]) => [...keys, 'enter'].map(key => ({ deed: 'press', key }))

describe('a robot', { timeout: 120_000 }, () => {
  it('dips the card, chooses, types the PIN and takes the card out, as the display asks', async () => {
    const { rig, asked, deeds, body } = await bench('miura')
    const { status, reason, trace } = await only(
      {
        card: 'mir-maestro',
        person: { choose: 'MIR', pins: ['1234'] },
        expect: { result: 'approved', application: 'MIR', cvm: 'onlinePin' },
      },
      { rig },
    )
    expect([status, reason]).toEqual(['passed', undefined])
    expect(deeds()).toEqual([
      { deed: 'insert', card: 'mir-maestro' },
      { deed: 'choose', choose: 'MIR' },
      ...pin('1', '2', '3', '4'),
      { deed: 'remove' },
    ])
    expect(asked[0]).toEqual({ tapdip: 'hands', format: 1, case: 'a case', step: 0, deed: 'insert', card: 'mir-maestro' })
    expect(body.cardInSlot).toBe(false)
    expect(JSON.stringify(trace)).not.toContain('"deed"')
  })

  it('is named by the scenario too; the one of the command wins', async () => {
    const [own, other] = [await bench('miura'), await bench('miura')]
    const { hands: _, ...led } = own.rig
    const plan = { card: 'mir', hands: own.url, expect: { result: 'approved' } } as const
    expect(await only(plan, { rig: led })).toMatchObject({ status: 'passed' })
    expect(own.deeds()[0]).toEqual({ deed: 'insert', card: 'mir' })
    expect(await only({ ...plan, hands: 'http://127.0.0.1:9/nobody' }, { rig: other.rig })).toMatchObject({ status: 'passed' })
    expect(other.deeds()).toEqual(own.deeds())
    await expect(only({ ...plan, hands: 'ftp://robot' })).rejects.toThrow(/hands.*http:\/\/host:port\/path/)
    await expect(only({ ...plan, hands: 'http://me:secret@robot' })).rejects.toThrow(/hands/)
  })

  it.each(['qpos', 'bluepad', 'miura', 'magtek', 'idtech'])('pays at a %s by chip, tap and phone, one after another', async family => {
    const { rig, deeds, body } = await bench(family)
    const { status, reason } = await only(
      {
        people: [
          { card: 'visa-signature', person: 'dip' },
          { card: 'mir', person: 'tap' },
          { card: 'mastercard', person: { phone: true } },
        ],
        amount: 900,
        steps: [{ pay: {} }, { pay: {} }, { pay: {} }],
        app: { sign: true },
        expect: { result: 'approved' },
      },
      { rig },
    )
    expect([status, reason]).toEqual(['passed', undefined])
    expect(deeds()).toEqual([
      { deed: 'insert', card: 'visa-signature' },
      { deed: 'remove' },
      { deed: 'tap', card: 'mir' },
      { deed: 'leave' },
      { deed: 'unlock', card: 'mastercard' },
      { deed: 'tap', card: 'mastercard', phone: true },
      { deed: 'leave' },
    ])
    expect([body.cardInSlot, body.cardsInField]).toEqual([false, 0])
  })

  it.each([
    ['that says it could not', 500, 'reader-error', /answered 500 to 'press'$/],
    ['that says nothing', 'silence', 'timeout', /robot/],
  ] as const)('%s ends the case with that, tells no key, and is asked nothing more', async (_, answer, code, words) => {
    const { rig, deeds } = await bench('miura', ({ deed }) => (deed === 'press' ? answer : undefined))
    const result = await only({ card: 'mir', person: { pins: ['7391'] } }, { rig })
    expect([result.status, result.steps[0]?.fault?.code]).toEqual(['failed', code])
    expect(result.steps[0]?.fault?.message).toMatch(words)
    expect(deeds()).toEqual([
      { deed: 'insert', card: 'mir' },
      { deed: 'press', key: '7' },
    ])
    expect(JSON.stringify(result)).not.toMatch(/7391|the arm is stuck/)
  })

  it('that is not there is host-unreachable, with its address', async () => {
    const { rig } = await bench('miura')
    const gone = createServer().listen(0, '127.0.0.1')
    await once(gone, 'listening')
    const url = `http://127.0.0.1:${(gone.address() as AddressInfo).port}/`
    await new Promise(done => gone.close(done))
    const result = await only({ card: 'mir' }, { rig: { ...rig, hands: { url } } })
    expect(result.steps[0]?.fault).toMatchObject({ code: 'host-unreachable', details: { url, deed: 'insert', reason: 'ECONNREFUSED' } })
  })

  it('does not see which command is under way: such a case is skipped', async () => {
    const { rig, asked } = await bench('miura')
    const { status, reason } = await only({ card: 'mir', person: { pullAt: 3 } }, { rig })
    expect([status, reason, asked]).toEqual(['skipped', expect.stringMatching(/virtual reader/), []])
  })

  it('is called by `test --reader --hands`, a process of its own; neither its output nor its report has the PIN', async () => {
    const { uri, url, deeds } = await bench('bluepad')
    const folder = mkdtempSync(place('hands-'))
    writeFileSync(
      join(folder, 'x.yaml'),
      'name: a dip\ncard: { profile: mir, with: { pin: { digits: "739174" } } }\nexpect: { result: declined }\n',
    )
    const words = ['--reader', uri, '--hands', url, '--reporter', 'line', '--reporter', 'json=run.json']
    const { stdout, stderr } = await simulate(
      ...['test', join(folder, 'x.yaml')],
      ...words.map(word => word.replace('run.json', join(folder, 'run.json'))),
    )
    expect(deeds().filter(({ deed }) => deed === 'press')).toEqual(pin('7', '3', '9', '1', '7', '4'))
    expect(stdout + stderr).not.toContain('739174')
    expect(readFileSync(join(folder, 'run.json'), 'utf8')).not.toContain('739174')
  })

  it('needs a reader', async () => {
    const url = 'http://127.0.0.1:9/'
    await expect(simulate('test', '--hands', url)).rejects.toMatchObject({
      stderr: expect.stringContaining('--hands is only for --reader'),
    })
  })
})
