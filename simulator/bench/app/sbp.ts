/** SBP: the code, the state that is refreshed by itself, the code again, and another way to pay, for which the payment is taken back first. */

import { isFault } from '../../../src/errors.ts'
import type { SbpCode } from '../../../src/payment/acquirer.ts'
import type { OrderRecord } from '../../../src/payment/journal/journal.ts'
import { qrModules } from '../../../src/payment/receipt/qr-text.ts'
import type { Paid } from '../../../src/payment/till/till.ts'
import type { Head } from './connect.ts'
import { either, type Phone } from './phone.ts'
import type { Line } from './stage.ts'

/** `another`: nothing is charged, and the order is to be paid another way. @throws Fault as `payOrder` */
export async function bySbp(phone: Phone, order: OrderRecord, head: Head): Promise<{ readonly paid: Paid; readonly another: boolean }> {
  const { stage, till, times } = phone
  const stop = new AbortController()
  let [another, shown, takingBack, away] = [false, true, false, false]
  let code: SbpCode | undefined
  stage.show(
    words => {
      const { text, line, row, action } = words
      const lines: Line[] = takingBack
        ? [line('app.sbpTakingBack', {}, 'warning')]
        : code
          ? [line('app.sbpCode', {}, 'strong'), line('app.sbpScan')]
          : [line('app.sbpWait', {}, 'strong')]
      const state = text('app.sbpState', { state: text(away ? 'order.noNetwork' : 'state.In Process') })
      return {
        ...{ kind: 'sbp', title: text('method.sbp'), busy: true },
        lines: [...lines, ...(code ? [{ id: 'app.sbpState', text: state, tone: away ? ('warning' as const) : ('strong' as const) }] : [])],
        rows: [...(head(words).rows ?? []), ...(code?.answer.transaction ? [row('screen.transaction', code.answer.transaction)] : [])],
        ...(code && shown && !takingBack && { qr: qrOf(code.payload) }),
        actions:
          code && !takingBack
            ? [
                shown ? action('state', 'button.showState', 'link') : action('code', 'button.showCode', 'link'),
                action('another', 'button.otherWay'),
                action('cancel', 'button.cancel', 'cancel'),
              ]
            : [],
      }
    },
    ({ action }) => {
      if (action === 'state' || action === 'code') shown = action === 'code'
      else {
        ;[takingBack, another] = [true, action === 'another']
        stop.abort()
      }
      stage.update()
    },
  )
  const paid = await till.payOrder(order, {
    method: 'sbp',
    signal: either(phone.signal, stop.signal),
    ...{ refreshTime: times.refresh, reversalTime: times.status },
    show(given) {
      code = given
      stage.update()
    },
    onRefresh(_, fault) {
      const now = fault !== undefined && isFault(fault)
      if (now === away) return
      away = now
      stage.update()
    },
  })
  return { paid, another }
}

/** As a picture: dark modules on white, with the quiet zone that scanners need. */
export function qrOf(payload: string): { svg: string; text: string } {
  const modules = qrModules(payload)
  const size = modules.length + 8
  const path = modules.flatMap((row, y) => row.flatMap((dark, x) => (dark ? [`M${x + 4} ${y + 4}h1v1h-1z`] : []))).join('')
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size} ${size}" shape-rendering="crispEdges"><path fill="#fff" d="M0 0h${size}v${size}H0z"/><path d="${path}"/></svg>`
  return { svg, text: payload }
}
