/** Receipts on paper of 32 or 48 columns: the fiscal receipt and the slip as rows, and rows as lines of text. */

import * as door from '../../door.ts'
import { type Language, type ShopMessageId as MessageId, shopMessage as message } from '../../messages/shop.ts'
import { printable } from '../one-line.ts'
import * as rules from '../rules.ts'
import { type FiscalReceipt, fiscalQr } from './fiscal.ts'
import { headlines, type Receipt, receiptLines } from './receipt.ts'

/** One row before it is laid out. */
export type Row =
  | {
      /** Text from the left, in the middle, or strong. */
      readonly type: 'text' | 'title' | 'strong'
      /** In as many lines as it takes. */
      readonly text: string
    }
  | {
      /** Left and right edge, with room between them. */
      readonly type: 'sum'
      /** What it is. */
      readonly left: string
      /** How much. */
      readonly right: string
      /** Both are strong. */
      readonly strong?: boolean
    }
  | {
      /** A line across, or an empty one. */
      readonly type: 'rule' | 'space'
    }
  | {
      /** A QR code. */
      readonly type: 'qr'
      /** What it says. */
      readonly text: string
    }

/** Characters in a line: paper of 58 or of 80 mm. */
export type Width = 32 | 48

/** Whose copy: the merchant's has the line to sign on. */
export type Copy = 'merchant' | 'customer'

const plain = (text: string): Row => ({ type: 'text', text })
const sum = (left: string, right: string, strong = false): Row => ({ type: 'sum', left, right: `=${right}`, strong })

/** The slip of a card payment. Only the merchant's copy asks for a signature, and only where the CVM does and none was taken on a screen. */
export function slipRows(receipt: Receipt, language: Language = 'en', copy: Copy = 'customer'): Row[] {
  door.need('receipt', receipt, rules.receiptRule)
  const lines = receiptLines({ ...receipt, signatureLine: receipt.signatureLine && copy === 'merchant' }, language)
  const title = receipt.method ? [] : [{ type: 'title' as const, text: message(`receipt.copy.${copy}`, language) }]
  const results = headlines(receipt, language)
  return [
    ...title,
    ...lines.map((text): Row => (text === '' ? { type: 'space' } : results.includes(text) ? { type: 'strong', text } : plain(text))),
  ]
}

/** In the order of the seed's example. */
export function fiscalRows(receipt: FiscalReceipt, language: Language = 'en'): Row[] {
  door.need('receipt', receipt, door.shape({ kind: door.anyText, items: door.listOf(door.object) }))
  const say = (id: MessageId, params: Readonly<Record<string, string | number>> = {}) => message(id, language, params)
  const line = (id: MessageId, value: string | undefined) => (value ? [plain(`${say(id)}: ${value}`)] : [])
  const { kind, items, total, vat, withoutVat, form, received, change, mark } = receipt
  const at = new Date(receipt.at)
  const two = (value: number) => String(value).padStart(2, '0')
  const day = `${two(at.getDate())}.${two(at.getMonth() + 1)}.${two(at.getFullYear() % 100)} ${two(at.getHours())}:${two(at.getMinutes())}`
  const qr = fiscalQr(receipt)
  return [
    { type: 'title', text: say('fiscal.title') },
    { type: 'title', text: say(`fiscal.${kind}`) },
    ...(mark ? [] : [{ type: 'title' as const, text: say('fiscal.notYet') }]),
    ...items.flatMap(({ name, quantity, price, amount, full, discount, vat: rate, vatAmount }) => [
      plain(name || say('receipt.surcharge')),
      sum(`${quantity} * ${price}`, full ?? amount),
      ...(discount ? [sum(say('screen.discount'), discount)] : []),
      ...(rate === undefined || vatAmount === undefined ? [plain(say('fiscal.noVat'))] : [sum(say('fiscal.vat', { rate }), vatAmount)]),
    ]),
    { type: 'rule' },
    sum(say('fiscal.total'), total, true),
    ...vat.map(({ rate, amount }) => sum(say('fiscal.vatSum', { rate }), amount)),
    ...(withoutVat ? [sum(say('fiscal.withoutVat'), withoutVat)] : []),
    sum(say(`fiscal.${form}`), total),
    ...(received ? [sum(say(kind === 'sale' ? 'fiscal.received' : 'fiscal.paidOut'), received)] : []),
    ...(change && Number(change) > 0 ? [sum(say('fiscal.change'), change)] : []),
    ...(receipt.taxation ? line('fiscal.taxation', say(`taxation.${receipt.taxation}`)) : []),
    ...line('fiscal.buyer', receipt.buyer),
    ...line('fiscal.user', receipt.user),
    ...line('fiscal.address', receipt.address),
    ...line('fiscal.place', receipt.place),
    ...line('fiscal.cashier', receipt.cashier),
    ...line('receipt.order', receipt.order),
    ...(mark
      ? [
          ...(mark.internet ? [plain(say('fiscal.internet'))] : []),
          ...line('fiscal.register', mark.register),
          plain(say('fiscal.shift', { number: String(mark.shift).padStart(5, '0') })),
          plain(say('fiscal.number', { number: String(mark.receipt).padStart(5, '0') })),
        ]
      : []),
    ...line('fiscal.date', day),
    ...(mark ? line('fiscal.operator', mark.operator) : []),
    ...line('fiscal.inn', receipt.inn),
    ...(mark
      ? [
          ...line('fiscal.registration', mark.registration),
          plain(say('fiscal.drive', { number: mark.drive })),
          plain(say('fiscal.document', { number: String(mark.document).padStart(10, '0') })),
          ...line('fiscal.sign', mark.sign),
        ]
      : []),
    ...(qr ? [{ type: 'qr' as const, text: qr }] : []),
    { type: 'title', text: say('fiscal.comeAgain') },
  ]
}

/** Rows as lines no wider than the paper. A QR code is left to whoever can draw one. */
export function layout(rows: readonly Row[], width: Width): string[] {
  door.need('rows', rows, door.listOf(door.object))
  door.need('width', width, door.oneOf([32, 48]))
  return rows.flatMap(row => rowLines(printableRow(row), width))
}

/** Whatever wrote the row: what reaches the paper is letters. */
function printableRow(row: Row): Row {
  if (row.type === 'sum') return { ...row, left: printable(row.left), right: printable(row.right) }
  return row.type === 'text' || row.type === 'title' || row.type === 'strong' ? { ...row, text: printable(row.text) } : row
}

function rowLines(row: Row, width: Width): readonly string[] {
  switch (row.type) {
    case 'text':
    case 'strong':
      return wrap(row.text, width)
    case 'title':
      return wrap(row.text, width).map(line => `${' '.repeat(Math.floor((width - line.length) / 2))}${line}`)
    case 'sum':
      return edges(row.left, row.right, width)
    case 'rule':
      return ['-'.repeat(width)]
    case 'space':
      return ['']
    case 'qr':
      return []
  }
}

function edges(left: string, right: string, width: number): string[] {
  const lines = wrap(left, width)
  const last = lines.at(-1)!
  const room = width - last.length - right.length
  if (room >= 1) return [...lines.slice(0, -1), `${last}${' '.repeat(room)}${right}`]
  return [...lines, right.padStart(width)]
}

/** At spaces where there are any; a word that is wider than the paper is cut. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`
    if (longer.length <= width) line = longer
    else {
      if (line !== '') lines.push(line)
      line = word
      for (; line.length > width; line = line.slice(width)) lines.push(line.slice(0, width))
    }
  }
  return [...lines, line]
}
