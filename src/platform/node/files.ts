/** Files of this machine. */

import { readFileSync } from 'node:fs'

export function textOfFile(path: string): string {
  return readFileSync(path, 'utf8')
}

export async function textOfFileLater(path: string): Promise<string> {
  const { readFile } = await import('node:fs/promises')
  return readFile(path, 'utf8')
}

/** The whole file or nothing; its folder is made. */
export async function replaceFile(path: string, text: string): Promise<void> {
  const { mkdir, rename, writeFile } = await import('node:fs/promises')
  await mkdir(path.replace(/[^/\\]*$/, '') || '.', { recursive: true })
  const half = `${path}.${process.pid}`
  await writeFile(half, text)
  await rename(half, path)
}

export async function removeFile(path: string): Promise<void> {
  const { rm } = await import('node:fs/promises')
  await rm(path, { force: true })
}

/** `$TAPDIP_STATE`, else the place of the user's state (XDG Base Directory), else `~/.local/state/tapdip`. */
export function stateFolder(): string {
  const { TAPDIP_STATE, XDG_STATE_HOME, HOME, USERPROFILE } = process.env
  return TAPDIP_STATE ?? `${XDG_STATE_HOME ?? `${HOME ?? USERPROFILE ?? '.'}/.local/state`}/tapdip`
}
