/** Magnetic stripes: what is read, what is refused and by which rule, and where a swipe is sent. */

import { inspect } from 'node:util'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fromHex, hex } from '../../src/bytes.ts'
import { isFault } from '../../src/errors.ts'
import { isExpired } from '../../src/expiry.ts'
import { hasCheckDigit, luhn, withoutCheckDigit } from '../../src/magstripe/check-digit.ts'
import { asksForPin, readServiceCode, serviceCodeOf } from '../../src/magstripe/service-code.ts'
import { judgeSwipe, readSwipe, type SwipedTracks } from '../../src/magstripe/swipe.ts'
import { parseTrack1, parseTrack2, parseTrack2Equivalent, parseTrack3, track2Equivalent, trackLrc } from '../../src/magstripe/track.ts'

const pan = '4000000000000002'
const track1 = `%B${pan}^IVANOV/IVAN              ^3012201100000000000000000000000?`
const track2 = `;${pan}=30122011000000000000?`
const track3 = `;01${pan}=6436432000000000000000=10000003012000000000==1=100?`
const seeded = { seed: 20260326, numRuns: 300 }

describe('track 1', () => {
  it('is read', () => {
    expect(parseTrack1(track1)).toMatchObject({ pan, name: 'IVANOV/IVAN', expiry: '3012', serviceCode: '201' })
  })

  it.each([
    ['', 'track 1: is empty'],
    [track1.slice(1), "track 1: does not begin with '%'"],
    [track1.slice(0, -1), "track 1: has no end sentinel '?'"],
    [`${track1}AB`, 'track 1: 2 characters follow the end sentinel, the rule is an LRC at most'],
    [`%A${pan}^A/B^3012201?`, "track 1: has format 'A', the rule is B (financial)"],
    [`%B${pan}^A/B?`, "track 1: has not two field separators '^'"],
    [`%B${pan}^${'A'.repeat(27)}^3012201?`, 'track 1: the name has 27 characters, the rule is 2 to 26'],
    [`%B1234567^A/B^3012201?`, 'track 1: the PAN has 7 characters, the rule is 8 to 19 digits'],
    [`%B4000000000000003^A/B^3012201?`, 'track 1: the PAN does not satisfy its check digit'],
    [`%B${pan}^A/B^301?`, 'track 1: the expiry is not 4 digits'],
    [`%B${pan}^A/b^3012201?`, 'track 1: has a character outside its alphabet'],
    [`%B${pan}^A/B^3012201${'0'.repeat(60)}?`, 'track 1: has 92 characters with sentinels and LRC, the rule is at most 79'],
  ])('refuses %s', (text, rule) => {
    expect(() => parseTrack1(text)).toThrow(rule)
  })

  it('may leave out expiry and service code', () => {
    expect(parseTrack1(`%B${pan}^A/B^^^DISC?`)).toMatchObject({ expiry: undefined, serviceCode: undefined, discretionary: 'DISC' })
  })
})

