/** The bench: a control server on loopback with sessions, their API, their events, and the page. */

import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { serve } from '@hono/node-server'
import { WebSocketServer } from 'ws'
import * as door from '../../src/door.ts'
import { Fault } from '../../src/errors.ts'
import { packageFile } from '../../src/package-file.ts'
import { portFault } from '../port-fault.ts'
import { Sessions } from './counter/sessions.ts'
import { failureOf, refusedInput } from './failure.ts'
import { admit } from './guard.ts'
import { httpOf } from './http.ts'
import { feed } from './listeners.ts'
import type { Bench, BenchOptions } from './options.ts'
import { startOf } from './routes/events.ts'
import { type SessionInput, sessionInput } from './schema/session.ts'

/** With what tests and the command line look into. */
export interface RunningBench extends Bench {
  readonly sessions: Sessions
}

const benchRule = door.shape({
  ...{ port: door.maybe(door.whole(0, 65_535)), token: door.maybe(door.text(8, 256)) },
  session: door.maybe(door.either('a session, or false', door.object, door.oneOf([false as never]))),
})

/** @throws Fault `busy` for a port that is taken, `link-failed` for one that cannot be had; as what stands at its session */
export async function startBench(options: BenchOptions = {}): Promise<RunningBench> {
  door.need('options', options, benchRule)
  const { port: wanted = 0, token = randomBytes(16).toString('hex'), session = {} } = options
  if (!/^[\w.~-]{8,256}$/.test(token))
    throw new Fault('bad-argument', 'token: 8 to 256 letters, digits, . _ ~ or -', { field: 'options.token' })
  const sessions = new Sessions()
  try {
    if (session) await sessions.open({ ttl: 0, name: 'bench', ...begun(session) })
    const page = packageFile('dist/simulator/bench/web')
    const built = existsSync(join(page, 'index.html')) && existsSync(join(page, 'assets')) ? page : undefined
    const app = httpOf(sessions, token, built)
    const server = await new Promise<Server>((resolve, reject) => {
      const own = serve({ fetch: app.fetch, port: wanted, hostname: '127.0.0.1' }, () => resolve(own as Server))
      own.once('error', error => reject(portFault(`127.0.0.1:${wanted}`, error)))
    })
    const sockets = openSockets(server, sessions, token)
    const { port } = server.address() as AddressInfo
    const origin = `http://127.0.0.1:${port}`
    let closed: Promise<void> | undefined
    const close = () => {
      closed ??= (async () => {
        const stopped = new Promise<void>(resolve => server.close(() => resolve()))
        await sessions.close()
        for (const one of sockets.clients) one.terminate()
        server.closeAllConnections()
        await stopped
      })()
      return closed
    }
    return { ...{ url: `${origin}/#token=${token}`, origin, token, port, sessions, close }, [Symbol.asyncDispose]: close }
  } catch (error) {
    await sessions.close()
    throw error
  }
}

/** @throws Fault `bad-argument` */
function begun(session: object) {
  const checked = sessionInput.safeParse(session)
  if (!checked.success) throw refusedInput(checked.error, session, 'session')
  return checked.data as SessionInput
}

/** Events as WebSockets: `/api/sessions/{s}/events/ws?after=<n>&together=yes&token=<t>`. */
function openSockets(server: Server, sessions: Sessions, token: string): WebSocketServer {
  const sockets = new WebSocketServer({ noServer: true, maxPayload: 1024 })
  server.on('upgrade', (request, socket, head) => {
    const refuse = (status: number, body: unknown) => {
      const text = JSON.stringify(body)
      socket.end(
        `HTTP/1.1 ${status} \r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(text)}\r\nconnection: close\r\n\r\n${text}`,
      )
    }
    socket.on('error', () => socket.destroy())
    try {
      const url = new URL(request.url ?? '/', 'http://127.0.0.1')
      const header = (name: string) => request.headers[name.toLowerCase()]?.toString()
      const refused = admit({ method: 'GET', url, header }, token)
      if (refused)
        return refuse(refused.status, { error: { code: refused.code, message: refused.message, field: refused.field, rule: refused.rule } })
      const [, id] = /^\/api\/sessions\/([^/]+)\/events\/ws$/.exec(url.pathname) ?? []
      if (id === undefined) throw new Fault('not-found', `no WebSocket at ${url.pathname}`)
      const session = sessions.session(id)
      const given = url.searchParams.get('after')
      if (given !== null && !/^\d{1,15}$/.test(given))
        throw new Fault('bad-argument', `after is ${given}`, { field: 'after', value: given, rule: 'a number' })
      const together = url.searchParams.get('together')
      if (together !== null && together !== 'yes' && together !== 'no')
        throw new Fault('bad-argument', `together is ${together}`, { field: 'together', value: together, rule: 'yes or no' })
      const after = startOf(session, given === null ? undefined : Number(given))
      const listening = { happenings: session.happenings, after, together: together === 'yes' }
      sockets.handleUpgrade(request, socket, head, own => void feed(own, socket, { ...listening, over: sessions.use(session) }))
    } catch (error) {
      const { status, body } = failureOf(error)
      refuse(status, body)
    }
  })
  return sockets
}
