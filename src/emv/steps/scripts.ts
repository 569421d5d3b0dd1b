/** Issuer-to-card scripts: templates 71 before and 72 after the second GENERATE AC (EMV 4.4 Book 3, 10.10). */

import { type Command, decodeCommand } from '../../apdu/apdu.ts'
import { concat, hex } from '../../bytes.ts'
import { asFault, isFault } from '../../errors.ts'
import { read, readOne } from '../../tlv/ber.ts'
import type { Kernel } from './context.ts'

/** All templates of one response together, in bytes (10.10); what goes beyond is not performed. */
const MAX_TOTAL = 128

interface Script {
  readonly template: 0x71 | 0x72
  /** 9F18, zeros where the script has none. */
  readonly id: Uint8Array
  /** Undefined: the script is no script, or lies beyond the limit; nothing of it is sent. */
  readonly commands: readonly Command[] | undefined
  readonly flaw?: string
}

/** The scripts of a response in order, each with what may be sent of it. A template that cannot be read counts as 71: its failure is told early. */
export function parseScripts(templates: readonly Uint8Array[]): Script[] {
  let total = 0
  return templates.map(bytes => {
    total += bytes.length
    const script = parseScript(bytes)
    return total > MAX_TOTAL ? { ...script, commands: undefined, flaw: `beyond ${MAX_TOTAL} bytes of scripts` } : script
  })
}

function parseScript(bytes: Uint8Array): Script {
  let template: 0x71 | 0x72 = 0x71
  let id: Uint8Array = new Uint8Array(4)
  try {
    const outer = readOne(bytes)
    if (outer.tag !== 0x71 && outer.tag !== 0x72) return { template, id, commands: undefined, flaw: 'no template 71 or 72' }
    template = outer.tag
    const objects = read(outer.value)
    const given = objects.find(({ tag }) => tag === 0x9f18)?.value
    if (given && given.length !== 4) return { template, id, commands: undefined, flaw: '9F18 is not 4 bytes' }
    id = given ?? id
    return { template, id, commands: objects.filter(({ tag }) => tag === 0x86).map(({ value }) => decodeCommand(value)) }
  } catch (error) {
    if (!isFault(error, 'tlv', 'apdu', 'unsupported')) throw error
    return { template, id, commands: undefined, flaw: error.message }
  }
}

/**
 * Performs the scripts with this template; sets TSI, TVR and the results (9F5B). With template 72 the cryptogram that decides is given already: a card that
 * is lost then fails its scripts, not the payment.
 * @throws Fault of the card, with template 71
 */
export async function performScripts(kernel: Kernel, scripts: readonly Script[], template: 0x71 | 0x72): Promise<void> {
  kernel.step = 'scripts'
  let lost = false
  for (const script of scripts) {
    if (script.template !== template) continue
    const { result, why, gone }: Performed = lost ? { result: NOT_PERFORMED << 4, why: 'the card is gone' } : await perform(kernel, script)
    lost ||= gone === true
    const earlier = kernel.data.terminal.get(0x9f5b) ?? new Uint8Array()
    kernel.data.setTerminal(0x9f5b, concat(earlier, Uint8Array.of(result), script.id))
    kernel.mark('scriptProcessingPerformed', { rule: 'Book 3, 10.10: script processing was performed' })
    const rule = `Book 3, 10.10: script ${hex(script.id)}: ${why}`
    if (result >> 4 === SUCCESSFUL) kernel.note({ rule, inputs: [0x9f5b] }, () => 'performed')
    else kernel.raise(template === 0x71 ? 'scriptFailedBeforeFinalAc' : 'scriptFailedAfterFinalAc', { rule, inputs: [0x9f5b] })
  }
}

/** Issuer Script Results (EMV 4.4 Book 4, Annex A5): b8–b5 the result, b4–b1 the command that failed, F for the 15th and later. */
const NOT_PERFORMED = 0
const FAILED = 1
const SUCCESSFUL = 2

interface Performed {
  /** First byte of the Issuer Script Results. */
  readonly result: number
  readonly why: string
  readonly gone?: boolean
}

async function perform(kernel: Kernel, { template, commands, flaw }: Script): Promise<Performed> {
  if (!commands) return { result: NOT_PERFORMED << 4, why: flaw! }
  const failed = (at: number) => (FAILED << 4) | Math.min(at + 1, 15)
  for (const [at, command] of commands.entries()) {
    let sw: number
    try {
      sw = (await kernel.exchange(command)).sw
    } catch (error) {
      if (template === 0x71) throw error
      return { result: failed(at), why: `command ${at + 1}: ${asFault(error).code}`, gone: true }
    }
    // Success and warnings (62, 63) go on; anything else ends this script, the next one is performed all the same.
    if (![0x90, 0x62, 0x63].includes(sw >> 8))
      return { result: failed(at), why: `command ${at + 1} answered ${sw.toString(16).toUpperCase()}` }
  }
  return { result: SUCCESSFUL << 4, why: `${commands.length} commands` }
}
