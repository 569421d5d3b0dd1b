/** What proves a payment to the card's bank: the chip's cryptogram, or the dynamic code of a contactless stripe; and what the bank sends back to the chip. */

import { concat, equal, fromHex, hex } from '../../../src/bytes.ts'
import { iccMasterKey } from '../../../src/crypto/cryptogram.ts'
import {
  arpcResponse,
  type CardKeys,
  type CryptogramVersion,
  cryptogramVersions,
  type Session,
  versionArpc,
  versionCommandMac,
  versionCryptogram,
} from '../../../src/crypto/cryptogram-version.ts'
import { isFault } from '../../../src/errors.ts'
import type { AuthorisationMessage } from '../../../src/payment/acquirer.ts'
import { approvingCodes } from '../../../src/payment/host/agreement.ts'
import { write } from '../../../src/tlv/ber.ts'
import type { IssuerAccount } from '../../cards/issuer-view.ts'
import type { CheckedRule } from '../rules.ts'
import { type Account, paidOf } from './accounts.ts'
import { checkStripeCode, onceOf } from './stripe-code.ts'
import type { Check, Verdict } from './verdict.ts'

type Tags = ReadonlyMap<number, Uint8Array>

/** ARQC or TC (9F26) over what the terminal sent; one that is right counts once. */
export function checkCryptogram(account: Account, tags: Tags): Check {
  const [cryptogram, atc, data] = [tags.get(0x9f26), tags.get(0x9f36), tags.get(0x9f10)]
  if (!cryptogram || atc?.length !== 2 || !data) return 'wrong'
  const facts = asPresented(account.facts, tags)
  try {
    const expected = versionCryptogram(cryptogramVersions[facts.version], keysOf(facts), tags, facts.issuerData(data))
    if (!equal(expected, cryptogram)) return 'wrong'
  } catch (error) {
    if (isFault(error, 'bad-argument')) return 'wrong' // a data object is missing or has another length than the card used
    throw error
  }
  const once = hex(concat(atc, cryptogram))
  if (account.seen.has(once) || account.seen.has(paidOf(tags))) return 'wrong'
  account.seen.add(once)
  return 'right'
}

/** The code in the track of a contactless stripe; the reader's word for the holder's device is in it too. */
export function checkStripe({ facts, seen }: Account, { tags, cvm }: AuthorisationMessage): Check {
  const found = checkStripeCode(facts, tags.get(0x57))
  if (!found || found.device !== (cvm === 'device') || seen.has(onceOf(found))) return 'wrong'
  seen.add(onceOf(found))
  return 'right'
}

/** ARPC and scripts: only to a card that has proved itself. */
export function replyTo(
  account: Account,
  tags: Tags,
  { arqc, code }: Pick<Verdict, 'arqc' | 'code'>,
  rules: readonly CheckedRule[],
): Pick<Verdict, 'issuerAuthenticationData' | 'scripts'> {
  if (arqc !== 'right') return {}
  const facts = asPresented(account.facts, tags)
  const version = cryptogramVersions[facts.version]
  const session = { atc: tags.get(0x9f36)!, cryptogram: tags.get(0x9f26)!, unpredictable: tags.get(0x9f37)! }
  const keys = keysOf(facts)
  const response = arpcResponse(version, code, approvingCodes.includes(code))
  const arpc = versionArpc(version, keys, session, response)
  if (rules.some(one => one.do === 'wrongArpc')) arpc[0] ^= 0xff
  const scripts = rules.flatMap(one => {
    if (one.do === 'unblockPin') return [script(version, keys, session, '84240000', one.template === 71 ? 0x71 : 0x72)]
    if (one.do !== 'decline' || !one.script) return []
    return [script(version, keys, session, one.script === 'blockCard' ? '84160000' : '841E0000')]
  })
  return { issuerAuthenticationData: concat(arpc, response), ...(scripts.length > 0 && { scripts }) }
}

/** Issuer Script Template 2 (72), to be run after the second GENERATE AC, or 1 (71), before it (EMV 4.4 Book 3, 10.10). @param head CLA INS P1 P2 */
function script(version: CryptogramVersion, keys: CardKeys, session: Session, head: string, template: 0x71 | 0x72 = 0x72): Uint8Array {
  const header = concat(fromHex(head), Uint8Array.of(8))
  const command = concat(header, versionCommandMac(version, keys, session, header))
  return write(template, [write(0x9f18, fromHex('00000001')), write(0x86, command)])
}

/** A tap (POS Entry Mode 07) may have a cryptogram version of its own. */
function asPresented(facts: IssuerAccount, tags: Tags): IssuerAccount {
  return tags.get(0x9f39)?.[0] === 0x07 && facts.tap ? { ...facts, ...facts.tap } : facts
}

function keysOf({ masterKeys, pan, psn, version }: IssuerAccount): CardKeys {
  const derive = (key: Uint8Array) => iccMasterKey(key, pan, psn, cryptogramVersions[version].option)
  return { ac: derive(masterKeys.ac), mac: derive(masterKeys.smi), encipherment: derive(masterKeys.smc) }
}
