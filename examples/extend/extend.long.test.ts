import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const bin = fileURLToPath(new URL('../../packages/learngene/dist/bin.js', import.meta.url))
const reason = existsSync(bin) ? '' : ' (skipped: packages/learngene/dist is not built, run npm run build)'
const configOf = (example: string) => fileURLToPath(new URL(`${example}.config.ts`, import.meta.url))

describe.skipIf(reason !== '')(`extending by a configuration${reason}`, () => {
  let root: string
  beforeAll(() => {
    root = mkdtempSync(join(tmpdir(), 'learngene-extend-'))
  })
  afterAll(() => rm(root, { recursive: true, force: true }))

  const learngene = (...args: string[]) => promisify(execFile)(process.execPath, [bin, ...args], { cwd: root })

  /** What the run of an example left. */
  async function run(example: string, ...args: string[]) {
    const dir = join(root, example)
    await learngene('run', '--config', configOf(example), '--out', dir, '--backend', 'wasm', '--workers', '1', '--quiet', ...args)
    const json = (file: string) => JSON.parse(readFileSync(join(dir, file), 'utf8'))
    const lines = readFileSync(join(dir, 'metrics.jsonl'), 'utf8').trim().split('\n')
    const terms = (stage: string) => {
      const first = lines.map((line) => JSON.parse(line)).find((line) => line.stage === stage)
      return Object.keys(first?.values ?? {})
    }
    return { dir, report: json('report.json'), pool: json('pool/manifest.json'), terms }
  }

  it('takes losses: their terms are in the metrics, those that they replace are not', async () => {
    const { terms } = await run('loss')
    expect(terms('tier:w6')).toEqual(expect.arrayContaining(['label', 'logit', 'dkd']))
    expect(terms('tune')).toEqual(expect.arrayContaining(['labels', 'warm', 'neighbours']))
    expect(terms('tune')).not.toContain('logit')
  })

  it('takes a block: the ancestor, its tiers and the descendant are of it', async () => {
    const { report, pool } = await run('block', '--workers', '2')
    const kinds = pool.tiers.map(({ structure }: { structure: { blocks: { kind: string }[] } }) => structure.blocks.map(({ kind }) => kind))
    expect(kinds).toEqual([['mixer', 'mixer', 'mixer'], ['mixer', 'mixer', 'mixer']]) // biome-ignore format: one value
    expect(report.choice.logitDifference).toBeLessThan(1e-4)
    expect(report.ancestor.testAccuracy).toBeGreaterThan(0.6)
  })

  it('takes an embedding and a head: tiers inherit both, and the model is judged and used by the run alone', async () => {
    const structure = ({ tiers }: { tiers: { structure: unknown }[] }) => tiers[0]!.structure
    const { report, pool, dir } = await run('embedding')
    expect(structure(pool)).toMatchObject({ embedding: { kind: 'twice' }, embeddingWidth: 6, projectedFrom: 12 })
    expect(report.choice.logitDifference).toBeLessThan(1e-4)
    expect(report.ancestor.testAccuracy).toBeGreaterThan(0.6)
    const model = join(dir, 'descendant.safetensors')
    const { stdout } = await learngene('verify', '--model', dir, '--backend', 'wasm', '--json')
    expect(JSON.parse(stdout).outputs).toHaveLength(3)
    const given = await learngene('verify', '--model', model, '--config', configOf('embedding'), '--backend', 'wasm', '--json')
    expect(JSON.parse(given.stdout).outputs).toEqual(JSON.parse(stdout).outputs)
    await expect(learngene('verify', '--model', model, '--backend', 'wasm')).rejects.toThrow("unknown embedding kind 'twice'")
    const headed = await run('head')
    expect(structure(headed.pool)).toMatchObject({ head: { kind: 'highest' }, headWidth: 6 })
    expect(headed.report.choice.logitDifference).toBeLessThan(1e-4)
    expect(headed.report.ancestor.testAccuracy).toBeGreaterThan(0.6)
  })

  it('takes a path space: all descendants are of its paths, and one can be extracted', async () => {
    const { dir, report, pool } = await run('path-space')
    expect(pool.space).toEqual({ kind: 'early', share: 0.5 })
    expect(report.descendants.map(({ path }: { path: string }) => path)).toEqual([
      'w6d3[0-2]',
      'w12d3[0-2]',
      'w6d3[0-0]>w12d3[1-2]',
      'w6d3[0-1]>w12d3[2-2]',
    ])
    await learngene('extract', '--run', dir, '--path', 'w6d3[0-0]>w12d3[1-2]', '--out', join(root, 'extracted.safetensors'))
    expect(existsSync(join(root, 'extracted.safetensors'))).toBe(true)
  })

  it('takes a stitch kind: it starts as the initialiser says, is stored as it is, and merged in what is extracted', async () => {
    const { report, pool, dir } = await run('stitch')
    await learngene('extract', dir, '--path', 'w6d3[0-0]>w12d3[1-2]', '--out', join(root, 'merged.safetensors'))
    const verified = await learngene('verify', '--model', join(root, 'merged.safetensors'), '--backend', 'wasm', '--json')
    expect(JSON.parse(verified.stdout).outputs).toHaveLength(3)
    expect(pool.stitches).toMatchObject({ kind: 'gained', config: {} })
    const [ridge] = report.initialisers.rows
    expect(ridge.meanResidual).toBeLessThan(0.7)
    expect(report.choice.logitDifference).toBeLessThan(1e-4)
  })

  it('takes an initialiser, and compares it with others', async () => {
    const { report } = await run('initialiser')
    const rows = report.initialisers.rows as { name: string; meanResidual: number }[]
    expect(rows.map(({ name }) => name)).toEqual(['halfway', 'ridge', 'random'])
    const [halfway, ridge, random] = rows.map(({ meanResidual }) => meanResidual)
    expect(halfway).toBeGreaterThan(ridge!)
    expect(halfway).toBeLessThan(random!)
    expect(report.fineTuning.initialiser).toBe('halfway')
  })

  it('takes a data source', async () => {
    const { report } = await run('data')
    expect(report.images.training + report.images.validation + report.images.test).toBe(72)
    expect(report.ancestor.testAccuracy).toBeGreaterThan(0.6)
  })

  it('shows each in fewer than 40 lines', () => {
    for (const example of ['loss', 'block', 'embedding', 'head', 'path-space', 'stitch', 'initialiser', 'data']) {
      expect(readFileSync(configOf(example), 'utf8').trimEnd().split('\n').length, example).toBeLessThan(40)
    }
  })
})
