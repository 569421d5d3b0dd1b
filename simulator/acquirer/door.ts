/** Who may speak to the acquirer's HTTP line: programs of this machine, and pages only where they are the host's own and know its token. */

import { timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { Refusal } from './desk/reply.ts'

export interface Door {
  /** Asked of whatever a browser sends that changes something, and of everybody where `everybody` is set. */
  readonly token: string
  readonly everybody: boolean
}

/**
 * A page in a browser of this machine reaches loopback: by a form or `fetch` without preflight (text/plain), and by a name of its own that it lets point here (DNS rebinding).
 * So `Host` must be loopback by name (at any port: a tunnel has one of its own), `Origin` the same host, a body declared as JSON, and a page has to have the token. Programs send none of a browser's headers.
 * @throws Refusal 400, 401, 403, 415
 */
export function admit({ method, headers }: IncomingMessage, { token, everybody }: Door): void {
  const { host, origin, authorization, 'sec-fetch-site': site, 'content-type': type = '' } = headers
  if (host === undefined || !/^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/i.test(host))
    throw new Refusal(403, 'Host: this line is for this machine, by its own address')
  if (origin !== undefined && origin !== `http://${host}` && origin !== `https://${host}`)
    throw new Refusal(403, 'Origin: pages of other places are not heard')
  if (site !== undefined && site !== 'same-origin' && site !== 'none')
    throw new Refusal(403, 'Sec-Fetch-Site: pages of other places are not heard')
  const changes = method !== 'GET' && method !== 'HEAD'
  if (changes && !/^application\/json\s*(;|$)/i.test(type)) throw new Refusal(415, 'Content-Type: application/json')
  const page = origin !== undefined || site !== undefined
  if ((everybody || (page && changes)) && !holds(authorization, token))
    throw new Refusal(401, 'Authorization: Bearer, with the token that the host printed')
}

function holds(authorization: string | undefined, token: string): boolean {
  const [, given = ''] = /^Bearer +(\S+)$/i.exec(authorization ?? '') ?? []
  const [one, other] = [Buffer.from(given), Buffer.from(token)]
  return one.length === other.length && timingSafeEqual(one, other)
}
