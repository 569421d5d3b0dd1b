/** A recorded line of vpcd is a card again: it gives a kernel what it gave, and nothing of its holder. */

import { afterEach, describe, expect, it } from 'vitest'
import { issuerView } from '../../../simulator/cards/issuer-view.ts'
import { cardFrom } from '../../../simulator/commands/recorded-card.ts'
import { testCaKeys } from '../../../simulator/keys.ts'
import { type SlotCard, VpcdCard } from '../../../simulator/readers/vpcd.ts'
import { loadCard, profiles, startAcquirer } from '../../../simulator/world.ts'
import { fromHex, hex } from '../../../src/bytes.ts'
import { VirtualClock } from '../../../src/clock.ts'
import { russianMpos } from '../../../src/emv/profiles.ts'
import type { Acquirer } from '../../../src/payment/acquirer.ts'
import { pipe } from '../../../src/transport/pipe.ts'
import { parseTrace, type Trace } from '../../../src/transport/replay.ts'
import { traced } from '../../../src/transport/trace.ts'
import { found, secretNumber } from '../../canaries.ts'
import { giving, keeping, paid, START } from '../../devices/recorded.ts'
import { deskAcquirer } from '../acquirer/desk-acquirer.ts'

const pan = '4276380073649183'
const profile = { ...profiles['visa-signature'], pan, protocol: 'T=1' } as const
const site = { merchantId: 'MTM', terminalId: '63545902', merchantName: 'Test', acquirerId: '123456', ifdSerial: 'MPOS0001' }
const config = russianMpos({ ...site, caKeys: testCaKeys })
const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

async function pays(card: SlotCard, acquirer: Acquirer) {
  const clock = new VirtualClock(START)
  const [host, device] = pipe({ clock })
  const served = new VpcdCard(card, { clock }).serve(device)
  const lines: string[] = []
  const trace = (link: Parameters<typeof traced>[0], { redaction }: { redaction?: Parameters<typeof traced>[1]['redaction'] }) =>
    traced(link, { write: line => lines.push(line), redaction, clock, reader: { family: 'vpcd' } })
  const told = await paid(clock, host, { family: 'vpcd' }, acquirer, { trace, config })
  await clock.settle(served)
  return { ...told, text: lines.join('\n'), trace: parseTrace(lines.join('\n')) }
}

/** Commands and answers until the card is to prove something: the application and its records. */
const read = ({ chunks }: Trace) => {
  const all = chunks.map(({ bytes }) => hex(bytes!).slice(4))
  return all.slice(
    0,
    all.findIndex(one => /^(80AE|0088)/.test(one)),
  )
}

describe('a card made of a recording', () => {
  it('pays by the same application data, and shows no number', async () => {
    const acquirer = await startAcquirer({ accounts: [...issuerView(profile)] })
    ends.push(() => acquirer.close())
    const answers: unknown[] = []
    const first = await pays(loadCard(profile), keeping(deskAcquirer(acquirer.desk), answers))
    expect(first.result).toMatchObject({ result: 'approved', interface: 'chip' })
    expect(found([secretNumber('PAN', pan), secretNumber('the middle of the PAN', pan.slice(6, -4))], first.text)).toEqual([])
    const card = cardFrom('visa', first.trace)
    const second = await pays(card, giving(answers))
    expect(read(second.trace)).toEqual(read(first.trace))
    for (const tag of ['82', '94', '84', '5F24', '8E'] as const) expect(second.result.tags[tag]).toBe(first.result.tags[tag])
    expect(second.result).toMatchObject({ result: first.result.result, receipt: { pan: first.result.receipt.pan } })
  })

  it('is asked in any order, and says what it does not know', async () => {
    const acquirer = await startAcquirer({ accounts: [...issuerView(profile)] })
    ends.push(() => acquirer.close())
    const { trace } = await pays(loadCard(profile), deskAcquirer(acquirer.desk))
    const session = cardFrom('visa', trace).contact()
    const ask = async (command: string) => hex(await session.transmit(fromHex(command)))
    expect(await ask('00B2010C00')).toMatch(/^70.*9000$/)
    expect(await ask('00A4040007A000000003101000')).toMatch(/^6F.*9000$/)
    expect(await ask('00A4040007A000000099999900')).toBe('6A82')
    expect(await ask('00B21F0C00')).toBe('6A83')
    expect(await ask('0044000000')).toBe('6D00')
    session.remove()
    await expect(session.transmit(fromHex('00B2010C00'))).rejects.toMatchObject({ code: 'card-removed' })
  })
})
