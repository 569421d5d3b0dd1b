/** Listeners of a session: over SSE and WebSocket, each at its own pace and from the number that it asks for. Nothing is queued for one that is slow: it is behind. */

import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import { isFault } from '../../src/errors.ts'
import { failureOf } from './failure.ts'
import type { Happenings } from './happenings.ts'

/** Milliseconds after which a quiet line is kept awake. */
const AWAKE = 15_000
/** Bytes on their way to one listener from which on it is waited for. */
const MOST_BUFFERED = 1024 * 1024
const encoder = new TextEncoder()

/** What somebody listens to. */
export interface Listening {
  readonly happenings: Happenings
  /** Number of the last event that is known. */
  readonly after: number
  /** Events that are close to each other are one message: a list of them. */
  readonly together: boolean
  /** The listener has gone. */
  readonly over: () => void
}

/** Messages of events after number `at`, each with the number of its last. @throws Fault `not-found` where they are not kept any more */
function messagesAfter(at: number, { happenings, together }: Listening): readonly (readonly [n: number, text: string])[] {
  const lines = happenings.after(at, undefined, together ? happenings.together : undefined)
  if (!together) return lines.map((line, place) => [at + place + 1, line] as const)
  return lines.length === 0 ? [] : [[at + lines.length, `[${lines.join(',')}]`]]
}

/** `id:` is the number of the event, of the last where there are several, so that a browser comes back to where it was. */
export function eventStream(listening: Listening): ReadableStream<Uint8Array> {
  const { happenings, after, together, over } = listening
  const gone = new AbortController()
  let at = after
  let waiting: Promise<void> | undefined
  const end = () => {
    gone.abort()
    over()
  }
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        // A line that is quiet for long is kept awake many times, and waits once.
        waiting ??= happenings.beyond(at, gone.signal, together).then(() => {
          waiting = undefined
        })
        await within(waiting, gone.signal)
        if (gone.signal.aborted) return
        try {
          let text = ''
          for (const [n, message] of messagesAfter(at, listening)) {
            at = n
            text += `id: ${n}\ndata: ${message}\n\n`
          }
          if (text === '' && happenings.ended) {
            end()
            return controller.close()
          }
          controller.enqueue(encoder.encode(text || ': \n\n'))
        } catch (error) {
          // It was too slow: what it missed is not kept any more.
          controller.enqueue(encoder.encode(`event: gone\ndata: ${JSON.stringify(failureOf(error).body)}\n\n`))
          end()
          controller.close()
        }
      },
      cancel: end,
    },
    { highWaterMark: 0 },
  )
}

/** Until `work` is done, or the line is to be kept awake. */
function within(work: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    const timer = setTimeout(done, AWAKE)
    timer.unref()
    signal.addEventListener('abort', done, { once: true })
    function done() {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    void work.then(done)
  })
}

/** The same as messages of a WebSocket. */
export async function feed(socket: WebSocket, line: Duplex, listening: Listening): Promise<void> {
  const { happenings, after, together, over } = listening
  const gone = new AbortController()
  const stop = () => gone.abort()
  socket.on('close', stop)
  socket.on('error', stop)
  const awake = setInterval(() => socket.ping(), AWAKE)
  awake.unref()
  try {
    for (let at = after; !gone.signal.aborted; ) {
      await happenings.beyond(at, gone.signal, together)
      if (gone.signal.aborted) break
      const messages = messagesAfter(at, listening)
      if (messages.length === 0 && happenings.ended) return socket.close(1000, 'the session has ended')
      line.cork() // many messages are one piece on the line
      for (const [, text] of messages) socket.send(text)
      line.uncork()
      at = messages.at(-1)?.[0] ?? at
      if (socket.bufferedAmount > MOST_BUFFERED) await drained(socket, gone.signal)
    }
  } catch (error) {
    socket.close(4410, isFault(error) ? error.message.slice(0, 100) : 'internal')
  } finally {
    clearInterval(awake)
    over()
  }
}

/** What was sent has left. */
function drained(socket: WebSocket, signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    signal.addEventListener('abort', () => resolve(), { once: true })
    socket.ping(undefined, undefined, () => resolve())
  })
}
