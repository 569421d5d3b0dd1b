/** Screens of the app that no counter of the bench comes to, as the app makes them: a call to the bank by a kernel in the app, a disk that fails, an app that has ended. */

import { openPcscReader } from '../../../../devices/pcsc/driver.ts'
import { faultScreen } from '../../../../simulator/bench/app/sell.ts'
import { openStage } from '../../../../simulator/bench/app/stage.ts'
import type { AppScreen } from '../../../../simulator/bench/schema/app.ts'
import { slotOf } from '../../../../simulator/scenario/over/slot.ts'
import { virtualConfig } from '../../../../simulator/world.ts'
import { Fault } from '../../../../src/errors.ts'
import type { Language } from '../../../../src/messages/messages.ts'
import { AtPhone } from './at-phone.ts'

/** The bank wants a call: the app stands at its screen. */
export async function atReferral(lang: Language = 'en'): Promise<AtPhone> {
  let phone!: AtPhone
  // A raw slot: its commands are the app's.
  const open = async () => {
    const { body } = phone.counter.reader
    const reader = openPcscReader(slotOf(body), { config: virtualConfig(), clock: phone.clock })
    void (async () => {
      for await (const event of reader.events) if (event.type === 'display') body.show(event.message)
    })()
    return reader
  }
  phone = await AtPhone.open({
    ...{ card: 'visa-signature', lang, rules: [{ do: 'refer', reason: 'call 800' }] },
    app: { last: { uri: 'pcsc:', name: 'PC/SC' }, nearby: { search: async function* () {}, open } },
  })
  await phone.pay('5000.00', 'reader')
  await phone.until('signature')
  phone.press('sign', { fields: { name: 'Smith' } })
  await phone.until('referral')
  return phone
}

export const elsewhere = {
  async referral(lang) {
    await using phone = await atReferral(lang)
    return phone.screen
  },
  async fault(lang) {
    const stage = openStage(lang, () => {})
    const stop = new AbortController()
    const asked = faultScreen({ stage, signal: stop.signal } as never, new Fault('journal', 'the disk is full', { path: 'journal.db' }))
    const { screen } = stage
    stop.abort()
    await asked.catch(() => {})
    return screen
  },
  async closed(lang) {
    const phone = await AtPhone.open({ lang })
    await phone.close()
    return phone.screen
  },
} satisfies Partial<Record<AppScreen['kind'], (lang: Language) => Promise<AppScreen>>>
