/** The MagTek codecs: V5 (eDynamo, tDynamo, DynaMag …) and MMS (DynaFlex, DynaProx), each with the sides of host and reader over everything that carries it. */

export * from './codec-data.ts'
export { decodeRle, encodeRle } from './codec-rle.ts'
export { encodeRecord, type PipeRecord } from './codec-scan.ts'
export * from './codec-shape.ts'
export * from './codec-swipe.ts'
export * from './codec-v5.ts'
export * from './codec-v5-payment.ts'
export * from './mms/codec.ts'
export { MAX_MESSAGE, MMS_CHANNEL } from './mms/codec-frames.ts'
export * from './mms/codec-payment.ts'
