/** The reader of the app: the last one by itself, else one that is searched for, found and agreed to, as the guide's screens do. */

import { discover, type FoundReader } from '../../../devices/index.ts'
import { asFault, Fault, isFault, throwIfAborted } from '../../../src/errors.ts'
import type { Reader } from '../../../src/reader/reader.ts'
import { either, type Phone } from './phone.ts'
import { type Content, faultWords, type Line, type Words } from './stage.ts'

/** Above every screen of the search: the order that waits. */
export type Head = (words: Words) => Pick<Content, 'rows'>

/** Undefined when none is wanted. @throws Fault `aborted` */
export async function connectReader(phone: Phone, head: Head): Promise<Reader | undefined> {
  const { connection } = phone
  if (connection.reader) return connection.reader
  const last = await phone.last()
  let why: Fault | undefined
  if (last) {
    const name = last.name ?? last.serial ?? last.uri
    const reader = await connecting(phone, head, 'app.connectingLast', name, async signal => {
      await connection.use(last.uri)
      return connection.ready({ timeout: phone.times.last, signal })
    })
    if (reader instanceof Error) why = reader
    else if (reader !== 'other') return reader
  }
  for (;;) {
    const chosen = await search(phone, head, why)
    if (!chosen) return undefined
    const reader = await connecting(phone, head, 'app.connecting', chosen.name ?? chosen.uri, async signal => {
      await connection.use(chosen.uri, chosen.name)
      return connection.ready({ once: true, signal })
    })
    if (reader instanceof Error) why = reader
    else if (reader !== 'other') return reader
  }
}

/** «Выбрать другой» ends the attempt at once, and the line is let go: `other`. The fault where it does not connect. @throws Fault `aborted` when the app is closed */
async function connecting(
  phone: Phone,
  head: Head,
  id: 'app.connecting' | 'app.connectingLast',
  name: string,
  work: (signal: AbortSignal) => Promise<Reader>,
): Promise<Reader | Fault | 'other'> {
  const [other, unpaired] = [new AbortController(), new AbortController()]
  const show = () =>
    phone.stage.show(
      words => ({
        ...{ kind: 'connecting', title: words.text('screen.orderData'), ...head(words), busy: true },
        lines: [words.line(id, { reader: name }, 'strong')],
        actions: [words.action('chooseOther', 'button.chooseOther')],
      }),
      () => other.abort(),
    )
  phone.pairing = async (reader, signal) => {
    const paired = await mayPair(phone, reader, either(signal, phone.signal))
    // Nobody is asked the same once more, however often it is tried.
    if (!paired) unpaired.abort(new Fault('link-failed', `pairing with ${reader} was refused`, { reason: 'pairing' }))
    else show()
    return paired
  }
  show()
  try {
    return await work(either(phone.signal, other.signal, unpaired.signal))
  } catch (error) {
    throwIfAborted(phone.signal)
    await phone.connection.release()
    return other.signal.aborted ? 'other' : asFault(unpaired.signal.aborted ? unpaired.signal.reason : error)
  } finally {
    phone.pairing = undefined
  }
}

/** The phone's own question. @throws Fault `aborted` */
async function mayPair({ stage }: Phone, reader: string, signal: AbortSignal): Promise<boolean> {
  const { action } = await stage.ask(
    words => ({
      ...{ kind: 'pairDialog', title: words.text('screen.bluetooth'), lines: [words.line('app.pair', { reader })] },
      actions: [words.action('pair', 'button.pair', 'primary'), words.action('cancel', 'button.cancel', 'cancel')],
    }),
    signal,
  )
  return action === 'pair'
}

/** Found → connect, search again, or choose another; none → search again. Undefined when none is wanted. `why`: the one before did not connect. */
async function search(phone: Phone, head: Head, why: Fault | undefined): Promise<FoundReader | undefined> {
  let told = why
  for (;;) {
    if (!(await mayLocate(phone, head))) return undefined
    const stop = new AbortController()
    const before = told
    told = undefined
    phone.stage.show(
      words => ({
        ...{ kind: 'search', title: words.text('screen.orderData'), ...head(words), busy: true },
        lines: [...faultLine(before, words), words.line('app.searching', {}, 'strong')],
        actions: [words.action('cancel', 'button.cancel', 'cancel')],
      }),
      () => stop.abort(),
    )
    const { found, fault } = await nearby(phone, either(phone.signal, stop.signal))
    throwIfAborted(phone.signal)
    if (stop.signal.aborted) return undefined
    const nearest = found.at(-1)
    const { action } = await phone.stage.ask(
      words => ({
        ...{ kind: nearest ? 'found' : 'noneFound', title: words.text('screen.orderData'), ...head(words) },
        lines: [
          ...faultLine(fault, words),
          nearest ? words.line('app.found', { reader: nameOf(nearest) }, 'strong') : words.line('app.noReaders', {}, 'strong'),
        ],
        choices: found.slice(0, -1).map(one => ({ id: `reader:${one.uri}`, label: nameOf(one), note: noteOf(one) })),
        actions: [
          ...(nearest ? [words.action('connect', 'button.connect', 'primary')] : []),
          words.action('searchAgain', 'button.searchAgain', nearest ? 'plain' : 'primary'),
          words.action('cancel', 'button.cancel', 'cancel'),
        ],
      }),
      phone.signal,
    )
    if (action === 'cancel') return undefined
    if (action !== 'searchAgain') return action === 'connect' ? nearest : found.find(({ uri }) => action === `reader:${uri}`)
  }
}

