/** A payment that a trace is told of: what the app is asked and told, what the host is asked, what is written down, and how it ends. */

import { isFault } from '../../errors.ts'
import type { SpanLevel, Told, Tracer } from '../../trace/event.ts'
import type { PaymentStep, Recorder } from '../journal/recorder.ts'
import { receiptLines } from '../receipt/receipt.ts'
import { toldAcquirer, toldCalls } from '../told.ts'
import type { AppPrompts, PayOptions } from './options.ts'
import { type PaymentResult, paymentJson } from './result.ts'

/** Runs a payment inside a span of its own, and tells how it ended. */
export async function tracedPayment(tracer: Tracer, order: string, work: () => Promise<PaymentResult>): Promise<PaymentResult> {
  return inPayment(tracer, order, work, payment => {
    const { result, reason } = payment
    return { kind: 'result', result, ...(reason && { reason }), content: { ...paymentJson(payment), slip: receiptLines(payment.receipt) } }
  })
}

/** A payment of an order, by whatever method, as a span; `ending` says how it ended, the span names the fault where it threw. */
export async function inPayment<T>(
  tracer: Tracer | undefined,
  order: string,
  work: () => Promise<T>,
  ending: (done: T) => Extract<Told, { kind: 'result' }>,
): Promise<T> {
  return inSpan(tracer, 'payment', order, async () => {
    const done = await work()
    tracer?.tell('app', ending(done))
    return done
  })
}

/** Runs work inside a span, which names the fault where it threw. */
export async function inSpan<T>(tracer: Tracer | undefined, level: SpanLevel, name: string, work: () => Promise<T>): Promise<T> {
  if (!tracer) return work()
  const end = tracer.span(level, name)
  try {
    const done = await work()
    end()
    return done
  } catch (error) {
    end(isFault(error) ? error.code : 'internal')
    throw error
  }
}

/** The options with everything in them that tells. */
export function toldOptions(tracer: Tracer, options: PayOptions): PayOptions {
  const { acquirer, journal, prompts = {} } = options
  return {
    ...options,
    acquirer: toldAcquirer(acquirer, tracer),
    ...(journal && { journal: toldRecorder(journal, tracer) }),
    prompts: toldPrompts(prompts, tracer),
  }
}

/** The same recorder; a step is told once it is written, one that cannot be written with the fault. */
export function toldRecorder<T extends Recorder>(recorder: T, tracer: Tracer | undefined): T {
  if (!tracer) return recorder
  return toldCalls(recorder, (name, args, call) => {
    if (name !== 'record') return call()
    const { stage, ...content } = args[0] as PaymentStep
    return written(tracer, stage, content, call)
  })
}

/** A journal may be written at once, or later: who waits for nothing keeps waiting for nothing. */
function written(tracer: Tracer, stage: string, content: object, call: () => unknown): unknown {
  const failed = (error: unknown): never => {
    tracer.tell('driver', { kind: 'journal', stage, content: { ...content, fault: isFault(error) ? error.code : 'internal' } })
    throw error
  }
  const done = () => tracer.tell('driver', { kind: 'journal', stage, content })
  try {
    const writing = call()
    if (!(writing instanceof Promise)) {
      done()
      return writing
    }
    return writing.then(done, failed)
  } catch (error) {
    return failed(error)
  }
}

function toldPrompts(prompts: AppPrompts, tracer: Tracer): AppPrompts {
  const { selectApplication, captureSignature, enterPin, refer, tryAgain } = prompts
  const ask = async <T>(
    name: string,
    content: unknown,
    call: () => Promise<T>,
    shown: (answer: T) => unknown = answer => answer,
  ): Promise<T> => {
    tracer.tell('app', { kind: 'app', what: 'ask', name, content })
    try {
      const answer = await call()
      tracer.tell('app', { kind: 'app', what: 'answer', name, content: shown(answer) })
      return answer
    } catch (error) {
      tracer.tell('app', { kind: 'app', what: 'answer', name, content: { fault: isFault(error) ? error.code : 'internal' } })
      throw error
    }
  }
  return {
    ...(selectApplication && {
      selectApplication: (candidates, waiting) =>
        ask('selectApplication', { labels: candidates.map(({ label }) => label) }, () =>
          selectApplication.call(prompts, candidates, waiting),
        ),
    }),
    ...(captureSignature && {
      captureSignature: (request, waiting) =>
        ask(
          'captureSignature',
          { amount: request.amount, order: request.order.number },
          () => captureSignature.call(prompts, request, waiting),
          answer => (typeof answer === 'object' ? 'signed' : answer),
        ),
    }),
    ...(enterPin && {
      enterPin: (request, waiting) =>
        ask(
          'enterPin',
          request.type === 'offline' ? { type: request.type, triesLeft: request.triesLeft } : { type: request.type },
          () => enterPin.call(prompts, request, waiting),
          ({ type }) => ({ type }),
        ),
    }),
    ...(refer && {
      refer: (request, waiting) =>
        ask('refer', { amount: request.amount, order: request.order.number }, () => refer.call(prompts, request, waiting)),
    }),
    ...(tryAgain && {
      tryAgain: (why, attempt, waiting) => ask('tryAgain', { why, attempt }, () => tryAgain.call(prompts, why, attempt, waiting)),
    }),
    onEvent(event) {
      const { type, ...content } = event
      tracer.tell('app', { kind: 'app', what: 'event', name: type, content })
      prompts.onEvent?.(event)
    },
  }
}
