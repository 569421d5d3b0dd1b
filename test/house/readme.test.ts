/** The README's programs, run as they stand there, and whether README and docs name what is there. Needs `npm run build` (npm test does it). */

import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { families } from '../../devices/index.ts'
import { knobs } from '../../simulator/readers/knobs.ts'

const root = resolve(import.meta.dirname, '../..')
const programs = [...readFileSync(join(root, 'README.md'), 'utf8').matchAll(/```js\n([\s\S]*?)```/g)].map(([, program]) => program)
const run = (program: string) =>
  execFileSync(process.execPath, ['--input-type=module', '-e', program], { cwd: root, encoding: 'utf8', timeout: 20_000 })

describe('README', () => {
  it('the program that pays gets a receipt, in at most 15 lines of code', () => {
    const out = run(programs[0])
    expect(out).toMatch(/^approved\n/)
    expect(out).toContain('Amount: 2500.00 RUB')
    expect(out).toContain('AID: A0000006581010 MIR')
    expect(out).toContain('PAN: 220000******0103')
    expect(out).not.toContain('2200000000000103')
    expect(programs[0].split('\n').filter(line => line.trim() !== '' && !line.startsWith('import')).length).toBeLessThanOrEqual(15)
  })

  it('the virtual counter opens and closes, and the process ends by itself', () => {
    expect(run(programs[1])).toBe('')
  })
})

describe('README and docs', () => {
  const text = (file: string) => readFileSync(join(root, file), 'utf8')
  const pages = ['README.md', ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' }).map(name => `docs/${name}`)].filter(
    name => name.endsWith('.md'),
  )
  /** As hosts of Markdown make the name of a heading: lower case, words and hyphens, spaces as hyphens. */
  const anchors = (file: string) =>
    [...text(file).matchAll(/^#+ (.*)$/gm)].map(([, title]) => title.toLowerCase().replace(/[^\p{L}\p{N} _-]/gu, '').replaceAll(' ', '-')) // biome-ignore format: one line

  it.each(pages)('%s: every link to a file leads to one, and to a heading that it has', page => {
    const links = [...text(page).matchAll(/\]\((?!https?:)([^)\s]+)\)/g)].map(([, link]) => link)
    for (const link of links) {
      const [path, anchor] = link.split('#')
      const file = path === '' ? page : join(dirname(page), path)
      expect(existsSync(join(root, file)), `${page}: ${link}`).toBe(true)
      if (anchor !== undefined) expect(anchors(file), `${page}: ${link}`).toContain(anchor)
    }
  })

  it('README leads to every page', () => {
    for (const page of pages.filter(name => name !== 'README.md')) expect(text('README.md')).toContain(`](${page})`)
  })

  it('each reader family has its row, its page and a link to it', () => {
    for (const { name } of families) expect(text('README.md')).toContain(`| [\`${name}\`](docs/devices/${name}.md) |`)
  })

  it('each command of both programs has its row', () => {
    for (const cli of ['devices/cli.js', 'simulator/cli.js']) {
      const help = execFileSync(process.execPath, [join(root, 'dist', cli), '--help'], { encoding: 'utf8' })
      const commands = [...help.slice(help.indexOf('Commands:')).matchAll(/^ {2}([a-z]+)/gm)].map(([, name]) => name).filter(name => name !== 'help') // biome-ignore format: one line
      expect(commands.length).toBeGreaterThan(4)
      for (const name of commands) expect(text('README.md')).toMatch(new RegExp(`^\\| \`${name}\\b`, 'm'))
    }
  })

  it('each knob of a served reader is in docs/simulator.md', () => {
    for (const [name, { takes }] of Object.entries(knobs))
      expect(text('docs/simulator.md')).toContain(`\`${`${name} ${takes}`.trim().replaceAll('|', '\\|')}\``)
  })
})
