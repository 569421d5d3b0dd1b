/** The bench's API as the page calls it: paths, a token, and refusals in the words of the server. */

import type { TraceEvent } from '../../../../src/trace/event.ts'
import type { AppState } from '../../schema/app.ts'
import type { BankRequestInFull, BankState, BenchEvent, CardState, ReaderState, SessionState } from '../../schema/types.ts'

/** What the server refused, and why. */
export class Refused extends Error {
  readonly status: number
  readonly code: string
  readonly details: Readonly<Record<string, unknown>>

  constructor(status: number, { code = String(status), message = '', ...details }: { code?: string; message?: string } = {}) {
    super(message)
    this.status = status
    this.code = code
    this.details = details
  }
}

/** A knob with what it takes and what it does. */
export interface KnobHelp {
  readonly name: string
  readonly takes: string
  readonly what: string
}

/** What is wrong with a profile; none where it is good. */
export interface ProfileProblem {
  readonly path: string
  readonly line?: number
  readonly rule: string
}

/** A case of a scenario that was run. */
export interface Ran {
  readonly name: string
  readonly status: 'passed' | 'failed' | 'skipped' | 'flaky'
  readonly reason?: string
  readonly trace?: { readonly events: readonly TraceEvent[] }
}

/** One numbered event of a session. */
export interface Happening {
  readonly n: number
  readonly reader?: string
  readonly event: TraceEvent | BenchEvent
}

const TOKEN = 'tapdip-token'

/** From the address once, which then no longer shows it; then from this tab. */
export function takeToken(): string {
  const given = /(?:^#|&)token=([^&]+)/.exec(location.hash)?.[1]
  if (given) {
    sessionStorage.setItem(TOKEN, decodeURIComponent(given))
    history.replaceState(null, '', location.pathname + location.search)
  }
  return sessionStorage.getItem(TOKEN) ?? ''
}

type Body = Readonly<Record<string, unknown>> | undefined

/** The API of one origin. */
export function benchApi(token: string) {
  async function call<T>(method: string, path: string, body?: Body): Promise<T> {
    const answer = await fetch(`/api${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
    })
    const text = await answer.text()
    const told = /json/.test(answer.headers.get('content-type') ?? '') && text !== '' ? JSON.parse(text) : text
    if (!answer.ok) throw new Refused(answer.status, typeof told === 'object' ? told.error : { message: text })
    return told as T
  }
  const get = <T>(path: string) => call<T>('GET', path)
  return {
    token,
    call,
    sessions: () => get<readonly SessionState[]>('/sessions'),
    createSession: (body: Body = {}) => call<SessionState>('POST', '/sessions', body),
    importSession: (file: Body) => call<SessionState>('POST', '/sessions/import', file),
    /** Everything below one session. */
    of: (session: string) => {
      const at = `/sessions/${session}`
      const reader = (id: string, deed: string, body: Body = {}) => call<ReaderState>('POST', `${at}/readers/${id}/${deed}`, body)
      return {
        state: () => get<SessionState>(at),
        knobs: (language: string) => get<readonly KnobHelp[]>(`/knobs?language=${language}`),
        readers: () => get<readonly ReaderState[]>(`${at}/readers`),
        cards: () => get<readonly CardState[]>(`${at}/cards`),
        bank: () => get<BankState>(`${at}/bank`),
        apps: () => get<readonly AppState[]>(`${at}/apps`),
        speak: (language: string) => call<SessionState>('POST', `${at}/language`, { language }),
        addReader: (body: Body) => call<ReaderState>('POST', `${at}/readers`, body),
        removeReader: (id: string) => call<void>('DELETE', `${at}/readers/${id}`),
        reader,
        addCard: (body: Body) => call<CardState>('POST', `${at}/cards`, body),
        changeCard: (id: string, body: Body) => call<CardState>('PATCH', `${at}/cards/${id}`, body),
        unlock: (id: string) => call<CardState>('POST', `${at}/cards/${id}/unlock`, {}),
        removeCard: (id: string) => call<void>('DELETE', `${at}/cards/${id}`),
        profile: (id: string) => get<{ readonly text: string }>(`${at}/cards/${id}/profile`),
        setProfile: (id: string, text: string) => call<CardState>('PUT', `${at}/cards/${id}/profile`, { text }),
        checkProfile: (text: string) =>
          call<{ readonly ok: boolean; readonly problems: readonly ProfileProblem[] }>('POST', '/check-profile', { text }),
        setRules: (body: Body) => call<BankState>('PUT', `${at}/bank/rules`, body),
        setMode: (body: Body) => call<BankState>('PUT', `${at}/bank/mode`, body),
        setGone: (gone: boolean) => call<BankState>('PUT', `${at}/bank/gone`, { gone }),
        setBalance: (card: string, balance: string) => call<BankState>('PUT', `${at}/bank/balance`, { card, balance }),
        request: (n: number) => get<BankRequestInFull>(`${at}/bank/requests/${n}`),
        answer: (n: number, body: Body) => call<BankState>('POST', `${at}/bank/requests/${n}/answer`, body),
        addApp: (body: Body) => call<AppState>('POST', `${at}/apps`, body),
        removeApp: (id: string) => call<void>('DELETE', `${at}/apps/${id}`),
        changeApp: (id: string, body: Body) => call<AppState>('PATCH', `${at}/apps/${id}`, body),
        answerApp: (id: string, body: Body) => call<AppState>('POST', `${at}/apps/${id}/answer`, body),
        mark: () => call<unknown>('POST', `${at}/mark`, {}),
        scenario: () => get<string>(`${at}/scenario`),
        runScenario: (text: string) => call<{ readonly results: readonly Ran[] }>('POST', `${at}/scenario`, { text, trace: true }),
        file: () => get<unknown>(`${at}/file`),
        traceUrl: () => `/api${at}/trace?token=${encodeURIComponent(token)}`,
        eventsUrl: (after: number) => `/api${at}/events?after=${after}&together=yes&token=${encodeURIComponent(token)}`,
      }
    },
  }
}

export type BenchApi = ReturnType<typeof benchApi>
export type SessionApi = ReturnType<BenchApi['of']>
