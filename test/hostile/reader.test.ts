/** A reader that is wrong, or is not the one it seems: each lie by itself, over every family and interface. */

import { describe, expect, it } from 'vitest'
import { put } from './moves.ts'
import { type Asked, bankAt, type Ended, honest, play, type Recording, type Row, record, rows } from './playback.ts'

const rowsOf = (...how: Row['how'][]) => rows.filter(row => how.includes(row.how)).map(row => [row.name, row] as const)
/** What MagTek readers tell of a chip before its end is for the host alone. */
const sealed = ({ family }: Row) => family === 'magtek'
const kernelInApp = ({ family }: Row) => family === 'vpcd'

const recordings = new Map<string, Promise<Recording>>()
function recorded(row: Row, asked: Asked = honest): Promise<Recording> {
  const name = `${row.name} ${asked.amount}`
  const known = recordings.get(name)
  if (known) return known
  const made = record(row, asked).then(({ recording, ended }) => {
    expect(ended.result?.result).toBe('approved')
    return recording
  })
  recordings.set(name, made)
  return made
}

/** Played to an app that asks for 2500.00 RUB, at a host of its own. */
async function paying(row: Row, recording: Recording, asked: Asked = honest, careless = false) {
  const { clock, bank } = await bankAt(careless)
  const ended = await play(row, recording, bank, clock, asked)
  return { ended, bank, clock, asked: bank.heard.filter(({ type }) => type === 'authorisation' || type === 'advice') }
}
const wordOf = ({ result, fault }: Ended) => result?.result ?? fault

describe('11 A 1: what the card signs is what was asked for', () => {
  const small = { ...honest, amount: 100n }

  it.each(rowsOf('chip', 'tap', 'offline'))('%s: a card that signs 1.00 for a payment of 2500.00', async (_name, row) => {
    const { ended, bank, asked } = await paying(row, await recorded(row, small))
    expect(wordOf(ended)).not.toBe('approved')
    expect(bank.charged).toBe(0n)
    if (kernelInApp(row)) return // the kernel gives the card the app's own amount: the cryptogram is over another
    if (sealed(row) && row.how !== 'offline') {
      expect(asked).toMatchObject([{ code: '83' }])
      return
    }
    // A BluePad has a field of its own for it, at the end.
    const details = {
      tag: expect.stringMatching(/^(9F02|amount)$/),
      value: expect.stringMatching(/^0*100$/),
      rule: 'the amount asked for, 250000 minor units',
    }
    expect(ended.error).toMatchObject({ code: 'mismatch', details })
    expect(asked).toEqual([])
  })

  /** 9F03 of a BluePad lies across two frames. */
  const lies = [
    ['9F0206', '000000000100', '9F02'],
    ['5F2A02', '0840', '5F2A'],
    ['9C01', '20', '9C'],
    ['9A03', '250101', '9A'],
    ['9F0306', '000000010000', '9F03'],
    ['9F1A02', '0840', '9F1A'],
  ] as const
  const clear = rowsOf('chip', 'tap').filter(([, row]) => !sealed(row) && !kernelInApp(row))
  it.each(
    clear.flatMap(([name, row]) =>
      lies.filter(([, , tag]) => tag !== '9F03' || row.family !== 'bluepad').map(lie => [name, lie[2], row, ...lie] as const),
    ),
  )('%s: another %s, and a host that does not look', async (_name, _tag, row, head, value, tag) => {
    const { ended, asked } = await paying(row, put(await recorded(row), head, value), honest, true)
    expect(ended.error).toMatchObject({ code: 'mismatch', details: { tag, value } })
    expect(asked).toEqual([])
  })

  it.each(rowsOf('chip').filter(([, row]) => sealed(row)))(
    '%s: the last data are in clear; another amount there, and the host’s approval is taken back',
    async (_name, row) => {
      const { ended, bank } = await paying(row, put(await recorded(row), '9F0206', '000000000100'))
      expect(ended.result).toMatchObject({ result: 'declined', reason: 'readerError', reversal: 'done' })
      expect(bank.charged).toBe(0n)
    },
  )

  it.each(rowsOf('chip', 'tap'))('%s: a purchase that is played where a refund, or dollars, are asked for', async (_name, row) => {
    for (const other of [
      { ...honest, type: 'refund' },
      { ...honest, currency: 'USD' },
    ] as const) {
      const { ended, bank } = await paying(row, await recorded(row), other)
      expect(wordOf(ended)).not.toBe('approved')
      expect(bank.charged).toBe(0n)
    }
  })
})

