/** `--config` and `--contactless`: what a reader without a kernel of its own is told, from the user's files or the ready profile of the payment's currency. */

import type { Command } from 'commander'
import type { Currency } from '../../src/currency.ts'
import type { TerminalConfig } from '../../src/emv/config.ts'
import type { ContactlessConfig } from '../../src/emv/contactless/config.ts'
import { readProfile } from '../../src/emv/contactless/profile-file.ts'
import { contactlessFor } from '../../src/emv/contactless/profiles.ts'
import { mposFor } from '../../src/emv/profiles.ts'
import { regionOf, regions } from '../../src/emv/regions.ts'
import { configurationDigest } from '../../src/trace/digest.ts'
import type { TraceSubject } from '../../src/trace/event.ts'

export interface ProfileFlags {
  readonly config?: string
  readonly contactless?: string
}

/** What a trace's header tells of a command that reads a card: where the reader is, and what it is told where it has no kernel of its own. */
export async function cardSubject(flags: ProfileFlags & Site & { readonly reader?: string }, unit: Currency): Promise<TraceSubject> {
  const { config, contactless } = await readerProfile(flags, unit)
  return {
    ...(flags.reader !== undefined && { uri: flags.reader }),
    ...(config && { configuration: configurationDigest(config, contactless) }),
  }
}

interface Site {
  readonly merchant: string
  readonly merchantId: string
  readonly terminal: string
}

const known = regions.map(({ currency }) => currency).join(', ')

export function profileOptions(command: Command): Command {
  return command
    .option(
      '--config <file>',
      `terminal configuration (JSON) for readers without a kernel of their own; left out: a mobile terminal for ${known}`,
    )
    .option('--contactless <file>', 'rules for taps (JSON), for the same readers; left out: those of the currency, where they are known')
}

/**
 * No PIN is ever typed at this console: such a terminal has no PIN pad. Without `--config` there are no CA keys, so nothing is authenticated offline; undefined where
 * no ready profile has the currency.
 * @throws Fault `bad-argument`, `bad-config`, `unsupported`
 */
export async function readerProfile(
  flags: ProfileFlags & Site,
  unit: Currency,
): Promise<{ readonly config: TerminalConfig | undefined; readonly contactless: ContactlessConfig | undefined }> {
  const { config, contactless } = await readProfile(flags, unit)
  const { merchant, merchantId, terminal } = flags
  const ready = regionOf(unit.alpha) !== undefined
  const site = {
    ...{ merchantId, terminalId: terminal, acquirerId: '123456', ifdSerial: 'TAPDIP01' },
    merchantName: /^[\x20-\x7e]{1,40}$/.test(merchant) ? merchant : merchantId, // 9F4E is ASCII
  }
  return {
    config: config ?? (ready ? mposFor(unit.alpha, site) : undefined),
    contactless: contactless ?? (ready ? contactlessFor(unit.alpha) : undefined),
  }
}
