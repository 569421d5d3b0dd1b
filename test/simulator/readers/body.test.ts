/** The body of a virtual reader and the scripted person at it: slot, field, stripe, keypad, display, battery. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Body, type PlasticCard } from '../../../simulator/readers/body/body.ts'
import { cardholder, keyboard } from '../../../simulator/readers/body/cardholder.ts'
import { chooseOnDisplay, pinRules, readPin } from '../../../simulator/readers/body/pin-pad.ts'
import { hex } from '../../../src/bytes.ts'
import { VirtualClock } from '../../../src/clock.ts'
import type { Card } from '../../../src/emv/card.ts'

const never = new AbortController().signal
const select = Uint8Array.of(0x00, 0xa4, 0x04, 0x00)

/** A card that answers 9000 and counts its resets; `silentFrom` names the command from which on it says nothing more. */
function plastic(silentFrom = Number.POSITIVE_INFINITY): PlasticCard & { resets: number; seen: string[] } {
  const seen: string[] = []
  const reset = (kind: Card['interface']) => (): Card => {
    own.resets++
    return {
      interface: kind,
      atr: Uint8Array.of(0x3b, 0x00),
      transmit: async apdu => {
        seen.push(hex(apdu))
        return seen.length >= silentFrom ? new Promise<never>(() => {}) : Uint8Array.of(0x90, 0x00)
      },
    }
  }
  const own = {
    resets: 0,
    seen,
    contact: reset('contact'),
    contactless: reset('contactless'),
    stripe: { track2: '2200000000000004=30122010000000000000' },
  }
  return own
}

let clock: VirtualClock
let body: Body
beforeEach(() => {
  clock = new VirtualClock()
  body = new Body({ clock })
})
afterEach(() => expect(clock.pending).toBe(0))

/** Moves time until `work` settles and gives its fault code, or its value. */
async function outcome<T>(work: Promise<T>): Promise<T | string> {
  return clock.settle(work.catch(error => String(error.code)))
}

describe('slot', () => {
  it('gives a card that is there already, and one that comes', async () => {
    const waiting = body.nextCard(['chip', 'swipe'], { timeout: 60_000 })
    clock.timer(1000, () => body.insert(plastic()))
    expect(await clock.settle(waiting)).toEqual({ interface: 'chip' })
    expect(await clock.settle(body.nextCard(['chip']))).toEqual({ interface: 'chip' })
  })

  it('waits no longer than it may, and stops when told', async () => {
    expect(await outcome(body.nextCard(['chip'], { timeout: 5000 }))).toBe('timeout')
    const stop = new AbortController()
    clock.timer(10, () => stop.abort())
    expect(await outcome(body.nextCard(['chip'], { timeout: 5000, signal: stop.signal }))).toBe('aborted')
  })

  it('does not see a swipe or a tap that it does not ask for', async () => {
    const waiting = body.nextCard(['chip'], { timeout: 1000 })
    body.swipe(plastic())
    body.tap(plastic())
    expect(await outcome(waiting)).toBe('timeout')
  })

  it('takes one card', () => {
    body.insert(plastic())
    expect(() => body.insert(plastic())).toThrow('a card is in the slot')
  })

  it('a card that was worked with is not the next one', async () => {
    body.insert(plastic())
    body.powerOn('chip')
    expect(body.cardUsed).toBe(true)
    expect(await outcome(body.nextCard(['chip'], { timeout: 1000 }))).toBe('timeout')
    body.pull()
    body.insert(plastic())
    expect(await outcome(body.nextCard(['chip'], { timeout: 1000 }))).toEqual({ interface: 'chip' })
  })

  it('each power-on is a reset of the card', async () => {
    const card = plastic()
    body.insert(card)
    body.powerOn('chip')
    expect(hex(await body.powerOn('chip').transmit(select))).toBe('9000')
    expect(card.resets).toBe(2)
  })

  it('a pull in the middle of a command rejects it, and every one after it', async () => {
    const card = plastic(2)
    body.insert(card)
    const chip = body.powerOn('chip')
    await chip.transmit(select)
    const pending = chip.transmit(select)
    const gone = body.cardGone('chip')
    body.pull()
    expect(await outcome(pending)).toBe('card-removed')
    expect(await outcome(chip.transmit(select))).toBe('card-removed')
    expect(card.seen).toHaveLength(2)
    expect(gone.aborted).toBe(true)
    expect(() => body.powerOn('chip')).toThrow('there is no card')
  })

  it('a pulled and reinserted card does not revive the old session', async () => {
    const card = plastic()
    body.insert(card)
    const before = body.powerOn('chip')
    body.pull()
    body.insert(card)
    expect(await outcome(before.transmit(select))).toBe('card-removed')
    expect(hex(await body.powerOn('chip').transmit(select))).toBe('9000')
  })

  it('a card without a chip is mute', () => {
    body.insert({ stripe: {} })
    expect(() => body.powerOn('chip')).toThrow('the card has no chip')
  })
})

