import type { IsoMessage } from '../../src/payment/iso8583.ts'

export type HostMove = (said: Record<string, unknown>) => Record<string, unknown> | undefined
type Named<T> = Readonly<Record<string, T>>

export const subjectMoves: Named<HostMove>
export const approvalMoves: Named<HostMove>
export const answerMoves: Named<HostMove>
export const falsehoods: Readonly<
  Record<'denied' | 'granted' | 'whole' | 'half' | 'undone' | 'not heard of' | 'still in process', HostMove>
>
export const orderMoves: Named<HostMove>
export const unapprovals: Readonly<Record<'Declined' | 'In Process' | 'Timeout' | 'Canceled', HostMove>>
export const isoFieldMoves: Named<readonly [field: number, value: string]>
export const isoMoves: Named<(message: IsoMessage) => IsoMessage | undefined>
