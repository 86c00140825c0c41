import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createProgram } from '../packages/learngene/src/program.js'
import { given } from './given.js'
import { addressOf, fileOf, isRelative, slugOf } from './links.mjs'

// What the docs say is true of the repository: links lead somewhere, commands exist, examples run.

const root = fileURLToPath(new URL('..', import.meta.url))
const foldersIn = (folder: string) => readdirSync(join(root, folder)).map((name) => `${folder}/${name}`)
const docs = foldersIn('docs').filter((name) => name.endsWith('.md'))
const readmes = [...foldersIn('packages'), ...foldersIn('examples')].map((folder) => `${folder}/README.md`)
const pages = ['README.md', 'CONTRIBUTING.md', ...docs, ...readmes].filter((page) => existsSync(join(root, page)))
const textOf = (page: string) => readFileSync(join(root, page), 'utf8').replaceAll('\r\n', '\n')

interface Fence {
  readonly page: string
  /** Of its first line of code, from 1. */
  readonly line: number
  readonly info: string
  readonly code: string
}

function fencesOf(page: string): Fence[] {
  const fences: Fence[] = []
  const lines = textOf(page).split('\n')
  for (let i = 0; i < lines.length; i += 1) {
    const info = /^```(\w.*)$/.exec(lines[i]!)?.[1]
    if (info === undefined) continue
    const end = lines.indexOf('```', i + 1)
    fences.push({ page, line: i + 2, info, code: lines.slice(i + 1, end).join('\n') })
    i = end
  }
  return fences
}

const fences = pages.flatMap(fencesOf)
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

const declarations = join(root, 'packages/learngene/dist/node.d.ts')
const unbuilt = existsSync(declarations) ? '' : ' (skipped: packages are not built, run npm run build)'

describe.skipIf(unbuilt !== '')(`examples${unbuilt}`, () => {
  const examples = fences.filter(({ info }) => /^(ts|js|typescript)\b/.test(info))
  const placeOf = ({ page, line }: Fence) => `${page}:${line}`
  /** Each of which can be copied as it stands; all others may go on from what their page, or a list here, takes for granted. */
  const isWhole = ({ info }: Fence) => info === 'ts run'
  /** The tests of the packed packages run these, as the plain JavaScript that they are: TensorFlow.js's types want more of their tensors than that has. */
  const isPackedExample = (example: Fence) =>
    example.page.startsWith('packages/') && example === examples.find(({ page, info }) => page === example.page && info === 'ts')
  const givenOf = ({ page, code }: Fence) => given.find((each) => each.page === page && code.split('\n').includes(each.line))
  const sourceOf = (example: Fence) => {
    const { before = '', after = '' } = givenOf(example) ?? {}
    return { source: `${before}\n${example.code}\n${after}\nexport {}\n`, shift: `${before}\n`.split('\n').length - 1 }
  }
  let folder: string
  const fileOfExample = (example: Fence) => join(folder, `example-${examples.indexOf(example)}.ts`)

  beforeAll(() => {
    // Inside node_modules, from where the packages are found as they are by users.
    folder = mkdtempSync(join(root, 'node_modules/.docs-'))
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
    for (const example of examples) writeFileSync(fileOfExample(example), sourceOf(example).source)
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it('have what is given for them, each of which is a line of one', () => {
    const found = given.map(
      ({ page, line }) => examples.filter((each) => each.page === page && each.code.split('\n').includes(line)).length,
    )
    expect(found).toEqual(given.map(() => 1))
  })

  it.each([
    { what: 'those that run as they stand strictly', isChecked: isWhole, loosened: {} },
    {
      what: 'all others as loosely as JavaScript is',
      isChecked: (example: Fence) => !isWhole(example),
      loosened: { strict: false, noUncheckedIndexedAccess: false, noUnusedParameters: false },
    },
  ])('are typed: $what', ({ isChecked, loosened }) => {
    const { config } = ts.readConfigFile(join(root, 'tsconfig.base.json'), ts.sys.readFile)
    const { options } = ts.parseJsonConfigFileContent({ ...config, files: [] }, ts.sys, root)
    const checked = examples.filter(isChecked)
    expect(checked.length).toBeGreaterThan(0)
    const program = ts.createProgram(checked.map(fileOfExample), {
      ...options,
      ...loosened,
      noUnusedLocals: false,
      typeRoots: [join(root, 'node_modules/@types')],
    })
    // No such name, with and without one that is similar; no such export, no such module.
    const ofNames = new Set([2304, 2305, 2307, 2552, 2724])
    const errors = checked.flatMap((example) =>
      program
        .getSemanticDiagnostics(program.getSourceFile(fileOfExample(example)))
        .filter(({ code }) => !isPackedExample(example) || ofNames.has(code))
        .map(({ start = 0, file, messageText }) => {
          const line = example.line + (file?.getLineAndCharacterOfPosition(start).line ?? 0) - sourceOf(example).shift
          return `${example.page}:${line}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`
        }),
    )
    expect(errors).toEqual([])
  })

  const running = examples.filter((example) => isWhole(example) || givenOf(example)?.runs)
  it.each(running.map((example) => [placeOf(example), example] as const))('%s runs', (_, example) => {
    const dir = mkdtempSync(join(folder, 'run-'))
    const write = (name: string, of: Fence) => {
      const { outputText } = ts.transpileModule(sourceOf(of).source, {
        compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext },
      })
      writeFileSync(join(dir, name), outputText)
    }
    write('main.js', example)
    for (const [name, line] of Object.entries(givenOf(example)?.files ?? {}))
      write(name, examples.find(({ page, code }) => page === example.page && code.split('\n').includes(line))!)
    expect(() =>
      execFileSync(process.execPath, [join(dir, 'main.js')], { cwd: dir, encoding: 'utf8', stdio: 'pipe', timeout: 120_000 }),
    ).not.toThrow()
  })
})
