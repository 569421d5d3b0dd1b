/** The files of the bench's page, as the build left them: nothing outside their folder, nothing that a page of another place could put into a frame. */

import { readFile } from 'node:fs/promises'
import { extname, join, normalize, sep } from 'node:path'

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.woff2': 'font/woff2',
  '.json': 'application/json',
  '.map': 'application/json',
}

/** `folder` is left out where the page was not built. What is no file is the page itself. */
export async function pageFile(folder: string | undefined, path: string, policy: string): Promise<Response> {
  const missing = new Response('The page of the bench is not built: its API is at /api, its description at /api/openapi.json\n', {
    ...{ status: 404, headers: { 'content-type': 'text/plain; charset=utf-8' } },
  })
  if (folder === undefined) return missing
  const name = decoded(path)
  const file = name === undefined ? undefined : normalize(join(folder, name.endsWith('/') ? `${name}index.html` : name))
  const own = file?.startsWith(folder + sep) && types[extname(file)] !== undefined ? file : join(folder, 'index.html')
  try {
    const bytes = await readFile(own)
    // Names with a hash in them never change what they name.
    const kept = /[-.][\w-]{8,}\.(js|css|woff2)$/.test(own) ? 'public, max-age=31536000, immutable' : 'no-cache'
    return new Response(new Uint8Array(bytes), {
      headers: { 'content-type': types[extname(own)], 'cache-control': kept, 'content-security-policy': policy },
    })
  } catch {
    return missing
  }
}

function decoded(path: string): string | undefined {
  try {
    const name = decodeURIComponent(path)
    return name.includes('\0') ? undefined : name
  } catch {
    return undefined
  }
}
