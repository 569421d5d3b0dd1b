/** `tapdip-sim provoke <code> --serve`: the counter that ends so, for an app that somebody else has written. */

import { interrupted } from '../../../src/command/interruption.ts'
import { EXIT, language } from '../../../src/command/line.ts'
import { type Language, type MessageId, message } from '../../../src/messages/messages.ts'
import { usageFault } from '../../../src/refusal.ts'
import { hostEventLine } from '../../acquirer/events.ts'
import type { Case } from '../../scenario/matrix.ts'
import { partsOf, type ServedCounter, serveCase } from '../../scenario/over/served.ts'
import type { ProvokeCode } from '../../scenario/provoke.ts'
import { displayLine } from '../serve.ts'
import type { ProvokeFlags } from './flags.ts'

/** A code with the case that ends in it. */
export interface Wanted {
  readonly meant: ProvokeCode
  readonly one: Case
}

/** Runs until it is interrupted. @throws Fault `unsupported`, `busy` where a port is taken */
export async function serveProvoked(wanted: Wanted, { explain, json, lang, listen = 'tcp:0', port = 0 }: ProvokeFlags): Promise<number> {
  if (explain) throw usageFault('usage.conflict', { field: '--serve', other: '--explain' })
  const says = (line: string) => void (json || process.stdout.write(`${line}\n`))
  let told = false
  const counter = await serveCase(
    { ...wanted.one, plan: { language: language(lang), ...wanted.one.plan } },
    { listen, port },
    {
      onScreen: screen => told && says(displayLine(screen)),
      onHost: event => says(hostEventLine(event)),
      onAgain: () => says(message('provoke.again', language(lang))),
    },
  )
  try {
    process.stdout.write(
      `${json ? JSON.stringify(servedJson(wanted, counter), null, 2) : servedLines(wanted, counter, language(lang)).join('\n')}\n`,
    )
    told = true
    await interrupted()
  } finally {
    await counter.close()
  }
  return EXIT.ok
}

function servedJson({ meant, one }: Wanted, { uri, acquirer }: ServedCounter): object {
  const { app, pay } = partsOf(one.plan)
  return { code: meant.code, scenario: one.name, reader: uri, acquirer, app, ...(pay && { pay: commandOf(pay, uri, acquirer) }) }
}

function servedLines({ meant, one }: Wanted, { uri, acquirer }: ServedCounter, lang: Language): string[] {
  const { app, pay } = partsOf(one.plan)
  const row = (id: MessageId, text: string) => `${message(id, lang)}: ${text}`
  return [
    one.name,
    row('provoke.reader', uri),
    row('provoke.host', acquirer),
    ...app.map(line => row('provoke.app', line)),
    ...(pay ? [row('provoke.orRun', commandOf(pay, uri, acquirer).map(quoted).join(' '))] : []),
    row('provoke.ends', endOf(meant, lang)),
  ]
}

const commandOf = (pay: readonly string[], uri: string, acquirer: string): string[] => [
  ...['npx', 'tapdip', 'pay', ...pay],
  ...['--reader', uri, '--acquirer', acquirer],
]
/** As a shell takes it. */
const quoted = (word: string): string => (/^[\w./:=,-]+$/.test(word) ? word : `'${word}'`)

function endOf({ kind, code }: ProvokeCode, lang: Language): string {
  return kind === 'tvr' ? code : `${code} (${message(`${kind}.${code}` as MessageId, lang)})`
}
