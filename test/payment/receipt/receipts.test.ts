/** Receipts: the fiscal receipt of the seed, VAT, refunds, both copies of a slip, paper widths, ESC/POS in code page 866, pictures and signatures. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crc32, inflateSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { concat, text } from '../../../src/bytes.ts'
import { currency } from '../../../src/currency.ts'
import type { Fault } from '../../../src/errors.ts'
import { faultMessage } from '../../../src/messages/messages.ts'
import type { FiscalMark, Order, OrderItem } from '../../../src/payment/acquirer.ts'
import { decodeOrder, decodeSale, encodeOrder, encodeSale } from '../../../src/payment/host/wire-order.ts'
import { openJournal } from '../../../src/payment/journal/open.ts'
import { openDatabase } from '../../../src/payment/journal/sqlite.ts'
import { checkOrder } from '../../../src/payment/order.ts'
import { fiscalQr, makeFiscalReceipt, vatIn } from '../../../src/payment/receipt/fiscal.ts'
import { letterDots } from '../../../src/payment/receipt/font.ts'
import { Picture, png } from '../../../src/payment/receipt/picture.ts'
import { fiscalRows, layout, type Row, slipRows } from '../../../src/payment/receipt/print.ts'
import { receiptPicture } from '../../../src/payment/receipt/print-picture.ts'
import { escPos, printOver } from '../../../src/payment/receipt/printer.ts'
import { qrModules } from '../../../src/payment/receipt/qr-text.ts'
import { type Receipt, receiptLines } from '../../../src/payment/receipt/receipt.ts'
import { signaturePad, signaturePng, signatureSvg } from '../../../src/payment/receipt/signature.ts'
import { orderLines } from '../../../src/payment/till/screen.ts'
import { pipe } from '../../../src/transport/pipe.ts'

const RUB = currency('RUB')
const merchant = { name: 'ООО "АССИСТ"', id: 'MTM', terminal: '63545902', address: 'Комиссара Смирнова 9' }
const item: OrderItem = { id: '1', name: 'Новый товар', quantity: 3000n, price: 50_00n, amount: 150_00n, vat: 20 }
const order: Order = { number: '26032019_105115_346084952', amount: 150_00n, currency: RUB, email: 'null@assist.ru', items: [item] }
const at = new Date(2019, 2, 26, 10, 48)
const mark: FiscalMark = { kind: 'sale', at, amount: 150_00n, register: '00106700276328', registration: '0000000001024742', drive: '9999078900011524', document: 135, sign: '2550591940', shift: 9, receipt: 21, operator: 'ОФД1', internet: true } // biome-ignore format: a record
const shop = { inn: '7728029110', taxation: 'osn', place: 'пр. Шаумяна 4', cashier: 'Рязанов Д.' } as const
const slip: Receipt = { merchant: 'M', terminal: '1', order: '1', result: 'approved', amount: '1.00', currency: 'RUB', pan: '489349****0062', date: '', interface: 'chip', cvm: 'signature', signatureLine: true } // biome-ignore format: a record

describe('the fiscal receipt', () => {
  const seed = makeFiscalReceipt({ order, merchant, at, form: 'cashless', shop, mark })

  it('has what the seed’s has, in its order', () => {
    const lines = layout(fiscalRows(seed, 'ru'), 32).map(line => line.trim().replace(/ +=/, ' ='))
    expect(lines).toEqual([
      ...['КАССОВЫЙ ЧЕК', 'ПРИХОД', 'Новый товар', '3.000 * 50.00 =150.00', 'НДС 20% =25.00', '-'.repeat(32), 'ИТОГ =150.00', 'Сумма НДС 20% =25.00'],
      ...['БЕЗНАЛИЧНЫМИ =150.00', 'ПОЛУЧЕНО =150.00', 'СНО: ОСН', 'Эл.адр.покупателя:', 'null@assist.ru', 'Пользователь: ООО "АССИСТ"'],
      ...['Адрес: Комиссара Смирнова 9', 'Место расчетов: пр. Шаумяна 4', 'Кассир: Рязанов Д.', 'Заказ: 26032019_105115_346084952', 'ККТ для ИНТЕРНЕТ', 'ЗН ККТ: 00106700276328'],
      ...['Смена № 00009', 'Чек № 00021', 'Дата Время: 26.03.19 10:48', 'ОФД: ОФД1', 'ИНН: 7728029110', 'РН ККТ: 0000000001024742'],
      ...['ФН № 9999078900011524', 'ФД № 0000000135', 'ФП: 2550591940', 'ЖДЕМ ВАС СНОВА!'],
    ]) // biome-ignore format: a receipt
    const english = layout(fiscalRows(seed, 'en'), 32).map(line => line.trim())
    expect(english.at(-1)).toBe('COME AGAIN!')
    expect(english.indexOf('CASH REGISTER FOR THE INTERNET')).toBe(english.indexOf('Register: 00106700276328') - 1)
    expect(english.indexOf('Fiscal data operator: ОФД1')).toBe(english.indexOf('Taxpayer No.: 7728029110') - 1)
    const { internet: _, ...inShop } = mark
    const counter = makeFiscalReceipt({ order, merchant, at, form: 'cashless', shop, mark: inShop })
    expect(layout(fiscalRows(counter, 'ru'), 32).join()).not.toContain('ИНТЕРНЕТ')
    expect(fiscalQr(seed)).toBe('t=20190326T1048&s=150.00&fn=9999078900011524&i=135&fp=2550591940&n=1')
    expect(JSON.parse(JSON.stringify(seed))).toEqual(seed)
  })

  it.each([
    [150_00n, 20, 25_00n],
    [100n, 20, 17n], // 16.67
    [105n, 20, 18n], // 17.5, half up
    [110_00n, 10, 10_00n],
    [107_50n, 7.5, 7_50n],
    [1n, 20, 0n],
    [100n, 0, 0n],
  ])('%s minor units at %s percent: the VAT in it', (amount, rate, vat) => expect(vatIn(amount, rate)).toBe(vat))

  it('several rates and goods without VAT: each line once, totals by rate; cash with its change', () => {
    const items: OrderItem[] = [
      { id: '1', name: 'A', quantity: 2000n, price: 182n, amount: 364n, vat: 20 },
      { id: '2', name: 'B', quantity: 3000n, price: 116n, amount: 336n, vat: 10 }, // with a discount of 0.12
      { id: '3', name: 'C', quantity: 500n, price: 200n, amount: 100n },
      { id: '4', name: 'D', quantity: 1000n, price: 100n, amount: 100n, vat: 20 },
    ]
    const made = makeFiscalReceipt({ order: { ...order, amount: 900n, items }, merchant, at, form: 'cash', received: 1000n })
    expect(made).toMatchObject({ total: '9.00', vat: [{ rate: 20, amount: '0.78' }, { rate: 10, amount: '0.31' }], withoutVat: '1.00', received: '10.00', change: '1.00' }) // biome-ignore format: one line
    const lines = layout(fiscalRows(made, 'ru'), 48)
    expect(lines.filter(line => /НАЛИЧНЫМИ|СДАЧА|БЕЗ НДС/.test(line)).map(line => line.replace(/ +/g, ' '))).toEqual(['БЕЗ НДС', 'Сумма БЕЗ НДС =1.00', 'НАЛИЧНЫМИ =9.00', 'СДАЧА =1.00']) // biome-ignore format: one line
    expect(lines.map(line => line.trim())).toContain('НЕ ФИСКАЛИЗИРОВАН')
  })

  it('every product is true, and a discount has a row of its own', () => {
    const items: OrderItem[] = [
      { id: '1', name: 'A', quantity: 3000n, price: 116n, amount: 336n, vat: 20 },
      { id: '2', name: 'B', quantity: 1000n, price: 100_00n, amount: 1n },
      { id: '3', name: 'C', quantity: 333n, price: 100n, amount: 34n },
    ]
    const made = makeFiscalReceipt({ order: { ...order, amount: 371n, items }, merchant, at, form: 'cashless' })
    for (const [language, word] of [['ru', 'СКИДКА'], ['en', 'DISCOUNT']] as const) {
      const lines = layout(fiscalRows(made, language), 48).map(line => line.replace(/ +=/, ' ='))
      const begin = lines.indexOf('A')
      expect([lines[begin + 1], lines[begin + 2]]).toEqual(['3.000 * 1.16 =3.48', `${word} =0.12`])
      const other = lines.indexOf('B')
      expect([lines[other + 1], lines[other + 2]]).toEqual(['1.000 * 100.00 =100.00', `${word} =99.99`])
      expect(lines[lines.indexOf('C') + 1]).toBe('0.333 * 1.00 =0.34')
    } // biome-ignore format: one line
    expect(made).toMatchObject({ total: '3.71', items: [{ amount: '3.36', vatAmount: '0.56' }, { amount: '0.01' }, { amount: '0.34' }] })
  })

  it('a refund of part of an item, after another part: the rest of the money, and no more', () => {
    const first: FiscalMark = { ...mark, kind: 'refund', amount: 33n, items: [{ id: '1', quantity: 1000n }] }
    const last: FiscalMark = { ...first, amount: 67n, items: [{ id: '1', quantity: 2000n }] }
    const odd = { ...order, amount: 100n, items: [{ ...item, price: 34n, amount: 100n }] }
    const facts = { order: odd, merchant, at, form: 'cash', received: 500n } as const
    expect(makeFiscalReceipt({ ...facts, mark: first, before: [mark] })).toMatchObject({ kind: 'refund', total: '0.33', received: '0.33' })
    const made = makeFiscalReceipt({ ...facts, mark: last, before: [mark, first] })
    expect(made).toMatchObject({ total: '0.67', items: [{ quantity: '2.000', amount: '0.67' }] })
    expect(made.change).toBeUndefined()
    expect(layout(fiscalRows(made, 'ru'), 32).map(line => line.trim())).toContain('ВОЗВРАТ ПРИХОДА')
  })

  it('an order without items: one line of a constant name and rate', () => {
    const { items: _, ...bare } = order
    expect(makeFiscalReceipt({ order: bare, merchant, at, form: 'cashless', shop: { goods: 'Товар', vat: 20 } }).items).toEqual([
      { name: 'Товар', quantity: '1.000', price: '150.00', amount: '150.00', vat: 20, vatAmount: '25.00' },
    ])
  })
})

/** Each as its number and the text that holds it. */
const broken = [0x00, 0x09, 0x0a, 0x0d, 0x1b, 0x7f, 0x85, 0x9b, 0x2028, 0x2029, 0x200f, 0x202e, 0x2066, 0xd800].map(
  code => [`U+${code.toString(16).toUpperCase().padStart(4, '0')}`, `Чай${String.fromCharCode(code)}ИТОГ =0.00`] as const,
)

