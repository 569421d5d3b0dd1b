/** Processing restrictions: version, usage control, dates (EMV 4.4 Book 3, 10.4). */

import { equal } from '../../bytes.ts'
import { ADDITIONAL, terminalKind } from '../config.ts'
import { type Bit, isSet, sortableDate } from '../data.ts'
import type { Kernel, Stop } from './context.ts'
import { TRANSACTION_TYPE } from './start.ts'

/** Application Usage Control (9F07), EMV 4.4 Book 3, Annex C2. */
const AUC = {
  domesticCash: { byte: 1, bit: 8 },
  internationalCash: { byte: 1, bit: 7 },
  domesticGoods: { byte: 1, bit: 6 },
  internationalGoods: { byte: 1, bit: 5 },
  domesticServices: { byte: 1, bit: 4 },
  internationalServices: { byte: 1, bit: 3 },
  atATMs: { byte: 1, bit: 2 },
  elsewhere: { byte: 1, bit: 1 },
  domesticCashback: { byte: 2, bit: 8 },
  internationalCashback: { byte: 2, bit: 7 },
} as const satisfies Record<string, Bit>

/** Sets the bits of TVR byte 2; never ends a transaction by itself. */
export function restrict(kernel: Kernel): Stop | undefined {
  kernel.step = 'restrictions'
  checkVersion(kernel)
  checkUsage(kernel)
  checkDates(kernel)
  return undefined
}

/** 10.4.1. A card without 9F08 is taken as compatible. */
function checkVersion(kernel: Kernel): void {
  const card = kernel.data.card.get(0x9f08)
  if (!card) return
  const match = kernel.settings?.versions.find(version => equal(version, card))
  if (match) kernel.data.setTerminal(0x9f09, match)
  else
    kernel.raise('versionsDiffer', { rule: 'Book 3, 10.4.1: the card has a version that the terminal does not', inputs: [0x9f08, 0x9f09] })
}

/** A bank's unattended terminal that gives cash (EMV 4.4 Book 4, Annex A1 note: types 14, 15, 16). */
export function isAtm({ data }: Pick<Kernel, 'data'>): boolean {
  const kind = terminalKind(data.terminal.get(0x9f35)![0])
  return kind.operatedBy === 'bank' && !kind.attended && isSet(data.terminal.get(0x9f40), ADDITIONAL.cash)
}

/** 10.4.2. The country decides only where the card names its own (5F28). */
function checkUsage(kernel: Kernel): void {
  const { data } = kernel
  const usage = data.card.get(0x9f07)
  if (!usage) return
  const may = (bit: Bit) => isSet(usage, bit)
  const refuse = (rule: string, inputs: number[]) =>
    kernel.raise('serviceNotAllowed', { rule: `Book 3, 10.4.2: ${rule}`, inputs: [0x9f07, ...inputs] })
  const place = isAtm(kernel)
  if (!may(place ? AUC.atATMs : AUC.elsewhere))
    refuse(place ? 'not valid at ATMs' : 'not valid at terminals other than ATMs', [0x9f35, 0x9f40])
  const issuer = data.card.get(0x5f28)
  if (!issuer) return
  const home = equal(issuer, data.terminal.get(0x9f1a)!)
  const where = home ? 'domestic' : 'international'
  const inputs = [0x5f28, 0x9f1a, 0x9c]
  const type = data.terminal.get(0x9c)![0]
  if (type === TRANSACTION_TYPE.cash && !may(AUC[`${where}Cash`])) refuse(`not valid for ${where} cash`, inputs)
  // A terminal does not know goods from services: one of the two is enough.
  const purchase = type === TRANSACTION_TYPE.purchase || type === TRANSACTION_TYPE.cashback
  if (purchase && !may(AUC[`${where}Goods`]) && !may(AUC[`${where}Services`])) refuse(`not valid for ${where} goods or services`, inputs)
  if (type === TRANSACTION_TYPE.cashback && !may(AUC[`${where}Cashback`])) refuse(`not valid for ${where} cashback`, inputs)
}

/** 10.4.3. */
function checkDates({ data, raise }: Kernel): void {
  const today = sortableDate(data.terminal.get(0x9a)!)
  const effective = data.card.get(0x5f25)
  const expiry = data.card.get(0x5f24)
  if (effective && sortableDate(effective) > today)
    raise('notYetEffective', { rule: 'Book 3, 10.4.3: effective after today', inputs: [0x5f25, 0x9a] })
  if (expiry && sortableDate(expiry) < today) raise('expired', { rule: 'Book 3, 10.4.3: expired before today', inputs: [0x5f24, 0x9a] })
}
