/** Cardholder verification: the CVM List, its conditions and methods (EMV 4.4 Book 3, 10.5; results as in Book 4, 6.3.4.5). */

import { hex } from '../../bytes.ts'
import { CAPABILITY } from '../config.ts'
import { type Bit, isSet } from '../data.ts'
import type { CvmName } from '../outcome.ts'
import type { Kernel, Stop } from '../steps/context.ts'
import { cvmConditionHolds } from '../steps/cvm-condition.ts'
import { type PinResult, verifyOfflinePin, verifyOnlinePin } from './verify-pin.ts'

/** Application Interchange Profile (82), byte 1 (EMV 4.4 Book 3, Annex C1). */
const CARDHOLDER_VERIFICATION_SUPPORTED = { byte: 1, bit: 5 }

/** CVM Results (9F34), byte 3. */
const RESULT = { unknown: 0, failed: 1, successful: 2 } as const

const NO_CVM_PERFORMED = 0x3f

/** A method of the CVM List by its code (EMV 4.4 Book 3, Annex C3, CVM Codes; b7 and b8 of the byte are not part of it). */
interface Method {
  readonly name: string
  /** Bits of 9F33 that must all be set. */
  readonly needs: readonly Bit[]
  readonly pin?: 'plaintext' | 'enciphered' | 'online'
  readonly cvm: CvmName
  /** What the terminal knows of the result when nothing failed. */
  readonly result: number
}

/** Codes of payment systems and issuers (20–3E) are not here: this terminal does not recognise them, which the Book has a TVR bit for. */
const methods: Readonly<Record<number, Method>> = {
  1: { name: 'plaintext PIN', needs: [CAPABILITY.plaintextPin], pin: 'plaintext', cvm: 'offlinePin', result: RESULT.successful },
  2: { name: 'online PIN', needs: [CAPABILITY.onlinePin], pin: 'online', cvm: 'onlinePin', result: RESULT.unknown },
  3: {
    name: 'plaintext PIN and signature',
    needs: [CAPABILITY.plaintextPin, CAPABILITY.signature],
    pin: 'plaintext',
    cvm: 'signature',
    result: RESULT.unknown,
  },
  4: { name: 'enciphered PIN', needs: [CAPABILITY.encipheredPin], pin: 'enciphered', cvm: 'offlinePin', result: RESULT.successful },
  5: {
    name: 'enciphered PIN and signature',
    needs: [CAPABILITY.encipheredPin, CAPABILITY.signature],
    pin: 'enciphered',
    cvm: 'signature',
    result: RESULT.unknown,
  },
  30: { name: 'signature', needs: [CAPABILITY.signature], cvm: 'signature', result: RESULT.unknown },
  31: { name: 'no CVM', needs: [CAPABILITY.noCvm], cvm: 'none', result: RESULT.successful },
}
const FAIL_CVM = 0

/** Face, finger, palm, iris and voice, each checked by the card or online (EMV 4.4 Book 3, Annex C3): recognised, but this terminal has no sensor. */
const isBiometric = (code: number) => (code & 0x3f) >= 0x06 && (code & 0x3f) <= 0x0f

interface Rule {
  /** CVM Code with b7, as it stands in the list. */
  readonly code: number
  readonly condition: number
}