describe('one line', () => {
  it.each(broken)(
    '%s is refused in each text of an order, by its field, in both languages, and by whoever reads it off a wire',
    (name, bad) => {
      const fields: [string, Order, typeof merchant][] = [
        ['order.number', { ...order, number: bad }, merchant],
        ['order.items.1.name', { ...order, items: [{ ...item, name: bad }] }, merchant],
        ['order.comment', { ...order, comment: bad }, merchant],
        ['order.email', { ...order, email: bad }, merchant],
        ['order.commission', { ...order, commission: bad }, merchant],
        ['merchant.name', order, { ...merchant, name: bad }],
        ['merchant.address', order, { ...merchant, address: bad }],
      ]
      for (const [field, some, whose] of fields) {
        let fault: unknown
        try {
          checkOrder(some, whose)
        } catch (error) {
          fault = error
        }
        expect(fault, field).toMatchObject({
          code: 'bad-argument',
          details: { field, value: name, at: 4, rule: expect.stringContaining('one line') },
        })
        const [en, ru] = (['en', 'ru'] as const).map(language => faultMessage(fault as Fault, language))
        expect(en).toContain(`${field} has ${name} as its character 4; it takes one line, without control characters`)
        expect(ru).toContain(`${field}: символ 4 — ${name}; допустима одна строка без управляющих символов`)
        const sale = encodeSale({ key: 'k', order: some, merchant: whose, amount: 1n, at })
        const path = field.replace('items.1', 'items.0')
        expect(() => decodeSale(sale), field).toThrow(
          expect.objectContaining({ code: 'bad-argument', details: expect.objectContaining({ path }) }),
        )
      }
    },
  )

  it('letters of any language, signs and joined signs are no control characters', () => {
    const name = 'Ёж №1 «чай» – café 茶 ☕️ 👩‍🍳 ₽ \u00a0 שלום'
    expect(() => checkOrder({ ...order, items: [{ ...item, name }] }, merchant)).not.toThrow()
    expect(decodeOrder(encodeOrder({ ...order, items: [{ ...item, name }] }), 'order').items?.[0].name).toBe(name)
  })

  it('an order of two lines is not entered in a journal; one that an earlier version wrote down is still read', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tapdip-line-'))
    try {
      const path = join(folder, 'orders.db')
      const journal = await openJournal(path)
      expect(() => journal.enter({ ...order, comment: 'a\nb' }, merchant)).toThrow(expect.objectContaining({ code: 'bad-argument' }))
      expect(journal.orders()).toEqual([])
      journal.enter({ ...order, comment: 'a#b' }, merchant)
      await journal.close()
      const database = await openDatabase(path, { schema: '', application: 0x74646970, what: 'test' })
      expect(database.run("UPDATE orders SET detail = replace(detail, 'a#b', 'a\\nb')")).toBe(1)
      database.close()
      const again = await openJournal(path)
      const [found] = again.orders()
      expect(found.comment).toBe('a\nb')
      expect(orderLines(found).at(-1)).toBe('Comment: a b')
      await again.close()
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })

  it.each(broken)('%s from a card, a host or an old journal reaches no paper and no screen', (_, bad) => {
    const rows: Row[] = [{ type: 'text', text: bad }, { type: 'title', text: bad }, { type: 'strong', text: bad }, { type: 'sum', left: bad, right: bad }] // biome-ignore format: rows
    const plain = rows.map(row => ('text' in row ? { ...row, text: 'Чай ИТОГ =0.00' } : { ...row, left: 'Чай ИТОГ =0.00', right: 'Чай ИТОГ =0.00' })) // biome-ignore format: rows
    for (const width of [32, 48] as const) {
      expect(escPos(rows, { width })).toEqual(escPos(plain, { width }))
      expect(layout(rows, width)).toEqual(layout(plain, width))
    }
    const lines = receiptLines({ ...slip, cardholder: bad, label: bad, aid: 'A0', rrn: bad })
    expect(lines).toEqual(expect.arrayContaining(['Cardholder: Чай ИТОГ =0.00', 'AID: A0 Чай ИТОГ =0.00', 'RRN: Чай ИТОГ =0.00']))
  })
})

