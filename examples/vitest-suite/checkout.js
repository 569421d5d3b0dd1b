// What is under test: an app's own few lines around a payment.
import { currency, faultMessage, isFault, pay } from 'tapdip'

/** A sentence for the customer, and whether the goods may go. */
export async function checkout(total, { reader, acquirer, merchant, prompts, number }) {
  try {
    const { result, receipt } = await pay({ number, amount: total, currency: currency('RUB') }, { reader, acquirer, merchant, prompts })
    if (result === 'approved') return { goods: true, say: `Paid, thank you. Card ${receipt.pan}` }
    if (result === 'unknown') return { goods: false, say: 'We do not know yet whether this was paid. Please wait.' }
    return { goods: false, say: 'Not paid. Another card?' }
  } catch (fault) {
    if (!isFault(fault)) throw fault
    return { goods: false, say: faultMessage(fault) }
  }
}
