/** The dictionary of data objects, cross-checked with one that others made. */

import { describe, expect, it } from 'vitest'
import { isConstructed, tagBytes, tagHex } from '../../src/tlv/ber.ts'
import { kernelDictionaries } from '../../src/tlv/kernels.ts'
import { type Dictionary, general, isSensitive, tagInfo } from '../../src/tlv/tags.ts'
import swifty from '../vectors/tag_dictionary_swifty.json' with { type: 'json' }

const dictionaries: Readonly<Record<string, Dictionary>> = {
  general,
  kernel2: kernelDictionaries.mastercard,
  kernel3: kernelDictionaries.visa,
  kernel4: kernelDictionaries.amex,
  kernel5: kernelDictionaries.jcb,
}
const formats: Readonly<Record<string, string>> = { binary: 'b', b: 'b', n: 'n', an: 'an', ans: 'ans', cn: 'cn', a: 'a' }

/** Where the other table differs from the Book, and what the Book says. Each is asserted to differ, so that none stays here without need. */
const disputed: Readonly<Record<string, string>> = {
  '9F01': 'n 6–11 is digits; the value has 6 bytes (Book 3, Annex A1)',
  '9F24': 'an 29 (EMVCo Specification Bulletin 167)',
  '9F2A': '1 to 8 bytes: short and extended kernel identifiers (Book B, 3.3.2.5)',
}

const ours = (kernel: string, tag: string) => dictionaries[kernel]?.get(Number.parseInt(tag, 16))
const shared = swifty.tags.filter(({ kernel, tag }) => ours(kernel, tag))
const words = (name: string) =>
  name
    .toLowerCase()
    .replace(/application identifier \(aid\).*/, 'aid')
    .match(/[a-z0-9]+/g) ?? []

describe('the dictionary', () => {
  it('every tag is one, and is a template where its tag says so', () => {
    for (const dictionary of Object.values(dictionaries)) {
      for (const { tag, format, min, max } of dictionary.values()) {
        expect(tagBytes(tag).length, tagHex(tag)).toBeGreaterThan(0)
        expect(format === 'template', tagHex(tag)).toBe(isConstructed(tag))
        expect(min, tagHex(tag)).toBeLessThanOrEqual(max)
      }
    }
  })

  it('knows every object of EMV that the other table knows', () => {
    const missing = swifty.tags.filter(({ kernel, tag, source }) => {
      // Without a known source the other table lists what ISO 7816-6 reserves for other industries; VLP and issuer-proprietary data are not EMV.
      const proprietary = /^9F(5[5-9A]|5E|6[378]|6E|7[2-9BDEF])$/.test(tag) && kernel === 'general'
      const foreign = ['59', '5F3C', '5F3D'].includes(tag) // no EMV object; 9F3C and 9F3D are meant
      return kernel !== 'kernel1' && source !== 'unknown' && !proprietary && !foreign && !ours(kernel, tag)
    })
    expect(missing.map(({ tag, name }) => `${tag} ${name}`)).toEqual([])
    expect(shared.length).toBeGreaterThan(240)
  })

  it('agrees about source where the other says', () => {
    const names: Readonly<Record<string, string>> = { card: 'icc', terminal: 'terminal', issuer: 'issuer' }
    const differ = shared.filter(
      ({ kernel, tag, source }) => kernel === 'general' && names[source] && ours(kernel, tag)!.source !== names[source],
    )
    // 42 comes from the card, yet Book 3, Annex A1 says issuer.
    expect(differ.map(({ tag }) => tag)).toEqual(['42'])
  })

  it('agrees about format and lengths, but for what the Book decides', () => {
    const differ = shared.filter(({ kernel, tag, format, minLength, maxLength }) => {
      const mine = ours(kernel, tag)!
      const theirs = formats[format.split(' ')[0]]
      const digits = (text: string) => (/^\d+$/.test(text) ? Number(text) : undefined)
      return (
        (theirs !== undefined && mine.format !== 'template' && mine.format !== theirs) ||
        (mine.format !== 'template' && digits(maxLength) !== undefined && mine.max !== digits(maxLength)) ||
        (mine.format !== 'template' && digits(minLength) !== undefined && mine.min !== digits(minLength))
      )
    })
    expect(differ.map(({ tag }) => tag).sort()).toEqual(Object.keys(disputed).sort())
  })

  it('uses the same words', () => {
    const differ = shared.filter(({ kernel, tag, name }) => {
      const mine = new Set(words(ours(kernel, tag)!.name))
      return !words(name).some(word => word.length > 1 && mine.has(word))
    })
    expect(differ.map(({ tag, name, kernel }) => `${tag} ${name} / ${ours(kernel, tag)!.name}`)).toEqual([])
  })

  it('a kernel gives a tag its own meaning and keeps the general ones', () => {
    const nameOf = (dictionary: Dictionary, tag: number) => tagInfo(tag, dictionary)?.name
    expect(nameOf(kernelDictionaries.mastercard, 0x9f6e)).toBe('Third Party Data')
    expect(nameOf(kernelDictionaries.visa, 0x9f6e)).toBe('Form Factor Indicator (FFI)')
    expect(nameOf(kernelDictionaries.amex, 0x9f6e)).toBe('Enhanced Contactless Reader Capabilities')
    expect(nameOf(general, 0x9f6e)).toBeUndefined()
    expect(nameOf(kernelDictionaries.jcb, 0x9f02)).toBe('Amount, Authorised (Numeric)')
  })

  it('knows what is never shown', () => {
    expect([0x57, 0x5a, 0x5f20, 0x9f6b, 0x99, 0x56].every(isSensitive)).toBe(true)
    expect([0x9f02, 0x95, 0x4f, 0x9f26].some(isSensitive)).toBe(false)
    expect(tagInfo(0x57)?.sensitive).toBe(true)
  })
})
