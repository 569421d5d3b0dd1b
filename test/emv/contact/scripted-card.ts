/** A card that plays a script: exactly these commands in exactly this order, all of them; and a kernel around it for tests of single steps. */

import { expect } from 'vitest'
import { fromHex, hex } from '../../../src/bytes.ts'
import { VirtualClock } from '../../../src/clock.ts'
import { currency } from '../../../src/currency.ts'
import type { Card } from '../../../src/emv/card.ts'
import type { ApplicationConfig, TerminalConfig } from '../../../src/emv/config.ts'
import { isSet, TSI, TVR } from '../../../src/emv/data.ts'
import type { Explanation } from '../../../src/emv/explain/explain.ts'
import type { Kernel } from '../../../src/emv/steps/context.ts'
import { newKernel } from '../../../src/emv/steps/start.ts'
import type { Candidate, Terminal } from '../../../src/emv/terminal.ts'
import { Fault } from '../../../src/errors.ts'

export interface Exchange {
  readonly c: string
  readonly r: string
}

export interface ScriptedCard extends Card {
  /** Every command as it came. */
  readonly sent: readonly string[]
  /** Fails the test unless every listed exchange was used. */
  done(): void
}

/** `loose` compares without the Le byte, for scripts that were recorded on T=0 lines, which do not carry it. */
export function scriptedCard(exchanges: readonly Exchange[], { loose = false } = {}): ScriptedCard {
  const sent: string[] = []
  return {
    interface: 'contact',
    atr: fromHex('3B65000020630400'),
    sent,
    async transmit(apdu) {
      const next = exchanges[sent.length]
      sent.push(hex(apdu))
      const command = hex(apdu)
      if (!next || !(command === next.c || (loose && command === `${next.c}00`)))
        throw new Fault('internal', `the script has ${next?.c ?? 'no more commands'}, the kernel sent ${command}`)
      return fromHex(next.r)
    },
    done: () => expect(sent).toHaveLength(exchanges.length),
  }
}

export function application(aid: string, row: Partial<ApplicationConfig> = {}): ApplicationConfig {
  const none = new Uint8Array(5)
  return {
    aid: fromHex(aid),
    match: 'partial',
    versions: [Uint8Array.of(0x00, 0x8c)],
    tacDenial: none,
    tacOnline: none,
    tacDefault: none,
    velocityChecking: false,
    ...row,
  }
}

const config: TerminalConfig = {
  terminalType: 0x22,
  capabilities: fromHex('E0F8C8'),
  additionalCapabilities: fromHex('F000F0A001'),
  countryCode: 643,
  currencyCode: 643,
  merchantCategoryCode: '5411',
  merchantId: '123456789012345',
  terminalId: '12345678',
  merchantName: 'Test shop',
  acquirerId: '123456',
  ifdSerial: '00000001',
  usePse: true,
  languages: ['en', 'ru'],
  codeTables: [1, 5],
  applications: [],
  caKeys: [],
  revoked: [],
}

export interface Bench {
  readonly kernel: Kernel
  /** Application lists that the cardholder was shown. */
  readonly shown: (readonly Candidate[])[]
  readonly messages: string[]
  readonly explained: Explanation[]
  /** Names of the TVR and TSI bits that are set. */
  tvr(): string[]
  tsi(): string[]
}

/** A kernel whose cardholder picks `choices` in turn (places in the list, undefined to cancel, 'waiting' never to answer). */
export function bench(card: Card, changes: Partial<TerminalConfig> = {}, choices: readonly (number | 'waiting' | undefined)[] = []): Bench {
  const shown: (readonly Candidate[])[] = []
  const messages: string[] = []
  const explained: Explanation[] = []
  const terminal: Terminal = {
    async selectApplication(candidates) {
      shown.push([...candidates])
      const choice = choices[shown.length - 1]
      return choice === 'waiting' ? new Promise(() => {}) : choice
    },
    authorise: async () => ({ type: 'unableToGoOnline' }),
    display: message => void messages.push(message),
  }
  const kernel = newKernel(card, { amount: 1000n, currency: currency('RUB') }, { ...config, ...changes }, terminal, {
    clock: new VirtualClock(),
    random: length => Uint8Array.from({ length }, (_, i) => i + 1),
    explain: entry => void explained.push(entry),
  })
  const { data } = kernel
  const names = (table: object, tag: number) =>
    Object.entries(table).flatMap(([name, bit]) => (isSet(data.terminal.get(tag), bit) ? [name] : []))
  return { kernel, shown, messages, explained, tvr: () => names(TVR, 0x95), tsi: () => names(TSI, 0x9b) }
}
