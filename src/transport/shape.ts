/** How a family's bytes lie on a transport that has more than one pipe: GATT characteristics, HID reports. Data of the family table. */

/**
 * A link whose device speaks over several pipes carries records: channel (1) · length (2, big-endian) · bytes. A chunk boundary still means nothing, and the
 * family's codec reads and writes the records; the transport only sorts them.
 */
export interface Channel {
  /** 0–255; what the record begins with. */
  readonly channel: number
}

/** How a family lies in GATT characteristics. UUIDs in lower case. */
export interface BleShape {
  /** The GATT service. */
  readonly service: string
  /** Characteristic that takes what the host says. */
  readonly write: string
  /** Characteristic that notifies what the reader says. */
  readonly notify: string
  /** The largest write, in bytes. The negotiated MTU is not believed. */
  readonly chunk: number
  /** The service is a radio module's own, no proof of the family. */
  readonly shared: boolean
  /** Which writes ask for a response: every one, none, or every n-th. */
  readonly acknowledged: 'all' | 'none' | number
  /** Milliseconds that a write with response may take; 10 000 when left out. */
  readonly ackTimeout?: number
  /** What is written once notifications are on, before the first byte of the host: the name that the device advertises, or bytes. */
  readonly opening?: readonly {
    /** Where it is written. */
    readonly characteristic: string
    /** What is written. */
    readonly value: 'device-name' | Uint8Array
  }[]
  /** Several pipes, as records. What the host sends is one whole record's bytes per write, to `write`, or to the `write` of its channel. */
  readonly channels?: readonly (Channel & {
    /** Notifies on this characteristic become records of the channel … */
    readonly notify: string
    /** … or only say that this other one is to be read. */
    readonly read?: string
    /** Takes the host's records of this channel; `write` of the shape when left out. */
    readonly write?: string
  })[]
}

/** How a family lies in HID reports. */
export interface HidShape {
  /** Bytes of an output or feature report after its id; what is shorter is padded with zeros. */
  readonly size: number
  /**
   * Ids of the reports that carry one send(): alone, or first, middle, last. When left out the device numbers none, and one send() is one report. A device that
   * numbers only gives the id of its command report four times.
   */
  readonly ids?: {
    /** Of a report that carries a send() alone. */
    readonly single: number
    /** Of the first of several. */
    readonly first: number
    /** Of those between. */
    readonly middle: number
    /** Of the last. */
    readonly last: number
  }
  /** `feature`: the host's bytes go as a feature report, and the answer is fetched as one; one send() is one report. */
  readonly out: 'output' | 'feature'
  /** Milliseconds between a feature report and the fetching of its answer; 5 when left out. */
  readonly answerAfter?: number
  /**
   * Incoming reports become records (`Channel`): an input report on the channel of its id (1 where the device numbers none), the answer to a feature report on
   * channel 0. Without it the bytes of the reports follow each other, padding included.
   */
  readonly tagged?: boolean
  /** The input reports, where they are not those of `ids` with `size` bytes: their ids (0 where the device numbers none) and bytes after the id. */
  readonly inputs?: readonly {
    /** Report id. */
    readonly id: number
    /** Bytes after the id. */
    readonly size: number
  }[]
}
