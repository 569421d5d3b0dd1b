/**
 * What a host that contradicts itself says, as changes of what the honest one has said: JSON of the interface (docs/acquirer.md), and fields of ISO 8583. Shared by the
 * tests of this folder and the fault campaign (bench/campaign). A move gives undefined where it has nothing to change.
 */

const ofApproval = change => said => (said.state === 'approved' ? { ...said, ...change(said) } : undefined)
const ofRefusal = change => said => (said.state === 'declined' ? { ...said, ...change(said) } : undefined)
const about = change => said => ({ ...said, ...change })

/** It names something else than it was asked for. */
export const subjectMoves = {
  'another key': about({ key: 'another' }),
  'another order': about({ order: 'D2' }),
  'another amount': about({ amount: '1' }),
  'another currency': about({ currency: 'USD' }),
}

/** An approval that is none by its own words. */
export const approvalMoves = {
  'approved with code 05': ofApproval(() => ({ code: '05' })),
  'approved with code 51': ofApproval(() => ({ code: '51' })),
  'approved, and the order is Declined': ofApproval(() => ({ orderState: 'Declined' })),
  'approved, and the order is closed': ofApproval(() => ({ orderState: 'Timeout' })),
  'a part approved, and not said how much': ofApproval(() => ({ code: '10' })),
  'a part that is more': ofApproval(({ amount = '999999999' }) => ({ code: '10', approvedAmount: String(BigInt(amount) + 1n) })),
  'a part of nothing': ofApproval(() => ({ code: '10', approvedAmount: '0' })),
}

/** Of any final answer: nothing that can be read as one, or two things at once. */
export const answerMoves = {
  ...subjectMoves,
  ...approvalMoves,
  'declined with code 00': ofApproval(() => ({ state: 'declined', code: '00' })),
  'approved with the code of a refusal': ofRefusal(() => ({ state: 'approved' })),
  'no code': ({ code: _, ...said }) => said,
}

/** Answers that agree with the question and with themselves, and are not true. What nobody can tell from them is told later, by the order. */
export const falsehoods = {
  denied: ofApproval(() => ({ state: 'declined', code: '05', orderState: 'Declined', approvedAmount: undefined })),
  granted: ofRefusal(() => ({ state: 'approved', code: '00', orderState: 'Approved', reason: undefined })),
  /** Of a part: that it was all; of all: that it was a part. */
  whole: said => (said.code === '10' ? { ...said, code: '00', approvedAmount: undefined, orderState: 'Approved' } : undefined),
  half: said =>
    said.code === '00' && BigInt(said.amount) > 1n
      ? { ...said, code: '10', approvedAmount: String(BigInt(said.amount) / 2n), orderState: 'PartialApproved' }
      : undefined,
  undone: ({ code: _, ...said }) => ({ ...said, state: 'reversed', orderState: 'Canceled' }),
  'not heard of': ({ key }) => ({ key, state: 'unknown' }),
  'still in process': ({ key }) => ({ key, state: 'inProcess' }),
}

/** An order that cannot be the one that was asked for, or whose state its own money contradicts. */
export const orderMoves = {
  'another number': order => ({ ...order, number: 'D2' }),
  '0.01 USD, Declined': order => ({ ...order, amount: '1', currency: 'USD', state: 'Declined' }),
  'another amount': order => ({ ...order, amount: '1' }),
  'another currency': order => ({ ...order, currency: 'USD' }),
  'Declined, and still charged': order => ({ ...order, state: 'Declined' }),
  'Canceled, and still charged': order => ({ ...order, state: 'Canceled' }),
}

const emptied = state => order => ({ ...order, state, held: '0', charged: '0', cancelled: '0', operations: [] })
/** A paid order is none any more, by a word. */
export const unapprovals = {
  Declined: emptied('Declined'),
  'In Process': emptied('In Process'),
  Timeout: emptied('Timeout'),
  Canceled: emptied('Canceled'),
}

/** A field of an answer that is not the question's; `[field, value]`. */
export const isoFieldMoves = {
  'another amount': [4, '000000000100'],
  'another currency': [49, '840'],
  'another terminal': [41, '63545903'],
  'another merchant': [42, 'MTN            '],
  'a refund': [3, '200000'],
  'another card': [2, '4000000000000002'],
  'another trace number': [11, '999999'],
  'another transmission time': [7, '0101000000'],
  'another retrieval reference number': [37, '000000000001'],
}

const setting =
  (...pairs) =>
  ({ type, fields }) => ({ type, fields: new Map([...fields, ...pairs]) })
const without =
  number =>
  ({ type, fields }) => ({ type, fields: new Map([...fields].filter(([one]) => one !== number)) })

/** Of messages. */
export const isoMoves = {
  ...Object.fromEntries(Object.entries(isoFieldMoves).map(([name, pair]) => [name, setting(pair)])),
  'no response code': without(39),
  'no trace number': without(11),
  'trace number and retrieval reference number exchanged': ({ type, fields }) =>
    fields.has(37) && setting([11, fields.get(37).slice(-6)], [37, fields.get(11).padStart(12, '0')])({ type, fields }),
  'an answer to a payment': ({ type, fields }) => (type === '0210' ? undefined : { type: '0210', fields }),
  'an answer to a reversal': ({ type, fields }) => (type === '0410' || type === '0430' ? undefined : { type: '0410', fields }),
}
