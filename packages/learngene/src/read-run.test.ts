import { chmod, mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { run as runRecipe } from '@learngene/recipe'
import { diskStore } from '@learngene/recipe/node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { run } from './io.fixture.js'
import { quickstartRun } from './quickstart/run.js'
import { tinyQuickstart } from './quickstart/tiny.fixture.js'
import { sampleReport } from './report/sample.fixture.js'
import { buildRecipe, fingerprintOf, readImages } from './run/build-recipe.js'
import type { RunConfig } from './run/config.js'
import { stagesOfRun } from './run/run-folder.js'
import { smallRun, writeSmallPictures } from './run/small-pictures.fixture.js'
import { temporaryDirectory, writeRun } from './run.fixture.js'
import { startBackend } from './start-backend.js'

let root: string
let config: RunConfig
beforeAll(async () => {
  root = await temporaryDirectory()
  const training = join(root, 'my pictures')
  await writeSmallPictures(training, 10)
  config = { ...smallRun, images: { training } }
})
afterAll(() => rm(root, { recursive: true }))

const stored = (more: object = {}) => ({ schema: 1, command: 'run', version: '0', seed: 0, config, ...more })

/** A folder with these files: what is no text becomes JSON. */
async function folder(name: string, files: { readonly [file: string]: unknown }): Promise<string> {
  const dir = join(root, name)
  await mkdir(dir, { recursive: true })
  for (const [file, content] of Object.entries(files))
    await writeFile(join(dir, file), typeof content === 'string' ? content : JSON.stringify(content))
  return dir
}

/** What all commands that take a run say of one. */
async function said(dir: string): Promise<string> {
  const lines = new Set<string>()
  for (const argv of [
    ['search', dir, '--budget', 'macs=1G'],
    ['search', '--run', dir, '--budget', 'macs=1G', '--json'],
    ['extract', dir, '--budget', 'macs=1G'],
    ['extract', '--run', dir, '--path', 's[0-1]', '--json', '--out', join(root, 'none.safetensors')],
  ]) {
    const { code, stdout, stderr } = await run(argv)
    expect([code, stdout]).toEqual([1, ''])
    expect(stderr).toMatch(/^learngene: [^\n]+\n$/)
    lines.add(stderr.slice('learngene: '.length, -1))
  }
  expect(lines.size, [...lines].join('\n')).toBe(1)
  return [...lines][0]!
}

describe('a run that is not finished', () => {
  it('names what has not run, and the command that goes on', async () => {
    const dir = await folder('not begun ü', { 'run.json': stored() })
    const line = await said(dir)
    expect(line).toMatch(/ is not finished, still to run: \S.*; go on with: npx learngene run --out '.*\/not begun ü'$/)
    const { stages } = JSON.parse((await run(['status', dir, '--json'])).stdout)
    expect(line).toContain(`still to run: ${stages.map(({ stage }: { stage: string }) => stage).join(', ')};`)
    expect((await run(['status', dir])).stdout.endsWith(`\n\nnext: npx learngene run --out '${dir}'\n`)).toBe(true)
  })

  it('leaves out what has run', async () => {
    const dir = await folder('begun', { 'run.json': stored() })
    await startBackend('wasm')
    const ending = new AbortController()
    const recipe = buildRecipe(config, await readImages(config), 0, await fingerprintOf(config.ancestor))
    const store = diskStore(stagesOfRun(dir))
    await expect(
      runRecipe(recipe, {
        store,
        signal: ending.signal,
        report: async () => {
          if ((await store.list()).some(({ stage }) => stage === 'ancestor')) ending.abort(new Error('ended'))
        },
      }),
    ).rejects.toThrow()
    const { stages } = JSON.parse((await run(['status', dir, '--json'])).stdout) as { stages: { stage: string; state: string }[] }
    const left = stages.filter(({ state }) => state !== 'done').map(({ stage }) => stage)
    expect(left.length).toBeGreaterThan(0)
    expect(left.length).toBeLessThan(stages.length)
    expect(await said(dir)).toBe(`${dir} is not finished, still to run: ${left.join(', ')}; go on with: npx learngene run --out ${dir}`)
  })

  it('is one too where a finished run has since been given another configuration or seed', async () => {
    const report = { ...sampleReport(), command: 'run', config }
    const dir = await folder('changed', { 'run.json': stored({ seed: 1 }), 'report.json': report })
    expect(await said(dir)).toMatch(/ is not finished, still to run: /)
    await folder('changed', { 'run.json': stored({ config: { ...config, labelWeight: 0.3 } }) })
    expect(await said(dir)).toMatch(/ is not finished, still to run: /)
    await folder('changed', { 'run.json': stored() })
    expect((await run(['search', dir, '--budget', 'macs=8M'])).code).toBe(0)
  })

  it('is told of a quickstart', async () => {
    const dir = await folder('quick', { 'run.json': stored({ command: 'quickstart', config: quickstartRun(tinyQuickstart, undefined) }) })
    expect(await said(dir)).toMatch(/ is not finished, still to run: \S.*; go on with: npx learngene quickstart --out \S+$/)
  })

  it('is told where its pictures are gone', async () => {
    const dir = await folder('gone', { 'run.json': stored({ config: { ...config, images: { training: join(root, 'nowhere') } } }) })
    expect(await said(dir)).toMatch(
      /gone is not finished, and where it stands cannot be told: .*nowhere.*; mend that and go on with: npx learngene run --out \S+$/,
    )
  })
})

describe('what is no run', () => {
  it('is not there', async () => {
    const dir = join(root, 'not there')
    expect(await said(dir)).toBe(`there is no directory ${dir}; name another, or make a run with: npx learngene quickstart --out '${dir}'`)
    expect((await run(['status', dir])).stderr).toContain(`there is no directory ${dir}; `)
  })

  it('is a file, or beneath one', async () => {
    const dir = await folder('files', { 'a.safetensors': 'x' })
    const file = join(dir, 'a.safetensors')
    expect(await said(file)).toBe(`${file} is a file; name the directory of a run`)
    expect(await said(join(file, 'b'))).toContain('there is no directory ')
  })

  it('is another folder', async () => {
    const dir = await folder('other', { 'a.txt': 'x' })
    expect(await said(dir)).toBe(
      `${dir} is not a run: it has no report.json; name a directory that 'learngene run' or 'learngene quickstart' made`,
    )
  })

  it.skipIf(process.getuid?.() === 0 || process.platform === 'win32')('cannot be read', async () => {
    const dir = await folder('closed', { 'run.json': stored() })
    await chmod(dir, 0)
    expect(await said(dir)).toContain('cannot be read: EACCES')
    await chmod(dir, 0o700)
    await chmod(join(dir, 'run.json'), 0)
    expect(await said(dir)).toContain('cannot be read: EACCES')
  })
})

describe('a damaged run', () => {
  it.each([
    ['of another version', { ...stored(), schema: 2 }, 'run.json must have schema 1; it has 2: another version of learngene wrote it; '],
    ['that is no JSON', '{"schema": 1', 'run.json is not JSON ('],
    ['that is null', 'null', 'run.json must have schema 1; it has undefined'],
    ['without a configuration', { schema: 1, command: 'run', seed: 0 }, "run.json: 'config' cannot be: "],
    ['of another command', { ...stored(), command: 'study' }, "run.json: 'command' must be quickstart or run"],
  ])('has a run.json %s', async (name, content, message) => {
    const dir = await folder(`stored ${name}`, { 'run.json': content, 'report.json': sampleReport() })
    expect(await said(dir)).toContain(message)
  })

  it.each([
    ['is cut off', '{"schema": 2', 'report.json is not JSON ('],
    [
      'is of another version',
      { ...sampleReport(), schema: 3 },
      'report.json must have schema 2, it has 3: another version of learngene wrote it; ',
    ],
    ['lacks a value', { ...sampleReport(), descendants: [{}] }, 'report.json is damaged at descendants.0.'],
  ])('has a report.json that %s, which its command writes again', async (name, content, message) => {
    const dir = await folder(`report ${name}`, { 'run.json': stored(), 'report.json': content })
    const line = await said(dir)
    expect(line).toContain(message)
    expect(line.endsWith(`write it again with: npx learngene run --out '${dir}'`)).toBe(true)
  })

  it('has lost its pool, and its command writes that again', async () => {
    const dir = join(root, 'lost')
    const report = sampleReport()
    await writeRun(dir, report)
    await rm(join(dir, 'pool'), { recursive: true })
    const { code, stdout, stderr } = await run(['extract', dir, '--budget', 'macs=1G'])
    expect([code, stdout]).toEqual([1, ''])
    expect(stderr).toBe(
      `learngene: ${dir} has lost its pool: there is no folder ${join(dir, 'pool')}; write it again with: npx learngene quickstart --out ${dir}\n`,
    )
    expect((await run(['search', dir, '--budget', 'macs=1G'])).code).toBe(0)
  })
})
