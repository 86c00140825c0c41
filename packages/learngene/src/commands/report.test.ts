import { existsSync } from 'node:fs'
import { mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { RunReport } from '@learngene/recipe/reports'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { run } from '../io.fixture.js'
import { renderHtml } from '../report/html/index.js'
import { sampleReport } from '../report/sample.fixture.js'
import { temporaryDirectory } from '../temporary-directory.fixture.js'
import { shortNames } from './write-report.js'

const sample = sampleReport()

let root: string
beforeEach(async () => {
  root = await temporaryDirectory()
})
afterEach(() => rm(root, { recursive: true }))

/** A run's directory with nothing but its report, and a page where `page` is given. */
async function writeRun(name: string, report: object = sample, page?: string, text = JSON.stringify(report)): Promise<string> {
  const dir = join(root, name)
  await mkdir(dir, { recursive: true })
  await writeFile(join(dir, 'report.json'), text)
  if (page !== undefined) await writeFile(join(dir, 'report.html'), page)
  return dir
}

describe('learngene report of one run', () => {
  it("writes the run's page anew and prints its table", async () => {
    const dir = await writeRun('a', sample, '<!doctype html><title>Learngene of an earlier version</title>')
    const { code, stdout, stderr } = await run(['report', dir])
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toContain('The Pareto front of 31 models')
    expect(stdout.endsWith(`\nreport: ${join(dir, 'report.html')}\n`)).toBe(true)
    expect(await readFile(join(dir, 'report.html'), 'utf8')).toBe(renderHtml(sample))
  })

  it('writes where it is told, also of a run of learngene run', async () => {
    const report: RunReport = { ...sample, command: 'run' }
    const [dir, out] = [await writeRun('a', report), join(root, 'page.html')]
    const { code, stdout } = await run(['report', dir, '--out', out, '--json'])
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ file: out, runs: [{ name: 'a', dir, command: 'run', descendants: 31 }] })
    const page = await readFile(out, 'utf8')
    expect(page).toBe(renderHtml(report))
    expect(page).toContain('npx learngene run --seed 0')
    expect(existsSync(join(dir, 'report.html'))).toBe(false)
  })
})

describe('learngene report of several runs', () => {
  it('writes one page, with links to the pages of those that have one, and prints a table', async () => {
    const dirs = [
      await writeRun('a run', sample, 'x'),
      await writeRun('b', { ...sample, seed: 1 }),
      await writeRun('c&d', { ...sample, seed: 2 }, 'x'),
    ]
    const out = join(root, 'pages', 'side.html')
    await mkdir(join(root, 'pages'))
    const { code, stdout, stderr } = await run(['report', ...dirs, '--out', out])
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout.split('\n').map((line) => line.split(/ {2,}/))).toEqual([
      ['run', 'ancestor', 'models', 'macs=8M', 'macs=2M', 'macs=600k', 'stored', 'time'],
      expect.anything(),
      ...['a run', 'b', 'c&d'].map((name) => [name, '89.3 %', '31', '89.3 %', '88.3 %', '79.5 %', '1.81 M', '1 min 50 s']),
      [''],
      [`report: ${out}`],
      [''],
    ])
    const page = await readFile(out, 'utf8')
    expect(page.match(/<a href="[^"]*">/g)).toEqual(['<a href="../a%20run/report.html">', '<a href="../c%26d/report.html">'])
  })

  it('prints the same as JSON, and replaces the page that it wrote', async () => {
    const dirs = [await writeRun('a'), await writeRun('b', { ...sample, seed: 1 })]
    const out = join(root, 'side.html')
    await run(['report', ...dirs, '--out', out])
    const { code, stdout, stderr } = await run(['report', ...dirs, '--out', out, '--json'])
    expect([code, stderr]).toEqual([0, ''])
    const { file, runs } = JSON.parse(stdout)
    expect(file).toBe(out)
    expect(runs.map(({ name, seed, best }: { name: string; seed: number; best: object[] }) => [name, seed, best.length])).toEqual([
      ['a', 0, 3],
      ['b', 1, 3],
    ])
  })
})

