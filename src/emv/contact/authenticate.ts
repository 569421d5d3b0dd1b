/** Offline data authentication before card action analysis: which method, SDA, DDA, and the keys for CDA (EMV 4.4 Book 3, 10.3; Book 2, 5 and 6). */

import { fromUint, hex } from '../../bytes.ts'
import { Fault, isFault } from '../../errors.ts'
import { read } from '../../tlv/ber.ts'
import { buildDol, parseDol } from '../../tlv/dol.ts'
import { CAPABILITY } from '../config.ts'
import { type Bit, isSet } from '../data.ts'
import { failOda } from '../oda/fail.ts'
import { ISSUER_DATA, iccKey, issuerKey, missingData, staticData } from '../oda/keys.ts'
import { dynamicHashHolds, type Failed, isFailed, recoverDynamicData, verifyStaticData } from '../oda/signature.ts'
import { type Kernel, type Oda, type Stop, stopForCardError } from '../steps/context.ts'
import { templateOf } from '../steps/fci.ts'

/** Methods, best first, by the bits of AIP (82, Book 3, C1) and Terminal Capabilities (9F33, Book 4, A2) that both must have. */
const methods: readonly { method: Oda['method'] | 'xda'; aip: Bit; terminal: Bit }[] = [
  { method: 'xda', aip: { byte: 1, bit: 8 }, terminal: { byte: 3, bit: 3 } },
  { method: 'cda', aip: { byte: 1, bit: 1 }, terminal: CAPABILITY.cda },
  { method: 'dda', aip: { byte: 1, bit: 6 }, terminal: CAPABILITY.dda },
  { method: 'sda', aip: { byte: 1, bit: 7 }, terminal: CAPABILITY.sda },
]

/**
 * Chooses the method and performs it as far as it goes before GENERATE AC. SDA and DDA end here; of CDA the keys are recovered, `kernel.oda` holds
 * them, and `verifyCda` does the rest. A failure is a bit of the TVR; only answers that EMV does not allow stop the transaction.
 * @throws Fault `bad-key` when the CA key is configured but not good; `unsupported` where card and terminal both have XDA
 */
export async function authenticate(kernel: Kernel): Promise<Stop | undefined> {
  kernel.step = 'dataAuthentication'
  const method = chooseMethod(kernel)
  if (!method) {
    kernel.raise('odaNotPerformed', { rule: 'Book 3, 10.3: no method that card and terminal share', inputs: [0x82, 0x9f33] })
    return undefined
  }
  kernel.oda = { method }
  kernel.note({ rule: 'Book 3, 10.3: best method that card and terminal share', inputs: [0x82, 0x9f33] }, () => method.toUpperCase())
  if (method === 'sda') kernel.raise('sdaSelected', { rule: 'Book 3, 10.3: SDA is selected', inputs: [0x82, 0x9f33] })
  try {
    const failed = method === 'sda' ? performSda(kernel) : method === 'dda' ? await performDda(kernel) : prepareCda(kernel)
    if (failed) failOda(kernel, method, failed)
    // CDA is performed when its signature has been looked at, or when it failed before (Book 3, 10.3).
    if (method !== 'cda' || failed) kernel.mark('odaPerformed', { rule: 'Book 3, 10.3: offline data authentication was performed' })
    return undefined
  } catch (fault) {
    if (!isFault(fault, 'tlv', 'dol', 'apdu')) throw fault
    return stopForCardError(kernel, 'Book 2, 6.5', fault)
  }
}

function chooseMethod({ data }: Kernel): Oda['method'] | undefined {
  const aip = data.card.get(0x82)
  const capabilities = data.terminal.get(0x9f33)
  const best = methods.find(one => isSet(aip, one.aip) && isSet(capabilities, one.terminal))?.method
  if (best === 'xda') throw new Fault('unsupported', 'Extended Data Authentication (EMV 4.4 Book 2, 12) is not built', { feature: 'xda' })
  return best
}

function performSda(kernel: Kernel): Failed | undefined {
  const { card } = kernel.data
  const missing = missingData(kernel, [...ISSUER_DATA, 0x93])
  if (missing) return missing
  const input = staticData(kernel)
  if ('failed' in input) return input
  const key = issuerKey(kernel)
  if (isFailed(key)) return key
  const result = verifyStaticData(key, card.get(0x93)!, input)
  if (isFailed(result)) return result
  card.set(0x9f45, result.code)
  kernel.note({ rule: 'Book 2, 5.4: static data are authentic', inputs: [0x9f45] }, () => 'SDA succeeded')
  return undefined
}

async function performDda(kernel: Kernel): Promise<Failed | undefined> {
  const key = iccKey(kernel)
  if (isFailed(key)) return key
  const { card } = kernel.data
  const rule = 'Book 2, 6.5.1 step 1'
  const ddol = card.get(0x9f49) ?? kernel.settings?.ddol
  if (!ddol) return { failed: `${rule}: no DDOL, neither of the card nor by default` }
  const entries = parseDol(ddol)
  if (!entries.some(({ tag }) => tag === 0x9f37)) return { failed: `${rule}: the DDOL does not ask for the Unpredictable Number` }
  const data = buildDol(entries, tag => kernel.data.get(tag))
  const response = await kernel.exchange({ cla: 0x00, ins: 0x88, p1: 0x00, p2: 0x00, data, le: 0 })
  if (response.sw !== 0x9000) throw new Fault('apdu', `INTERNAL AUTHENTICATE answered ${hex(fromUint(response.sw, 2))}`)
  const signature = signatureOf(response.data)
  card.set(0x9f4b, signature)
  const result = recoverDynamicData(key, signature, 'Book 2, 6.5.2')
  if (isFailed(result)) return result
  if (!dynamicHashHolds(result, data)) return { failed: 'Book 2, 6.5.2 step 7: hash differs' }
  card.set(0x9f4c, result.number)
  kernel.note({ rule: 'Book 2, 6.5.2: the card is authentic', inputs: [0x9f4c] }, () => 'DDA succeeded')
  return undefined
}

/** The Signed Dynamic Application Data of a response in format 1 (80) or 2 (77). @throws Fault `tlv` (Book 3, 6.5.9.4) */
function signatureOf(data: Uint8Array): Uint8Array {
  if (data[0] === 0x80) return templateOf(data, 0x80).slice()
  const found = read(templateOf(data, 0x77)).filter(({ tag }) => tag === 0x9f4b)
  if (found.length !== 1) throw new Fault('tlv', `INTERNAL AUTHENTICATE gave ${found.length} Signed Dynamic Application Data (9F4B)`)
  return found[0].value.slice()
}

/** The keys for CDA, recovered before terminal action analysis so that a failure counts there (Book 2, 6.6). */
function prepareCda(kernel: Kernel): Failed | undefined {
  const key = iccKey(kernel)
  if (isFailed(key)) return key
  kernel.note({ rule: 'Book 2, 6.6: keys for CDA recovered' }, () => `ICC key of ${key.modulus.length * 8} bits`)
  return undefined
}
