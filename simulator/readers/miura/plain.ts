/** The commands that a virtual Miura answers at once: battery, display, clock, configuration, files. */

import {
  type Command,
  chargingCodes,
  displayFlags,
  encodeBattery,
  encodeConfiguration,
  encodeP2peStatus,
  tags as miuraTags,
  template,
} from '../../../devices/miura/codec.ts'
import { fromHex, text } from '../../../src/bytes.ts'
import { type Clock, localTime } from '../../../src/clock.ts'
import type { MessageId } from '../../../src/messages/messages.ts'
import type { Body } from '../body/body.ts'
import { showWords } from '../body/host-words.ts'
import type { Firmware } from '../firmware.ts'
import type { MiuraFiles } from './files.ts'
import { type Answer, done, failed } from './payload.ts'

export const UNKNOWN_INS = 0x6d00
const results: readonly (MessageId | undefined)[] = ['reader.approved', 'reader.declined', 'reader.cancelled', 'reader.insertOrSwipe']
/** Version of its files of configuration. */
const CONFIGURATION = '1-0'

interface Insides {
  readonly body: Body
  readonly firmware: Firmware
  readonly files: MiuraFiles
  readonly clock: Clock
}

/** 6D00 for a command that it does not know. */
export async function plainAnswer({ body, firmware, files, clock }: Insides, message: Command): Promise<Answer> {
  const { command, p1, p2, data, le, content = new Uint8Array(0) } = message
  switch (command) {
    case 'batteryStatus': {
      const { percent, charging } = body.battery
      const code = charging ? (percent === 100 ? chargingCodes.charged : chargingCodes.charging) : chargingCodes.battery
      return done(encodeBattery({ charging: code, percent }))
    }
    case 'displayText': {
      const words = p2 & displayFlags.utf8 ? new TextDecoder().decode(data) : text(data)
      const id = showWords(body, words.split('\n'))
      if (results.includes(id)) firmware.linger()
      return done()
    }
    case 'getConfiguration':
      return done(encodeConfiguration(files.names.map(name => ({ name, version: CONFIGURATION }))))
    case 'systemClock': {
      const now = localTime(new Date(clock.now()))
      return done(
        template(miuraTags.responseData, [
          [0x9a, fromHex(now.slice(2, 8))],
          [0x9f21, fromHex(now.slice(8))],
        ]),
      )
    }
    case 'p2peStatus':
      return done(encodeP2peStatus({ initialised: true, pinKey: !body.tampered, dataKey: !body.tampered }))
    case 'selectFile':
      return files.select({ p1, p2, data })
    case 'readBinary':
      return files.read({ p1, p2, data }, le)
    case 'streamBinary': {
      const answer = await files.stream({ p1, p2, data }, content, new AbortController().signal)
      if (firmware.condition.update.needed) body.show('reader.updating')
      return answer
    }
    default:
      return failed(UNKNOWN_INS)
  }
}
