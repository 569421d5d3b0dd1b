/** A page has no files of its own: whoever names one is told so. */

import { onlyNode } from './only-node.ts'

const none = () => onlyNode('file', 'node:fs')

/** @throws Fault `unsupported` */
export function textOfFile(_path: string): string {
  throw none()
}

/** @throws Fault `unsupported` */
export async function textOfFileLater(_path: string): Promise<string> {
  throw none()
}

/** @throws Fault `unsupported` */
export async function replaceFile(_path: string, _text: string): Promise<void> {
  throw none()
}

/** @throws Fault `unsupported` */
export async function removeFile(_path: string): Promise<void> {
  throw none()
}

/** @throws Fault `unsupported` */
export function stateFolder(): string {
  throw none()
}
