/** A payment by card: what reader, card and host say as it comes, and what the merchant and the customer are asked. */

import { asFault, isFault, throwIfAborted } from '../../../src/errors.ts'
import type { MessageId } from '../../../src/messages/messages.ts'
import type { PaymentEvent } from '../../../src/payment/pay/events.ts'
import type { AppPrompts } from '../../../src/payment/pay/payment.ts'
import { typedSignature } from '../../../src/payment/receipt/typed-signature.ts'
import { paymentWords } from '../../../src/payment/till/payment-words.ts'
import { moneyText } from '../../../src/payment/till/screen-rows.ts'
import type { Reader } from '../../../src/reader/reader.ts'
import type { Head } from './connect.ts'
import { either, type Phone } from './phone.ts'
import type { Answered, Line, Make, Words } from './stage.ts'

/** What was said so far, in whatever language it is read. */
type Said = (words: Words) => Line[]

/** What a payment asks this app, and what it is cancelled with. */
export interface CardTalk {
  readonly prompts: AppPrompts
  readonly signal: AbortSignal
}

/**
 * The payment screen while `work` runs.
 * @throws Fault what `work` throws; `aborted` when the merchant cancelled before anything was asked, or the app is closed
 */
export async function withPayment<T>(
  phone: Phone,
  { info }: Reader,
  head: Head,
  work: (talk: CardTalk) => Promise<T>,
  title: MessageId = 'screen.payment',
): Promise<T> {
  const { stage } = phone
  const stop = new AbortController()
  const said: Said[] = []
  const screen: Make = words => ({
    ...{ kind: 'payment', title: words.text(title), ...head(words), busy: true },
    lines: [words.line('screen.details', {}, 'strong'), ...said.flatMap(say => say(words))],
    actions: [words.action('cancel', 'button.cancel', 'cancel', { disabled: stop.signal.aborted })],
  })
  const show = () =>
    stage.show(screen, () => {
      stop.abort()
      stage.update()
    })
  const say = (id: MessageId, params?: Readonly<Record<string, string | number>>, tone?: Line['tone']) => {
    const before = said.at(-1)
    const line: Said = words => [words.line(id, params, tone)]
    // A display that shows the same twice has said it once.
    if (tone === 'reader' && before && before(english)[0]?.id === id) return
    said.push(line)
    if (stage.screen.kind === 'payment') stage.update()
  }
  const asked = async (make: Make, waiting: AbortSignal): Promise<Answered | undefined> => {
    try {
      return await stage.ask(make, either(waiting, stop.signal, phone.signal))
    } catch (error) {
      if (!isFault(error, 'aborted')) throw error
      return undefined
    } finally {
      if (!phone.signal.aborted) show()
    }
  }
  const prompts: AppPrompts = {
    async selectApplication(candidates, { signal }) {
      const labels = candidates.map(({ label }) => label)
      const answer = await asked(
        words => ({
          ...{ kind: 'chooseApplication', title: words.text('app.selectApplication'), ...head(words) },
          lines: [words.line('app.selectApplicationHelp')],
          choices: labels.map((label, index) => ({ id: `application:${index}`, label })),
          actions: [words.action('cancel', 'button.cancel', 'cancel')],
        }),
        signal,
      )
      if (!answer || answer.action === 'cancel') return undefined
      const chosen = Number(answer.action.split(':')[1])
      say('app.chosen', { label: labels[chosen] })
      return chosen
    },
    async captureSignature(_, { signal }) {
      let empty = false
      for (;;) {
        const answer = await asked(
          words => ({
            ...{ kind: 'signature', title: words.text('app.signature'), ...head(words), signature: {} },
            fields: [{ id: 'name', label: words.text('field.signature'), type: 'text', value: '' }],
            lines: [words.line('app.signHere'), ...(empty ? [words.line('app.signatureEmpty', {}, 'warning')] : [])],
            actions: [
              ...[words.action('clear', 'button.clear', 'link'), words.action('cancel', 'button.cancel', 'cancel')],
              words.action('sign', 'button.confirm', 'primary'),
            ],
          }),
          signal,
        )
        if (!answer || answer.action === 'cancel') return undefined
        empty = answer.action === 'sign'
        if (!empty) continue
        const drawn = answer.signature?.strokes.some(({ length }) => length > 1) ? answer.signature : typedSignature(answer.fields.name)
        if (drawn) return drawn
      }
    },
    async refer({ amount, order }, { signal }) {
      const answer = await asked(
        words => ({
          ...{ kind: 'referral', title: words.text('screen.referral'), ...head(words) },
          lines: [words.line('app.refer', { order: order.number, amount: moneyText(amount, order, words.language) }, 'strong')],
          actions: [words.action('declined', 'button.bankDeclined', 'cancel'), words.action('approved', 'button.bankApproved', 'primary')],
        }),
        signal,
      )
      return answer?.action === 'approved' ? 'approved' : 'declined'
    },
    tryAgain: async () => {
      say('app.pinWrong', {}, 'warning')
      return true
    },
    onEvent(event: PaymentEvent) {
      for (const one of paymentWords(event)) {
        if (one.by === 'reader') say(one.id, {}, 'reader')
        else if (one.by === 'app')
          say((info.family === 'softpos' && onPhone[one.id]) || one.id, one.params, warnings.includes(one.id) ? 'warning' : undefined)
      }
    },
  }
  say('app.connected', { reader: [info.model, info.serial].filter(Boolean).join(' ') || info.family })
  show()
  try {
    return await work({ prompts, signal: either(phone.signal, stop.signal) })
  } catch (error) {
    throwIfAborted(phone.signal)
    throw asFault(error)
  }
}

/** In place of what is said of a card reader. */
const onPhone: Partial<Record<MessageId, MessageId>> = { 'app.presentCard': 'app.tapPhone', 'app.enterPin': 'app.pinOnPhone' }
const warnings: readonly MessageId[] = [
  'app.pinWrong',
  'app.pinLastTry',
  'app.lowBattery',
  'app.cardTimeout',
  'app.reconciling',
  'app.reversing',
]
const english: Words = { language: 'en', text: id => id, line: id => ({ id, text: id }), row: id => ({ id, label: id, value: '' }), action: id => ({ id, label: id }) } // biome-ignore format: ids alone
