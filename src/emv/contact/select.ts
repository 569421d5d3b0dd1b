/** Application selection: the candidate list by PSE or by the list of AIDs, the choice, and the final SELECT (EMV 4.4 Book 1, 12.3 and 12.4). */

import { equal, fromText, fromUint, hex, startsWith } from '../../bytes.ts'
import { within } from '../../clock.ts'
import { Fault, isFault } from '../../errors.ts'
import type { ApplicationConfig } from '../config.ts'
import { belongsIn, FROM } from '../steps/card-data.ts'
import type { CandidateApplication, Kernel, Stop } from '../steps/context.ts'
import { commonLanguage, displayName, type Fci, type Objects, parseDirectoryRecord, parseFci, registeredData } from '../steps/fci.ts'
import { useApplication } from '../steps/start.ts'

const PSE = fromText('1PAY.SYS.DDF01')
const CARD_BLOCKED: Stop = { result: 'declined', reason: 'cardBlocked' }

/** Builds `kernel.selection` (12.3). Stops only when the card is blocked; an empty list is found by `chooseApplication`. */
export async function buildCandidateList(kernel: Kernel): Promise<Stop | undefined> {
  kernel.step = 'selection'
  kernel.selection = { candidates: [], asked: false, confirm: false, exhausted: 'noApplication' }
  const stop = (kernel.config.usePse && (await usePse(kernel))) || undefined
  const { candidates } = kernel.selection
  if (stop || candidates.length > 0) return stop ?? order(kernel)
  return (await useAidList(kernel)) ?? order(kernel)
}

/** The PSE's directory (12.3.2). Whatever goes wrong in it leaves an empty candidate list: the list of AIDs is next. */
async function usePse(kernel: Kernel): Promise<Stop | undefined> {
  const { candidates } = kernel.selection!
  const { sw, data } = await selectByName(kernel, PSE)
  if (sw === 0x6a81) {
    kernel.note({ rule: 'Book 1, 12.3.2 step 1: card blocked or SELECT not supported (6A81)' }, () => 'session terminated')
    return CARD_BLOCKED
  }
  try {
    if (sw !== 0x9000) throw new Fault('apdu', `SELECT of the PSE answered ${hex(fromUint(sw, 2))}`)
    const fci = parseFci(data)
    const sfi = fci.objects.get(0x88)
    if (sfi?.length !== 1 || sfi[0] < 1 || sfi[0] > 10) throw new Fault('tlv', 'SFI of the directory (88) is missing or not 1 to 10')
    kernel.language = commonLanguage(fci.objects.get(0x5f2d), kernel.config.languages)
    for (let record = 1; record <= 255; record++) {
      const answer = await kernel.exchange({ cla: 0x00, ins: 0xb2, p1: record, p2: (sfi[0] << 3) | 4, le: 0 })
      if (answer.sw === 0x6a83) break
      if (answer.sw !== 0x9000) throw new Fault('apdu', `record ${record} of the directory answered ${hex(fromUint(answer.sw, 2))}`)
      for (const { name, objects } of parseDirectoryRecord(answer.data)) add(kernel, name, objects, fci.objects.get(0x9f11))
    }
    kernel.note({ rule: 'Book 1, 12.3.2: directory of the PSE' }, () => listed(candidates))
  } catch (fault) {
    if (!isFault(fault, 'apdu', 'tlv')) throw fault
    candidates.length = 0
    kernel.note({ rule: 'Book 1, 12.3.2: the PSE cannot be used' }, () => `${fault.message}: list of AIDs instead`)
  }
  return undefined
}

/** Each AID of the terminal in turn (12.3.3). */
async function useAidList(kernel: Kernel): Promise<Stop | undefined> {
  const selection = kernel.selection!
  for (const [index, { aid, match }] of kernel.config.applications.entries()) {
    const seen = new Set<string>()
    for (let occurrence = 0; ; occurrence++) {
      const { sw, data } = await selectByName(kernel, aid, occurrence === 0 ? 0x00 : 0x02)
      if (sw === 0x6a81 && index === 0 && occurrence === 0) {
        kernel.note({ rule: 'Book 1, 12.3.3 step 2: card blocked or SELECT not supported (6A81)' }, () => 'session terminated')
        return CARD_BLOCKED
      }
      const fci = sw === 0x9000 || sw === 0x6283 ? tryFci(data) : undefined
      // A card that names the same DF again would go on for ever; Book 1, 11.3.5 has it answer 6A82 instead.
      if (!fci || !startsWith(fci.dfName, aid) || seen.has(hex(fci.dfName))) break
      seen.add(hex(fci.dfName))
      const exact = fci.dfName.length === aid.length
      if (!exact && match === 'exact') break
      if (sw === 0x9000) add(kernel, fci.dfName, fci.objects, fci.objects.get(0x9f11))
      else selection.exhausted = 'applicationBlocked'
      if (exact) break
    }
  }
  kernel.note({ rule: 'Book 1, 12.3.3: list of AIDs' }, () => listed(selection.candidates))
  return undefined
}

function tryFci(data: Uint8Array): Fci | undefined {
  try {
    return parseFci(data)
  } catch (fault) {
    if (isFault(fault, 'tlv')) return undefined
    throw fault
  }
}

/** The row of the configuration that an ADF Name matches under its Application Selection Indicator (12.3.1): the longest AID where several do. */
function matchingApplication(applications: readonly ApplicationConfig[], name: Uint8Array): ApplicationConfig | undefined {
  return applications
    .filter(({ aid, match }) => (match === 'exact' ? equal(aid, name) : startsWith(name, aid)))
    .reduce<ApplicationConfig | undefined>((best, row) => (best && best.aid.length >= row.aid.length ? best : row), undefined)
}