describe('PIN pad', () => {
  const typed = async (act: () => void, rules = {}) => {
    const entry = readPin(body, 'reader.enterPin', { ...pinRules, ...rules }, { signal: never })
    act()
    return clock.settle(entry)
  }

  it('shows stars, clears, and takes 4 to 12 digits', async () => {
    const counts: number[] = []
    const entry = readPin(body, 'reader.enterPin', pinRules, { signal: never }, count => counts.push(count))
    body.press('9', '9', 'clear', '1', '2', '3', 'enter', '4', 'enter')
    expect(await clock.settle(entry)).toEqual({ type: 'digits', digits: Uint8Array.of(1, 2, 3, 4) })
    expect(counts).toEqual([1, 2, 0, 1, 2, 3, 4])
    expect(body.screens.slice(1).map(({ lines }) => lines)).toEqual([
      ['ENTER PIN:'],
      ['ENTER PIN:', '*'],
      ['ENTER PIN:', '**'],
      ['ENTER PIN:'],
      ['ENTER PIN:', '*'],
      ['ENTER PIN:', '**'],
      ['ENTER PIN:', '***'],
      ['ENTER PIN:', '****'],
    ])
    expect(JSON.stringify(body.screens.map(({ lines }) => lines))).not.toMatch(/\d/)
    expect(body.signals.filter(({ what }) => what === 'sound:error')).toHaveLength(1)
  })

  it('refuses a thirteenth digit', async () => {
    const entry = await typed(() => body.press(...([...'1234567890123', 'enter'] as const).map(key => key as '1')))
    expect(entry).toEqual({ type: 'digits', digits: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1, 2) })
  })

  it('ends by CANCEL, by time, and by ENTER alone only where that is allowed', async () => {
    expect(await typed(() => body.press('1', 'cancel'))).toEqual({ type: 'cancelled' })
    expect(await typed(() => body.press('enter'))).toEqual({ type: 'timeout' })
    expect(await typed(() => body.press('enter'), { bypass: true })).toEqual({ type: 'bypassed' })
  })

  it('the time limit is from prompt to ENTER, whatever is typed', async () => {
    const start = clock.now()
    const tick = () => body.press('clear')
    for (let at = 1; at < 90; at++) clock.timer(at * 1000, tick)
    expect(await typed(() => {})).toEqual({ type: 'timeout' })
    expect(clock.now() - start).toBe(60_000)
    await clock.advance(90_000)
  })

  it('does not take what was typed before the prompt', async () => {
    body.press('1', '2', '3', '4', 'enter')
    expect(await typed(() => {})).toEqual({ type: 'timeout' })
  })

  it('speaks the language of the reader', async () => {
    body.language = 'ru'
    await typed(() => body.press('cancel'))
    expect(body.screen.lines).toEqual(['ВВЕДИТЕ ПИН:'])
  })
})

describe('list on the display', () => {
  const labels = (count: number) => Array.from({ length: count }, (_, index) => `APP ${index}`)
  const choose = (count: number, act: () => void) => {
    const choice = chooseOnDisplay(body, 'reader.selectApplication', labels(count), { signal: never, timeout: 30_000 })
    act()
    return clock.settle(choice)
  }

  it('takes the digit of a line, turns pages, and ends by CANCEL or time', async () => {
    expect(await choose(2, () => body.press('3', '2'))).toBe(1)
    expect(body.screen.lines).toEqual(['Select application:', '1 APP 0', '2 APP 1'])
    expect(await choose(11, () => body.press('0', '2'))).toBe(10)
    expect(await choose(2, () => body.press('cancel'))).toBeUndefined()
    expect(await choose(2, () => {})).toBeUndefined()
  })
})

