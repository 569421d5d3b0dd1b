/** What kernel tests share: a configuration, a card that follows a script, a Kernel in the middle of a transaction. */

import { fromHex, hex } from '../../../src/bytes.ts'
import { currency } from '../../../src/currency.ts'
import type { Card } from '../../../src/emv/card.ts'
import type { ApplicationConfig, TerminalConfig } from '../../../src/emv/config.ts'
import { parseTerminalConfig } from '../../../src/emv/config-schema.ts'
import type { Explanation } from '../../../src/emv/explain/explain.ts'
import type { Kernel, KernelOptions } from '../../../src/emv/steps/context.ts'
import { newKernel, useApplication } from '../../../src/emv/steps/start.ts'
import type { Terminal, Transaction } from '../../../src/emv/terminal.ts'

export const site = {
  merchantId: 'MERCHANT0000001',
  terminalId: '63545902',
  merchantName: 'TEST SHOP',
  acquirerId: '400000',
  ifdSerial: 'SN000001',
}

export function testConfig(
  changes: Record<string, unknown> = {},
  application: Partial<Record<keyof ApplicationConfig, unknown>> = {},
): TerminalConfig {
  return parseTerminalConfig({
    terminalType: 0x22,
    capabilities: '60F8C8',
    additionalCapabilities: 'F000A03011',
    countryCode: 643,
    currencyCode: 643,
    merchantCategoryCode: '5999',
    languages: ['en'],
    codeTables: [1],
    ...site,
    applications: [
      {
        aid: 'A0000006581010',
        versions: ['0100'],
        tacDenial: '0000000000',
        tacOnline: '0000000000',
        tacDefault: '0000000000',
        floorLimit: 10_000,
        ddol: '9F3704',
        ...application,
      },
    ],
    ...changes,
  })
}

/** A card that answers the commands it expects, in order; anything else fails the test. `rest` tells what was not asked. */
export function scriptCard(script: readonly (readonly [command: string, response: string])[]): Card & { rest(): string[]; sent: string[] } {
  let at = 0
  const sent: string[] = []
  return {
    interface: 'contact',
    atr: fromHex('3B00'),
    sent,
    rest: () => script.slice(at).map(([command]) => command),
    async transmit(apdu) {
      const command = hex(apdu)
      sent.push(command)
      const expected = script[at++]
      if (!expected) throw new Error(`the card expects no more commands, got ${command}`)
      if (command !== expected[0].replace(/ /g, '')) throw new Error(`the card expects ${expected[0]}, got ${command}`)
      return fromHex(expected[1])
    },
  }
}

/** A host and a cardholder that are not asked. */
export const noTerminal: Terminal = {
  selectApplication: () => Promise.reject(new Error('nobody is to choose an application')),
  authorise: () => Promise.reject(new Error('nobody is to ask the host')),
}

export interface Scene {
  readonly card?: Card
  readonly config?: TerminalConfig
  readonly transaction?: Partial<Transaction>
  readonly terminal?: Partial<Terminal>
  readonly options?: KernelOptions
  /** Card data by tag, hex. */
  readonly icc?: Readonly<Record<string, string>>
}

export const rub = currency('RUB')

/** A Kernel as the steps after record reading find it, and what it explained. */
export function kernelAt({ card = scriptCard([]), config = testConfig(), transaction, terminal, options, icc = {} }: Scene): {
  kernel: Kernel
  explained: Explanation[]
  tvr(): string
  tsi(): string
} {
  const explained: Explanation[] = []
  const whole: Transaction = { amount: 5000n, currency: rub, at: new Date(2026, 2, 26, 10, 52, 0), ...transaction }
  const explain = options?.explain ?? (entry => explained.push(entry))
  const kernel = newKernel(card, whole, config, { ...noTerminal, ...terminal }, { random: zeros, ...options, explain })
  const [settings] = config.applications
  useApplication(kernel, { aid: settings.aid, label: 'TEST', priority: 1, confirm: false }, settings)
  for (const [tag, value] of Object.entries(icc)) kernel.data.card.set(Number.parseInt(tag, 16), fromHex(value))
  return { kernel, explained, tvr: () => hex(kernel.data.get(0x95)!), tsi: () => hex(kernel.data.get(0x9b)!) }
}

const zeros = (length: number) => new Uint8Array(length)
