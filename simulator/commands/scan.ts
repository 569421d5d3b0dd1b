/** `tapdip-sim scan`: the customer’s bank pays an SBP QR code of a virtual acquirer. */

import type { Command } from 'commander'
import { textOf } from '../../src/command/flags.ts'
import { interruption } from '../../src/command/interruption.ts'
import { EXIT } from '../../src/command/line.ts'
import { Fault, throwIfAborted } from '../../src/errors.ts'
import { usageFault } from '../../src/refusal.ts'

/** Milliseconds in which a virtual acquirer answers. */
const PATIENCE = 30_000

export function addScan(program: Command): void {
  program
    .command('scan')
    .description('pays an SBP QR code of a virtual acquirer, as the customer’s bank would')
    .argument('<payload>', 'what the code says', textOf('<payload>', 1, 512))
    .requiredOption('--acquirer <url>', 'http://127.0.0.1:8080')
    .action(async (payload: string, { acquirer }: { readonly acquirer: string }) => {
      if (!URL.canParse('v1/qr-payments', acquirer) || !/^https?:/.test(acquirer))
        throw usageFault('usage.oneOf', { field: '--acquirer', value: acquirer, allowed: 'http://127.0.0.1:8080' })
      const signal = interruption()
      const init = {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...authorization() },
        body: JSON.stringify({ payload }),
        signal: AbortSignal.any([signal, AbortSignal.timeout(PATIENCE)]),
      }
      const response = await fetch(new URL('v1/qr-payments', acquirer), init).catch(cause => {
        throwIfAborted(signal)
        if (cause?.name === 'TimeoutError') throw new Fault('host-no-answer', `${acquirer} says nothing`, {}, { cause })
        throw new Fault('host-unreachable', `cannot connect to ${acquirer}`, {}, { cause })
      })
      const answer = (await response.json().catch(cause => {
        throwIfAborted(signal)
        throw new Fault('host-error', `${acquirer} is no virtual acquirer: its answer ${response.status} is no JSON`, {}, { cause })
      })) as { readonly state?: string; readonly error?: string }
      process.stdout.write(`${answer.error ?? answer.state}\n`)
      process.exitCode = response.ok ? EXIT.ok : EXIT.declined
    })
}

/** For a host that asks everybody for a token. */
function authorization(): Record<string, string> {
  const { TAPDIP_ACQUIRER_TOKEN: token } = process.env
  return token ? { authorization: `Bearer ${token}` } : {}
}
