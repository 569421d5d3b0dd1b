/** Online processing: the request to the host, its answer, voice referral, issuer authentication (EMV 4.4 Book 3, 10.9). */

import { fromText, hex } from '../../bytes.ts'
import { within } from '../../clock.ts'
import { asFault, isFault } from '../../errors.ts'
import { isSet } from '../data.ts'
import type { Kernel } from '../steps/context.ts'
import type { AuthorisationRequest, AuthorisationResponse } from '../terminal.ts'
import { analyseDefault, setResponseCode } from './decide.ts'

/** Application Interchange Profile (82), byte 1 (EMV 4.4 Book 3, Annex C1). */
const ISSUER_AUTHENTICATION_SUPPORTED = { byte: 1, bit: 3 }

/** What an acquirer needs of the chip (EMV 4.4 Book 4, 12.1.1): field 55, the track 2 equivalent and the PAN. */
const requestTags = [
  0x4f, 0x50, 0x57, 0x5a, 0x5f20, 0x5f24, 0x5f25, 0x5f28, 0x5f2a, 0x5f34, 0x82, 0x84, 0x95, 0x9a, 0x9b, 0x9c, 0x9f02, 0x9f03, 0x9f06, 0x9f07, 0x9f09,
  0x9f10, 0x9f12, 0x9f15, 0x9f16, 0x9f1a, 0x9f1c, 0x9f1e, 0x9f21, 0x9f26, 0x9f27, 0x9f33, 0x9f34, 0x9f35, 0x9f36, 0x9f37, 0x9f39, 0x9f40, 0x9f41, 0x9f4e,
  0x9f53, 0x9f6e, 0x9f7c,
] // biome-ignore format: a table

/** What to ask of the card in the second GENERATE AC. */
export type Decision = 'TC' | 'AAC'

/** Asks the host. The Authorisation Response Code (8A) is the host's, or the terminal's where the host is silent. */
export async function goOnline(kernel: Kernel): Promise<Decision> {
  kernel.step = 'online'
  const { progress } = kernel
  const request = requestOf(kernel)
  kernel.terminal.display?.('reader.processing', kernel.language)
  const response = await ask(kernel, request)
  if (response.type === 'unableToGoOnline') {
    kernel.note({ rule: 'Book 3, 10.9: unable to go online' }, () => 'the default action codes decide')
    return analyseDefault(kernel)
  }
  progress.unanswered = false
  progress.response = response
  setResponseCode(kernel, response.code)
  if (response.issuerAuthenticationData) kernel.data.setTerminal(0x91, response.issuerAuthenticationData)
  if (response.authorisationCode !== undefined) kernel.data.setTerminal(0x89, fromText(response.authorisationCode))
  progress.hostApproved = response.type === 'approved' || (response.type === 'referral' && (await refer(kernel, request, response)))
  kernel.note(
    { rule: 'Book 3, 10.9: the host answered', inputs: [0x8a, 0x91] },
    () => `${response.type}${progress.hostApproved ? ', TC' : ', AAC'} asked`,
  )
  return progress.hostApproved ? 'TC' : 'AAC'
}

function requestOf({ data, transaction, progress }: Kernel): AuthorisationRequest {
  const tags = new Map<number, Uint8Array>()
  for (const tag of requestTags) {
    const value = data.get(tag)
    if (value) tags.set(tag, value)
  }
  return { transaction, interface: 'chip', cvm: progress.cvm, tags, ...(progress.pinBlock ? { pinBlock: progress.pinBlock } : {}) }
}

/** An answer, or `unableToGoOnline` for whatever is none: then `unanswered` stays, unless the request certainly did not leave. */
async function ask(kernel: Kernel, request: AuthorisationRequest): Promise<AuthorisationResponse> {
  const { terminal, timeouts, signal, clock, language, progress } = kernel
  const unable: AuthorisationResponse = { type: 'unableToGoOnline' }
  try {
    const response = await within({ timeout: timeouts.host, signal, clock, what: 'the authorisation request' }, inner => {
      progress.online = true
      progress.unanswered = true
      return terminal.authorise(request, { signal: inner, language })
    })
    if (response.type === 'unableToGoOnline') {
      progress.unanswered = false
      return unable
    }
    const flaw = flawOf(response)
    if (!flaw) return response
    kernel.note({ rule: 'Book 4, 12.2.3: the answer of the host is none' }, () => flaw)
  } catch (error) {
    if (signal.aborted) throw error
    const { code, message } = asFault(error)
    if (code === 'host-unreachable') progress.unanswered = false
    kernel.note({ rule: 'Book 4, 12.2.1: no answer of the host' }, () => `${code}: ${message}`)
  }
  return unable
}

/** Why an answer is no answer, or undefined. */
function flawOf(response: Exclude<AuthorisationResponse, { type: 'unableToGoOnline' }>): string | undefined {
  if (!/^[0-9A-Za-z]{2}$/.test(response.code)) return `response code '${response.code}' is not two letters or digits (8A)`
  const length = response.issuerAuthenticationData?.length
  if (length !== undefined && (length < 8 || length > 16)) return `issuer authentication data of ${length} bytes, 8 to 16 are allowed (91)`
  return undefined
}

/** A voice referral of the issuer: the attendant calls and decides (EMV 4.4 Book 4, 6.5.2.2). A terminal that has no `refer` declines. */
async function refer(kernel: Kernel, request: AuthorisationRequest, response: AuthorisationResponse): Promise<boolean> {
  const { terminal, timeouts, signal, clock, language } = kernel
  if (!terminal.refer) return false
  try {
    return await within({ timeout: timeouts.referral, signal, clock, what: 'the voice referral' }, async inner => {
      const decision = await terminal.refer!(request, response, { signal: inner, language })
      return decision === 'approved'
    })
  } catch (error) {
    if (signal.aborted || !isFault(error, 'timeout')) throw error
    return false
  }
}

/** EXTERNAL AUTHENTICATE where the card wants it; else the card finds 91 in the data of the second GENERATE AC (10.9). */
export async function authenticateIssuer(kernel: Kernel): Promise<void> {
  kernel.step = 'issuerAuthentication'
  const { data } = kernel
  const issuerData = data.terminal.get(0x91)
  if (!issuerData) return
  if (!isSet(data.get(0x82), ISSUER_AUTHENTICATION_SUPPORTED)) {
    kernel.note(
      { rule: 'Book 3, 10.9: the card takes 91 with the second GENERATE AC', inputs: [0x82, 0x91] },
      () => 'no EXTERNAL AUTHENTICATE',
    )
    return
  }
  const { sw } = await kernel.exchange({ cla: 0x00, ins: 0x82, p1: 0x00, p2: 0x00, data: issuerData })
  kernel.mark('issuerAuthenticationPerformed', { rule: 'Book 3, 10.9: EXTERNAL AUTHENTICATE was sent', inputs: [0x82, 0x91] })
  if (sw !== 0x9000)
    kernel.raise('issuerAuthenticationFailed', {
      rule: `Book 3, 10.9: EXTERNAL AUTHENTICATE answers ${hex(Uint8Array.of(sw >> 8, sw))}`,
      inputs: [0x91],
    })
}
