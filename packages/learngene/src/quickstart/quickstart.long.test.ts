import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { RunReport } from '@learngene/recipe/reports'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { temporaryDirectory } from '../run.fixture.js'
import { tinyQuickstart } from './tiny.fixture.js'

const bin = fileURLToPath(new URL('../../dist/bin.js', import.meta.url))
const reason = existsSync(bin) ? '' : ' (skipped: packages/learngene/dist is not built, run npm run build)'

describe.skipIf(reason !== '')(`learngene quickstart, two workers${reason}`, () => {
  let root: string
  let run: string
  let printed: RunReport
  const learngene = (...args: string[]) => execFileSync(process.execPath, [bin, ...args], { encoding: 'utf8', stdio: 'pipe', cwd: root })
  const quickstart = (...more: string[]) =>
    JSON.parse(learngene('quickstart', '--config', 'config.json', '--out', 'run', '--json', ...more)) as RunReport

  beforeAll(async () => {
    root = await temporaryDirectory()
    run = join(root, 'run')
    writeFileSync(join(root, 'config.json'), JSON.stringify(tinyQuickstart))
    printed = quickstart()
  })
  afterAll(() => rm(root, { recursive: true }))

  it('writes what it prints, a page, the pool and the chosen model', () => {
    expect(JSON.parse(readFileSync(join(run, 'report.json'), 'utf8'))).toEqual(printed)
    expect(readFileSync(join(run, 'report.html'), 'utf8')).toContain(printed.choice.path.replaceAll('>', '&gt;'))
    expect(existsSync(join(run, 'pool', 'manifest.json'))).toBe(true)
  })

  it('reloads the chosen descendant in a new process with the same logits', () => {
    expect(printed.choice.comparedImages).toBe(64)
    expect(printed.choice.logitDifference).toBeLessThan(1e-5)
  })

  it('does nothing a second time, and prints the same', () => {
    const { times: _, ...first } = printed
    const started = performance.now()
    const { times: __, ...second } = quickstart()
    expect(second).toEqual(first)
    expect(performance.now() - started).toBeLessThan(1000 * printed.times.total!)
  })

  it('is replaced by an equal run with the same seed, but for times', () => {
    const { times: _, ...first } = printed
    const { times, ...second } = quickstart('--force')
    expect(second).toEqual(first)
    expect(times.total).toBeGreaterThan(0)
  })

  it('is searched, extracted from and evaluated', () => {
    const { chosen, pareto } = JSON.parse(learngene('search', 'run', '--budget', 'macs=600k', '--json'))
    expect(chosen.path).toBe(printed.choice.path)
    expect(pareto.length).toBeGreaterThan(0)
    learngene('extract', '--run', 'run', '--path', chosen.path, '--out', 'small.safetensors')
    const { accuracy, images } = JSON.parse(learngene('evaluate', 'small.safetensors', '--json'))
    expect(images).toBe(2000)
    expect(accuracy).toBe(chosen.testAccuracy)
  })
})