/** Adds an application to the candidate list, once, when the terminal supports it. */
function add(kernel: Kernel, name: Uint8Array, objects: Objects, codeTable: Uint8Array | undefined): void {
  const { candidates } = kernel.selection!
  const settings = matchingApplication(kernel.config.applications, name)
  if (!settings || candidates.some(({ aid }) => equal(aid, name))) return
  const indicator = objects.get(0x87)?.[0] ?? 0
  candidates.push({
    aid: name,
    label: displayName(objects, codeTable, kernel.config.codeTables, name),
    priority: indicator & 0x0f,
    confirm: (indicator & 0x80) !== 0,
    settings,
    registeredData: registeredData(objects.get(0x9f0a)),
  })
}

/** Highest priority first, those without one last, else as the card gave them (12.4 step 4). */
function order(kernel: Kernel): undefined {
  const rank = ({ priority }: CandidateApplication) => priority || 16
  kernel.selection!.candidates.sort((a, b) => rank(a) - rank(b))
}

const listed = (candidates: readonly CandidateApplication[]) => candidates.map(({ label, aid }) => `candidate ${label} (${hex(aid)})`)

/** SELECT by name (11.3.2). */
function selectByName(kernel: Kernel, name: Uint8Array, p2 = 0x00) {
  return kernel.exchange({ cla: 0x00, ins: 0xa4, p1: 0x04, p2, data: name, le: 0 })
}

/**
 * Chooses from the candidate list and selects, until an application is selected: `kernel.application` and `kernel.settings`. Call it again to try
 * another one, after GET PROCESSING OPTIONS refused this.
 */
export async function selectApplication(kernel: Kernel): Promise<Stop | undefined> {
  kernel.step = 'selection'
  for (;;) {
    const choice = await chooseApplication(kernel)
    if (!('aid' in choice)) return choice
    if (await finalSelect(kernel, choice)) return undefined
  }
}

/**
 * The application to select next, by the cardholder or by priority (12.4 steps 1–5).
 * @throws Fault `bad-argument` when `terminal.selectApplication` names a place that is not in the list
 */
async function chooseApplication(kernel: Kernel): Promise<CandidateApplication | Stop> {
  const selection = kernel.selection!
  const { candidates, confirm } = selection
  selection.asked = false
  if (candidates.length === 0) {
    kernel.note({ rule: 'Book 1, 12.4 step 1: no mutually supported application' }, () => 'transaction terminated')
    return { result: 'declined', reason: selection.exhausted }
  }
  if (candidates.length === 1 && !candidates[0].confirm && !confirm) return candidates[0]
  if (kernel.config.cardholderSelection === false) {
    const best = candidates.find(candidate => !candidate.confirm)
    if (best) return best
    kernel.note({ rule: 'Book 1, 12.4 steps 2 and 5: confirmation is wanted, none can be given' }, () => 'transaction terminated')
    return { result: 'declined', reason: 'noApplication' }
  }
  const index = await askCardholder(kernel, candidates)
  if (index === undefined) return { result: 'cancelled', reason: 'cardholderCancelled' }
  const choice = candidates[index]
  if (!choice) throw new Fault('bad-argument', `selectApplication returned ${index}, the list has ${candidates.length}`, { index })
  selection.asked = true
  return choice
}

/** The place the cardholder picks; undefined when they cancel or let the time run out. */
async function askCardholder(kernel: Kernel, candidates: readonly CandidateApplication[]): Promise<number | undefined> {
  const { signal, clock, timeouts, language, terminal } = kernel
  try {
    return await within({ timeout: timeouts.selection, signal, clock, what: 'the choice of an application' }, inner =>
      terminal.selectApplication([...candidates], { signal: inner, language }),
    )
  } catch (fault) {
    if (!isFault(fault, 'timeout')) throw fault
    kernel.note({ rule: 'Book 1, 12.4: the cardholder does not choose' }, () => fault.message)
    return undefined
  }
}

/**
 * The final SELECT (12.4). The candidate leaves the list whatever comes of it, so that nothing is tried twice.
 * @returns whether the application is selected
 */
export async function finalSelect(kernel: Kernel, candidate: CandidateApplication): Promise<boolean> {
  const selection = kernel.selection!
  selection.candidates.splice(selection.candidates.indexOf(candidate), 1)
  const { sw, data } = await selectByName(kernel, candidate.aid)
  const fci = sw === 0x9000 ? tryFci(data) : undefined
  if (!fci || !equal(fci.dfName, candidate.aid)) {
    dropApplication(kernel, 'Book 1, 12.4: final SELECT refused or malformed', candidate.label)
    if (sw === 0x6283) selection.exhausted = 'applicationBlocked'
    kernel.terminal.display?.('reader.tryAgain', kernel.language)
    return false
  }
  kernel.language ??= commonLanguage(fci.objects.get(0x5f2d), kernel.config.languages)
  kernel.data.card.clear()
  kernel.data.card.set(0x84, fci.dfName)
  for (const [tag, value] of fci.objects) if (belongsIn(tag, FROM.fci)) kernel.data.card.set(tag, value)
  useApplication(kernel, candidate, candidate.settings)
  kernel.note({ rule: 'Book 1, 12.4: application selected', inputs: [0x9f06] }, () => candidate.label)
  return true
}

/** Gives up the application last tried. When the cardholder had chosen it, the cardholder is asked about the next one (12.4). */
export function dropApplication(kernel: Kernel, rule: string, label: string): void {
  kernel.note({ rule }, () => `${label} removed from the candidate list`)
  kernel.selection!.confirm ||= kernel.selection!.asked
  kernel.application = undefined
  kernel.settings = undefined
}
