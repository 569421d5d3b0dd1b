/** Receipts of an order: the slip, the fiscal receipt, and both as a printer would print them. */

import { png } from '../../../src/payment/receipt/picture.ts'
import { fiscalRows, layout, type Row, slipRows } from '../../../src/payment/receipt/print.ts'
import { receiptPicture } from '../../../src/payment/receipt/print-picture.ts'
import { fiscalReceipts } from '../../../src/payment/till/fiscal-orders.ts'
import type { Phone } from './phone.ts'
import type { Words } from './stage.ts'

/** Characters in a line of a phone's printer. */
const WIDTH = 32

/** Until it is left. @throws Fault `aborted` */
export async function showReceipts(phone: Phone, number: string): Promise<void> {
  const { stage, till, signal, shop, host } = phone
  const order = phone.order(number)
  const slip = till.receipt(number)
  const fiscal = await fiscalReceipts(order, { shop, signal, acquirer: host })
  let printed = false
  const rowsOf = ({ language }: Words): Row[] => [
    ...fiscal.flatMap(one => [...fiscalRows(one, language), { type: 'space' } as const]),
    ...slipRows(slip, language, 'customer'),
  ]
  await stage.converse(
    words => ({
      kind: 'receipt',
      title: words.text('screen.receipt'),
      rows: order.email ? [words.row('screen.email', order.email)] : [],
      slip: layout(rowsOf(words), WIDTH),
      ...(printed && {
        picture: `data:image/png;base64,${Buffer.from(png(receiptPicture(rowsOf(words), { width: WIDTH }))).toString('base64')}`,
      }),
      actions: [words.action('back', 'button.back', 'cancel'), words.action('print', 'button.printReceipt', 'primary')],
    }),
    signal,
    ({ action }) => {
      if (action === 'back') return action
      printed = true
      return undefined
    },
  )
}
