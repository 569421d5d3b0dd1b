/** Whether the acquirer's book, the journal and the card agree on an order, and with what the merchant was told. */

/** Results that were told as the end of an attempt in which nothing was paid. */
const notPaid = ['declined', 'cancelled']

const standingOf = booked => booked?.operations.filter(({ type, state }) => type === 'payment' && state === 'Approved') ?? []

/** Minor units that the host has of an order. */
export function chargedOf(booked) {
  return standingOf(booked).reduce((sum, { amount }) => sum + amount, 0n)
}

/**
 * Where the host has told what nobody could know to be false (lies.mjs), an end that is not the host's is no disagreement once a notice names the order.
 * @param order as the journal has it; `booked` as the host has it; `attempts` what each attempt was told, with the card's counter before and after, and where it died
 * @param seen the host's authorisations and advices of the order
 * @param lies what was said of it otherwise than the host did; `noticed` the types of the notices about it
 * @returns what disagrees, in words; nothing when all is well
 */
export function disagreements({ plan, record, booked, attempts, seen, lies, noticed }) {
  const found = []
  const standing = standingOf(booked)
  const charged = chargedOf(booked)
  const inJournal = (record?.entries ?? [])
    .filter(({ kind, result }) => kind === 'payment' && result === 'approved')
    .reduce((sum, { amount }) => sum + amount, 0n)
  const atHost = standing.length > 0
  const inApp = ['Approved', 'PartialApproved'].includes(record?.state)
  // What the app cannot know unless it has heard the approval: nothing was in the way, or it died with it on its disk.
  const heard = plan.faults?.length === 0 || attempts.some(({ died }) => /^(answered after|card )/.test(died ?? ''))
  const deceived = lies.some(one => one.false || (one.heard && !heard))
  const excused = deceived && (noticed.includes('discrepancy') || noticed.includes('state'))
  const unlike = what => {
    if (!excused) found.push(deceived ? `${what}, and no notice says so` : what)
  }
  if (standing.length > 1 && charged > BigInt(plan.amount)) found.push(`charged ${standing.length} times, ${charged} of ${plan.amount}`)
  if (charged > BigInt(plan.amount)) found.push(`${charged} charged of ${plan.amount}`)
  if (atHost && !inApp) found.push(`the host has approved it, the app has ${record?.state ?? 'forgotten it'}`)
  if (inApp && !atHost) unlike(`the app has it as paid, the host as ${booked?.state ?? 'never seen'}`)
  if (inApp && atHost && inJournal > 0n && inJournal !== charged) unlike(`the app has ${inJournal} of it as paid, the host ${charged}`)
  if (attempts.some(({ told }) => told === 'approved') && !atHost) unlike('told as paid, and the host has no money for it')
  if (attempts.some(({ told }) => told === 'already-paid') && !atHost) unlike('told as already paid, and the host has no money for it')
  const last = attempts.at(-1).told
  if (notPaid.includes(last) && atHost && !attempts.some(({ told }) => told === 'approved'))
    unlike(`told as ${last}, and the host has charged it`)
  for (const entry of record?.entries ?? [])
    if (entry.open) found.push(`not settled: ${entry.stage}, due ${entry.due ?? 'nothing'}, after ${entry.tries} tries`)
  if (booked?.state === 'In Process') found.push('the host has it in process')
  // The cryptogram is of a transaction that the card made for this order, and each key brings one of its own.
  const counters = new Map()
  for (const { key, atc } of seen) {
    if (atc === undefined) found.push(`a message of key ${key} without a transaction counter`)
    else if (!attempts.some(({ before, after }) => atc > before && atc <= after))
      found.push(`transaction ${atc} is none that the card made for this order`)
    const other = [...counters].find(([known, its]) => its === atc && known !== key)
    if (other) found.push(`transaction ${atc} came under two keys`)
    counters.set(key, atc)
  }
  return found
}
