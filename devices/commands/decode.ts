/** `tapdip decode <hex>`: TLV, exchanges with a card, tracks, reader frames of every family, or messages of ISO 8583, in words; sensitive values masked. */

import { readFileSync } from 'node:fs'
import type { Command } from 'commander'
import { decodeResponse } from '../../src/apdu/apdu.ts'
import { statusWords } from '../../src/apdu/status.ts'
import { fromHex, hex } from '../../src/bytes.ts'
import { choice, onlyFor } from '../../src/command/flags.ts'
import { EXIT, language } from '../../src/command/line.ts'
import { describeExchange, printExchange } from '../../src/decode/exchange.ts'
import { printFields } from '../../src/decode/fields.ts'
import { certaintyLegend } from '../../src/decode/legend.ts'
import { printLine } from '../../src/decode/print.ts'
import { describeTrack } from '../../src/decode/track.ts'
import { message } from '../../src/messages/messages.ts'
import { retoldLines } from '../../src/messages/retold.ts'
import { type IsoDialectName, isoDialect, isoDialects } from '../../src/payment/host/iso8583/dialect.ts'
import { describeIso, printIso } from '../../src/payment/host/iso8583/print.ts'
import { usageFault } from '../../src/refusal.ts'
import { type KernelName, kernelNames, kernelWordsOf } from '../../src/tlv/kernels.ts'
import { type DescribeOptions, describeEither, printTree } from '../../src/tlv/print.ts'
import { describeFrames, type FrameKind, frameKinds } from '../anatomy.ts'

interface DecodeFlags {
  readonly kernel?: string
  readonly as: string
  readonly from?: 'host' | 'reader'
  readonly dialect?: string
  readonly answerTo?: number
  readonly apdu?: boolean
  readonly json?: boolean
  readonly lang?: string
}

/** What is printed, as JSON and as text, and whether some of it could not be read. */
interface Decoded {
  readonly json: object
  readonly text: string
  readonly broken: boolean
}

/** Spoken of in vendors' papers, and nothing that bytes could be read as. */
const CALLS = 'bluepad/emv2'

/** What a card answers, by its command: GET PROCESSING OPTIONS, READ RECORD, GENERATE AC, GET DATA, EXTERNAL and INTERNAL AUTHENTICATE, EXCHANGE RELAY RESISTANCE DATA. */
const inss: Readonly<Record<string, number>> = {
  ...{ select: 0xa4, gpo: 0xa8, record: 0xb2, verify: 0x20, ac: 0xae, data: 0xca, arpc: 0x82, dda: 0x88, rrp: 0xea },
}

export function addDecode(program: Command): void {
  program
    .command('decode')
    .description('bytes in words: TLV, exchanges with a card, tracks, frames of a reader, messages of a host; what is malformed is shown with its place')
    .argument('<hex...>', 'hexadecimal, blanks allowed; \'<command> > <answer>\' for an exchange with a card; a track as it is; - for standard input')
    .addOption(choice('--kernel <name>', 'meaning of tags in a kernel, by name, number or book', kernelNames))
    .addOption(choice('--as <what>', 'what it is; a family of readers, or one of its dialects, for frames', ['tlv', 'track', 'iso8583', ...frameKinds, CALLS]).default('tlv'))
    .addOption(choice('--from <who>', 'who says the frames; told from them when left out', ['host', 'reader']))
    .addOption(choice('--dialect <name>', 'of ISO 8583', Object.keys(isoDialects)))
    .addOption(choice('--answer-to <command>', 'what the bytes answer, by name, or its INS as two hex digits', Object.keys(inss), commandByte))
    .option('--apdu', 'the last two bytes are a status word')
    .option('--json', 'one JSON object')
    .action((digits: string[], options: DecodeFlags) => {
      const given = digits.length === 1 && digits[0] === '-' ? readFileSync(0, 'utf8') : digits.join(' ')
      if (given.trim() === '') throw usageFault('usage.missing', { field: '<hex>' })
      const { json, text, broken } = decoded(given, options)
      const told = language(options.lang)
      const lines = text === '' ? [] : [retoldLines(text, told), ...certaintyLegend(json, told)]
      process.stdout.write(options.json ? `${JSON.stringify(json, null, 2)}\n` : lines.map(line => `${line}\n`).join(''))
      if (broken) process.exitCode = EXIT.fault
    })
} // biome-ignore format: one line

