/** ISO 8583 for whoever writes a host, a proxy or a test of one: what `tapdip` and `tapdip/tools` both export. */

export {
  decodeIso,
  encodeIso,
  type IsoBroken,
  type IsoFrame,
  type IsoMac,
  type IsoMessage,
  type IsoOptions,
  type IsoPlace,
  type IsoPlaces,
  isoSideOf,
  readIso,
} from './codec.ts'
export { type IsoDialect, type IsoDialectName, isoDialect, isoDialects } from './dialect.ts'
export { type FieldForm, type FieldKind, type FieldRule, fieldTable, type LengthForm } from './fields.ts'