const nameOf = ({ name, uri }: FoundReader) => name ?? uri
const noteOf = ({ family, rssi }: FoundReader) => [family, rssi === undefined ? '' : `${rssi} dBm`].filter(Boolean).join(', ')

function faultLine(fault: Fault | undefined, { language }: Words): Line[] {
  return fault ? [{ id: `fault.${fault.code}`, text: faultWords(fault, language), tone: 'error' }] : []
}

/** Readers of known families; a moment after the first it is enough. */
async function nearby(phone: Phone, signal: AbortSignal): Promise<{ readonly found: FoundReader[]; readonly fault?: Fault }> {
  const { clock, times } = phone
  const found: FoundReader[] = []
  const enough = new AbortController()
  let fault: Fault | undefined
  let cancel = () => {}
  const ble = phone.nearby.search
  const search = { transports: ['ble'], sources: { ble }, timeout: times.search, clock, signal: either(signal, enough.signal) } as const
  for await (const one of discover(search)) {
    if (one.type === 'unavailable') fault = one.fault
    if (one.type !== 'found' || one.reader.family === undefined || found.some(({ uri }) => uri === one.reader.uri)) continue
    found.push(one.reader)
    if (found.length === 1) cancel = clock.timer(times.more, () => enough.abort())
  }
  cancel()
  return { found, ...(fault && { fault }) }
}

/** The phone's own questions, before Bluetooth is searched: the service, then the permission. False: not searched, and that was told. @throws Fault `aborted` */
async function mayLocate(phone: Phone, head: Head): Promise<boolean> {
  const { stage, signal } = phone
  if (phone.location === 'off') {
    const fault = await refusal(phone, 'off')
    const { action } = await stage.ask(
      words => ({
        ...{ kind: 'location', title: words.text('screen.orderData'), ...head(words) },
        lines: [{ ...faultLine(fault, words)[0], tone: 'strong' }, words.line('app.locationNext')],
        actions: [words.action('showMessage', 'button.showMessage', 'primary'), words.action('cancel', 'button.cancel', 'cancel')],
      }),
      signal,
    )
    if (action === 'cancel') return false
    const dialog = await stage.ask(
      words => ({
        ...{ kind: 'locationDialog', title: words.text('screen.location'), lines: [words.line('app.locationService')] },
        actions: [words.action('noThanks', 'button.noThanks', 'cancel'), words.action('ok', 'button.ok', 'primary')],
      }),
      signal,
    )
    if (dialog.action === 'noThanks') return locationRefused(phone, head, 'off')
    phone.location = 'ask'
  }
  if (phone.location === 'ask') {
    const { action } = await stage.ask(
      words => ({
        ...{ kind: 'permissionDialog', title: words.text('screen.location'), lines: [words.line('app.locationPermission')] },
        actions: [words.action('allow', 'button.allow', 'primary'), words.action('deny', 'button.deny', 'cancel')],
      }),
      signal,
    )
    phone.location = action === 'allow' ? 'on' : 'denied'
  }
  return phone.location === 'on' || locationRefused(phone, head, 'denied')
}

/** Searched again after the phone's settings were changed, or given up. */
async function locationRefused(phone: Phone, head: Head, why: 'off' | 'denied'): Promise<boolean> {
  const fault = await refusal(phone, why)
  const { action } = await phone.stage.ask(
    words => ({
      ...{ kind: 'location', title: words.text('screen.orderData'), ...head(words), lines: faultLine(fault, words) },
      actions: [words.action('searchAgain', 'button.searchAgain', 'primary'), words.action('cancel', 'button.cancel', 'cancel')],
    }),
    phone.signal,
  )
  if (action === 'cancel') return false
  if (phone.location === 'denied') phone.location = 'ask'
  return mayLocate(phone, head)
}

/** As the search says it. */
async function refusal({ clock, signal }: Phone, location: 'off' | 'denied'): Promise<Fault | undefined> {
  for await (const one of discover({ transports: ['ble'], location: async () => location, once: true, timeout: 1000, clock, signal }))
    if (one.type === 'unavailable' && isFault(one.fault, 'link-failed')) return one.fault
  return undefined
}