describe('track 2', () => {
  it('is read with and without sentinels, and as equivalent data', () => {
    const expected = { pan, expiry: '3012', serviceCode: '201', discretionary: '1000000000000' }
    expect(parseTrack2(track2)).toMatchObject(expected)
    expect(parseTrack2(track2.slice(1, -1), { sentinels: false })).toMatchObject(expected)
    expect(parseTrack2Equivalent(fromHex('4000000000000002D30122011000000000000F'))).toMatchObject({
      ...expected,
      discretionary: '1000000000000',
    })
    expect(hex(track2Equivalent(parseTrack2(track2)))).toBe('4000000000000002D30122011000000000000F')
    expect(hex(track2Equivalent(parseTrack2(`;${pan}=3012201=1?`)))).toBe('4000000000000002D3012201D1')
  })

  it('checks the LRC where the reader gives one', () => {
    const good = track2 + trackLrc(2, track2)
    expect(parseTrack2(good).pan).toBe(pan)
    for (const wrong of '0123456789:;<=>'.replace(good.at(-1)!, '')) expect(() => parseTrack2(track2 + wrong)).toThrow(/LRC does not match/)
  })

  it('computes the LRC of a track from the field', () => {
    // ;5413330089020011=2512? by hand: the XOR of the low nibbles, sentinels (B, F) and separator (D) included.
    expect(trackLrc(2, ';5413330089020011=2512?')).toBe(
      String.fromCharCode(0x30 + (0xb ^ 5 ^ 4 ^ 1 ^ 3 ^ 3 ^ 3 ^ 0 ^ 0 ^ 8 ^ 9 ^ 0 ^ 2 ^ 0 ^ 0 ^ 1 ^ 1 ^ 0xd ^ 2 ^ 5 ^ 1 ^ 2 ^ 0xf)),
    )
  })

  it.each([
    [`;${pan}30122011?`, "track 2: has no field separator '='"],
    [`;${pan}=3012?`, 'track 2: the service code is not 3 digits'],
    [`;${pan}=3012201A?`, 'track 2: has a character outside its alphabet'],
    [`;${pan}=3012201${'0'.repeat(20)}?`, 'track 2: has 47 characters with sentinels and LRC, the rule is at most 40'],
    [`;E?`, 'track 2: has a character outside its alphabet'],
  ])('refuses %s', (text, rule) => {
    expect(() => parseTrack2(text)).toThrow(rule)
  })

  it('a PAN has a check digit, where its issuer’s range has one', () => {
    expect(() => parseTrack2(';4000000000000001=30122010000?')).toThrow(/check digit/)
    expect(parseTrack2(';4000000000000001=30122010000?', { luhn: false }).pan).toBe('4000000000000001')
    // UnionPay, and enRoute of old.
    for (const pan of ['6212345678900000001', '8100000000000001', '201400000000001', '214900000000001']) {
      expect(luhn(pan)).toBe(false)
      expect(hasCheckDigit(pan)).toBe(false)
      expect(parseTrack2(`;${pan}=30122010000?`).pan).toBe(pan)
      expect(parseTrack1(`%B${pan}^A/B^30122010000?`).pan).toBe(pan)
    }
    for (const { digits } of withoutCheckDigit) expect(hasCheckDigit(`${Number(digits) + 1}000000000000`)).toBe(true)
  })
})

describe('track 3', () => {
  it('is read', () => {
    expect(parseTrack3(track3)).toMatchObject({
      formatCode: '01',
      pan,
      countryCode: '643',
      currencyCode: '643',
      useAndSecurity: '2000000000000000=1000000',
      expiry: '3012',
      cardSequence: '0',
    })
  })

  it('names the field that is wrong', () => {
    expect(() => parseTrack3(`;01${pan}=643?`)).toThrow('track 3: the currency code is not 3 digits')
    expect(parseTrack3(track3.replace('3012', '3020')).remarks).toEqual(['expiry has no month 01 to 12'])
  })
})