describe('what cannot be reported is told in one line, and nothing is written', () => {
  it.each<[string, () => Promise<string[]>, number, RegExp]>([
    ['no run', async () => [], 2, /missing required argument 'run'/],
    [
      'a directory that is not there',
      async () => [join(root, 'gone')],
      1,
      /there is no directory .*gone; name another, or make a run with: npx learngene quickstart --out .*gone'?$/,
    ],
    ['a directory that is no run', async () => [root], 1, /is not a run: it has no report\.json/],
    ['one of two', async () => [await writeRun('a'), join(root, 'gone')], 1, /there is no directory/],
    ['the same run twice', async () => [await writeRun('a'), `${root}/./a/`], 2, /runs must be different, .*\/\.\/a\/ is named twice$/],
    [
      'a report of another command',
      async () => [await writeRun('a', { ...sample, command: 'bench' })],
      1,
      /must be the report of learngene quickstart or run; it has schema 2 and command "bench"$/,
    ],
    [
      'a report of another version',
      async () => [await writeRun('a', { ...sample, command: 'run', schema: 1 })],
      1,
      /must have schema 2, it has 1: .*; make the run again with: npx learngene run --out .*$/,
    ],
    ['a damaged report', async () => [await writeRun('a', { ...sample, descendants: [] })], 1, /is damaged at descendants: /],
    ['no JSON', async () => [await writeRun('a', sample, 'x', '{')], 1, /is not JSON/],
  ])('%s', async (_, dirs, expected, message) => {
    const out = join(root, 'out.html')
    const { code, stdout, stderr } = await run(['report', ...(await dirs()), '--out', out])
    expect([code, stdout]).toEqual([expected, ''])
    expect(stderr).toMatch(/^learngene: [^\n]+\n$/)
    expect(stderr.trimEnd()).toMatch(message)
    expect(existsSync(out)).toBe(false)
  })

  it('a file that is no page of learngene is replaced with --force only', async () => {
    const [dir, out] = [await writeRun('a'), join(root, 'notes.html')]
    await writeFile(out, '<title>my notes</title>')
    const refused = await run(['report', dir, '--out', out])
    expect(refused).toEqual({
      code: 1,
      stdout: '',
      stderr: `learngene: ${out} exists and is no page of learngene; name another file, or replace it with --force\n`,
    })
    expect(await readFile(out, 'utf8')).toBe('<title>my notes</title>')
    expect((await run(['report', dir, '--out', out, '--force'])).code).toBe(0)
    expect(await readFile(out, 'utf8')).toBe(renderHtml(sample))
  })

  it('a directory, and a folder that is not there', async () => {
    const dir = await writeRun('a')
    expect((await run(['report', dir, '--out', root])).stderr).toBe(`learngene: ${root} is a directory; name another file\n`)
    const out = join(root, 'nowhere', 'page.html')
    expect((await run(['report', dir, '--out', out])).stderr).toBe(
      `learngene: ${out}: cannot be written: there is no folder ${join(root, 'nowhere')}\n`,
    )
  })

  it('a link that leads to itself', async () => {
    const [dir, out] = [await writeRun('a'), join(root, 'loop')]
    await symlink(out, out)
    const { code, stderr } = await run(['report', dir, '--out', out])
    expect(code).toBe(1)
    expect(stderr).toMatch(/^learngene: [^\n]+\n$/)
  })
})

it.each<[string[], string[]]>([
  [
    ['runs/a', 'runs/b'],
    ['a', 'b'],
  ],
  [
    ['runs/a/', './runs/b'],
    ['a', 'b'],
  ],
  [
    ['x/a', 'y/a', 'y/b'],
    ['x/a', 'y/a', 'y/b'],
  ],
  [
    ['/x/1/a', '/y/1/a'],
    ['x/1/a', 'y/1/a'],
  ],
  [['only'], ['only']],
  [['/'], ['/']],
])('%j are called %j', (dirs, names) => {
  expect(shortNames(dirs)).toEqual(names)
})