export async function verifyCardholder(kernel: Kernel): Promise<Stop | undefined> {
  kernel.step = 'cardholderVerification'
  const { data } = kernel
  const results = (code: number, condition: number, result: number) => data.setTerminal(0x9f34, Uint8Array.of(code, condition, result))
  results(NO_CVM_PERFORMED, 0, RESULT.unknown)
  if (!isSet(data.get(0x82), CARDHOLDER_VERIFICATION_SUPPORTED)) {
    kernel.note({ rule: 'Book 3, 10.5: the card does not support cardholder verification', inputs: [0x82] }, () => 'CVM Results 3F0000')
    return undefined
  }
  const list = data.card.get(0x8e)
  if (list && (list.length < 8 || list.length % 2 !== 0)) {
    kernel.note({ rule: 'Book 3, 10.5: the CVM List has a rule cut in two', inputs: [0x8e] }, () => 'terminated')
    return { result: 'declined', reason: 'cardError' }
  }
  if (!list || list.length === 8) {
    kernel.raise('iccDataMissing', { rule: 'Book 3, 7.5 and 10.5: the CVM List is missing or has no rule', inputs: [0x82, 0x8e] })
    return undefined
  }
  const pinPad = { bypassed: false }
  results(NO_CVM_PERFORMED, 0, RESULT.failed)
  for (const rule of rulesOf(list)) {
    const { code, condition } = rule
    if (!cvmConditionHolds(kernel, condition, canDo(kernel, rule), list)) {
      note(kernel, rule, 'condition not satisfied')
      continue
    }
    if ((code & 0x3f) === FAIL_CVM) {
      results(code, condition, RESULT.failed)
      note(kernel, rule, 'Fail CVM processing')
      break
    }
    const method = methods[code & 0x3f]
    if (isBiometric(code))
      kernel.raise('biometricTypeNotSupported', {
        rule: `Book 3, 10.5: rule ${ruleHex(rule)}: the terminal has no sensor for it`,
        inputs: [0x8e, 0x9f33],
      })
    else if (!method) kernel.raise('unrecognisedCvm', { rule: `Book 3, 10.5: rule ${ruleHex(rule)}: code not recognised`, inputs: [0x8e] })
    else if (!supports(kernel, method)) pinPadMissing(kernel, rule, method)
    else {
      const attempt = await perform(kernel, method, pinPad)
      if (typeof attempt !== 'string') return attempt
      results(code, condition, attempt === 'ok' ? method.result : RESULT.failed)
      note(kernel, rule, `${method.name} ${attempt}`)
      if (attempt === 'ok') {
        kernel.progress.cvm = method.cvm
        kernel.mark('cardholderVerificationPerformed', { rule: `Book 3, 10.5: ${method.name}`, inputs: [0x8e, 0x9f34] })
        return undefined
      }
    }
    if ((code & 0x40) === 0) break // b7: apply succeeding rule if this one is unsuccessful
  }
  kernel.raise('cardholderVerificationFailed', { rule: 'Book 3, 10.5: no rule of the CVM List was successful', inputs: [0x8e, 0x9f34] })
  kernel.mark('cardholderVerificationPerformed', { rule: 'Book 3, 10.5: the CVM List was processed', inputs: [0x8e, 0x9f34] })
  return undefined
}

function rulesOf(list: Uint8Array): Rule[] {
  const rules: Rule[] = []
  for (let at = 8; at < list.length; at += 2) rules.push({ code: list[at], condition: list[at + 1] })
  return rules
}

function ruleHex({ code, condition }: Rule): string {
  return hex(Uint8Array.of(code, condition))
}

function note(kernel: Kernel, rule: Rule, effect: string): void {
  if (!kernel.explain) return
  kernel.note({ rule: `Book 3, 10.5: rule ${ruleHex(rule)}`, inputs: [0x8e, 0x9f33] }, () => effect)
}

/** Condition 03: fail is what every terminal can do. */
function canDo(kernel: Kernel, { code }: Rule): boolean {
  const method = methods[code & 0x3f]
  return (code & 0x3f) === FAIL_CVM || (method !== undefined && supports(kernel, method))
}

function supports({ data }: Kernel, method: Method): boolean {
  return method.needs.every(bit => isSet(data.terminal.get(0x9f33), bit))
}

/** 10.5.1 and 10.5.2: a PIN that the terminal cannot take at all. One kind of offline PIN is enough to support offline PIN. */
function pinPadMissing(kernel: Kernel, rule: Rule, method: Method): void {
  const can = (bit: Bit) => isSet(kernel.data.terminal.get(0x9f33), bit)
  const offline = can(CAPABILITY.plaintextPin) || can(CAPABILITY.encipheredPin)
  const lacking = method.pin === 'online' ? !can(CAPABILITY.onlinePin) : method.pin !== undefined && !offline
  if (lacking)
    kernel.raise('pinPadMissingOrBroken', {
      rule: `Book 3, ${method.pin === 'online' ? '10.5.2' : '10.5.1'}: rule ${ruleHex(rule)}: the terminal takes no such PIN`,
      inputs: [0x8e, 0x9f33],
    })
  else note(kernel, rule, `${method.name} not supported`)
}

/** 10.5.4: where a PIN comes with a signature, the PIN decides now; the signature is taken after the approval. */
async function perform(kernel: Kernel, method: Method, pinPad: { bypassed: boolean }): Promise<PinResult> {
  if (method.pin === undefined) return 'ok'
  return method.pin === 'online' ? verifyOnlinePin(kernel, pinPad) : verifyOfflinePin(kernel, method.pin, pinPad)
}
