/** The schemas tell what the types by hand name, neither more nor less: a difference does not compile. */

import type { z } from 'zod'
import type { appAnswer, appState } from './app.ts'
import type { AppAnswer, AppState } from './app-types.ts'
import type { bankOrder, bankRequest, bankRequestInFull, bankState } from './bank.ts'
import type { cardState } from './card.ts'
import type { readerState } from './reader.ts'
import type { sessionState } from './session.ts'
import type { BankOrder, BankRequest, BankRequestInFull, BankState, CardState, ReaderState, SessionState } from './types.ts'

type Deep<T> = T extends (infer One)[] ? Deep<One>[] : T extends object ? { -readonly [Key in keyof T]-?: Deep<T[Key]> } : T
type Alike<Named, Told> = [Deep<Named>] extends [Deep<Told>] ? ([Deep<Told>] extends [Deep<Named>] ? true : never) : never

export const statesAreNamed: {
  app: Alike<AppState, z.output<typeof appState>>
  answer: Alike<AppAnswer, z.output<typeof appAnswer>>
  session: Alike<SessionState, z.output<typeof sessionState>>
  reader: Alike<ReaderState, z.output<typeof readerState>>
  card: Alike<CardState, z.output<typeof cardState>>
  bank: Alike<BankState, z.output<typeof bankState>>
  request: Alike<BankRequest, z.output<typeof bankRequest>>
  inFull: Alike<BankRequestInFull, z.output<typeof bankRequestInFull>>
  order: Alike<BankOrder, z.output<typeof bankOrder>>
} = { app: true, answer: true, session: true, reader: true, card: true, bank: true, request: true, inFull: true, order: true }
