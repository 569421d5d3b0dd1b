/** Who may speak to the bench: whoever on this machine has its token; no page of another place, by whatever name it lets point here. */

import { timingSafeEqual } from 'node:crypto'

/** Why somebody is not heard, as of HTTP. */
export interface Refused {
  readonly status: 403 | 415
  readonly code: 'forbidden' | 'bad-argument'
  readonly message: string
  readonly field: string
  readonly rule: string
}

/** What is looked at of a request. */
export interface Knock {
  readonly method: string
  /** Path and query. */
  readonly url: URL
  readonly header: (name: string) => string | undefined
}

const refused = (field: string, rule: string, message: string): Refused => ({ status: 403, code: 'forbidden', message, field, rule })

/**
 * The name that it was asked by, and the page that asks: loopback by name (at any port: a tunnel has one of its own), and the bench's own. A page whose name was made to point
 * to this machine says its own name in `Host`.
 */
export function atHome({ header }: Pick<Knock, 'header'>): Refused | undefined {
  const host = header('host')
  if (host === undefined || !/^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/i.test(host))
    return refused('Host', '127.0.0.1, localhost or [::1]', 'Host: the bench is for this machine, by its own address')
  const origin = header('origin')
  if (origin !== undefined && origin !== `http://${host}`)
    return refused('Origin', `http://${host}`, 'Origin: pages of other places are not heard')
  const site = header('sec-fetch-site')
  if (site !== undefined && site !== 'same-origin' && site !== 'none')
    return refused('Sec-Fetch-Site', 'same-origin', 'Sec-Fetch-Site: pages of other places are not heard')
  return undefined
}

/** Everything of the API needs the token, whether it changes something or not. Undefined: come in. */
export function admit(knock: Knock, token: string): Refused | undefined {
  const away = atHome(knock)
  if (away) return away
  const [, given = knock.url.searchParams.get('token') ?? ''] = /^Bearer +(\S+)$/i.exec(knock.header('authorization') ?? '') ?? []
  if (!same(given, token)) return refused('Authorization', 'Bearer <token>', 'Authorization: Bearer, with the token that the bench printed')
  const changes = !['GET', 'HEAD'].includes(knock.method)
  const type = knock.header('content-type')
  if (changes && type !== undefined && !/^application\/json\s*(;|$)/i.test(type))
    return { status: 415, code: 'bad-argument', message: 'Content-Type: application/json', field: 'Content-Type', rule: 'application/json' }
  return undefined
}

function same(given: string, token: string): boolean {
  const [one, other] = [Buffer.from(given), Buffer.from(token)]
  return one.length === other.length && timingSafeEqual(one, other)
}
