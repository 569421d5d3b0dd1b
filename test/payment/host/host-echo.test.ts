/** A host that repeats what it was asked in its refusals, or answers with an echo: no card number, track or PIN block of it gets into a fault. */

import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { profiles } from '../../../simulator/cards/profiles/index.ts'
import { hex } from '../../../src/bytes.ts'
import { isFault } from '../../../src/errors.ts'
import { maskNumbers } from '../../../src/mask.ts'
import type { Acquirer, AuthorisationMessage } from '../../../src/payment/acquirer.ts'
import { httpAcquirer } from '../../../src/payment/host/http.ts'
import { iso8583Acquirer } from '../../../src/payment/host/iso8583/client.ts'
import { isoSide } from '../../../src/payment/host/iso8583/codec.ts'
import { pipe } from '../../../src/transport/pipe.ts'
import { cardMessage } from './host-bench.ts'

const card = profiles['visa-signature']
const message: AuthorisationMessage = await cardMessage()
const track2 = hex(message.tags.get(0x57)!).replace(/F$/, '')

/** Everything of the fault that a log would show: message, details, causes. */
async function refusal(acquirer: Acquirer): Promise<string> {
  const fault = await acquirer.authorise(message).then(
    () => expect.unreachable('an echo is no answer'),
    error => error,
  )
  expect(isFault(fault, 'host-error')).toBe(true)
  return inspect(fault, { depth: 10 })
}

function expectNothingOf(shown: string): void {
  expect(shown).not.toContain(card.pan)
  expect(shown).not.toContain(track2)
  expect(shown).not.toContain(track2.split('D')[1])
}

describe('a host that echoes', () => {
  const answering = (answer: (body: string) => string, status = 400): Acquirer =>
    httpAcquirer('http://127.0.0.1:1', { fetch: async (_, init) => new Response(answer(String(init?.body)), { status }) })

  it.each([
    ['the card number', card.pan],
    ['it in groups', card.pan.replace(/(....)(?=.)/g, '$1 ')],
    ['track 2', track2],
    ['track 2 with its separator', track2.replace('D', '=')],
    ['a template', `57${(track2.length / 2).toString(16)}${track2}`],
  ])('%s in a reason is masked, over HTTP and ISO 8583', async (_, said) => {
    const overHttp = await refusal(answering(() => JSON.stringify({ error: `format error near ${said}, field 2` })))
    expect(overHttp).toContain('host refuses the message: format error near')
    expect(overHttp).toContain('field 2')
    expectNothingOf(overHttp)

    const [ours, theirs] = pipe()
    const client = iso8583Acquirer({ connect: async () => ours })
    const host = (async () => {
      const { push } = isoSide.decoder()
      for await (const chunk of theirs.incoming)
        for (const asked of push(chunk)) {
          if (asked.type === 'malformed' || !('fields' in asked)) throw new Error('the client said what is no message')
          const fields = new Map([...asked.fields].filter(([number]) => ![2, 14, 35, 52, 55, 60, 61, 63].includes(number)))
          fields.set(39, '30').set(48, JSON.stringify({ error: `format error near ${said}, field 2` }))
          await theirs.send(isoSide.encode({ type: `${asked.type.slice(0, 2)}10`, fields }))
        }
    })()
    const overIso = await refusal(client)
    expect(overIso).toContain('host refuses the message: format error near')
    expectNothingOf(overIso)
    await client.close()
    await expect(host).rejects.toMatchObject({ code: 'link-closed' })
  })

  it('an answer that is no JSON, but an echo of the request, is not quoted', async () => {
    for (const cut of [0, 1, 40]) expectNothingOf(await refusal(answering(body => `${body.slice(cut)} ${card.pan} ${track2}`, 200)))
    expectNothingOf(await refusal(answering(() => card.pan, 200)))
    expectNothingOf(await refusal(answering(() => `<${track2}>`, 502)))
  })

  it('short numbers are left, so that a reason still says something', () => {
    expect(maskNumbers('order 20260326_1: 100.00 RUB, code 12345678901')).toBe('order 20260326_1: 100.00 RUB, code 12345678901')
    expect(maskNumbers('card 4761 7390 0101 1017!')).toBe('card 476173******1017!')
    expect(maskNumbers('4761739001011017=40122010000')).toBe('476173******1017…')
  })
})
