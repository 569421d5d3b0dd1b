/** Whether the acquirer's book, the journal and the card agree on an order, and with what the merchant was told. */

/** Results that were told as the end of an attempt in which nothing was paid. */
const notPaid = ['declined', 'cancelled']

/**
 * @param order as the journal has it; `booked` as the host has it; `attempts` what each attempt was told, with the card's counter before and after
 * @param seen the host's authorisations and advices of the order
 * @returns what disagrees, in words; nothing when all is well
 */
export function disagreements({ plan, record, booked, attempts, seen }) {
  const found = []
  const standing = booked?.operations.filter(({ type, state }) => type === 'payment' && state === 'Approved') ?? []
  const charged = standing.reduce((sum, { amount }) => sum + amount, 0n)
  const atHost = standing.length > 0
  const inApp = record?.state === 'Approved'
  if (standing.length > 1 || charged > BigInt(plan.amount)) found.push(`charged ${standing.length} times, ${charged} of ${plan.amount}`)
  if (atHost && !inApp) found.push(`the host has approved it, the app has ${record?.state ?? 'forgotten it'}`)
  if (inApp && !atHost) found.push(`the app has it as paid, the host as ${booked?.state ?? 'never seen'}`)
  if (attempts.some(({ told }) => told === 'approved') && !atHost) found.push('told as paid, and the host has no money for it')
  if (attempts.some(({ told }) => told === 'already-paid') && !atHost) found.push('told as already paid, and the host has no money for it')
  const last = attempts.at(-1).told
  if (notPaid.includes(last) && atHost) found.push(`told as ${last}, and the host has charged it`)
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
