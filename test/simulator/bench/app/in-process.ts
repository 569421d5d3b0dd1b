/** Scenes of the guide played in this process, on virtual time. */

import { turnKnob } from '../../../../simulator/readers/knobs.ts'
import { instant } from '../../../../simulator/world.ts'
import type { Language } from '../../../../src/messages/messages.ts'
import type { FamilyRow } from '../../../devices/families.ts'
import { AtPhone } from './at-phone.ts'
import type { Face } from './scenes.ts'

/** Nobody presents a card as long as anybody waits. */
const nobody = { pace: { ...instant, present: 2_000_000_000 } }

export function inProcess({ family, dialect }: FamilyRow, lang: Language): Face {
  let phone!: AtPhone
  return {
    lang,
    async open({ person = nobody, atPhone, pairing, rules, battery, knobs = [], location, search, alone, impatient, resultTime }) {
      phone = await AtPhone.open({
        ...{ family, lang, paired: !search, ...(dialect && { dialect }), pins: ['1234'], ...person, resultTime: resultTime ?? 0 },
        ...(rules && { rules }),
        ...(battery !== undefined && { battery: { percent: battery } }),
        ...(pairing && { pairing }),
        ...(atPhone && { atPhone }),
        ...{ alone: alone === true, app: { ...(location && { location }), times: { ...(impatient && { status: 0 }) } } },
      })
      for (const knob of knobs) turnKnob({ reader: phone.counter.reader }, knob)
    },
    async until(wanted, action) {
      const kinds = [wanted].flat()
      const offers = ({ kind, actions, choices = [] }: AtPhone['screen']) =>
        action === undefined ||
        kind !== kinds.at(-1) ||
        [...actions.filter(({ disabled }) => !disabled), ...choices].some(({ id }) => id === action)
      return phone.until(screen => kinds.includes(screen.kind) && offers(screen), `${kinds.join(', ')} with ${action ?? 'anything'}`)
    },
    async press(action, answer) {
      phone.press(action, answer)
    },
    async untilSaid(words) {
      await phone.until(() => phone.seen.replace(/[\ue000-\uf8ff]/g, '').includes(words), `'${words}'`)
    },
    async next(person = {}) {
      phone.counter.next(person)
    },
    async phone(settings) {
      phone.app.set(settings)
    },
    async knob(line) {
      turnKnob({ reader: phone.counter.reader }, line)
    },
    async kill(after) {
      await phone.clock.settle(phone.app.restart('kill', after))
    },
    async cut() {
      await phone.clock.settle(phone.counter.reader.close())
    },
    async payQr(code) {
      phone.counter.acquirer.payQr(code)
    },
    async approved() {
      return phone.counter.acquirer.orders.filter(({ state }) => state === 'Approved').length
    },
    async rest() {
      const { body } = phone
      for (let at = 0; at < 600 && body.screen.message !== 'reader.idle'; at++) await phone.clock.advance(100)
    },
    async seen() {
      const lines = phone.body.screens.map(screen => screen.lines.join(' '))
      return { app: phone.seen, reader: lines.filter((line, at) => line !== lines[at - 1]).join('\n') }
    },
    async close() {
      await phone?.close()
    },
  }
}
