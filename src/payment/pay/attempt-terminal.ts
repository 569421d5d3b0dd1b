/** What the kernel asks of the world in an attempt: the app's people are asked, and the host, unless something stands against it. */

import type {
  AuthorisationRequest,
  AuthorisationResponse,
  Candidate,
  PinRequest,
  Terminal,
  Transaction,
  Waiting,
} from '../../emv/terminal.ts'
import { abortFault, Fault, isFault } from '../../errors.ts'
import { type Attempt, answered, asWanted, isUnverified } from './attempt.ts'
import { isBarred } from './fallback.ts'
import { inOrder } from './wanted.ts'

/** What is asked of the reader. */
export function attemptTransaction({ order, type, amount, at, options, wanted }: Attempt): Transaction {
  const { forceOnline, country, interfaces } = options
  return {
    type: type === 'check' ? ('purchase' as const) : type,
    amount,
    currency: order.currency,
    at,
    ...(type === 'cashback' && { otherAmount: order.parts!.cashback! }),
    ...(type === 'check' ? { forceOnline: true } : forceOnline !== undefined && { forceOnline }),
    ...(country !== undefined && { country }),
    ...(interfaces && { interfaces }),
    ...(wanted && { application: wanted.label }),
    ...(options.prefer && { prefer: options.prefer }),
  }
}

export function attemptTerminal(attempt: Attempt): Terminal {
  const { order, amount, type, options, wait } = attempt
  const { prompts = {} } = options
  return {
    selectApplication(candidates, waiting) {
      wait.came()
      return choose(attempt, candidates, waiting)
    },
    ...(prompts.enterPin && {
      enterPin(request: PinRequest, waiting: Waiting) {
        wait.came()
        return prompts.enterPin!(request, waiting)
      },
    }),
    ...(prompts.refer &&
      type !== 'check' && { refer: (_: unknown, _response: unknown, waiting: Waiting) => prompts.refer!({ amount, order }, waiting) }),
    confirmSignature(waiting) {
      wait.end()
      return sign(attempt, waiting)
    },
    authorise(request, { signal }) {
      wait.end()
      return authorise(attempt, request, signal)
    },
  }
}

async function sign(attempt: Attempt, waiting: Waiting): Promise<boolean> {
  const signed = await attempt.signing.ask(waiting)
  if (!signed) attempt.refused ??= 'cardholderCancelled'
  return signed
}

/** From the list, where one was asked for. */
async function choose(attempt: Attempt, candidates: readonly Candidate[], waiting: Waiting): Promise<number | undefined> {
  const { wanted, say, options } = attempt
  const { prompts = {} } = options
  if (!wanted) {
    const order = inOrder(candidates, options.prefer)
    if (!prompts.selectApplication) return order[0]
    const shown = order.map(one => candidates[one])
    const chosen = answered(attempt, await prompts.selectApplication(shown, waiting))
    return chosen === undefined ? undefined : (order[chosen] ?? chosen) // what is no choice is the reader's to refuse
  }
  const index = wanted.among(candidates)
  const offered = candidates.map(({ label }) => label)
  say({ type: 'application', wanted: wanted.label, offered, ...(index !== undefined && { chosen: offered[index] }) })
  if (index === undefined) attempt.refused = 'otherApplication'
  return index
}

/** ISO 8583:1987 response code 57, transaction not permitted to cardholder: what the reader is told where the host is not asked. */
const NOT_PERMITTED = { type: 'declined', code: '57' } as const

/** @throws Fault `aborted` where something stands against it, `journal`, and what the app throws */
async function authorise(attempt: Attempt, request: AuthorisationRequest, signal: AbortSignal): Promise<AuthorisationResponse> {
  const { controller } = attempt.stop
  await Promise.resolve() // what the reader reported before it asked is told first
  attempt.barred = isBarred(attempt.fallback, request.tags)
  if (attempt.barred) return NOT_PERMITTED
  const why = await whyNot(attempt, request, signal)
  if (why !== undefined) {
    controller.abort(new Fault('aborted', why))
    throw abortFault(controller.signal)
  }
  const { interface: through, cvm, tags, pinBlock } = request
  try {
    return await attempt.host.authorise({ ...attempt.message, interface: through, cvm, tags, ...(pinBlock && { pinBlock }) }, signal)
  } catch (error) {
    if (isFault(error, 'journal')) controller.abort(error) // what cannot be written down does not go on
    throw error
  }
}

/** Why the host is not asked at all. */
async function whyNot(attempt: Attempt, request: AuthorisationRequest, signal: AbortSignal): Promise<string | undefined> {
  if (!asWanted(attempt, request)) return 'another payment system was asked for'
  if (request.cvm === 'signature' && !(await sign(attempt, { signal }))) return 'the customer did not sign'
  // By tap all is over but the host's word. A chip may ask because a verification failed: that is for the issuer to hear.
  if (request.interface !== 'tap' || !isUnverified(attempt, request.cvm)) return undefined
  attempt.refused = 'notVerified'
  return 'nobody was verified'
}