describe('paper', () => {
  it.each([32, 48] as const)('of %d columns: no line is wider, and no letter is lost', width => {
    const rows = fc.array(fc.oneof(
      fc.record({ type: fc.constantFrom('text' as const, 'title' as const), text: fc.stringMatching(/^[А-яa-z0-9 ]{0,120}$/) }),
      fc.record({ type: fc.constant('sum' as const), left: fc.stringMatching(/^[А-яa-z ]{0,90}$/), right: fc.stringMatching(/^=[0-9.]{1,20}$/) }),
    )) // biome-ignore format: a table
    fc.assert(
      fc.property(rows, some => {
        const lines = layout(some, width)
        for (const line of lines) expect(line.length).toBeLessThanOrEqual(width)
        const letters = (row: Row) => ('text' in row ? row.text : 'left' in row ? row.left + row.right : '')
        expect(lines.join('').replace(/ /g, '')).toBe(some.map(letters).join('').replace(/ /g, ''))
      }),
      { seed: 8 },
    )
  })

  it('only the merchant’s copy has a line to sign on, and only where the CVM asks for one', () => {
    const line = /Подпись: _+/
    const shown = (receipt: Receipt, copy: 'merchant' | 'customer') => layout(slipRows(receipt, 'ru', copy), 48).join('\n')
    expect(shown(slip, 'merchant')).toMatch(line)
    expect(shown(slip, 'customer')).not.toMatch(line)
    expect(shown({ ...slip, cvm: 'onlinePin', signatureLine: false }, 'merchant')).not.toMatch(line)
    expect(shown(slip, 'merchant')).toContain('ЭКЗЕМПЛЯР ПРЕДПРИЯТИЯ')
  })
})

