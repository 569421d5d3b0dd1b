/** Cards for each way of offline data authentication, and for each way that it can fail. */

import { mastercardApplication, mirApplication, oneApplication, visaApplication } from './base.ts'

export const noOda = oneApplication('no-oda', 'No offline data authentication', visaApplication, {
  account: 10201,
  application: { oda: { method: 'none' } },
})

export const sda = oneApplication(
  'sda',
  'SDA with the largest keys; a signed record beyond SFI 10 counts with its template',
  visaApplication,
  {
    account: 10202,
    application: {
      oda: { method: 'sda', caKey: 0xe3, issuerKey: 'issuer-1976' },
      layout: [
        { sfi: 1, record: 1, tags: ['57', '5F20'] },
        { sfi: 2, record: 1, tags: ['5A', '5F34', '5F24', '5F25', '5F28', '9F07', '9F4A'], signed: true },
        { sfi: 11, record: 1, tags: ['8E', '9F0D', '9F0E', '9F0F'], signed: true },
        { sfi: 3, record: 1, tags: ['8C', '8D', '9F42', '9F44', '9F08', '5F30'] },
        { sfi: 3, record: 2, tags: ['8F', '9F32', '92'] },
        { sfi: 3, record: 3, tags: ['90'] },
        { sfi: 3, record: 4, tags: ['93'] },
      ],
    },
  },
)

export const dda = oneApplication('dda', 'DDA with the largest card key, response format 2', visaApplication, {
  account: 10203,
  application: { oda: { method: 'dda', caKey: 0xe3, issuerKey: 'issuer-1976', iccKey: 'icc-1976', responseFormat: 2 } },
})

export const defaultDdol = oneApplication('default-ddol', 'DDA without a DDOL: the terminal takes its own', visaApplication, {
  account: 10204,
  application: { data: { '9F49': '' } },
})

export const cda = oneApplication('cda', 'CDA', mastercardApplication, { account: 10205 })

export const wrongSignature = oneApplication('wrong-signature', 'SDA whose signature does not open', visaApplication, {
  account: 10206,
  application: { oda: { method: 'sda', defect: 'wrongStaticSignature' } },
})

export const changedData = oneApplication('changed-data', 'SDA over data that were changed after signing', visaApplication, {
  account: 10207,
  application: { oda: { method: 'sda', defect: 'otherStaticData' } },
})

export const wrongDynamicSignature = oneApplication('wrong-dynamic-signature', 'DDA that signs another number', visaApplication, {
  account: 10208,
  application: { oda: { method: 'dda', defect: 'wrongDynamicSignature' } },
})

export const wrongCda = oneApplication('wrong-cda', 'CDA that signs another number', mastercardApplication, {
  account: 10209,
  application: { oda: { method: 'cda', iccKey: 'icc-1152', defect: 'wrongDynamicSignature' } },
})

export const wrongIssuerCertificate = oneApplication('wrong-issuer-certificate', 'Issuer certificate that does not open', mirApplication, {
  account: 10210,
  application: { oda: { method: 'dda', defect: 'wrongIssuerCertificate' } },
})

export const wrongIccCertificate = oneApplication('wrong-icc-certificate', 'ICC certificate that does not open', mirApplication, {
  account: 10211,
  application: { oda: { method: 'dda', defect: 'wrongIccCertificate' } },
})

export const expiredCertificate = oneApplication('expired-certificate', 'Issuer certificate that expired in 2020', visaApplication, {
  account: 10212,
  application: { oda: { method: 'dda', defect: 'expiredIssuerCertificate' } },
})

export const revokedCertificate = oneApplication(
  'revoked-certificate',
  'Issuer certificate whose serial number is on `testRevoked`',
  visaApplication,
  { account: 10213, application: { oda: { method: 'dda', issuerCertificateSerial: '0BAD01' } } },
)

export const unknownCaKey = oneApplication('unknown-ca-key', 'Names a CA key that no terminal has', visaApplication, {
  account: 10214,
  application: { oda: { method: 'dda', defect: 'unknownCaKey' } },
})

export const missingCertificate = oneApplication('missing-certificate', 'DDA without the issuer certificate', visaApplication, {
  account: 10215,
  application: { oda: { method: 'dda', defect: 'missingCertificate' } },
})

export const wrongTagList = oneApplication('wrong-tag-list', 'SDA tag list that names more than the AIP', visaApplication, {
  account: 10216,
  application: { oda: { method: 'sda', defect: 'otherTagList' } },
})
