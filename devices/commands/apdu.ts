/** `tapdip apdu <uri> <hex…>`: commands to the card in a raw slot, in order, with what it answers in words. */

import type { Command } from 'commander'
import { decodeCommand, decodeResponse, encodeResponse } from '../../src/apdu/apdu.ts'
import { exchange } from '../../src/apdu/exchange.ts'
import { statusWords } from '../../src/apdu/status.ts'
import { fromHex, hex } from '../../src/bytes.ts'
import { wholeNumber } from '../../src/command/flags.ts'
import { interruption } from '../../src/command/interruption.ts'
import { language, withAnswers } from '../../src/command/line.ts'
import { certaintyLegend } from '../../src/decode/legend.ts'
import { Fault } from '../../src/errors.ts'
import { retoldLines } from '../../src/messages/retold.ts'
import type { CardSlot, Reader } from '../../src/reader/reader.ts'
import { type Description, describeEither, printTree } from '../../src/tlv/print.ts'
import { open } from '../index.ts'
import { readerUri } from './reader-uri.ts'

interface ApduFlags {
  readonly raw?: boolean
  readonly decode?: boolean
  readonly json?: boolean
  readonly timeout: number
  readonly lang?: string
}

/** One command and its answer. */
interface Exchanged {
  readonly command: string
  /** The card's own bytes; left out where `tlv` says them masked. */
  readonly data?: string
  readonly sw: string
  readonly words: string
  readonly tlv?: Description
}

export function addApdu(program: Command): void {
  program
    .command('apdu')
    .description('commands to the card in a raw slot; the answers are shown as the card gives them, card number and all: --decode masks')
    .argument('<uri>', 'tcp://127.0.0.1:9200?family=vpcd', readerUri('<uri>'))
    .argument('<hex...>', 'command APDUs, each one argument: 00A404000E315041592E5359532E444446303100')
    .option('--raw', 'send the bytes as they are: 61xx is not fetched, 6Cxx not repeated')
    .option('--decode', 'data as TLV in words, sensitive values masked')
    .option('--timeout <seconds>', 'to wait for a card', wholeNumber('--timeout', 1, 3600), 60)
    .option('--json', 'one JSON object')
    .action(async (uri: string, digits: string[], flags: ApduFlags) => {
      const commands = digits.map(text => checked(fromHex(text), flags.raw === true))
      const signal = interruption()
      const reader = await open(uri, { signal })
      try {
        await talk(reader, commands, flags, signal)
      } finally {
        await reader.close()
      }
    })
}

/** @throws Fault `bad-argument` before anything is sent */
function checked(apdu: Uint8Array, raw: boolean): Uint8Array {
  const refuse = (why: string) => new Fault('bad-argument', `command ${commandText(apdu)}: ${why}`, { field: 'hex' })
  if (apdu.length < 4) throw refuse(`${apdu.length} bytes, a header takes 4`)
  if (raw) return apdu
  try {
    decodeCommand(apdu)
  } catch (error) {
    throw refuse(`${(error as Fault).message}; --raw sends it as it is`)
  }
  return apdu
}

async function talk(reader: Reader, commands: readonly Uint8Array[], flags: ApduFlags, signal: AbortSignal): Promise<void> {
  if (!reader.openCard || !reader.info.capabilities.includes('passthrough'))
    throw new Fault(
      'unsupported',
      `${reader.info.family} gives no raw slot: how it packs a card's answers is not public, and guesses are not sent to hardware. ` +
        'Use `tapdip pay`, which has the reader talk to the card, or a raw slot: pcsc:, tcp://host:port?family=vpcd',
      { feature: 'passthrough', family: reader.info.family },
    )
  const slot = await reader.openCard({ signal, timeout: flags.timeout * 1000 })
  const all: Exchanged[] = []
  const answers = () => ({ atr: hex(slot.atr), interface: slot.interface, exchanges: all })
  if (!flags.json) process.stdout.write(`ATR ${hex(slot.atr)}\n`)
  try {
    for (const apdu of commands) {
      const one = await send(slot, apdu, flags, signal)
      all.push(one)
      if (!flags.json) process.stdout.write(retoldLines(lines(one), language(flags.lang)))
    }
  } catch (error) {
    throw withAnswers(error, answers())
  } finally {
    await slot.close()
  }
  const told = flags.json ? [JSON.stringify(answers(), null, 2)] : certaintyLegend({ all }, language(flags.lang))
  process.stdout.write(told.map(line => `${line}\n`).join(''))
}

async function send(slot: CardSlot, apdu: Uint8Array, { raw, decode }: ApduFlags, signal: AbortSignal): Promise<Exchanged> {
  const { data, sw } = raw ? decodeResponse(await slot.transmit(apdu, { signal })) : await exchange(slot, decodeCommand(apdu), { signal })
  return {
    command: commandText(apdu),
    ...(decode ? { tlv: describeEither(data, { answerTo: apdu[1] }) } : { data: hex(data) }),
    sw: hex(encodeResponse(sw)),
    words: statusWords(sw, apdu[1]),
  }
}

/** VERIFY (20, 21), CHANGE REFERENCE DATA, RESET RETRY COUNTER (ISO/IEC 7816-4, 7.5). */
const withPin = [0x20, 0x21, 0x24, 0x2c]

/** The command as it may be shown: what follows the header of one that carries a PIN is left out. */
function commandText(apdu: Uint8Array): string {
  return withPin.includes(apdu[1]) && apdu.length > 5 ? `${hex(apdu.subarray(0, 5))} (${apdu.length - 5} bytes not shown)` : hex(apdu)
}

function lines({ command, data, words, tlv }: Exchanged): string {
  const shown = tlv ? printTree(tlv) : data
  return [`> ${command}`, ...(shown ? [`${tlv ? '' : '< '}${shown}`] : []), `< ${words}`].map(line => `${line}\n`).join('')
}
