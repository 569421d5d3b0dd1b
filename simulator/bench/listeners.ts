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

/** `id:` is the number of an event, so that a browser comes back to where it was. */
export function eventStream(happenings: Happenings, after: number, over: () => void): ReadableStream<Uint8Array> {
  const gone = new AbortController()
  let at = after
  const end = () => {
    gone.abort()
    over()
  }
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        if (happenings.last <= at && !happenings.ended) await within(happenings.beyond(at, gone.signal), gone.signal)
        if (gone.signal.aborted) return
        try {
          const lines = happenings.after(at)
          let text = ''
          for (const line of lines) text += `id: ${++at}\ndata: ${line}\n\n`
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

/** Each event is one message. */
export async function feed(socket: WebSocket, line: Duplex, happenings: Happenings, after: number, over: () => void): Promise<void> {
  const gone = new AbortController()
  const stop = () => gone.abort()
  socket.on('close', stop)
  socket.on('error', stop)
  const awake = setInterval(() => socket.ping(), AWAKE)
  awake.unref()
  try {
    for (let at = after; !gone.signal.aborted; ) {
      await happenings.beyond(at, gone.signal)
      if (gone.signal.aborted) break
      const lines = happenings.after(at)
      if (lines.length === 0 && happenings.ended) return socket.close(1000, 'the session has ended')
      line.cork() // many messages are one piece on the line
      for (const text of lines) socket.send(text)
      line.uncork()
      at += lines.length
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
