/** Nothing secret stands in a picture: the display as SVG and the face of every reader, at each screen of a payment in which a card is read and a PIN typed; and in all that a page hears meanwhile. */

import { describe, expect, it } from 'vitest'
import { startBench } from '../../../../simulator/bench/bench.ts'
import { BenchReader } from '../../../../simulator/bench/counter/reader.ts'
import { displaySvg } from '../../../../simulator/bench/display/display.ts'
import type { CardState } from '../../../../simulator/bench/schema/types.ts'
import type { Face } from '../../../../simulator/bench/web/faces/face.ts'
import { faceOf, faces } from '../../../../simulator/bench/web/faces/faces.ts'
import { testPinAesDukpt, testPinDukpt } from '../../../../simulator/keys.ts'
import { found, secretBytes, secretNumber } from '../../../canaries.ts'

const PIN = '739182'
const [PAN, NAME] = ['4761739001010135', 'CANARYMAN/CARDHOLDER']
/** What the page draws of a card. */
const lookOf = ({ schemes, label, pan, interfaces, phone }: CardState) => ({ scheme: schemes[0] ?? '', label, pan, interfaces, phone })

const canaries = [
  secretNumber('PAN', PAN),
  secretNumber('PIN', PIN),
  secretBytes('name', Buffer.from(NAME)),
  secretBytes('PIN key', testPinDukpt.bdk),
  secretBytes('PIN key', testPinAesDukpt.bdk),
]
const kinds = [
  { family: 'qpos' },
  { family: 'bluepad' },
  { family: 'miura' },
  { family: 'magtek', dialect: 'v5' },
  { family: 'magtek', dialect: 'mms' },
  { family: 'idtech' },
] as const

describe('pictures', () => {
  it.each(kinds)('of $family $dialect', async reader => {
    const { FaceView } = (await import('../../../../simulator/bench/web/faces/face-view.tsx' as string)) as { FaceView: unknown }
    const { h } = await import('preact')
    const { render } = await import('preact-render-to-string')
    const card = { id: 'c1', profile: 'offline-pin', with: { pan: PAN, pin: { digits: PIN }, cardholder: NAME } }
    const counter = {
      tapdip: 'counter',
      version: 1,
      readers: [{ id: 'r1', ...reader, listen: 'none' }],
      cards: [card],
      apps: [{ reader: 'r1' }],
    }
    await using bench = await startBench({ session: { clock: 'virtual', seed: 5, counter: counter as never } })
    const session = bench.sessions.session('s1')
    const own = session.reader('r1') as BenchReader
    expect(own).toBeInstanceOf(BenchReader)
    const pictures: string[] = []
    const stars: string[] = []
    own.reader.body.on(() => {
      const { state } = own
      const face: Face = faces[faceOf(state)]
      const here = session.shelf.cards.map(one => one.state).filter(({ place }) => place !== null)
      const shown = { lines: state.screen.lines, light: state.light, on: true, slot: here.map(lookOf)[0], field: here.map(lookOf) }
      pictures.push(displaySvg(state.screen, { scale: 1, on: true }), render(h(FaceView as never, { face, shown } as never)))
      if (state.screen.lines.some(line => /\*{6}/.test(line))) stars.push(state.screen.lines.join(' '))
    })
    own.setPerson({ card: 'c1', present: 'dip', pins: [PIN] })
    const { apps } = session
    const signal = new AbortController().signal
    const answer = (action: string, fields?: Record<string, string>) =>
      apps.answer('a1', { screen: apps.state('a1').screen.n, action, ...(fields && { fields }) })
    const until = (kind: string) => session.settle(apps.until('a1', { kind: kind as never, timeout: 200_000 }, signal))
    await until('order')
    answer('pay', { amount: '10.00' })
    await until('method')
    answer('reader')
    const { screen } = await session.settle(apps.until('a1', { text: '/APPROVED|DECLINED|Sign|Подпись/', timeout: 200_000 }, signal))
    if (screen.kind === 'signature') answer('sign', { name: 'SOMEBODY' })
    await until('result')
    expect(pictures.length).toBeGreaterThan(4)
    if (own.state.pinPad) expect(stars.length).toBeGreaterThan(0)
    const heard = session.happenings.after(0, Number.POSITIVE_INFINITY)
    expect(heard.some(line => line.includes('476173******0135'))).toBe(true)
    expect(found(canaries, pictures.join('\n'))).toEqual([])
    expect(found(canaries, heard.join('\n'))).toEqual([])
    expect(
      found(canaries, JSON.stringify([session.state, own.state, session.shelf.states(), session.bank.state, apps.state('a1')])),
    ).toEqual([])
  })
})
