/** The card's bank at the other end: it looks at what was signed, and pays no advice that nobody proves. */

import { afterEach, expect, it } from 'vitest'
import { type AcquirerHost, type AcquirerOptions, startAcquirer } from '../../simulator/acquirer/host.ts'
import { profiles } from '../../simulator/cards/profiles/index.ts'
import { currency } from '../../src/currency.ts'
import type { AuthorisationMessage } from '../../src/payment/acquirer.ts'
import { cardMessage } from '../payment/host/host-bench.ts'

const visa = profiles['visa-signature'].pan
const full = 100_000_000n
const hosts: AcquirerHost[] = []
afterEach(async () => {
  await Promise.all(hosts.splice(0).map(host => host.close()))
})
async function started(options: AcquirerOptions = {}): Promise<AcquirerHost> {
  const host = await startAcquirer(options)
  hosts.push(host)
  return host
}
const asking = (amount: bigint): Partial<AuthorisationMessage> => ({ amount, order: { number: 'o', amount, currency: currency('RUB') } })
const usd = { currency: currency('USD'), order: { number: 'o', amount: 250_000n, currency: currency('USD') } }

it.each([
  ['a tenth of the amount', asking(25_000n)],
  ['ten times the amount', asking(2_500_000n)],
  ['another currency', usd],
  ['cash where a purchase was signed', { type: 'cash' }],
  ['a refund where a purchase was signed', { type: 'refund', tags: 'purchase' }],
] as const)('asks for %s: 83, and no money moves', async (_name, more) => {
  const host = await started()
  const { tags } = await cardMessage('k')
  const { answer } = await host.desk.authorise({ ...(await cardMessage('k', more as Partial<AuthorisationMessage>)), tags })
  expect(answer).toMatchObject({ state: 'declined', response: { code: '83' }, reason: expect.stringMatching(/^the card signed/) })
  expect(host.balance(visa)).toBe(full)
})

it('a rule makes the issuer believe it, for those who test what a careless one does', async () => {
  const host = await started({ rules: [{ do: 'believe' }] })
  expect((await host.desk.authorise(await cardMessage('k', asking(25_000n)))).answer).toMatchObject({ state: 'approved' })
})

const unknown = { tags: new Map([[0x5a, Uint8Array.of(0x40, 0, 0, 0, 0, 0, 0, 0x09)]]) }
it.each([
  ['of a card that nobody has issued', '14', async () => cardMessage('k', unknown)],
  ['with an ARQC', '84', async () => cardMessage('k')],
  ['without a cryptogram', '84', async () => without(await cardMessage('k', {}, '40'), 0x9f26)],
  ['with a certificate over another amount', '83', async () => cardMessage('k', asking(25_000n), '40')],
  ['with a certificate that is wrong', '88', async () => spoilt(await cardMessage('k', {}, '40'))],
  ['of a stripe, and no referral before it', '84', async () => cardMessage('k', { interface: 'swipe' })],
] as const)('an advice %s is refused: %s', async (_name, code, make) => {
  const host = await started()
  expect((await host.desk.advise(await make())).answer).toMatchObject({ state: 'declined', response: { code } })
  expect(host.balance(visa)).toBe(full)
})

it('a certificate pays once: under another key it was seen before', async () => {
  const host = await started()
  const sent = await cardMessage('k', {}, '40')
  expect((await host.desk.advise(sent)).answer).toMatchObject({ state: 'approved' })
  const again = { ...sent, key: 'k2', order: { ...sent.order, number: 'another' } }
  expect((await host.desk.advise(again)).answer).toMatchObject({ state: 'declined', response: { code: '88' } })
  expect(host.balance(visa)).toBe(full - 250_000n)
})

it('after a referral the bank has agreed by voice: the advice of a stripe is taken', async () => {
  const host = await started({ rules: [{ do: 'refer', reason: 'call us' }] })
  const sent = await cardMessage('k', { interface: 'swipe' })
  expect((await host.desk.authorise(sent)).answer).toMatchObject({ state: 'referral' })
  expect((await host.desk.advise({ ...sent, key: 'k-voice' })).answer).toMatchObject({ state: 'approved' })
})

function without({ tags, ...message }: AuthorisationMessage, tag: number): AuthorisationMessage {
  return { ...message, tags: new Map([...tags].filter(([one]) => one !== tag)) }
}
function spoilt({ tags, ...message }: AuthorisationMessage): AuthorisationMessage {
  return { ...message, tags: new Map([...tags, [0x9f26, new Uint8Array(8)]]) }
}
