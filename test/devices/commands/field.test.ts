/** The field that SoftPOS is paid with on the command line: which of the PC/SC service's readers, and what is said where there is none. */

import { describe, expect, it } from 'vitest'
import { openConsole } from '../../../devices/commands/console.ts'
import { connectField, type FieldWish } from '../../../devices/commands/field.ts'
import { openSoftPos } from '../../../devices/softpos/driver.ts'
import { Body } from '../../../simulator/readers/body/body.ts'
import { virtualNfc } from '../../../simulator/readers/body/nfc.ts'
import { virtualConfig } from '../../../simulator/world.ts'
import { VirtualClock } from '../../../src/clock.ts'
import { russianContactless } from '../../../src/emv/contactless/profiles.ts'
import { Fault } from '../../../src/errors.ts'

const opened: string[] = []
const wish = (list: FieldWish['list'], uri?: string): FieldWish => ({
  ...{ uri, screen: openConsole('en'), signal: new AbortController().signal, open: {}, ...(list && { list }) },
  async opener(where) {
    opened.push(where)
    const clock = new VirtualClock()
    const options = { config: virtualConfig(), contactless: russianContactless(), clock }
    return openSoftPos({ channel: virtualNfc(new Body({ clock })), ...options })
  },
})

describe('the field of SoftPOS', () => {
  it.each([
    [['Gemalto USB Shell 00 00', 'ACS ACR1252 1S CL SAM 00', 'ACS ACR1252 1S CL PICC 01'], 'ACS ACR1252 1S CL PICC 01'],
    [['Gemalto USB Shell 00 00', 'Identiv CLOUD 3700 F Contactless 00'], 'Identiv CLOUD 3700 F Contactless 00'],
    [['Virtual PCD 00 00'], 'Virtual PCD 00 00'],
  ])('of %j is %s', async (names, chosen) => {
    const reader = await connectField(wish(async () => names))
    expect(opened.pop()).toBe(`pcsc:${encodeURIComponent(chosen)}`)
    await reader.close()
  })

  it('that is named is taken as it is; another reader is none', async () => {
    await (await connectField(wish(undefined, 'pcsc:ACR122'))).close()
    expect(opened.pop()).toBe('pcsc:ACR122')
    await expect(connectField(wish(undefined, 'tcp://127.0.0.1:1?family=qpos'))).rejects.toMatchObject({
      ...{ code: 'bad-argument', details: { field: 'reader' } },
    })
    expect(opened).toEqual([])
  })

  it.each([
    ['no reader', async () => []],
    ['no service', () => Promise.reject(new Fault('link-failed', 'the PC/SC service does not answer'))],
    ['no library', () => Promise.reject(new Fault('missing-library', 'smartcard'))],
  ])('with %s there is none, and that is said', async (_, list) => {
    await expect(connectField(wish(list))).rejects.toMatchObject({
      ...{ code: 'not-found', message: expect.stringContaining('there is no field for SoftPOS') },
    })
  })
})
