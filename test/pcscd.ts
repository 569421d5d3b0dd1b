/** The PC/SC service with the slot of vpcd in it, for tests: one of them at a time, on any number of workers. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { VPCD_READER } from '../simulator/scenario/over/line.ts'
import { listPcscReaders } from '../src/transport/pcsc.ts'

const program = '/usr/sbin/pcscd'
const lock = join(tmpdir(), 'tapdip-test-pcscd')
const holder = join(lock, 'pid')

const packageThere = await import('smartcard').then(
  () => true,
  () => false,
)

export async function pcscAnswers(): Promise<boolean> {
  return (await listPcscReaders().catch((): string[] => [])).includes(VPCD_READER)
}

/** Another test of ours has it: it will be free. */
function held(): boolean {
  try {
    process.kill(Number(readFileSync(holder, 'utf8')), 0)
    return true
  } catch {
    return false
  }
}

/** What is not on this machine; nothing where tests over the service can run. */
export const pcscMissing = [
  !existsSync(program) && 'pcscd',
  !existsSync('/usr/lib/pcsc/drivers/serial/libifdvpcd.so') && 'vsmartcard-vpcd',
  !packageThere && 'the package smartcard',
  process.getuid?.() !== 0 && 'root',
  !held() && (await pcscAnswers()) && 'a slot of our own: a pcscd with vpcd runs already, and somebody may be using it',
].filter(Boolean)

/** Starts the service, as soon as no other test has it. It goes by itself where this process cannot end it any more. */
export async function startPcscd(): Promise<{ stop(): Promise<void> }> {
  for (let taken = false; !taken; ) {
    try {
      mkdirSync(lock)
      taken = true
    } catch {
      if (!held()) rmSync(lock, { recursive: true, force: true })
      await sleep(100)
    }
  }
  writeFileSync(holder, String(process.pid))
  const child: ChildProcess = spawn(program, ['--foreground', '--auto-exit'], { stdio: 'ignore' })
  for (let tries = 0; tries < 100 && !(await pcscAnswers()); tries++) await sleep(50)
  return {
    async stop() {
      if (child.exitCode === null && child.signalCode === null) {
        const ended = once(child, 'exit')
        child.kill()
        await ended
      }
      rmSync(lock, { recursive: true, force: true })
    },
  }
}