describe('battery and switch', () => {
  it('volts fall with the percentage, and at zero the reader goes dark until it is charged', () => {
    const full = body.battery.millivolts
    body.setBattery({ percent: 5 })
    expect(body.battery.millivolts).toBeLessThan(full)
    body.setBattery({ percent: 0 })
    expect(body.isOn).toBe(false)
    expect(body.screen.lines).toEqual([])
    body.switchOn()
    expect(body.isOn).toBe(false)
    body.plug()
    body.switchOn()
    expect(body.isOn).toBe(true)
    expect(body.screen.message).toBe('reader.idle')
  })
})

describe('cardholder', () => {
  it('dips when asked, types PINs in order and the last one again, takes the card back', async () => {
    const stop = cardholder(body, { card: plastic(), present: 'dip', pins: ['1111', '2222'] })
    body.show('reader.presentCard')
    expect(await clock.settle(body.nextCard(['chip']))).toEqual({ interface: 'chip' })
    const pin = (prompt: 'reader.enterPin' | 'reader.wrongPin') => clock.settle(readPin(body, prompt, pinRules, { signal: never }))
    expect(await pin('reader.enterPin')).toEqual({ type: 'digits', digits: Uint8Array.of(1, 1, 1, 1) })
    expect(await pin('reader.wrongPin')).toEqual({ type: 'digits', digits: Uint8Array.of(2, 2, 2, 2) })
    expect(await pin('reader.wrongPin')).toEqual({ type: 'digits', digits: Uint8Array.of(2, 2, 2, 2) })
    body.show('reader.removeCard')
    await clock.advance(1000)
    expect(body.cardInSlot).toBe(false)
    stop()
  })

  it('goes on with the PINs whatever the display has shown in between; a new person begins anew, one who knows none cancels', async () => {
    const payment = async () => {
      body.show('reader.presentCard')
      await clock.settle(body.nextCard(['chip']))
      const entry = await clock.settle(readPin(body, 'reader.enterPin', pinRules, { signal: never }))
      body.show('reader.removeCard')
      await clock.advance(1000)
      body.show('reader.idle')
      return entry.type === 'digits' ? [...entry.digits].join('') : entry.type
    }
    const script = { card: plastic(), present: 'dip', pins: ['1111', '2222'] } as const
    let stop = cardholder(body, script)
    expect([await payment(), await payment(), await payment()]).toEqual(['1111', '2222', '2222'])
    stop()
    stop = cardholder(body, script)
    expect(await payment()).toBe('1111')
    stop()
    stop = cardholder(body, { ...script, pins: [] })
    expect(await payment()).toBe('cancelled')
    stop()
  })

  it('does several things in a row: the wrong way round, another card that is left in, a swipe', async () => {
    const other = { ...plastic(), stripe: { track2: '4761739001010010=40122010000000000' } }
    const present = [{ how: 'dipWrong' }, { how: 'dip', card: other, leave: true }, { how: 'swipe' }] as const
    const stop = cardholder(body, { card: plastic(), present })
    const wait = () => clock.settle(body.nextCard(['chip', 'swipe']))
    body.show('reader.presentCard')
    expect(await wait()).toEqual({ interface: 'chip' })
    expect(() => body.powerOn('chip')).toThrow(expect.objectContaining({ code: 'card-mute' }))
    body.show('reader.removeCard')
    await clock.advance(1000)
    body.show('reader.tryAgain')
    expect(await wait()).toEqual({ interface: 'chip' })
    expect(body.powerOn('chip')).toBeDefined()
    body.show('reader.removeCard')
    await clock.advance(1000)
    expect(body.cardInSlot).toBe(true)
    body.show('reader.removeCard')
    await clock.advance(1000)
    expect(body.cardInSlot).toBe(false)
    body.show('reader.insertCard') // what is asked is not heard: the script goes on
    expect(await wait()).toEqual({ interface: 'swipe', tracks: other.stripe })
    stop()
  })

  it('does what the reader asks when the script is over, and gives up where the card cannot', async () => {
    const stripe = { track2: '4761739001010010=40122010000000000' }
    let stop = cardholder(body, { card: { ...plastic(), stripe }, present: 'dip' })
    const wait = () => clock.settle(body.nextCard(['chip', 'tap', 'swipe']))
    body.show('reader.presentCard')
    expect(await wait()).toEqual({ interface: 'chip' })
    body.pull()
    body.show('reader.swipeCard')
    expect(await wait()).toMatchObject({ interface: 'swipe' })
    body.show('reader.tapCard')
    expect(await wait()).toEqual({ interface: 'tap' })
    stop()
    stop = cardholder(body, { card: { ...plastic(), hasChip: false, stripe }, present: 'swipe' })
    const keypad = body.keypad()
    body.show('reader.insertCard')
    expect(await clock.settle(keypad.next())).toBe('cancel')
    stop()
    keypad.close()
  })

  it('taps and takes the card away, or swipes', async () => {
    const stopTap = cardholder(body, { card: plastic(), present: 'tap' })
    body.show('reader.presentCard')
    expect(await clock.settle(body.nextCard(['chip', 'tap']))).toEqual({ interface: 'tap' })
    await clock.advance(2000)
    expect(body.cardGone('tap').aborted).toBe(true)
    stopTap()
    const stopSwipe = cardholder(body, { card: plastic(), present: 'swipe' })
    body.show('reader.presentCard')
    expect(await clock.settle(body.nextCard(['chip', 'swipe']))).toMatchObject({ interface: 'swipe' })
    // A chip card that was swiped: the reader asks for the slot, and the person obeys.
    body.show('reader.insertCard')
    expect(await clock.settle(body.nextCard(['chip']))).toEqual({ interface: 'chip' })
    stopSwipe()
  })

  it('pulls the card while the n-th command is under way', async () => {
    const card = plastic()
    const stop = cardholder(body, { card, present: 'dip', pullAt: 3 })
    body.show('reader.presentCard')
    await clock.settle(body.nextCard(['chip']))
    const chip = body.powerOn('chip')
    await chip.transmit(select)
    await chip.transmit(select)
    expect(await outcome(chip.transmit(select))).toBe('card-removed')
    expect(card.seen).toHaveLength(3)
    stop()
  })

  it('chooses by label or place, and cancels at the card, the list or a PIN', async () => {
    const list = (labels: string[]) =>
      clock.settle(chooseOnDisplay(body, 'reader.selectApplication', labels, { signal: never, timeout: 30_000 }))
    const each = async <T>(script: Partial<Parameters<typeof cardholder>[1]>, act: () => Promise<T>) => {
      const stop = cardholder(body, { card: plastic(), present: 'dip', ...script })
      const result = await act()
      stop()
      return result
    }
    expect(await each({ choose: 'Maestro' }, () => list(['MIR', 'Maestro']))).toBe(1)
    expect(await each({ choose: 1 }, () => list(['MIR', 'Maestro']))).toBe(1)
    expect(await each({}, () => list(['MIR', 'Maestro']))).toBe(0)
    expect(await each({ choose: 'Visa' }, () => list(['MIR', 'Maestro']))).toBeUndefined()
    expect(await each({ cancelAt: 'list' }, () => list(['MIR', 'Maestro']))).toBeUndefined()
    const entry = () => clock.settle(readPin(body, 'reader.enterPin', pinRules, { signal: never }))
    expect(await each({ cancelAt: 1, pins: ['1234'] }, entry)).toEqual({ type: 'cancelled' })
    const key = () => {
      const keypad = body.keypad()
      body.show('reader.presentCard')
      return clock.settle(keypad.next()).finally(() => keypad.close())
    }
    expect(await each({ cancelAt: 'card' }, key)).toBe('cancel')
  })

  it('a person at a keyboard does the same', async () => {
    const type = keyboard(body, { card: plastic(), next() {} })
    type('i')
    expect(body.cardInSlot).toBe(true)
    const entry = readPin(body, 'reader.enterPin', pinRules, { signal: never })
    type('12\x7f5678\r')
    expect(await clock.settle(entry)).toEqual({ type: 'digits', digits: Uint8Array.of(5, 6, 7, 8) })
    type('r')
    expect(body.cardInSlot).toBe(false)
  })
})
