/** A command to a card and its answer, in words: what is asked, what the data objects say, and what the status means as the answer to this command. */

import { type Command, decodeCommand, decodeResponse } from '../apdu/apdu.ts'
import { commandWords } from '../apdu/names.ts'
import { statusWords } from '../apdu/status.ts'
import { hex } from '../bytes.ts'
import * as door from '../door.ts'
import { starNumbers } from '../stars.ts'
import { type DescribeOptions, type Description, describeEither, printTree } from '../tlv/print.ts'

/** A command and its answer for people. */
export interface DescribedExchange {
  /** `READ RECORD: record 1 of SFI 2`. */
  readonly name: string
  /** Hex of the command; of one that carries a PIN the header alone, and long numbers masked. */
  readonly command: string
  /** The data objects of its data, where they are such. */
  readonly data?: Description
  /** The data of the answer. */
  readonly answer?: Description
  /** Of the answer, and what it means to this command. */
  readonly status?: {
    /** In upper-case hex. */
    readonly sw: string
    /** The word again, and what it means as the answer to this command. */
    readonly words: string
  }
}

/** VERIFY (20, 21), CHANGE REFERENCE DATA, RESET RETRY COUNTER (ISO/IEC 7816-4, 7.5). */
const withPin = [0x20, 0x21, 0x24, 0x2c]
/** GET PROCESSING OPTIONS has a data object (83), PUT DATA and the rest have values alone. */
const withObjects = [0xa8]

/** What `command` asks and `answer`, where there is one, says. @throws Fault `apdu` where they are none */
export function describeExchange(command: Uint8Array, answer?: Uint8Array, options: DescribeOptions = {}): DescribedExchange {
  door.need('command', command, door.anyBytes)
  door.need('answer', answer, door.maybe(door.anyBytes))
  const asked = decodeCommand(command)
  const response = answer && decodeResponse(answer)
  return {
    name: commandWords(asked),
    command: commandText(asked, command),
    ...(asked.data && withObjects.includes(asked.ins) && { data: describeEither(asked.data, options) }),
    ...(response && response.data.length > 0 && { answer: describeEither(response.data, { ...options, answerTo: asked.ins }) }),
    ...(response && { status: { sw: hex(answer.subarray(-2)), words: statusWords(response.sw, asked.ins) } }),
  }
}

function commandText({ ins }: Command, command: Uint8Array): string {
  if (withPin.includes(ins) && command.length > 5) return `${hex(command.subarray(0, 5))} (${command.length - 5} bytes not shown)`
  // A name is no number, and what a list of EMV asks for has amounts, but may have a card number too.
  return ins === 0xa4 ? hex(command) : `${hex(command.subarray(0, 5))}${starNumbers(hex(command.subarray(5)))}`
}

/** As lines: `>` before the command, `<` before the status. */
export function printExchange(exchange: DescribedExchange): string {
  door.need('exchange', exchange, door.shape({ name: door.anyText, command: door.anyText }))
  const { name, command, data, answer, status } = exchange
  return [
    `> ${name}`,
    `  ${command}`,
    ...(data ? [printTree(data, '  ')] : []),
    ...(answer ? [printTree(answer)] : []),
    ...(status ? [`< ${status.words}`] : []),
  ].join('\n')
}
