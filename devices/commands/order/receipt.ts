/** `tapdip order receipt`: slip and fiscal receipt again, as text, JSON, picture, or on a printer. */

import { writeFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { choice, matching, onlyFor } from '../../../src/command/flags.ts'
import { EXIT } from '../../../src/command/line.ts'
import { fileFault } from '../../../src/file-fault.ts'
import { type FiscalShop, taxations } from '../../../src/payment/receipt/fiscal.ts'
import { png } from '../../../src/payment/receipt/picture.ts'
import { type Copy, fiscalRows, layout, type Row, slipRows, type Width } from '../../../src/payment/receipt/print.ts'
import { receiptPicture } from '../../../src/payment/receipt/print-picture.ts'
import { escPos, printOver } from '../../../src/payment/receipt/printer.ts'
import { fiscalReceipts } from '../../../src/payment/till/fiscal-orders.ts'
import { connect } from '../../../src/transport/connect.ts'
import { readerUri } from '../reader-uri.ts'
import { orderNumberText, print, type ShopFlags, shopOptions, withShop } from './shop.ts'

interface ReceiptFlags extends ShopFlags {
  readonly fiscal?: boolean
  readonly copy: Copy
  readonly width: string
  readonly png?: string
  readonly printer?: string
  readonly inn?: string
  readonly taxation?: NonNullable<FiscalShop['taxation']>
  readonly cashier?: string
  readonly place?: string
}

export function addOrderReceipt(order: Command): void {
  shopOptions(order.command('receipt'))
    .description('the receipt again')
    .argument('<number>', '', orderNumberText)
    .option('--fiscal', 'the fiscal receipts too, with the marks of the host’s cash register where --acquirer is given')
    .option('--acquirer <url>', 'http://127.0.0.1:8080')
    .addOption(
      choice('--copy <whose>', 'the merchant’s copy has the line to sign on, where one is due', ['customer', 'merchant']).default(
        'customer',
      ),
    )
    .addOption(choice('--width <columns>', 'of the paper', ['32', '48']).default('48'))
    .option('--png <file>', 'writes a picture')
    .option(
      '--printer <uri>',
      'prints it on an ESC/POS printer: tcp://192.168.0.20:9100, serial:/dev/ttyUSB0?baud=9600',
      readerUri('--printer'),
    )
    .option('--inn <number>', 'taxpayer number, 10 or 12 digits', matching('--inn', /^(\d{10}|\d{12})$/, '0-9, 10 | 12'))
    .addOption(choice('--taxation <system>', 'of the shop', taxations))
    .option('--cashier <name>')
    .option('--place <text>', 'of settlement')
    .action(async (number: string, flags: ReceiptFlags) => {
      process.exitCode = await again(number, flags)
    })
}

async function again(number: string, flags: ReceiptFlags): Promise<number> {
  const { inn, taxation, cashier, place, acquirer: host } = flags
  if (!flags.fiscal)
    onlyFor('--fiscal', { '--inn': inn, '--taxation': taxation, '--cashier': cashier, '--place': place, '--acquirer': host })
  return withShop({ ...flags, sync: false }, async ({ till, journal, merchant, acquirer, lang, signal }) => {
    const slip = till.receipt(number)
    const shop = Object.fromEntries(Object.entries({ inn: flags.inn, taxation: flags.taxation, cashier: flags.cashier, place: flags.place }).filter(([, value]) => value !== undefined)) as FiscalShop // biome-ignore format: a line
    const fiscal = flags.fiscal
      ? await fiscalReceipts(journal.order(merchant, number)!, { shop, signal, ...(flags.acquirer !== undefined && { acquirer }) })
      : []
    const rows: Row[] = [
      ...fiscal.flatMap(one => [...fiscalRows(one, lang), { type: 'space' } as const]),
      ...slipRows(slip, lang, flags.copy),
    ]
    const width = Number(flags.width) as Width
    if (flags.png !== undefined) await save(flags.png, png(receiptPicture(rows, { width })))
    if (flags.printer !== undefined) {
      const link = await connect(flags.printer, { signal })
      try {
        await printOver(link, escPos(rows, { width }), { signal })
      } finally {
        await link.close()
      }
    }
    print(flags, flags.fiscal ? { slip, fiscal } : slip, layout(rows, width))
    return EXIT.ok
  })
}

async function save(file: string, bytes: Uint8Array): Promise<void> {
  try {
    await writeFile(file, bytes)
  } catch (cause) {
    throw fileFault('--png', file, cause, 'write')
  }
}
