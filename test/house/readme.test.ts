/** README and docs: every block of code runs as it stands there, every link leads somewhere, lines and cells are short, and what is there is named. Needs `npm run build` (npm test does it). */

import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { families } from '../../devices/index.ts'
import { knobs } from '../../simulator/readers/knobs.ts'
import { blocksOf, openRoom, type Room, shows } from './blocks.ts'

const root = resolve(import.meta.dirname, '../..')
const text = (file: string) => readFileSync(join(root, file), 'utf8')
const docs = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' }).map(name => `docs/${name}`)
const pages = ['README.md', ...docs].filter(name => name.endsWith('.md'))
const all = [...pages, 'CHANGELOG.md', 'CONTRIBUTING.md', 'SECURITY.md', 'examples/README.md']

/** Blocks that need a reader, a registry or a person, and those that are a piece of something. */
const NOT_RUN = 10

/** Programs and commands are run, JSON is read, text is only shown. */
const languages = { run: ['js', 'ts', 'sh'], read: ['json'], shown: ['text'] }

describe('the blocks of code', () => {
  const blocks = all.map(page => ({ page, blocks: blocksOf(text(page)) }))
  const runs = ({ language, notRun }: { language: string; notRun?: string }) => languages.run.includes(language) && notRun === undefined

  it('each says what it is, and whether it runs', () => {
    const known = Object.values(languages).flat()
    for (const { page, blocks: its } of blocks)
      for (const { language, line } of its) expect(known, `${page}:${line}: \`${language}\``).toContain(language)
  })

  it('few are not run, each for a reason', () => {
    const resting = blocks.flatMap(({ page, blocks: its }) =>
      its.filter(({ notRun }) => notRun !== undefined).map(({ notRun, line }) => `${page}:${line}: ${notRun}`),
    )
    for (const one of resting) expect(one).toMatch(/: .{10,}$/)
    expect(resting).toHaveLength(NOT_RUN)
  })

  for (const { page, blocks: its } of blocks.filter(one => one.blocks.some(runs)))
    describe(page, () => {
      let room: Room
      beforeAll(() => {
        room = openRoom()
      })
      afterAll(() => room.close())

      it.each(its.filter(runs).map(block => [`${block.language} at line ${block.line}`, block] as const))(
        '%s',
        { timeout: 240_000 },
        async (_, block) => {
          const { out, error } = await room.run(block)
          expect(error).toBeUndefined()
          if (block.output !== undefined && !shows(block.output, out)) expect(out).toBe(block.output)
          expect(out).not.toMatch(/\b(?:2200\d{12}|4\d{15}|5[1-5]\d{14})\b/) // a card number in clear
        },
      )
    })

  it.each(
    blocks.flatMap(({ page, blocks: its }) => its.filter(one => one.language === 'json').map(one => [`${page}:${one.line}`, one.code])),
  )('%s is JSON', (_, code) => {
    expect(() => JSON.parse(code)).not.toThrow()
  })

  it('an output that is another is found', () => {
    const [block] = blocksOf('```js\n1\n```\n\n```text output\nRRN: …\n```\n')
    expect(block).toMatchObject({ language: 'js', code: '1\n', output: 'RRN: …\n' })
    expect([shows(block.output!, 'RRN: 12\n'), shows(block.output!, 'RRN: 12\nPAN'), shows('a.c', 'abc')]).toEqual([true, false, false])
    expect(blocksOf('<!-- not run: a reader is wanted -->\n```sh\nx\n```\n')[0]).toMatchObject({ notRun: 'a reader is wanted' })
    expect(blocksOf('<!-- before:\nconst a = 1\n-->\n```js\na\n```\n')[0]).toMatchObject({ before: 'const a = 1' })
  })
})

describe('README', () => {
  const [program] = blocksOf(text('README.md')).filter(({ language }) => language === 'js')

  it('the program that pays is 12 lines at most', () => {
    expect(program.code).toContain('pay(')
    expect(program.code.split('\n').filter(line => line.trim() !== '').length).toBeLessThanOrEqual(12)
  })

  it('begins with what it is, a picture, how to install it, a program, the ways in; tables come after that', () => {
    const places = ['![', '## Install', '## A program that pays', '## Three ways in', '## Readers', '## Commands'].map(one =>
      text('README.md').indexOf(one),
    )
    expect(places.every(at => at > 0)).toBe(true)
    expect(places).toEqual(places.toSorted((one, other) => one - other))
  })
})

describe('README and docs', () => {
  /** As hosts of Markdown make the name of a heading: lower case, words and hyphens, spaces as hyphens. */
  const anchors = (file: string) =>
    [...text(file).matchAll(/^#+ (.*)$/gm)].map(([, title]) => title.toLowerCase().replace(/[^\p{L}\p{N} _-]/gu, '').replaceAll(' ', '-')) // biome-ignore format: one line

  it.each(all)('%s: every link to a file leads to one, and to a heading that it has', page => {
    const links = [...text(page).matchAll(/\]\((?!https?:)([^)\s]+)\)/g)].map(([, link]) => link)
    for (const link of links) {
      const [path, anchor] = link.split('#')
      const file = path === '' ? page : join(dirname(page), path)
      expect(existsSync(join(root, file)), `${page}: ${link}`).toBe(true)
      if (anchor !== undefined) expect(anchors(file), `${page}: ${link}`).toContain(anchor)
    }
  })

  it.each([...pages, 'examples/README.md'])(
    '%s: lines of 120 characters at most, cells of 400 (node scripts/wrap.mjs does the first)',
    page => {
      const long: string[] = []
      for (const [index, line] of text(page).split('\n').entries())
        if (/^\s*\|/.test(line)) {
          for (const cell of line.split(/(?<!\\)\|/))
            if (cell.trim().length > 400) long.push(`${page}:${index + 1}: a cell of ${cell.length}`)
        } else if ([...line].length > 120) long.push(`${page}:${index + 1}: ${[...line].length}`)
      expect(long).toEqual([])
    },
  )

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
