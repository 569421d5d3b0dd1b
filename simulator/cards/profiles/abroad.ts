/** Cards from outside Russia, with data of our own making: two with a national payment system, one co-badged, and one of a system that nobody has. */

import { type ApplicationProfile, cardNumber, mastercardApplication, oneApplication } from './base.ts'

const euro = { country: 276, currency: 978 }

/** Records as girocards in public recordings have them: six entries of the file locator, one record each, the signed ones last. */
const girocardRecords: NonNullable<Exclude<ApplicationProfile['contactless'], false | undefined>>['layout'] = [
  { sfi: 3, record: 1, tags: ['8F', '9F32', '92', '90'], signed: false },
  { sfi: 4, record: 1, tags: ['9F46', '9F47', '9F48'], signed: false },
  { sfi: 4, record: 4, tags: ['8C', '8D', '9F49', '9F51', '9F6E', '9F42', '9F44'], signed: false },
  { sfi: 1, record: 5, tags: ['57', '5A', '5F20', '5F24', '5F25', '5F30', '5F34'], signed: true },
  { sfi: 1, record: 7, tags: ['8E', '9F07', '9F08', '5F28'], signed: true },
  { sfi: 1, record: 3, tags: ['9F0D', '9F0E', '9F0F', '9F4A'], signed: true },
]

/** Its own kernel is not public: it answers as a Mastercard does, and its directory asks for no kernel, as those recordings' do not. */
const girocardApplication: ApplicationProfile = {
  ...mastercardApplication,
  aid: 'A000000359 1010028001',
  label: 'girocard',
  cvm: {
    rules: [
      { method: 'onlinePin', when: 'supported', otherwise: 'next' },
      { method: 'noCvm', when: 'supported' },
    ],
  },
  contactless: { as: 'mastercard', layout: girocardRecords },
}

const girocardOne = oneApplication('girocard', 'German girocard: two AIDs of one account, six records by tap', girocardApplication, {
  account: 10601,
  languages: ['de', 'en'],
  ...euro,
})

export const girocard = {
  ...girocardOne,
  applications: [...girocardOne.applications, { ...girocardApplication, aid: 'D276000025 47410100', priority: 2 }],
}

const cbApplication: ApplicationProfile = {
  ...mastercardApplication,
  aid: 'A000000042 1010',
  label: 'CB',
  contactless: { as: 'mastercard', kernel: '0200000000000000' },
}

const cb = oneApplication(
  'cb-mastercard',
  'Co-badged Cartes Bancaires and Mastercard: both ask for kernel 2, in eight bytes',
  cbApplication,
  {
    account: 10602,
    languages: ['fr', 'en'],
    ...euro,
    country: 250,
  },
)

export const cbMastercard = {
  ...cb,
  applications: [
    ...cb.applications,
    { ...mastercardApplication, priority: 2, pan: cardNumber(mastercardApplication, 10602), contactless: { kernel: '0200000000000000' } },
  ],
}

export const interac = oneApplication(
  'interac',
  'Canadian Interac debit card; by tap it asks for a kernel that no reader here has, and answers as a Mastercard does',
  {
    ...mastercardApplication,
    aid: 'A000000277 1010',
    label: 'INTERAC',
    contactless: { as: 'mastercard', kernel: '810124' },
  },
  { account: 10603, languages: ['en', 'fr'], country: 124, currency: 124 },
)

export const ownScheme = oneApplication(
  'own-scheme',
  'A payment system of our own: RID F054415044, a kernel identifier of its own, Visa’s way of paying by tap',
  {
    ...mastercardApplication,
    aid: 'F054415044 01',
    label: 'TAPDIP PAY',
    cryptogram: 'visa18',
    cdol1: '9F02 06 9F03 06 9F1A 02 95 05 5F2A 02 9A 03 9C 01 9F37 04',
    cdol2: '8A 02 9F02 06 9F03 06 9F1A 02 95 05 5F2A 02 9A 03 9C 01 9F37 04',
    issuerAuthentication: { by: 'externalAuthenticate' },
    oda: { method: 'dda' },
    contactless: { as: 'visa', kernel: 'C05441' },
  },
  { account: 10604, country: 999, currency: 978 },
)
