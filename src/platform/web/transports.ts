/** A page has none of the transports that a URI names: whoever asks for one is told so before it is tried. */

import { onlyNode } from './only-node.ts'

const refusing = (what: string, api: string) => async (): Promise<never> => {
  throw onlyNode(what, api)
}

export const openTcp = /* @__PURE__ */ refusing('tcp', 'node:net')
export const openSerial = /* @__PURE__ */ refusing('serial', 'the package serialport')
export const openHid = /* @__PURE__ */ refusing('hid', 'the package node-hid')
export const openPcsc = /* @__PURE__ */ refusing('pcsc', 'the package smartcard')
export const listSerialPorts = openSerial
export const listHid = openHid
export const listPcscReaders = openPcsc