describe('a swipe', () => {
  it('is put together from its tracks', () => {
    const swipe = readSwipe({ track1, track2, track3 })
    expect(swipe).toMatchObject({ pan, expiry: '3012', serviceCode: { chip: true, pin: 'none', services: 'all' } })
    expect(swipe.track1?.name).toBe('IVANOV/IVAN')
  })

  it('survives one bad track, not two', () => {
    expect(readSwipe({ track1: '%E?', track2 }).track1).toBeUndefined()
    expect(readSwipe({ track1, track2: ';E?' }).expiry).toBe('3012')
    expect(() => readSwipe({ track1: '%E?', track2: ';E?' })).toThrow(/track 1/)
    expect(() => readSwipe({})).toThrow('track 2: was not read')
  })

  it('refuses tracks of different cards', () => {
    expect(() => readSwipe({ track1: track1.replace(pan, '5100000000000008'), track2 })).toThrow('track 1: names another card than track 2')
  })

  it('is not thrown away for one field: what real readers give is read, with a remark', () => {
    const spaced = track1.replace(pan, '4000 0000 0000 0002').replace('0000?', '?')
    for (const [tracks, ...remarks] of [
      [{ track1, track2 }],
      [{ track1: track1.replace('^3012', '^3011'), track2 }, [1, 'names another expiry than track 2']],
      [{ track2: track2.replace('3012', '0000') }, [2, 'expiry has no month 01 to 12']],
      [{ track1: spaced, track2 }, [1, 'PAN has blanks']],
      [{ track1: track1.replace(/\^IVANOV[^^]*/, '^I') }, [1, 'name has fewer than 2 characters']],
      [{ track2: track2.replace('=', 'D') }, [2, "field separator is 'D'"]],
      [{ track2: `${track2.replace('=', 'D')}${trackLrc(2, track2)}` }, [2, "field separator is 'D'"]],
      [{ track1: '%E?', track2 }, [1, "has format 'E', the rule is B (financial)"]],
      ...['000', '110', '301', '826', '909', '999'].map(code => [
        { track2: track2.replace('3012201', `3012${code}`) },
        [2, 'service code has no meaning in ISO/IEC 7813'],
      ]),
    ] as const) {
      const swipe = readSwipe(tracks as SwipedTracks)
      expect([swipe.pan, swipe.remarks.map(({ track, remark }) => [track, remark])]).toEqual([pan, remarks])
    }
    expect(isExpired('0000', new Date('2026-03-26'))).toBe(false)
  })

  it('that cannot be read says what is wrong with each of its tracks', () => {
    const both = () => readSwipe({ track1: '%E?', track2: `;${pan}30122011?` })
    expect(both).toThrow("track 1: has format 'E', the rule is B (financial); track 2: has no field separator '='")
    expect(() => readSwipe({ track2: `;${pan}30122011?` })).toThrow("track 2: has no field separator '='")
  })

  it('never prints its PAN, name or discretionary data', () => {
    const swipe = readSwipe({ track1, track2, track3 })
    for (const shown of [String(swipe), JSON.stringify(swipe), JSON.stringify({ swipe }), inspect(swipe), inspect({ deep: { swipe } })]) {
      expect(shown).toContain('400000******0002')
      expect(shown).not.toMatch(/4000000000000002|IVANOV|201100000/)
    }
  })

  it('in any text is read or refused by name', () => {
    const characters = fc.constantFrom(...'%;?=^B0123456789ABC/ ')
    const noise = fc.array(characters, { maxLength: 120 }).map(all => all.join(''))
    fc.assert(
      fc.property(noise, noise, noise, (track1, track2, track3) => {
        try {
          const { pan } = readSwipe({ track1, track2, track3 })
          expect(luhn(pan) || !hasCheckDigit(pan)).toBe(true)
        } catch (error) {
          expect(isFault(error, 'bad-swipe')).toBe(true)
        }
      }),
      seeded,
    )
  })

  it('with one changed character of its track 2 and LRC is refused', () => {
    const good = track2 + trackLrc(2, track2)
    fc.assert(
      fc.property(fc.integer({ min: 0, max: good.length - 1 }), fc.constantFrom(...'0123456789:;<=>?'), (at, character) => {
        fc.pre(good[at] !== character)
        expect(() => parseTrack2(good.slice(0, at) + character + good.slice(at + 1), { luhn: false })).toThrow()
      }),
      seeded,
    )
  })
})