/** By name; two other digits are an INS. */
function commandByte(text: string): number {
  if (Object.hasOwn(inss, text)) return inss[text] // before the digits: `ac` is GENERATE AC
  if (/^[0-9A-Fa-f]{2}$/.test(text)) return Number.parseInt(text, 16)
  throw usageFault('usage.oneOf', { field: '--answer-to', value: text, allowed: `${Object.keys(inss).join(', ')}, 00–FF` })
}

function decoded(given: string, options: DecodeFlags): Decoded {
  const { as, kernel, from, dialect, answerTo, apdu } = options
  const frames = (frameKinds as readonly string[]).includes(as)
  if (as === CALLS) throw usageFault('usage.noBytes', { field: '--as', value: as })
  if (as !== 'iso8583') onlyFor('--as iso8583', { '--dialect': dialect })
  if (!frames) onlyFor('--as <family>', { '--from': from })
  if (as !== 'tlv') onlyFor('--as tlv', { '--kernel': kernel, '--answer-to': answerTo, '--apdu': apdu })
  if (as === 'track') return tracks(given, options)
  if (as === 'iso8583') return hostMessage(fromHex(given), options)
  if (frames) return readerFrames(fromHex(given), options)
  return given.includes('>') ? exchanges(given, options) : objects(fromHex(given), options)
}

function objects(bytes: Uint8Array, { apdu, answerTo, ...options }: DecodeFlags): Decoded {
  const response = apdu ? decodeResponse(bytes) : undefined
  const description = describeEither(response?.data ?? bytes, {
    ...describeOptions(options),
    ...(answerTo !== undefined && { answerTo }),
  })
  const status = response && { sw: hex(bytes.subarray(-2)), words: statusWords(response.sw, answerTo) }
  return {
    json: { ...description, ...(status && { status }) },
    text: [printTree(description), status?.words].filter(Boolean).join('\n'),
    broken: description.stopped !== undefined,
  }
}

function describeOptions({ kernel }: Pick<DecodeFlags, 'kernel'>): DescribeOptions {
  return kernel ? { words: kernelWordsOf(kernel as KernelName), ff: kernel === 'contact' ? 'padding' : 'tag' } : {}
}

/** One exchange a line: command, `>`, and what the card answered. */
function exchanges(given: string, options: DecodeFlags): Decoded {
  const { apdu, answerTo } = options
  for (const [field, value] of Object.entries({ '--apdu': apdu, '--answer-to': answerTo }))
    if (value !== undefined) throw usageFault('usage.conflict', { field, other: "'<command> > <answer>'" })
  const all = given.split('\n').flatMap(line => {
    if (line.trim() === '') return []
    const [command, answer = ''] = line.split('>')
    return [describeExchange(fromHex(command), answer.trim() === '' ? undefined : fromHex(answer), describeOptions(options))]
  })
  const broken = all.some(({ data, answer }) => data?.stopped !== undefined || answer?.stopped !== undefined)
  return { json: { exchanges: all }, text: all.map(printExchange).join('\n'), broken }
}

function tracks(given: string, { lang }: DecodeFlags): Decoded {
  const all = given.split('\n').flatMap(line => (line.trim() === '' ? [] : [describeTrack(line)]))
  const lines = all.flatMap(({ track, fields }) => [message('decode.track', language(lang), { track }), ...printFields(fields)])
  return { json: { tracks: all }, text: lines.join('\n'), broken: false }
}

function readerFrames(bytes: Uint8Array, { as, from, lang }: DecodeFlags): Decoded {
  const described = describeFrames(as as FrameKind, bytes, from)
  return { json: described, text: printLine(described, language(lang)), broken: described.parts.some(({ kind }) => kind === 'noise') }
}

function hostMessage(bytes: Uint8Array, { dialect, lang }: DecodeFlags): Decoded {
  const described = describeIso(bytes, dialect === undefined ? {} : { dialect: isoDialect(dialect as IsoDialectName) })
  const broken = described.stopped !== undefined || described.fields.some(({ wrong }) => wrong !== undefined)
  return { json: described, text: printIso(described, language(lang)), broken }
}
