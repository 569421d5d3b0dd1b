/** The virtual acquirer without a wire between: for payments on a virtual clock, which no socket keeps. */

import type { Desk } from '../../../simulator/acquirer/desk/desk.ts'
import type { Reply } from '../../../simulator/acquirer/desk/reply.ts'
import { Fault } from '../../../src/errors.ts'
import type { Acquirer, HostAnswer } from '../../../src/payment/acquirer.ts'
import { decodeMessage, encodeMessage } from '../../../src/payment/host/wire.ts'

export function deskAcquirer(desk: Desk): Acquirer {
  const told = ({ answer }: Reply<HostAnswer>) => {
    if (!answer) throw new Fault('host-no-answer', 'the host is silent')
    return answer
  }
  return {
    authorise: async message => told(await desk.authorise(decodeMessage(encodeMessage(message)))),
    status: async key => told(await desk.status(key)),
    advise: async message => told(await desk.advise(decodeMessage(encodeMessage(message)))),
    async reverse(key, why) {
      told(await desk.reverse(key, why))
    },
  }
}
