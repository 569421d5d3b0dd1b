/** `tapdip-sim play <file>`: a recorded reader that any app can pay with. */

import type { Command } from 'commander'
import { families, readRecording } from '../../devices/index.ts'
import { choice, onlyFor } from '../../src/command/flags.ts'
import { interrupted } from '../../src/command/interruption.ts'
import { language } from '../../src/command/line.ts'
import { type Fault, isFault } from '../../src/errors.ts'
import { faultMessage, message } from '../../src/messages/messages.ts'
import { bridge } from '../../src/recording/bridge.ts'
import { playback } from '../../src/recording/playback.ts'
import { usageFault } from '../../src/refusal.ts'
import type { Link } from '../../src/transport/link.ts'
import { needBytes } from '../../src/transport/need-bytes.ts'
import type { RecordedCard } from '../cards/recorded.ts'
import { signedAnew } from '../cards/signed-anew.ts'
import { listen, placeOf } from '../readers/listen/listen.ts'
import { type SlotCard, VpcdCard } from '../readers/vpcd.ts'
import { cardFrom } from './recorded-card.ts'

interface PlayFlags {
  readonly listen: string
  readonly family?: string
  readonly dialect?: string
  readonly fresh?: boolean
  readonly lang?: string
}

/** Where bytes go as a host writes them; over HID and Bluetooth a device sees them in other pieces. */
const plain = 'pty, tcp:<port>, tcp:<host>:<port>, serial:<path>'

function plainPlace(field: string, where: string): string {
  const { kind } = placeOf(where, field)
  if (kind === 'pty' || kind === 'tcp' || kind === 'serial') return where
  throw usageFault('usage.oneOf', { field, value: where, allowed: plain })
}

function playPlace(field: string, where: string): string {
  return placeOf(where, field).kind === 'pcsc' ? where : plainPlace(field, where)
}

export function addPlay(program: Command): void {
  program
    .command('play')
    .description('a recorded reader that any app can pay with, until Ctrl-C; each connection begins the recording anew')
    .argument('<file>', 'of tapdip pay --record, or serve --record')
    .option(
      '--listen <where>',
      'pty, tcp:<port>, tcp:<host>:<port> or serial:<path>; a card: tcp:…, or pcsc for the slot of a pcscd',
      text => playPlace('--listen', text),
      'pty',
    )
    .addOption(
      choice(
        '--family <name>',
        'of the reader, where the recording does not tell',
        families.filter(({ dissector }) => dissector).map(({ name }) => name),
      ),
    )
    .addOption(
      choice(
        '--dialect <name>',
        'that it spoke, where the recording does not tell',
        families.flatMap(({ dialects = [] }) => dialects),
      ),
    )
    .option('--fresh', 'a recorded card that is one of the profiles makes cryptograms and signatures of its own, with the test keys')
    .action(async (file: string, flags: PlayFlags) => {
      const { trace, family, dialect, dissector } = readRecording(file, flags, '<file>')
      needBytes(trace)
      if (family.name !== 'vpcd') plainPlace('--listen', flags.listen)
      if (family.name !== 'vpcd') onlyFor('vpcd', { '--fresh': flags.fresh })
      const tell = (fault: Fault) => void process.stderr.write(`reader: ${faultMessage(fault, language(flags.lang))}\n`)
      // A card's line is a card again, whatever it is asked first.
      const card = family.name === 'vpcd' ? new VpcdCard(await heldCard(file, cardFrom(file, trace), flags), { onFault: tell }) : undefined
      const serve = async (link: Link) => {
        if (card) return card.serve(link)
        const by = await bridge(playback(trace, { dissector, mtu: link.mtu }), link)
        if (isFault(by) && by.code !== 'link-closed') tell(by)
      }
      const listening = await listen(flags.listen, serve, { onError: tell })
      const more = new URLSearchParams({ family: family.name, ...(dialect !== undefined && { dialect }) })
      process.stdout.write(
        `${file}: ${listening.uri}${listening.uri === 'pcsc:' ? '' : `${listening.uri.includes('?') ? '&' : '?'}${more}`}\n`,
      )
      await interrupted()
      await listening.close()
    })
}

/** As it was recorded, or signed anew, where that is asked for and it is one of ours. */
async function heldCard(file: string, recorded: RecordedCard, { fresh, lang }: PlayFlags): Promise<SlotCard> {
  if (!fresh) return recorded
  const anew = await signedAnew(recorded)
  const told = anew ? message('play.fresh', language(lang), { card: anew.plan.name }) : message('play.verbatim', language(lang))
  process.stderr.write(`${file}: ${told}\n`)
  if (!anew) return recorded
  return recorded.tapped ? { plan: anew.plan, atr: recorded.atr, contact: power => anew.contactless(power) } : anew
}
