/** QPOS frames for people: which command, whose, and what its payload says by the layouts of the codec. */

import { hex, lrc } from '../../src/bytes.ts'
import { type FieldRules, fieldOf, fieldsOf, type MessageField, objectsField, vendorTags } from '../../src/decode/fields.ts'
import type { Anatomy, FrameFound, Said, Speaker } from '../../src/decode/frames.ts'
import { isFault } from '../../src/errors.ts'
import {
  type CommandName,
  cardModes,
  commandCode,
  type DeviceMessage,
  decodeApplications,
  decodeEmvResult,
  decodeNfcActivated,
  decodeNfcResponse,
  decodeQposId,
  decodeQposInfo,
  decodeTradeAnswer,
  device,
  frameLength,
  type HostMessage,
  host,
  iccTags,
  isOfflinePin,
  packTypes,
  tradeTypes,
  transResults,
} from './codec.ts'

/** Names of a code in one of the codec's tables. */
const named = (table: Readonly<Record<string, number>>) => (value: unknown) => Object.keys(table).find(name => table[name] === value)

const vendor = vendorTags(iccTags, ['encryptedMessage', 'batchData', 'reversalData', 'pinBlock'])

const rules: FieldRules = {
  secret: new Set([
    ...['encTrack1', 'encTrack2', 'encTrack3', 'encPan', 'pinBlock', 'cardholderName', 'trailing', 'returnPan', 'panSalt'],
    ...['key', 'kcv', 'pin', 'track', 'mac'],
  ]), // biome-ignore format: a list
  plain: new Set([
    ...['time', 'random', 'trackKsn', 'pinKsn', 'trackRandom', 'pinRandom', 'psamNo', 'psamId', 'posId', 'merchantId', 'vendorCode'],
    ...['deviceNumber', 'csn', 'ksn', 'unknown', 'encryptionMode', 'pciHardware', 'pciFirmware', 'compileTime', 'atr'],
  ]), // biome-ignore format: a list
  tlv: new Set(['tlv', 'icc', 'record']),
  words: {
    cardMode: value => {
      const mode = cardModes[value as number]
      return mode && [...mode.interfaces, ...(mode.fallback ? ['fallback'] : [])].join(', ')
    },
    tradeType: named(tradeTypes),
    transResult: named(transResults),
    packType: named(packTypes),
  },
  describe: { vendor },
}

const START = 0x4d
const HEAD = 9

function find(bytes: Uint8Array, at: number): FrameFound {
  if (bytes[at] !== START) return undefined
  const rest = bytes.subarray(at)
  const length = frameLength(rest)
  if (length === undefined) return { wrong: 'the two lengths of the frame do not agree, or exceed 10240 bytes', at: at + 1 }
  if (length === 0) {
    const size = rest.length < HEAD ? HEAD : HEAD + rest[7] * 256 + rest[8] + 1
    return { wrong: `the frame ends after ${rest.length} of ${rest.length < HEAD ? 'at least ' : ''}${size} bytes`, at: bytes.length }
  }
  const check = lrc(rest.subarray(0, length - 1))
  if (check === rest[length - 1]) return { length }
  return { wrong: `the LRC is ${byte(rest[length - 1])}, ${byte(check)} is right`, at: at + length - 1 }
}

const byte = (value: number) => hex(Uint8Array.of(value))

/** CmdIDs of a host: process, query; reset, cancel and partData are both sides' (CmdId.js). */
const hosts = [0x21, 0x22]
const both = [0x20, 0x28, 0x36]

function speakerOf([, , , id, , , parameter]: Uint8Array): { readonly from: Speaker; readonly guessed?: string } {
  if (hosts.includes(id)) return { from: 'host' }
  if (!both.includes(id)) return { from: 'reader' }
  const from = parameter > 0 ? 'host' : 'reader'
  return { from, guessed: parameter > 0 ? 'it gives the reader time; an answer would have result 00 there' : 'its byte of result is 00; a host would give the reader time there' } // biome-ignore format: one line
}

