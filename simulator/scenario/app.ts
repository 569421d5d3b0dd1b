/** The app of one case: it holds the reader, pays, changes orders, is restarted and dies, as the steps of the scenario say. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { currency, parseAmount } from '../../src/currency.ts'
import type { PinRequest, Waiting } from '../../src/emv/terminal.ts'
import { Fault, isFault } from '../../src/errors.ts'
import type { Order, PaymentType } from '../../src/payment/acquirer.ts'
import type { Journal } from '../../src/payment/journal/journal.ts'
import { openJournal } from '../../src/payment/journal/open.ts'
import type { PaymentEvent } from '../../src/payment/pay/events.ts'
import { type AppPrompts, type PaymentResult, type PayOptions, pay } from '../../src/payment/pay/payment.ts'
import { openTill, type Till } from '../../src/payment/till/till.ts'
import type { Reader } from '../../src/reader/reader.ts'
import type { Tracer } from '../../src/trace/event.ts'
import { seededKey } from '../random.ts'
import { virtualFamily } from '../readers/index.ts'
import { merchant } from './parts.ts'
import type { PayPlan, ScenarioPlan } from './schema.ts'
import type { World } from './world.ts'

/** What a call of the app came to. */
export interface Told {
  readonly result: string
  readonly payment?: PaymentResult
  /** Of what is no payment by card: an order, a receipt. */
  readonly content?: unknown
  readonly receipt?: unknown
  readonly order?: string
}

/** How an app is made. */
export interface AppOptions {
  readonly plan: ScenarioPlan
  readonly world: World
  readonly tracer: Tracer
  readonly onEvent: (event: PaymentEvent) => void
  /** The steps of a payment, as they are written down. */
  readonly onJournal: (stage: string) => void
  /** Opens the reader; the scenario's own virtual one when left out. */
  readonly connect?: () => Promise<Reader>
}

export interface App {
  /** Number of the last order. */
  readonly lastOrder: string | undefined
  readonly journal: Journal | undefined
  /** The QR code that is shown, or was. */
  readonly code: string | undefined
  /** Before each step, on real time: a file is opened, where there is one. */
  ready(): Promise<void>
  pay(step: PayPlan, signal: AbortSignal): Promise<Told>
  change(
    kind: 'confirm' | 'cancel' | 'refund' | 'increment',
    step: { order?: string | undefined; amount?: string | undefined; final?: boolean | undefined },
    signal: AbortSignal,
  ): Promise<Told>
  refundByCard(step: { order?: string | undefined; amount?: string | undefined }, signal: AbortSignal): Promise<Told>
  sync(): Promise<Told>
  update(step: { to: string; unsigned?: boolean | undefined; for?: string | undefined }, signal: AbortSignal): Promise<Told>
  /** The process is gone: nothing that it has begun goes on. */
  kill(): Promise<void>
  /** From here on the journal takes nothing: the disk is full. */
  fillDisk(): void
  /** Closes what it holds. What comes next opens it anew. */
  close(): Promise<void>
  /** Removes what it has left on disk. */
  end(): void
}

/** Steps and expectations that a journal is needed for. */
export function needsJournal({ app, steps = [], expect, faults = [] }: ScenarioPlan): boolean {
  const kills = /"(kill|journal|diskFull)"/.test(JSON.stringify(faults))
  const asked = steps.some(step => {
    if ('pay' in step)
      return step.pay.by === 'cash' || step.pay.by === 'sbp' || step.pay.hold === true || step.pay.expect?.journal !== undefined
    if ('do' in step) return [step.do].flat().includes('diskFull')
    return !('update' in step || 'knob' in step || 'wait' in step || 'settle' in step || 'payQr' in step)
  })
  return app?.journal ?? (kills || asked || expect?.journal !== undefined)
}

/** One life of the app's process: after its death nothing that it was doing comes to an end. */
interface Life {
  dead: boolean
  reader: Reader | undefined
  till: Till | undefined
  journal: Journal | undefined
}

/** What a dead process waits for. */
export const stuck = new Promise<never>(() => {})

