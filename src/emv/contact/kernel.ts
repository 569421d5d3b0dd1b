/** The contact kernel: one transaction, its steps in the order of EMV 4.4 Book 3, figure 7. */

import * as door from '../../door.ts'
import { Fault, isFault } from '../../errors.ts'
import type { Card } from '../card.ts'
import type { TerminalConfig } from '../config.ts'
import type { Outcome } from '../outcome.ts'
import type { Kernel, KernelOptions, Stop } from '../steps/context.ts'
import { checkDoor } from '../steps/given.ts'
import { readRecords } from '../steps/records.ts'
import { restrict } from '../steps/restrict.ts'
import { manageRisk } from '../steps/risk.ts'
import { newKernel } from '../steps/start.ts'
import type { Terminal, Transaction } from '../terminal.ts'
import { authenticate } from './authenticate.ts'
import { complete, hostSaidNo } from './complete.ts'
import { startApplication } from './initiate.ts'
import { buildCandidateList } from './select.ts'
import { verifyCardholder } from './verify.ts'

/**
 * One payment with a chip card in the slot. Every ending of the card's, the cardholder's or the host's making is an Outcome, an abort by
 * `options.signal` too; the reader shows the last words and asks for the card to be removed.
 * @throws Fault `bad-argument` on a transaction or a Terminal's answer out of its domain, and what a step names `unsupported`
 * @example
 * const config = russianMpos({ merchantId: '1', terminalId: '1', merchantName: 'Shop', acquirerId: '123456', ifdSerial: '1', caKeys })
 * const terminal = { selectApplication: async () => 0, authorise: async request => askTheHost(request) }
 * const outcome = await transact(card, { amount: 250_000n, currency: currency('RUB') }, config, terminal)
 * if (outcome.reversal) await tellTheHost(outcome)
 */
export async function transact(
  card: Card,
  transaction: Transaction,
  config: TerminalConfig,
  terminal: Terminal,
  options: KernelOptions = {},
): Promise<Outcome> {
  checkDoor(transaction, config, terminal)
  door.need('card', card, door.having('a Card', 'transmit'))
  const kernel = newKernel(card, transaction, config, terminal, options)
  try {
    return outcomeOf(kernel, await run(kernel))
  } catch (error) {
    return outcomeOf(kernel, stopOf(kernel, error))
  }
}

async function run(kernel: Kernel): Promise<Stop> {
  return (
    (await buildCandidateList(kernel)) ??
    (await startApplication(kernel)) ??
    (await readRecords(kernel)) ??
    (await authenticate(kernel)) ??
    restrict(kernel) ??
    (await verifyCardholder(kernel)) ??
    (await manageRisk(kernel)) ??
    (await complete(kernel))
  )
}

/** How a fault ends the transaction. @throws what is no ending but somebody's mistake, as long as the host knows nothing of it */
function stopOf(kernel: Kernel, error: unknown): Stop {
  const { online, unanswered, hostApproved } = kernel.progress
  const no = hostSaidNo(kernel)
  if (no) return no
  const aborted = kernel.signal.aborted || isFault(error, 'aborted')
  if (aborted && unanswered) return { result: 'unknown', reason: 'merchantCancelled' }
  const result = online ? 'declined' : 'cancelled'
  if (aborted) return { result, reason: 'merchantCancelled' }
  if (isFault(error, 'card-removed')) return { result, reason: 'cardRemoved' }
  if (isFault(error, 'card-mute')) return { result: 'declined', reason: 'cardMute' }
  if (isFault(error, 'tlv', 'dol', 'apdu')) {
    kernel.note({ rule: 'Book 3, 7.5: the card sends what is malformed' }, () => `terminated: ${error.message}`)
    return { result: 'declined', reason: 'cardError' }
  }
  // The host may have approved: the caller must learn it, so the mistake is told in the explanation and the outcome asks for a reversal.
  if (hostApproved || unanswered) {
    kernel.note({ rule: 'the kernel failed after the host was asked' }, () =>
      error instanceof Fault ? `${error.code}: ${error.message}` : String(error),
    )
    return { result: 'declined', reason: 'readerError' }
  }
  throw error
}

function outcomeOf(kernel: Kernel, { result, reason }: Stop): Outcome {
  const { application, data, progress } = kernel
  kernel.note({ rule: 'the payment ends', inputs: [0x95, 0x9b, 0x9f34, 0x8a] }, () => (reason ? `${result}: ${reason}` : result))
  const { cvm, online, pinBlock, response, advice, initiated, hostApproved, unanswered } = progress
  const chipFailed = !initiated && (reason === 'cardMute' || reason === 'cardError')
  return {
    result,
    ...(reason && { reason }),
    interface: 'chip',
    cvm,
    online,
    ...(application && { application: { aid: application.aid, label: application.label } }),
    tags: data.all(),
    ...(pinBlock && { pinBlock }),
    ...(response && { response }),
    ...(result === 'declined' && (hostApproved || unanswered) && { reversal: true }),
    ...(advice && { advice: true }),
    ...(chipFailed && { fallback: true }),
  }
}
