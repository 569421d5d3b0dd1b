/** What a page and an app link: the same programs by each bundler, without Node and without a byte too many, and one of them in a browser, paying. */

import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { basename } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { WebSocketServer } from 'ws'
import { virtualCounter } from '../../../simulator/world.ts'
import { noBrowser, Pages } from '../../simulator/scenario/report/browser.ts'
import { type Bundle, metroMisses, nodeIn, Project, weight, withEsbuild, withRollup, withVite, withWebpack } from './bundlers.ts'

const project = new Project()
const ends: (() => unknown)[] = [() => project.close()]
afterAll(async () => {
  for (const end of ends.reverse()) await end()
})

const bundlers = { esbuild: withEsbuild, Vite: withVite, Rollup: withRollup, webpack: withWebpack }
const made = new Map<string, Promise<Bundle>>()
const bundle = (name: keyof typeof bundlers, program = 'program.js') => {
  const key = `${name} ${program}`
  if (!made.has(key)) made.set(key, bundlers[name](project, program, project.out(key)))
  return made.get(key)!
}

const KB = 1000

describe('a page with a reader of any family, payments and a till', () => {
  it.each(Object.keys(bundlers) as (keyof typeof bundlers)[])('%s makes it without Node', async name => {
    const { initial, late, modules } = await bundle(name)
    expect(nodeIn([...initial, ...late])).toEqual([])
    expect(modules.filter(id => /dist\/(node|src\/platform\/node|devices\/drivers\/node)\//.test(id))).toEqual([])
    expect(modules.filter(id => /platform\/web\/transports/.test(id))).toHaveLength(1)
  })

  it('Metro finds every module of it for React Native, and those of a page', async () => {
    const { asked, misses } = await metroMisses(project, 'program.js')
    expect(misses).toEqual([])
    expect(asked).toBeGreaterThan(1000)
  })

  it.each(['Vite', 'Rollup', 'webpack'] as const)('%s: 120 kB at once, and each driver, the kernels and the anatomies late', async name => {
    const { initial, late } = await bundle(name)
    expect(weight(initial)).toBeLessThan(120 * KB)
    expect(weight(initial)).toBeGreaterThan(50 * KB)
    expect(late.length).toBeGreaterThan(8)
  })
})

describe('a page with a reader of one family', () => {
  it.each(['Vite', 'webpack'] as const)('%s: 60 kB with its driver, nothing of other families, payments and kernels', async name => {
    const { initial, late, modules } = await bundle(name, 'one-family.js')
    expect(weight([...initial, ...late])).toBeLessThan(60 * KB)
    const ours = modules.flatMap(id => /tapdip\/dist\/(.*)\.js/.exec(id)?.[1] ?? [])
    expect(ours.filter(id => /devices\/qpos\/driver$/.test(id))).toHaveLength(1)
    expect(ours.filter(id => /devices\/(bluepad|miura|idtech|magtek|vpcd)\//.test(id))).toEqual([])
    expect(ours.filter(id => /^src\/(payment|emv\/(contact|contactless\/kernels|oda)|decode)\//.test(id))).toEqual([])
  })
})

describe.skipIf(noBrowser)('in Chromium', () => {
  it('the page that Vite made pays over a reader’s line, and is refused by code what takes Node', async () => {
    const { initial, late } = await bundle('Vite')
    const files = new Map([...initial, ...late].map(file => [`/${basename(file)}`, file]))
    await using counter = await virtualCounter({ family: 'miura', card: 'visa-signature' })
    const server = createServer(async (request, response) => {
      if (request.url === '/favicon.ico') return void response.writeHead(204).end()
      const file = files.get(request.url?.replace('/assets', '') ?? '')
      if (file) return void response.setHeader('content-type', 'text/javascript').end(readFileSync(file))
      if (request.url === '/')
        return void response
          .setHeader('content-type', 'text/html')
          .end(`<h1>Shop</h1><script type="module" src="/assets/${basename(initial[0])}"></script>`)
      const body = await request.toArray()
      const answer = await fetch(new URL(request.url!, counter.acquirer.url), {
        method: request.method!,
        headers: { 'content-type': request.headers['content-type'] ?? 'application/json' },
        ...(body.length > 0 && { body: Buffer.concat(body) }),
      })
      response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? '' }).end(await answer.text())
    })
    const sockets = new WebSocketServer({ server, path: '/reader' })
    sockets.on('connection', socket => {
      const link = counter.link()
      socket.on('message', data => void link.send(new Uint8Array(data as Buffer)))
      socket.on('close', () => void link.close())
      void (async () => {
        for await (const bytes of link.incoming) socket.send(bytes)
      })().catch(() => socket.close())
    })
    await new Promise<void>(listening => server.listen(0, '127.0.0.1', listening))
    const { port } = server.address() as AddressInfo
    const pages = new Pages()
    ends.push(
      () => pages.close(),
      () => sockets.close(),
      () => server.close().closeAllConnections(),
    )
    const { page, complaints } = await pages.open(`http://127.0.0.1:${port}/`, { offline: false })
    await page.waitForFunction('"shop" in globalThis')
    const sold = await page.evaluate(`shop.sell('ws://127.0.0.1:${port}/reader', 'miura', location.origin)`)
    expect(complaints).toEqual([])
    expect(sold).toEqual({
      model: 'M000',
      result: 'approved',
      pan: expect.stringMatching(/^\d{6}\*+\d{4}$/),
      refused: 'node:net',
    })
    expect(counter.acquirer.order('web-1')).toMatchObject({ state: 'Approved' })
  })
})
