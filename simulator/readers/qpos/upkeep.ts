/** What a virtual QPOS does between payments: takes a configuration, keys and firmware, and shows a host's text. */

import { type DukptKey, type HostMessage, host, type LoadedKey } from '../../../devices/qpos/codec.ts'
import { concat, equal, fromText, fromUint, uint } from '../../../src/bytes.ts'
import * as des from '../../../src/crypto/des.ts'
import { Fault, isFault } from '../../../src/errors.ts'
import { testPinDukpt } from '../../keys.ts'
import type { Firmware } from '../firmware.ts'
import { type TestImage, testImage } from '../update.ts'
import { QposConfig } from './config.ts'
import type { Command } from './job.ts'
import type { Ending } from './payload.ts'

/** The loader's frames in our test images: the vendor's are not public, and a host sends them as they stand. */
const LOADER = 0xf1
const loaderSubs = { head: 0x00, block: 0x01, commit: 0x02 } as const

const done: Ending = { type: 'completed', data: new Uint8Array(0) }

export const upkeepCommands = ['appConfig', 'capkConfig', 'setMasterKey', 'updateWorkKeys', 'updateIpek', 'displayText'] as const
export type UpkeepCommand = Extract<Command, { command: (typeof upkeepCommands)[number] }>

export function isUpkeep(command: Command): command is UpkeepCommand {
  return (upkeepCommands as readonly string[]).includes(command.command)
}

type Raw = Extract<HostMessage, { type: 'raw' }>

export function isLoaderFrame({ id, code, sub }: Raw): boolean {
  return id === 0x21 && code === LOADER && Object.values<number>(loaderSubs).includes(sub)
}

export class QposUpkeep {
  readonly #firmware: Firmware
  readonly #config: QposConfig
  /** Terminal master keys by index; the vendor's published test key in each. */
  readonly #masters: Uint8Array[]

  constructor(firmware: Firmware) {
    this.#firmware = firmware
    this.#config = new QposConfig(firmware.config)
    this.#masters = Array.from({ length: 5 }, () => testPinDukpt.bdk)
  }

  /** It was given no application: it cannot pay. */
  get unconfigured(): boolean {
    return this.#firmware.config.applications.length === 0
  }

  do(command: UpkeepCommand): Ending {
    try {
      switch (command.command) {
        case 'appConfig':
          return this.#configure(() => this.#config.changeApplications(command.operation, command.record), 'emvAppConfigError')
        case 'capkConfig':
          return this.#configure(() => this.#config.changeKeys(command.operation, command.record), 'emvCapkConfigError')
        case 'setMasterKey':
          this.#masters[command.key.index] = this.#open(command.key, command.key.index)
          return done
        case 'updateWorkKeys':
          for (const key of [command.keys.pin, command.keys.track, command.keys.mac]) this.#open(key, command.keys.index)
          return done
        case 'updateIpek': {
          const keys: readonly DukptKey[] = command.keys.keys
          const opened = keys.map(one => this.#open(one, 0))
          // One set of keys serves PIN and tracks here; the group that a payment names is not told apart.
          this.#firmware.loadPinKey(opened[2], keys[2].ksn)
          return done
        }
        case 'displayText':
          this.#firmware.body.showText(...command.text.split('\n'))
          return done
      }
    } catch (error) {
      if (isFault(error, 'unsupported')) return { ...done, type: 'notAvailable' }
      if (isFault(error, 'bad-argument', 'bad-key', 'protocol')) return { ...done, type: 'writeDataError' }
      throw error
    }
  }

  #configure(change: () => void, wrong: Ending['type']): Ending {
    try {
      change()
    } catch (error) {
      if (!isFault(error, 'bad-argument', 'bad-key', 'protocol')) throw error
      return { ...done, type: wrong }
    }
    const current = this.#config.current
    if (current) this.#firmware.configure(current.terminal, current.contactless)
    return done
  }

  /** A key from under master key `index`. @throws Fault `bad-key` where its check value is another's */
  #open({ key, kcv }: LoadedKey, index: number): Uint8Array {
    const clear = des.decryptEcb(this.#masters[index] ?? this.#masters[0], key)
    if (!equal(des.encryptEcb(clear, new Uint8Array(8)), kcv)) throw new Fault('bad-key', 'the check value of a loaded key is wrong')
    return clear
  }

  /** A frame for the loader. `committed`: the image is whole, the reader restarts. */
  async load(message: Raw, signal: AbortSignal): Promise<{ readonly ending: Ending; readonly committed: boolean }> {
    const { update } = this.#firmware.condition
    try {
      if (message.sub === loaderSubs.head) {
        update.begin(message.data)
        this.#firmware.body.show('reader.updating')
      } else if (message.sub === loaderSubs.block) await update.write(uint(message.data.subarray(0, 4)), message.data.subarray(4), signal)
      else update.commit()
    } catch (error) {
      if (isFault(error, 'bad-argument')) return { ending: { ...done, type: 'crcError' }, committed: false }
      if (isFault(error, 'low-battery')) return { ending: { ...done, type: 'notAvailable' }, committed: false }
      if (isFault(error, 'reader-error')) return { ending: { ...done, type: 'writeDataError' }, committed: false }
      throw error
    }
    return { ending: done, committed: message.sub === loaderSubs.commit }
  }
}

/** A test image as a `.asc` file: head, then records with the frames that carry it, `block` bytes each. */
export function qposImage({
  block = 512,
  ...image
}: Omit<TestImage, 'family'> & { readonly block?: number; readonly family?: string }): Uint8Array {
  const { head, body } = testImage({ family: 'qpos', ...image })
  const frame = (sub: number, data: Uint8Array) => host.encode({ type: 'raw', id: 0x21, code: LOADER, sub, delay: 30, data })
  const blocks = Array.from({ length: Math.ceil(body.length / block) }, (_, at) => {
    return frame(loaderSubs.block, concat(fromUint(at * block, 4), body.subarray(at * block, (at + 1) * block)))
  })
  const records = [
    record(0x12, frame(loaderSubs.head, head)),
    ...blocks.map(one => record(0x11, one)),
    record(0x11, frame(loaderSubs.commit, new Uint8Array(0))),
    record(0x04, new Uint8Array(0)),
  ]
  return concat(fromText('DSPREAD'.padEnd(32, '\0')), ...records)
}

function record(kind: number, value: Uint8Array): Uint8Array {
  return concat(Uint8Array.of(kind), fromUint(value.length, 2), value)
}
