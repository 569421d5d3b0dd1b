/** ISO 8583 for whoever writes a host, a proxy or a test of one: what `tapdip` and `tapdip/tools` both export. */

export {
  decodeIso,
  encodeIso,
  type IsoFrame,
  type IsoMac,
  type IsoMessage,
  type IsoOptions,
  isoSideOf,
  readIso,
} from './iso8583.ts'
export { type IsoDialect, type IsoDialectName, isoDialect, isoDialects } from './iso8583-dialect.ts'
export { type FieldForm, type FieldKind, type FieldRule, fieldTable, type LengthForm } from './iso8583-fields.ts'