const say =
  (from: Speaker | undefined) =>
  (frame: Uint8Array): Said | undefined => {
    const by = from ? { from } : speakerOf(frame)
    if (by.from === 'host') {
      const [message] = device.decoder().push(frame)
      return message && { ...by, ...hostSays(message) }
    }
    const [message] = host.decoder().push(frame)
    return message && { ...by, ...readerSays(message) }
  }

type Content = Pick<Said, 'type' | 'certainty' | 'fields'>

/** The raw field: one source has it, and no reader was seen to do it (docs/devices/qpos.md). */
const sureOf = (command: string | undefined): Pick<Said, 'certainty'> => (command?.startsWith('nfc') ? { certainty: 'assumed' } : {})

function hostSays(message: HostMessage): Content {
  const { type, ...content } = message
  if (message.type !== 'command') return { type, fields: fieldsOf(content, rules) }
  const { command, ...fields } = content as { command: string }
  return { type: command, ...sureOf(command), fields: fieldsOf(fields, rules) }
}

/** What answers to each command say. */
const payloads: { readonly [C in CommandName]?: (data: Uint8Array, result: number) => MessageField[] } = {
  getQposId: data => fieldsOf(decodeQposId(data), rules),
  getQposInfo: data => fieldsOf(decodeQposInfo(data), rules),
  doTrade: data => fieldsOf(tradeFields(data), rules),
  startEmv: emvFields,
  selectEmvApp: emvFields,
  onlineResult: emvFields,
  getIccTag: data => [objectsField('tags', data, rules)],
  nfcPowerOn: data => fieldsOf(decodeNfcActivated(data) ?? {}, rules),
  nfcApdu: data => [fieldOf('response', decodeNfcResponse(data) ?? new Uint8Array(0), rules)],
}

function tradeFields(data: Uint8Array): object {
  const { type, ...answer } = decodeTradeAnswer(data)
  return { answer: type, ...answer }
}

const APPLICATION_LIST = 0x02

function emvFields(data: Uint8Array, result: number): MessageField[] {
  if (result === APPLICATION_LIST) return [fieldOf('applications', decodeApplications(data), rules)]
  return fieldsOf(decodeEmvResult(data), rules)
}

function commandOf(code: number, sub: number): CommandName | undefined {
  const names: readonly CommandName[] = [
    ...(['getQposId', 'getQposInfo', 'doTrade', 'startEmv', 'selectEmvApp', 'onlineResult', 'getIccTag', 'nfcPowerOn', 'nfcApdu'] as const),
    ...(['nfcPowerOff', 'appConfig', 'capkConfig', 'setMasterKey', 'updateWorkKeys', 'updateIpek', 'displayText'] as const),
  ] // biome-ignore format: a list
  return names.find(name => commandCode(name).code === code && commandCode(name).sub === sub)
}

function readerSays(message: DeviceMessage): Content {
  const { type, code, sub, result, data } = message
  const command = commandOf(code, sub)
  const head: MessageField[] = [
    ...(type === 'raw' ? [fieldOf('id', byte(message.id), rules)] : []),
    { name: 'answers', value: command ?? `${byte(code)} ${byte(sub)}` },
    { name: 'result', value: byte(result) },
  ]
  if (type === 'pinEntry') head.push({ name: 'pin', value: isOfflinePin(data) ? 'offline' : 'online' })
  if (data.length === 0 || type === 'pinEntry') return { type, ...sureOf(command), fields: head }
  return { type, ...sureOf(command), fields: [...head, ...payloadFields(command, data, result)] }
}

/** By the layout of the command's answer; as it is where it has another one. */
function payloadFields(command: CommandName | undefined, data: Uint8Array, result: number): MessageField[] {
  try {
    const read = command && payloads[command]
    if (read) return read(data, result)
  } catch (error) {
    if (!isFault(error)) throw error
    // Where its secrets are is not known.
    return [
      { name: 'data', value: `${data.length} bytes`, masked: true, words: [`not as the answers to ${command} are: ${error.message}`] },
    ]
  }
  return [fieldOf('data', data, rules)]
}

/** QPOS frames for people. */
export const anatomy: Anatomy = from => ({ find, say: say(from) })
