/** What a USB HID device of full speed answers on its control pipe (USB 2.0, 9.4; HID 1.11, 7). */

import { type HidPlug, reportDescriptor } from './hid-device.ts'

/** Of both interrupt pipes, in bytes: what full speed allows. */
const MAX_PACKET = 64
/** bcdDevice. */
export const deviceRelease = 0x0100

const DEVICE = 1
const CONFIGURATION = 2
const STRING = 3
const HID = 0x21
const REPORT = 0x22
const FEATURE_REPORT = 3

/** What the device behind the pipe does with reports. */
export interface ReportHandlers {
  /** SET_REPORT of a feature report, as it came. */
  command(report: Uint8Array): void
  /** SET_REPORT of an output report. */
  output(report: Uint8Array): void
  /** GET_REPORT of a feature report. */
  feature(id: number): Promise<Uint8Array>
}

/** Answers a control request of 8 bytes with the data that came with it; undefined is a refusal (STALL). */
export async function controlAnswer(
  plug: HidPlug,
  setup: Uint8Array,
  data: Uint8Array,
  reports: ReportHandlers,
): Promise<Uint8Array | undefined> {
  const [type, request, low, high] = setup
  switch ((type << 8) | request) {
    case 0x8006: // GET_DESCRIPTOR
      return descriptor(plug, high, low)
    case 0x8106: // GET_DESCRIPTOR of the interface
      return high === REPORT ? reportDescriptor(plug.shape) : high === HID ? hidDescriptor(plug) : undefined
    case 0x8000: // GET_STATUS of device, interface, endpoint
    case 0x8100:
    case 0x8200:
      return Uint8Array.of(0, 0)
    case 0x0009: // SET_CONFIGURATION
    case 0x010b: // SET_INTERFACE
    case 0x0201: // CLEAR_FEATURE: an endpoint that was halted
    case 0x210a: // SET_IDLE
      return new Uint8Array()
    case 0xa101: // GET_REPORT
      return high === FEATURE_REPORT ? reports.feature(low) : undefined
    case 0x2109: // SET_REPORT
      if (high === FEATURE_REPORT) reports.command(data)
      else reports.output(data)
      return new Uint8Array()
    default:
      return undefined
  }
}

function descriptor(plug: HidPlug, type: number, index: number): Uint8Array | undefined {
  const { vendor, product, manufacturer, name, serial } = plug
  switch (type) {
    case DEVICE:
      return Uint8Array.from([18, DEVICE, ...u16(0x0200), 0, 0, 0, 64, ...u16(vendor), ...u16(product), ...u16(deviceRelease), 1, 2, 3, 1])
    case CONFIGURATION: {
      const pipes = [0x81, 0x01].flatMap(endpoint => [7, 5, endpoint, 3, ...u16(MAX_PACKET), 1]) // interrupt, each millisecond
      const body = [9, 4, 0, 0, 2, 3, 0, 0, 0, ...hidDescriptor(plug), ...pipes]
      return Uint8Array.from([9, CONFIGURATION, ...u16(9 + body.length), 1, 1, 0, 0x80, 50, ...body])
    }
    case STRING: {
      if (index === 0) return Uint8Array.from([4, STRING, ...u16(0x0409)])
      const text = [manufacturer, name, serial][index - 1]
      if (text === undefined) return undefined
      const units = Array.from({ length: text.length }, (_, i) => u16(text.charCodeAt(i))).flat()
      return Uint8Array.from([2 + units.length, STRING, ...units])
    }
    default:
      return undefined
  }
}

function hidDescriptor({ shape }: HidPlug): Uint8Array {
  return Uint8Array.from([9, HID, ...u16(0x0111), 0, 1, REPORT, ...u16(reportDescriptor(shape).length)])
}

/** Little-endian, as all of USB. */
function u16(value: number): number[] {
  return [value & 0xff, value >> 8]
}
