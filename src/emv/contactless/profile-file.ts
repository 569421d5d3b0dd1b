/** Profiles that a user wrote, as files of JSON: what the terminal is, and what is taken by tap. Node only. */

import { readFile } from 'node:fs/promises'
import { type Currency, currency as currencyOf } from '../../currency.ts'
import { fileFault } from '../../file-fault.ts'
import { usageFault } from '../../refusal.ts'
import type { TerminalConfig } from '../config.ts'
import { parseTerminalConfig } from '../config-schema.ts'
import type { ContactlessConfig } from './config.ts'
import { parseContactlessConfig } from './config-schema.ts'

export interface ProfileFiles {
  /** Of `--config`: `parseTerminalConfig` checks it. */
  readonly config?: string | undefined
  /** Of `--contactless`: `parseContactlessConfig` checks it. */
  readonly contactless?: string | undefined
}

export interface Profile {
  readonly config: TerminalConfig | undefined
  readonly contactless: ContactlessConfig | undefined
}

/**
 * What the files say; undefined for one that is not named. Both, and the payment where its currency is known, are in one currency.
 * @throws Fault `bad-argument` for a file that cannot be read, is no JSON or is in another currency; `bad-config`, `unsupported` for what is in it
 */
export async function readProfile({ config: file, contactless: taps }: ProfileFiles, unit?: Currency): Promise<Profile> {
  const config = file === undefined ? undefined : parseTerminalConfig(await json('--config', file))
  const contactless = taps === undefined ? undefined : parseContactlessConfig(await json('--contactless', taps))
  const wanted = unit?.numeric ?? config?.currencyCode
  for (const [field, told] of [['--config', config], ['--contactless', contactless]] as const) // biome-ignore format: a table
    if (told && wanted !== undefined && told.currencyCode !== wanted)
      throw usageFault('usage.profileCurrency', { field, value: currencyOf(told.currencyCode).alpha, unit: currencyOf(wanted).alpha })
  return { config, contactless }
}

async function json(flag: string, path: string): Promise<unknown> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (cause) {
    throw fileFault(flag, path, cause, 'read')
  }
  try {
    return JSON.parse(text)
  } catch {
    throw usageFault('usage.json', { field: flag, value: path })
  }
}
