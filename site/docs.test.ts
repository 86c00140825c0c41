import { existsSync, readdirSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createProgram } from '../packages/learngene/src/program.js'
import { addressOf, fileOf, isRelative, slugOf } from './links.mjs'
import { docs, fences, foldersIn, pages, root, textOf } from './pages.js'

// What the docs say is true of the repository: links lead somewhere, commands exist. Their examples: examples.long.test.ts.

const proseOf = (page: string) => textOf(page).replace(/^```[\s\S]*?^```$/gm, '')
const anchorsOf = (page: string) => new Set([...proseOf(page).matchAll(/^#{1,6} (.+)$/gm)].map(([, heading]) => slugOf(heading!)))

describe('links', () => {
  it.each(pages)('of %s lead to files and headings that there are', (page) => {
    const prose = proseOf(page).replaceAll(/`[^`\n]*`/g, '')
    const broken = [...prose.matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, href]) => {
      if (href!.startsWith('#')) return anchorsOf(page).has(href!.slice(1)) ? [] : [href]
      if (!isRelative(href!)) return []
      const { file, anchor } = fileOf(join(root, page), href!)
      if (!existsSync(file)) return [href]
      return anchor === undefined || anchorsOf(relative(root, file)).has(anchor) ? [] : [href]
    })
    expect(broken).toEqual([])
  })

  it.each(docs)('code that %s takes from files is there', (page) => {
    const files = [...textOf(page).matchAll(/^<<< (\S+)$/gm)].map(([, file]) => join(root, dirname(page), file!))
    expect(files.filter((file) => !existsSync(file))).toEqual([])
  })

  it('or the sidebar lead to every page of the docs', () => {
    const sidebar = [...textOf('site/.vitepress/config.ts').matchAll(/page\('[^']+', '([\w-]+)'\)/g)].map(([, name]) => `docs/${name}.md`)
    const linked = docs.flatMap((page) =>
      [...textOf(page).matchAll(/\]\(([\w-]+\.md)/g)].filter(([, file]) => `docs/${file}` !== page).map(([, file]) => `docs/${file}`),
    )
    expect(docs.filter((page) => page !== 'docs/README.md' && ![...linked, ...sidebar].includes(page))).toEqual([])
  })

  it('out of the docs have pages on the site where there are such', () => {
    const from = join(root, 'docs/faq.md')
    expect(addressOf(from, '../packages/stitch/README.md')).toBe('/api/stitch')
    expect(addressOf(from, '../examples/extend')).toBe('/extending')
    expect(addressOf(join(root, 'packages/ops/README.md'), '../../docs/costs.md#full')).toBe('/costs#full')
    expect(addressOf(from, 'README.md')).toBe('/')
  })

  it('of comments in the sources lead to pages and sections that there are', () => {
    const sections = new Set([...textOf('docs/method.md').matchAll(/^## (\d+) /gm)].map(([, section]) => section))
    const wrong = foldersIn('packages').flatMap((folder) => {
      const sources = existsSync(join(root, folder, 'src'))
        ? readdirSync(join(root, folder, 'src'), { recursive: true, encoding: 'utf8' })
        : []
      return sources
        .filter((file) => file.endsWith('.ts'))
        .flatMap((file) => {
          const comments = [...textOf(`${folder}/src/${file}`).matchAll(/^\s*(?:\/\*\*|\*|\/\/).*$/gm)].map(([line]) => line)
          const named = comments.flatMap((line) => [...line.matchAll(/(?<![\w/-])(?:docs\/)?([a-z-]+\.md)\b(?: section (\d+))?/g)])
          return named
            .filter(([, name, section]) => !existsSync(join(root, 'docs', name!)) || (section !== undefined && !sections.has(section)))
            .map(([text]) => `${folder}/src/${file}: ${text}`)
        })
    })
    expect(wrong).toEqual([])
  })
})

/** The words of a line as a shell splits them, up to a comment or the next command. */
function wordsOf(line: string): string[] {
  const words: string[] = []
  for (const [word] of line.matchAll(/(?:'[^']*'|"[^"]*"|[^\s'"])+/g)) {
    if (/^(#|\||&&|;|>)/.test(word)) break
    words.push(word.replaceAll(/'([^']*)'|"([^"]*)"/g, '$1$2'))
  }
  return words
}

/** @returns what is wrong with a command, as the command itself would say it; nothing is run */
async function problemOf(words: readonly string[]): Promise<string | undefined> {
  const output = { write: () => true }
  const program = createProgram({ stdout: output, stderr: output, signal: new AbortController().signal, env: {} })
  for (const command of program.commands) command.action(() => {})
  try {
    await program.parseAsync(words, { from: 'user' })
    return undefined
  } catch (error) {
    const { exitCode, message } = error as { exitCode?: number; message: string }
    return exitCode === 0 ? undefined : message
  }
}

describe('commands', () => {
  const commands = fences
    .filter(({ info }) => info === 'sh')
    .flatMap(({ page, line, code }) => code.split('\n').map((text, i) => ({ place: `${page}:${line + i}`, text })))
    .map(({ place, text }) => ({ place, text: /(?:^|\s)npx learngene (.*)$/.exec(text)?.[1] }))
    .filter((command): command is { place: string; text: string } => command.text !== undefined)

  it('are found', () => expect(commands.length).toBeGreaterThan(30))

  it('that do not exist are told', async () => {
    expect(await problemOf(['serch', 'runs/x'])).toContain('serch')
    expect(await problemOf(['search', 'runs/x', '--bugdet', 'macs=2M'])).toContain('--bugdet')
    expect(await problemOf(['cut', 'embedded', '--budget', 'macs=2M', '--width', '12'])).toContain('--width')
  })

  it('have names, options and values that the command takes', async () => {
    const problems = await Promise.all(commands.map(async ({ place, text }) => ({ place, text, problem: await problemOf(wordsOf(text)) })))
    expect(problems.filter(({ problem }) => problem !== undefined)).toEqual([])
  })
})