describe('an ESC/POS printer', () => {
  const rows: Row[] = [{ type: 'title', text: 'КАССОВЫЙ ЧЕК' }, { type: 'text', text: 'Ёж №1 «по…» — 5 ₽' }, { type: 'sum', left: 'ИТОГ', right: '=1.00', strong: true }, { type: 'qr', text: 'abc' }] // biome-ignore format: rows

  it('gets code page 866, its letters, bold where it is strong, the QR code and the cut', () => {
    const bytes = escPos(rows, { width: 32 })
    expect([...bytes.subarray(0, 2)]).toEqual([0x1b, 0x40]) // ESC @
    const all = Buffer.from(bytes)
    expect(all.includes(Buffer.from('1b7411', 'hex'))).toBe(true) // ESC t 17: PC866, Cyrillic #2 (Epson)
    const said = new TextDecoder('ibm866').decode(bytes)
    for (const line of ['КАССОВЫЙ ЧЕК', 'Ёж №1 "по..." - 5 руб.', `ИТОГ${' '.repeat(23)}=1.00`]) expect(said).toContain(line)
    const bold = all.indexOf(Buffer.from('1b4501', 'hex'))
    expect(bold).toBeGreaterThan(0)
    expect(bold).toBeLessThan(said.indexOf('КАССОВЫЙ'))
    expect(all.includes(Buffer.concat([Buffer.from('1d286b0600315030', 'hex'), Buffer.from('abc')]))).toBe(true) // GS ( k, store
    expect(all.includes(Buffer.from('1d56', 'hex'))).toBe(true) // GS V
    expect(Buffer.from(escPos(rows, { cut: false })).includes(Buffer.from('1d56', 'hex'))).toBe(false)
  })

  it('over any Link, in pieces that it takes', async () => {
    const [host, printer] = pipe({ mtu: 20 })
    const bytes = escPos(rows)
    const heard: Uint8Array[] = []
    const listening = (async () => {
      for await (const chunk of printer.incoming) heard.push(chunk)
    })()
    await printOver(host, bytes)
    await host.close()
    await listening.catch(() => {})
    expect(concat(...heard)).toEqual(bytes)
    await expect(printOver(host, bytes)).rejects.toMatchObject({ code: 'link-closed' })
    await expect(printOver(host, bytes, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'aborted' })
  })
})

