/** A reader that must be given new firmware before it pays: it is told, and the update is offered where the app has one. */

import { type Fault, isFault, throwIfAborted } from '../../../src/errors.ts'
import type { Reader } from '../../../src/reader/reader.ts'
import type { Head } from './connect.ts'
import type { Phone } from './phone.ts'
import { faultWords, type Line } from './stage.ts'

/** True when the reader has it and is there again. False: it was not wanted. @throws Fault `aborted`, and what the update throws */
export async function updateReader(phone: Phone, reader: Reader, fault: Fault, head: Head): Promise<boolean> {
  const { stage, connection, signal } = phone
  const image = reader.updateFirmware && (await phone.firmware?.(reader.info, fault))
  if (!image) return false
  let failed: Fault | undefined
  for (;;) {
    const { action } = await stage.ask(
      words => ({
        ...{ kind: 'firmware', title: words.text('screen.firmware'), ...head(words) },
        lines: [fault, ...(failed ? [failed] : [])].map(
          (one): Line => ({ id: `fault.${one.code}`, text: faultWords(one, words.language), tone: one === fault ? 'warning' : 'error' }),
        ),
        actions: [words.action('back', 'button.back', 'cancel'), words.action('update', 'button.update', 'primary')],
      }),
      signal,
    )
    if (action === 'back') return false
    try {
      await update(phone, image)
      return true
    } catch (error) {
      throwIfAborted(signal)
      if (!isFault(error)) throw error
      failed = error
      await connection.ready({ timeout: phone.times.last, signal }).catch(() => {})
    }
  }
}

async function update({ stage, connection, signal, times }: Phone, image: Uint8Array): Promise<void> {
  const reader = await connection.ready({ timeout: times.last, signal })
  const { firmware: from } = reader.info
  let percent = 0
  stage.show(words => ({
    ...{ kind: 'updating', title: words.text('screen.firmware'), busy: true, progress: percent },
    lines: [from === undefined ? words.line('app.updatingUnknown', {}, 'strong') : words.line('app.updating', { from }, 'strong')],
  }))
  await reader.updateFirmware!(image, {
    signal,
    onProgress(done, total) {
      const now = Math.floor((100 * done) / total)
      if (now === percent) return
      percent = now
      stage.update()
    },
  })
  stage.show(words => ({
    kind: 'updating',
    title: words.text('screen.firmware'),
    busy: true,
    lines: [words.line('app.updated', {}, 'good')],
  }))
  await reader.close() // it restarts: the connection opens it anew
  await connection.ready({ timeout: times.last, signal })
}