describe('service codes', () => {
  it.each([
    ['101', { interchange: 'international', chip: false, authorisation: 'normal', services: 'all', pin: 'none' }],
    ['201', { chip: true }],
    ['220', { chip: true, authorisation: 'online', pin: 'required' }],
    ['606', { interchange: 'national', chip: true, pin: 'whereFeasible' }],
    ['122', { authorisation: 'online', services: 'goodsAndServices' }],
    ['103', { services: 'atm', pin: 'required' }],
    ['904', { interchange: 'test', services: 'cash' }],
  ])('%s', (code, expected) => {
    expect(readServiceCode(code)).toMatchObject(expected)
  })

  it.each(['301', '111', '108', '10', '1011'])('%s has no meaning', code => {
    expect(() => readServiceCode(code)).toThrow(/no meaning/)
  })

  it.each([
    ['000', { chip: false, authorisation: 'online', services: 'all', pin: 'none' }],
    ['219', { chip: true, interchange: 'international', authorisation: 'online' }],
    ['909', { chip: false, interchange: 'test' }],
    ['220', readServiceCode('220')],
  ])('%s on a stripe: what it says counts, for the rest the issuer is asked', (code, expected) => {
    expect(serviceCodeOf(code)).toMatchObject(expected)
  })
})

describe('the PIN of a stripe', () => {
  // ISO/IEC 7813, 4.3: by the third digit, at a PIN pad and without one
  it.each([
    ['0', true, false],
    ['1', false, false],
    ['2', false, false],
    ['3', true, false],
    ['4', false, false],
    ['5', true, false],
    ['6', true, false],
    ['7', true, false],
    ['8', false, false],
    ['9', false, false],
  ])('third digit %s', (digit, atPad, without) => {
    expect([asksForPin(serviceCodeOf(`10${digit}`), true), asksForPin(serviceCodeOf(`10${digit}`), false)]).toEqual([atPad, without])
  })

  it('a stripe without a service code asks for none', () => {
    expect(asksForPin(undefined)).toBe(false)
  })
})

describe('where a swipe is sent', () => {
  const at = new Date('2026-03-26T10:52:00')
  const judge = (code: string, expiry: string, more: object = {}) =>
    judgeSwipe({ serviceCode: readServiceCode(code), expiry }, { at, chipReader: true, ...more })

  it('a chip card goes to the slot', () => {
    expect(judge('201', '3012')).toEqual({ use: 'chip' })
    expect(judge('601', '3012')).toEqual({ use: 'chip' })
  })

  it('after the chip failed its swipe is marked as fallback and goes online', () => {
    expect(judge('201', '3012', { fallback: true })).toEqual({ use: 'swipe', entryMode: 0x80, online: true, pin: 'none' })
  })

  it('without a chip reader it is a plain swipe', () => {
    expect(judge('201', '3012', { chipReader: false })).toMatchObject({ use: 'swipe', entryMode: 0x90 })
  })

  it('a stripe card is swiped; PIN and online as its code says', () => {
    expect(judge('101', '3012')).toEqual({ use: 'swipe', entryMode: 0x90, online: false, pin: 'none' })
    expect(judge('120', '3012')).toEqual({ use: 'swipe', entryMode: 0x90, online: true, pin: 'required' })
    expect(judge('101', '3012', { fallback: true })).toMatchObject({ entryMode: 0x90 })
  })

  it('is refused when expired, or for a service the card is not for', () => {
    expect(judge('101', '2602')).toEqual({ use: 'no', why: 'expired' })
    expect(judge('101', '2603')).toMatchObject({ use: 'swipe' })
    expect(judge('103', '3012')).toEqual({ use: 'no', why: 'service' })
    expect(judge('102', '3012', { type: 'cash' })).toEqual({ use: 'no', why: 'service' })
    expect(judge('104', '3012', { type: 'cash' })).toMatchObject({ use: 'swipe' })
  })

  it('an expiry lasts to the end of its month, and its century is a window', () => {
    expect(isExpired('2603', new Date('2026-03-31T23:59:59'))).toBe(false)
    expect(isExpired('2603', new Date('2026-04-01T00:00:00'))).toBe(true)
    expect(isExpired('4912', at)).toBe(false)
    expect(isExpired('5001', at)).toBe(true)
  })
})