export function openApp({ plan, world, tracer, onEvent, onJournal, connect }: AppOptions): App {
  const { clock, random, family } = world
  const unit = currency(plan.currency ?? 'RUB')
  const money = (text: string) => parseAmount(text, unit)
  const keeps = needsJournal(plan)
  let folder: string | undefined
  let life: Life = newLife()
  let orders = 0
  let lastOrder: string | undefined
  let full = false

  const reader = async (mine: Life): Promise<Reader> => {
    if (mine.reader) return mine.reader
    const opened = connect ? await connect() : await world.open()
    mine.reader = opened
    void (async () => {
      for await (const event of opened.events) if (event.type === 'state' && event.state === 'disconnected') break
      if (mine.reader === opened) mine.reader = undefined // the next step opens it anew
    })().catch(() => {})
    return opened
  }

  const ready = async (mine: Life): Promise<void> => {
    if (!keeps || mine.journal) return
    folder ??= mkdtempSync(join(tmpdir(), 'tapdip-scenario-'))
    const kept = await openJournal(join(folder, 'journal.db'), { clock, key: new Uint8Array(32).fill(9) })
    mine.journal = {
      ...kept,
      record(step) {
        if (mine.dead) return stuck as never
        onJournal(step.stage)
        if (mine.dead) return stuck as never // killed at this very step
        if (full) throw new Fault('journal', 'the disk is full', { reason: 'full' })
        return kept.record(step)
      },
    }
  }

  const till = (mine: Life): Till => {
    if (!mine.journal) throw new Fault('bad-argument', 'app.journal is false, and a step needs the journal', { field: 'app.journal' })
    mine.till ??= openTill({
      ...{ journal: mine.journal, merchant, clock, acquirer: alive(mine, world.acquirer), background: false, refunds: {} },
      ...{ newKey: () => seededKey(random), tracer },
    })
    return mine.till
  }

  const prompts = (): AppPrompts => {
    const { sign, tryAgain, refer } = plan.app ?? {}
    return {
      async selectApplication(candidates) {
        world.happen({ kind: 'list' })
        if (world.cancelsAt === 'list') return undefined
        const { chooses = 0 } = world
        const index = typeof chooses === 'number' ? chooses : candidates.findIndex(({ label }) => label === chooses)
        return index >= 0 && index < candidates.length ? index : undefined
      },
      ...(world.desk && { enterPin: (request: PinRequest, waiting: Waiting) => world.desk!.enterPin(request, waiting) }),
      ...(sign !== undefined && {
        captureSignature: async () =>
          sign === 'nobody'
            ? 'nobody'
            : sign
              ? {
                  strokes: [
                    [
                      { x: 0, y: 0 },
                      { x: 40, y: 20 },
                    ],
                  ],
                }
              : undefined,
      }),
      ...(tryAgain && { tryAgain: async () => true }),
      ...(refer && { refer: async () => refer }),
      onEvent,
    }
  }

  const payOptions = (
    step: Partial<PayPlan>,
    signal: AbortSignal,
  ): Omit<PayOptions, 'reader' | 'acquirer' | 'merchant' | 'method' | 'journal'> => {
    const { firmware, minimumBattery, verifyFrom, statusTime, reversalTime, application } = plan.app ?? {}
    const asked = step.application ?? application
    return {
      ...{ prompts: prompts(), signal, newKey: () => seededKey(random) },
      ...(asked !== undefined && { application: asked }),
      ...(firmware && {
        firmware: { ...(firmware.required && { required: firmware.required }), ...(firmware.current && { current: firmware.current }) },
      }),
      ...(minimumBattery !== undefined && { minimumBattery }),
      ...(verifyFrom !== undefined && { verifyFrom }),
      ...(statusTime !== undefined && { statusTime }),
      ...(reversalTime !== undefined && { reversalTime }),
      ...(step.prefer && { prefer: step.prefer }),
      ...(step.waitTime !== undefined && { waitTime: step.waitTime }),
      ...(step.interfaces && { interfaces: step.interfaces }),
      ...(step.forceOnline !== undefined && { forceOnline: step.forceOnline }),
      ...(step.fallback && {
        fallback: {
          ...(step.fallback.to && { to: step.fallback.to }),
          ...(step.fallback.tries !== undefined && { tries: step.fallback.tries }),
          ...(step.fallback.notFor && { notFor: step.fallback.notFor }),
        },
      }),
    }
  }

  const orderOf = (step: Partial<PayPlan>): Order => {
    const number = step.order ?? `scenario_${++orders}`
    lastOrder = number
    const amount = step.type === 'check' ? 0n : money(step.amount ?? plan.amount ?? '2500.00')
    return { number, amount, currency: unit }
  }

  const part = (step: { amount?: string | undefined; final?: boolean | undefined }) => ({
    ...(step.amount !== undefined && { amount: money(step.amount) }),
    ...(step.final !== undefined && { final: step.final }),
  })
  const numberOf = (step: { order?: string | undefined }): string => {
    const number = step.order ?? lastOrder
    if (number === undefined) throw new Fault('bad-argument', 'no order was paid before this step: name one', { field: 'order' })
    return number
  }

  const payments = {
    async card(mine: Life, order: Order, step: PayPlan, signal: AbortSignal): Promise<Told> {
      const { hold, partial, cashback, tip, surcharge, type } = step
      const options = {
        ...payOptions(step, signal),
        ...{ reader: await reader(mine), ...(hold !== undefined && { hold }), ...(partial !== undefined && { partial }) },
        ...(cashback !== undefined && { otherAmount: money(cashback) }),
        ...(tip !== undefined && { tip: money(tip) }),
        ...(surcharge !== undefined && { surcharge: money(surcharge) }),
      }
      if (!keeps || (type !== undefined && type !== 'purchase' && type !== 'cashback')) {
        const payment = await pay(order, {
          ...options,
          ...(type && { type: type as PaymentType }),
          acquirer: alive(mine, world.acquirer),
          ...{ merchant, clock, tracer },
        })
        return { result: payment.result, payment, receipt: payment.receipt, order: order.number }
      }
      const paid = await till(mine).payOrder(order, { ...options, ...(type && { type }) })
      if ('payment' in paid) return { result: paid.result, payment: paid.payment, receipt: paid.payment.receipt, order: order.number }
      return { result: paid.result, order: order.number, content: { result: paid.result, state: paid.order.state } }
    },
    async cash(mine: Life, order: Order): Promise<Told> {
      const paid = await till(mine).payOrder(order, { method: 'cash' })
      return { result: paid.result, order: order.number, ...('sale' in paid && { receipt: paid.sale.receipt, content: paid.sale }) }
    },
    async sbp(mine: Life, order: Order, _: PayPlan, signal: AbortSignal): Promise<Told> {
      const show = ({ payload }: { readonly payload: string }) => void (shownCode = payload)
      const paid = await till(mine).payOrder(order, { method: 'sbp', show, signal })
      return { result: paid.result, order: order.number, ...('sale' in paid && { receipt: paid.sale.receipt, content: paid.sale }) }
    },
  }
  let shownCode: string | undefined

  const app: App = {
    get lastOrder() {
      return lastOrder
    },
    get journal() {
      return life.journal
    },
    get code() {
      return shownCode
    },
    ready: () => ready(life),
    pay: (step, signal) => payments[step.by ?? 'card'](life, orderOf(step), step, signal),
    async change(kind, step, signal) {
      const number = numberOf(step)
      const counter = till(life)
      const changed =
        kind === 'increment'
          ? await counter.increment(number, part(step).amount ?? 1n, signal)
          : await counter[kind](number, part(step), signal)
      const { result, answer, order } = changed
      return {
        result,
        order: number,
        content: {
          result,
          state: order.state,
          ...(answer?.response && { responseCode: answer.response.code }),
          ...(answer?.reason && { reason: answer.reason }),
        },
      }
    },
    async refundByCard(step, signal) {
      const number = numberOf(step)
      const refunded = await till(life).refundByCard(number, { ...payOptions({}, signal), ...part(step), reader: await reader(life) })
      const { result, payment } = refunded
      return { result, order: number, ...(payment && { payment, receipt: payment.receipt }), content: { result } }
    },
    async sync() {
      const counter = till(life)
      const recovered = await counter.recover()
      const changed = await counter.reconcile()
      return {
        result: 'done',
        content: { recovered: recovered.map(({ became }) => became), changed: changed.map(({ number, state }) => ({ number, state })) },
      }
    },
    async update({ to, unsigned, for: other }, signal) {
      const { image } = virtualFamily(other ?? family)
      const device = await reader(life)
      if (!image || !device.updateFirmware)
        throw new Fault('unsupported', `readers of family ${family} take no firmware`, { feature: 'firmwareUpdate' })
      const mine = life
      await device.updateFirmware(image({ version: to, ...(unsigned && { signed: false }) }), {
        signal,
        onProgress: (done, total) => world.happen({ kind: 'update', percent: total === 0 ? 100 : Math.floor((done * 100) / total) }),
      })
      await device.close()
      mine.reader = undefined
      return { result: 'done', content: { version: to } }
    },
    async kill() {
      const { journal } = life
      life.dead = true
      life = newLife()
      world.act('cut')
      await journal?.close()
    },
    fillDisk() {
      full = true
    },
    async close() {
      const { reader, till, journal } = life
      life = newLife()
      await till?.close()
      await reader?.close().catch(error => {
        if (!isFault(error)) throw error
      })
      await journal?.close()
    },
    end() {
      if (folder) rmSync(folder, { recursive: true, force: true })
    },
  }
  return app
}

function newLife(): Life {
  return { dead: false, reader: undefined, till: undefined, journal: undefined }
}

/** The host as a process sees it: a dead one hears no answer. */
export function alive<T extends object>(life: Pick<Life, 'dead'>, acquirer: T): T {
  const wrapped = Object.entries(acquirer).map(([name, call]) => [
    name,
    async (...asked: never[]) => {
      if (life.dead) return stuck
      const answer = await (call as (...asked: never[]) => Promise<unknown>)(...asked).catch(error =>
        life.dead ? stuck : Promise.reject(error),
      )
      return life.dead ? stuck : answer
    },
  ])
  return Object.fromEntries(wrapped) as T
}