/** The pixels of a PNG, read by another's hand: chunks, their CRC, zlib. */
function pixels(file: Uint8Array): { width: number; height: number; isDark(x: number, y: number): boolean } {
  const view = Buffer.from(file)
  expect(view.subarray(0, 8).toString('hex')).toBe('89504e470d0a1a0a')
  const parts: Buffer[] = []
  const names: string[] = []
  let [width, height] = [0, 0]
  for (let offset = 8; offset < view.length; ) {
    const length = view.readUInt32BE(offset)
    const body = view.subarray(offset + 4, offset + 8 + length)
    expect(view.readUInt32BE(offset + 8 + length)).toBe(crc32(body))
    const name = text(body.subarray(0, 4))
    names.push(name)
    if (name === 'IHDR') [width, height] = [body.readUInt32BE(4), body.readUInt32BE(8)]
    if (name === 'IDAT') parts.push(body.subarray(4))
    offset += 12 + length
  }
  expect(names).toEqual(['IHDR', 'IDAT', 'IEND'])
  const data = inflateSync(Buffer.concat(parts))
  const stride = Math.ceil(width / 8) + 1
  expect(data).toHaveLength(stride * height)
  return { width, height, isDark: (x, y) => (data[y * stride + 1 + (x >> 3)] & (0x80 >> (x & 7))) === 0 }
}

