import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, expect, it, vi } from 'vitest'
import { UsageError } from '../errors.js'
import { run } from '../io.fixture.js'
import { defaultConfig } from '../quickstart/config.js'
import { quickstartRun } from '../quickstart/run.js'
import { sampleReport } from '../report/sample.fixture.js'
import { type ProgramOptions, runProgram } from '../run/program.js'
import { temporaryDirectory } from '../temporary-directory.fixture.js'

vi.mock('../run/program.js', () => ({ runProgram: vi.fn() }))
const program = vi.mocked(runProgram)
beforeEach(() => {
  program.mockReset()
})

it('runs with its defaults and prints the table', async () => {
  program.mockResolvedValue(sampleReport())
  const { code, stdout } = await run(['quickstart'])
  expect(code).toBe(0)
  expect(program.mock.calls[0]![0]).toEqual({
    command: 'quickstart',
    outDir: 'runs/quickstart',
    config: quickstartRun(defaultConfig, undefined),
    seed: 0,
    backend: 'wasm',
    force: false,
    report: expect.any(Function),
    signal: expect.any(AbortSignal),
  } satisfies ProgramOptions)
  expect(stdout).toContain('The Pareto front of 31 models')
  expect(stdout).toContain('npx learngene extract runs/quickstart --path')
  expect(stdout).toContain(`\npage:     ${join('runs', 'quickstart', 'report.html')}\n`)
  expect(stdout).toMatch(/\n {2}npx learngene studio runs\/quickstart\n$/)
})

it('hands its options on, and prints the report as JSON', async () => {
  program.mockImplementation(async ({ report }) => {
    report({ kind: 'stage', name: 'distil' })
    return sampleReport()
  })
  const line = 'quickstart --out a --budget macs=5M,params=300k --seed 7 --workers 1 --data-dir d --backend cpu --force --json'
  const { code, stdout, stderr } = await run(line.split(' '))
  expect(code).toBe(0)
  expect(program.mock.calls[0]![0]).toMatchObject({
    outDir: 'a',
    config: { budget: { macs: 5e6, parameters: 3e5 }, images: { training: 'fashion-mnist:d' } },
    seed: 7,
    workers: 1,
    backend: 'cpu',
    force: true,
  })
  expect(JSON.parse(stdout)).toEqual(sampleReport())
  expect(stderr).toBe('[0:00] distil\n[0:00] distil: done in 0.0 s\n')
})

it('goes on with what the folder holds, options over it, and not with --force or a configuration', async () => {
  program.mockResolvedValue(sampleReport())
  const dir = await temporaryDirectory()
  const config = { ...quickstartRun(defaultConfig, 'my data'), budget: { macs: 12 } }
  await writeFile(join(dir, 'run.json'), JSON.stringify({ schema: 1, command: 'quickstart', version: '0', seed: 5, config }))
  const own = join(dir, 'own.json')
  await writeFile(own, '{ "featureImages": 5 }')
  for (const [more, expected] of [
    [[], { config, seed: 5 }],
    [['--force'], { config: quickstartRun(defaultConfig, undefined), seed: 0 }],
    [['--seed', '7'], { config, seed: 7 }],
    [['--budget', 'macs=3'], { config: { ...config, budget: { macs: 3 } }, seed: 5 }],
    [['--data-dir', 'd'], { config: { ...config, images: { ...config.images, training: 'fashion-mnist:d' } }, seed: 5 }],
    [['--config', own], { config: { ...quickstartRun(defaultConfig, undefined), featureImages: 5 }, seed: 0 }],
  ] as const) {
    const { code, stderr } = await run(['quickstart', '--out', dir, '--quiet', ...more])
    expect([code, stderr]).toEqual([0, ''])
    expect(program.mock.lastCall![0]).toMatchObject(expected)
  }
  const { stdout } = await run(['quickstart', '--out', dir, '--print-config'])
  expect(JSON.parse(stdout)).toEqual({ ...defaultConfig, budget: { macs: 12 } })
  await rm(dir, { recursive: true })
})

it.each([false, true])('tells a budget of what nothing measures, also where it prints the configuration: %s', async (printOnly) => {
  const dir = await temporaryDirectory()
  const file = join(dir, 'own.json')
  await writeFile(file, '{ "budget": { "mac": 5 } }')
  const { code, stdout, stderr } = await run(['quickstart', '--config', file, ...(printOnly ? ['--print-config'] : [])])
  expect([code, stdout, stderr]).toEqual([2, '', `learngene: ${file}: budget caps macs, parameters, memory, bytes; got mac\n`])
  expect(program).not.toHaveBeenCalled()
  await rm(dir, { recursive: true })
})

it('is quiet where it is told so', async () => {
  program.mockImplementation(async ({ report }) => {
    report({ kind: 'stage', name: 'distil' })
    return sampleReport()
  })
  const { stdout, stderr } = await run(['quickstart', '--quiet'])
  expect(stderr).toBe('')
  expect(stdout).not.toContain('next:')
})

it.each([
  [2, new UsageError('quickstart configuration: unknown key\n  "epochs"'), 'learngene: quickstart configuration: unknown key "epochs"\n'],
  [1, new Error('no space left'), 'learngene: no space left\n'],
])('ends with exit code %d and one line', async (expected, error, line) => {
  program.mockRejectedValue(error)
  expect(await run(['quickstart', '--json'])).toEqual({ code: expected, stdout: '', stderr: line })
})

it('ends with exit code 130 when it is interrupted, whatever the program throws then', async () => {
  const interruption = new AbortController()
  program.mockImplementation(async () => {
    interruption.abort()
    throw new Error('a worker was stopped')
  })
  const { code, stderr } = await run(['quickstart'], { signal: interruption.signal })
  expect(code).toBe(130)
  expect(stderr).toBe('learngene: interrupted; what is finished stands, and the same command goes on from the last checkpoint\n')
})

it('prints its configuration and ends', async () => {
  const { code, stdout, stderr } = await run(['quickstart', '--print-config', '--budget', 'macs=5M'])
  expect([code, stderr]).toEqual([0, ''])
  expect(JSON.parse(stdout)).toEqual({ ...defaultConfig, budget: { macs: 5e6 } })
  expect(program).not.toHaveBeenCalled()
})

it('prints that of a module, merged with the defaults, and refuses an option that there is not', async () => {
  const root = await temporaryDirectory()
  const [good, bad] = [join(root, 'good.ts'), join(root, 'bad.json')]
  await writeFile(good, 'export default () => ({ fineTuning: { epochs: 3 as number } })')
  await writeFile(bad, '{ "fineTuning": { "epoch": 3 } }')
  const { stdout } = await run(['quickstart', '--print-config', '--config', good])
  expect(JSON.parse(stdout)).toEqual({ ...defaultConfig, fineTuning: { ...defaultConfig.fineTuning, epochs: 3 } })
  expect(await run(['quickstart', '--print-config', '--config', bad])).toEqual({
    code: 2,
    stdout: '',
    stderr: `learngene: ${bad}: there is no option 'fineTuning.epoch'; did you mean 'epochs'?\n`,
  })
  await rm(root, { recursive: true })
})
