/** A kernel alone over a card double, for tests of decisions: the FCI, answers by the beginning of a command, and what was sent. */

import { concat, fromHex, hex } from '../../../src/bytes.ts'
import { currency } from '../../../src/currency.ts'
import type { Card } from '../../../src/emv/card.ts'
import { type Combination, preProcess } from '../../../src/emv/contactless/combination.ts'
import type { ContactlessKernel } from '../../../src/emv/contactless/entry.ts'
import type { OnlineResponse, StartPoint, UiRequest } from '../../../src/emv/contactless/outcome.ts'
import { russianMpos } from '../../../src/emv/profiles.ts'
import { parseFci } from '../../../src/emv/steps/fci.ts'
import type { Transaction, TransactionType } from '../../../src/emv/terminal.ts'
import { Fault } from '../../../src/errors.ts'
import { write } from '../../../src/tlv/ber.ts'

export const tapConfig = russianMpos({
  merchantId: 'M1',
  terminalId: 'T1',
  merchantName: 'SHOP',
  acquirerId: '400000',
  ifdSerial: 'SN1',
})

/** Hex with the status word, or what makes it of the command. */
export type Answer = string | ((command: string) => string)

export interface ScriptedTap {
  readonly aid: string
  readonly pdol?: string
  /** Objects of the FCI's A5 besides the PDOL, by hex tag. */
  readonly fci?: Readonly<Record<string, string>>
  /** Answers by the beginning of a command; the longest beginning wins. `removed` is no answer: the card has left the field. */
  readonly answers: Readonly<Record<string, Answer>>
  readonly amount?: bigint
  readonly type?: TransactionType
  readonly combination?: Partial<Combination>
  readonly start?: StartPoint
  readonly restart?: OnlineResponse
  /** The very payment of an earlier tap. */
  readonly transaction?: Transaction
}

/** Data objects as the value of a template. */
export function objects(values: Readonly<Record<string, string>>): Uint8Array {
  return concat(
    ...Object.entries(values).flatMap(([tag, value]) => (value === '' ? [] : [write(Number.parseInt(tag, 16), fromHex(value))])),
  )
}

/** A response in format 2 with 9000. */
export function format2(values: Readonly<Record<string, string>>, template = 0x77): string {
  return `${hex(write(template, objects(values)))}9000`
}

export async function scriptedTap(kernel: ContactlessKernel, tap: ScriptedTap) {
  const sent: string[] = []
  const card: Card = {
    interface: 'contactless',
    atr: new Uint8Array(),
    async transmit(apdu) {
      const command = hex(apdu)
      sent.push(command)
      const [, answer = '6D00'] =
        Object.entries(tap.answers)
          .filter(([start]) => command.startsWith(start))
          .sort(([a], [b]) => b.length - a.length)[0] ?? []
      const bytes = typeof answer === 'string' ? answer : answer(command)
      if (bytes === 'removed') throw new Fault('card-removed', 'the card left the field')
      return fromHex(bytes)
    },
  }
  const aid = fromHex(tap.aid)
  const pdol = tap.pdol ? [write(0x9f38, fromHex(tap.pdol))] : []
  const response = write(0x6f, [write(0x84, aid), write(0xa5, [...pdol, objects(tap.fci ?? {})])])
  const amount = tap.amount ?? 100n
  const rub = currency('RUB')
  const shown: UiRequest[] = []
  const outcome = await kernel({
    card,
    transaction: tap.transaction ?? { amount, currency: rub, ...(tap.type && { type: tap.type }) },
    prepared: preProcess({ aid, kernel: Uint8Array.of(1), ...tap.combination }, amount, rub),
    fci: parseFci(response),
    response,
    sw: 0x9000,
    start: tap.start ?? 'A',
    restart: tap.restart !== undefined,
    onlineResponse: tap.restart,
    signal: new AbortController().signal,
    ui: request => shown.push(request),
  })
  return { outcome, sent, shown }
}