describe('a picture', () => {
  it('of a receipt: its letters, its QR code', () => {
    const picture = receiptPicture(
      [
        { type: 'text', text: 'Ж' },
        { type: 'qr', text: 'abc' },
      ],
      { width: 32 },
    )
    const seen = pixels(png(picture))
    const letter = [...Array(13).keys()].map(y =>
      [...Array(8).keys()].reduce((row, x) => row | (seen.isDark(12 + x, 12 + y) ? 0x80 >> x : 0), 0),
    )
    expect(letter).toEqual([...letterDots('Ж')])
    expect(letterDots('Ж').some(row => row !== 0)).toBe(true)
    const modules = qrModules('abc')
    const left = Math.floor((seen.width - modules.length * 3) / 2)
    expect(modules.map((row, y) => row.map((_, x) => seen.isDark(left + x * 3 + 1, 12 + 16 + (y + 4) * 3 + 1)))).toEqual(modules)
  })

  it('of more than one block of zlib, and every letter of a receipt has its own dots', () => {
    const big = new Picture(1000, 700)
    big.fill(999, 699, 1, 1)
    const seen = pixels(png(big))
    expect([seen.isDark(999, 699), seen.isDark(998, 699), seen.isDark(999, 698)]).toEqual([true, false, false])
    const letters = 'ABCXYZabcxyz0123456789АБВЖЗИЙЩЪЫЬЭЮЯабвжзийщъыьэюяЁё№«»—=*:@"%()/'
    expect(new Set([...letters].map(one => letterDots(one).join())).size).toBeGreaterThan(letters.length - 12) // А and A are the same dots
    expect(letterDots('中')).toEqual(letterDots('界')) // the box
    for (const [width, height] of [[0, 1], [1, 20_000], [1.5, 1]]) expect(() => new Picture(width, height)).toThrowError(expect.objectContaining({ code: 'bad-argument' })) // biome-ignore format: one line
  })
})

describe('a signature', () => {
  it('is taken when something is drawn, cleared and drawn again', () => {
    const pad = signaturePad()
    expect(pad.ready).toBe(false)
    pad.move({ x: 1, y: 1 }) // without touching
    pad.down({ x: 5, y: 5 })
    pad.up()
    expect(pad.ready).toBe(false)
    expect(() => pad.signature()).toThrowError(expect.objectContaining({ code: 'bad-argument' }))
    pad.down({ x: 0, y: 0 })
    pad.move({ x: 10, y: 10 })
    pad.up()
    expect(pad.ready).toBe(true)
    pad.clear()
    expect(pad.ready).toBe(false)
    pad.down({ x: 1, y: 2 })
    pad.move({ x: 3, y: 4 })
    pad.up()
    expect(pad.signature()).toEqual({ strokes: [[{ x: 1, y: 2 }, { x: 3, y: 4 }]] }) // biome-ignore format: one line
  })

  it('as PNG and SVG, as large as it fits and not distorted', () => {
    const cross = { strokes: [[{ x: 0, y: 0 }, { x: 50, y: 50 }], [{ x: 50, y: 0 }, { x: 0, y: 50 }]] } // biome-ignore format: one line
    const seen = pixels(signaturePng(cross, { width: 100, height: 62 }))
    expect(seen).toMatchObject({ width: 100, height: 62 })
    expect([seen.isDark(25, 6), seen.isDark(75, 56), seen.isDark(75, 6), seen.isDark(25, 56), seen.isDark(50, 31)]).toEqual([true, true, true, true, true]) // biome-ignore format: one line
    expect([seen.isDark(50, 6), seen.isDark(5, 31), seen.isDark(95, 31)]).toEqual([false, false, false])
    expect(signatureSvg(cross, { width: 100, height: 62 })).toContain('d="M25 6L75 56M75 6L25 56"')
    for (const draw of [signaturePng, signatureSvg]) expect(() => draw({ strokes: [] })).toThrowError(expect.objectContaining({ code: 'bad-argument' })) // biome-ignore format: one line
    expect(pixels(signaturePng({ strokes: [[{ x: 7, y: 7 }, { x: 7, y: 9 }]] })).height).toBe(120) // biome-ignore format: a straight stroke has no width
    const signed = pixels(png(receiptPicture([], { signature: cross })))
    expect([...Array(signed.width).keys()].some(x => signed.isDark(x, 40))).toBe(true)
  })
})