describe('11 A 2: no approval without a proof', () => {
  const offline = rowsOf('offline').filter(([, row]) => !kernelInApp(row))

  it.each(offline)('%s: approved, and the card has refused (AAC)', async (_name, row) => {
    const { ended, bank, asked } = await paying(row, lastCid(row, await recorded(row), '00'), honest, true)
    // A BluePad has asked before it said so: its host's approval is taken back.
    const before = row.family === 'bluepad'
    expect(ended.result).toMatchObject({
      result: 'declined',
      ...(before ? { reason: 'cardDeclined', reversal: 'done' } : { reason: 'offlineDeclined' }),
    })
    expect([bank.charged, asked.length]).toEqual([0n, before ? 1 : 0])
  })

  it.each(offline.filter(([, row]) => row.family !== 'bluepad'))(
    '%s: approved, and no card has (ARQC): the host is asked',
    async (_name, row) => {
      const { asked } = await paying(row, put(await recorded(row), '9F2701', '80'))
      expect(asked).toMatchObject([{ type: 'authorisation' }])
    },
  )

  it.each(rowsOf('offline'))('%s: the host has the last word on what nothing ties to this payment', async (_name, row) => {
    const { ended, asked } = await paying(row, await recorded(row))
    const tied = ['qpos', 'miura', 'vpcd'].includes(row.family)
    expect(ended.result?.result).toBe('approved')
    expect(asked).toMatchObject([{ type: tied ? 'advice' : 'authorisation', arqc: 'right', code: '00' }])
  })

  const chips = rowsOf('chip').filter(([, row]) => !kernelInApp(row))
  it.each(chips)('%s: the host approves, the card refuses (AAC), the reader says approved', async (_name, row) => {
    const { ended, bank } = await paying(row, lastCid(row, await recorded(row), '00'))
    expect(ended.result).toMatchObject({ result: 'declined', reason: 'cardDeclined', reversal: 'done' })
    expect(bank.charged).toBe(0n)
  })

  it('idtech: "approved online" (0002) and no host was asked', async () => {
    const row = rows.find(({ name }) => name === 'idtech, chip')!
    const { ended, asked } = await paying(row, put(await recorded(row), 'DFEE2502', '0002'))
    expect(ended.error).toMatchObject({ code: 'mismatch' })
    expect(asked).toEqual([])
  })
})

describe('11 A 3: an outcome belongs to this payment', () => {
  it.each(rowsOf('chip', 'tap', 'swipe', 'offline'))('%s: the same frames once more, in another process of the app', async (_name, row) => {
    const recording = await recorded(row)
    const { bank, clock, ended } = await paying(row, recording)
    expect(ended.result?.result).toBe('approved')
    const again = await play(row, recording, bank, clock)
    expect(wordOf(again)).not.toBe('approved')
    expect(bank.charged).toBe(honest.amount)
    // A stripe is always the same: its reader's key is not.
    if (row.how === 'swipe') expect(again.result).toMatchObject({ result: 'declined', reason: 'hostDeclined', responseCode: '89' })
  })

  it.each(rowsOf('chip', 'tap', 'swipe', 'offline'))(
    '%s: frames of 10.00 that the host has seen, where 2500.00 are asked for',
    async (_name, row) => {
      const small = { ...honest, amount: 1000n }
      const recording = await recorded(row, small)
      const { bank, clock, ended } = await paying(row, recording, small)
      expect(ended.result?.result).toBe('approved')
      const again = await play(row, recording, bank, clock)
      expect(wordOf(again)).not.toBe('approved')
      expect(bank.charged).toBe(small.amount)
    },
  )

  it('found by the model: the certificate of an online payment, played as one that card and terminal approved by themselves', async () => {
    const row = rows.find(({ name }) => name === 'miura, chip')!
    const recording = await recorded(row)
    const { bank, clock, ended } = await paying(row, recording)
    expect(ended.result?.result).toBe('approved')
    // What the reader said last of the payment (E3, with a TC) is the answer to its start.
    const isResult = (one: object) => put([[one as never]], '9F2701', '40').length > 0
    const at = recording.map(group => group.findIndex(one => can(() => isResult(one))))
    const [first, last] = [at.findIndex(place => place >= 0), at.findLastIndex(place => place >= 0)]
    expect(first).toBeLessThan(last)
    const replayed = recording.map((group, index) => (index === first ? group.with(at[first], recording[last][at[last]]) : group))
    const again = await play(row, replayed, bank, clock)
    expect(again.result).toMatchObject({ result: 'declined', reason: 'hostDeclined', responseCode: '88' })
    expect(bank.charged).toBe(honest.amount)
  })

  it.each(rowsOf('offline').filter(([, row]) => row.family === 'qpos' || row.family === 'miura'))(
    '%s: what was recorded a minute before',
    async (_name, row) => {
      const recording = await recorded(row)
      const { clock, bank } = await bankAt()
      await clock.advance(60_000)
      const ended = await play(row, recording, bank, clock)
      // The time (9F21) is not the one that was told: the host decides, and it does not take an advice.
      expect(ended.result?.outcome.online).toBe(true)
      expect(bank.heard).toMatchObject([{ type: 'authorisation' }])
    },
  )
})

/** 9F27 as it was said last. A BluePad says it in the hex of an XML element. */
function lastCid({ family }: Row, recording: Recording, cid: string): Recording {
  if (family !== 'bluepad') return put(recording, '9F2701', cid, true)
  const text = (words: string) => Buffer.from(words).toString('hex')
  return put(recording, text('9F2701'), text(cid), true)
}

function can(work: () => boolean): boolean {
  try {
    return work()
  } catch {
    return false
  }
}
