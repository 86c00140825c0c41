import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { z } from 'zod'

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url))
const built = existsSync(at('../../packages/learngene/dist/bin.js'))

let cache: string
beforeAll(async () => {
  cache = await mkdtemp(join(tmpdir(), 'learngene-cache-'))
})
afterAll(() => rm(cache, { recursive: true }))

/** Runs a script on whatever adapter there is; what it prints, or why it cannot. */
async function run(name: string, ...options: string[]): Promise<{ stdout: string; stderr: string }> {
  const environment = { ...process.env, XDG_CACHE_HOME: cache }
  return promisify(execFile)(process.execPath, [at(`./${name}.mjs`), ...options], { env: environment, timeout: 240_000 }).catch(
    (error) => error,
  )
}

const head = {
  adapter: z.record(z.string(), z.string()),
  features: z.array(z.string()),
  model: z.literal('quick'),
  batch: z.literal(2),
  precision: z.literal('float32'),
}
const time = z.number().nonnegative()
const count = z.int().nonnegative()

const documents = {
  sweep: z.strictObject({
    ...{
      what: z.literal('sweep'),
      ...head,
      products: z.record(z.string(), count),
      best: z.record(z.string(), z.object({ ms: time, untunedMs: time })),
    },
    rows: z
      .array(
        z.strictObject({ product: z.string(), tile: z.string().regex(/^\d+x\d+$/), parts: z.int().positive(), ms: time, tflops: time }),
      )
      .min(1),
  }),
  tiles: z.strictObject({
    ...{ what: z.literal('tiles'), ...head },
    rows: z
      .array(
        z.strictObject({
          product: z.enum(['q|k|v', 'projection', 'fc1', 'fc2']),
          tile: z.string().regex(/^\d+x\d+$/),
          thread: z.string().regex(/^\d+x\d+$/),
          ms: time,
          tflops: time,
        }),
      )
      .min(8),
  }),
  traffic: z.strictObject({
    ...{
      what: z.literal('traffic'),
      of: z.enum(['train', 'forward']),
      ...head,
      clock: z.literal('device').nullable(),
      steps: z.int().min(1).max(5),
    },
    totals: z.strictObject({ dispatches: z.int().min(20), bytes: z.int().positive(), ms: time.nullable() }),
    rows: z
      .array(
        z.strictObject({
          kind: z.string().min(1),
          count: z.int().positive(),
          bytes: count,
          ms: time.nullable(),
          gigabytesPerSecond: time.nullable(),
        }),
      )
      .min(5),
  }),
  encode: z.strictObject({
    ...{ what: z.literal('encode'), ...head },
    recording: z.strictObject({ dispatches: z.int().positive(), uploads: z.literal(2), newBuffers: z.literal(0) }),
    uploadMs: z.number().positive(),
    rows: z.tuple(
      (['recorded', 'plain'] as const).map((form) =>
        z.strictObject({
          form: z.literal(form),
          firstMs: time,
          encodeMs: time,
          stepMs: time,
          share: z.number().max(1),
          steps: z.int().min(3),
        }),
      ) as never,
    ),
  }),
}

describe.skipIf(!built)(`the measurements of a GPU${built ? '' : ' (skipped: the packages are not built, run npm run build)'}`, () => {
  it.for(Object.entries(documents))('%s runs and prints one JSON document', async ([name, schema], { skip }) => {
    const { stdout, stderr } = await run(name, '--quick', '--json')
    const missing = /the backend webgpu cannot be started: .*/.exec(stderr)
    if (missing && !inject('required').includes('webgpu')) skip(missing[0])
    expect(schema.safeParse(JSON.parse(stdout)).error?.message).toBeUndefined()
  })

  it('traffic measures one step where there is no time for more', async ({ skip }) => {
    const { stdout, stderr } = await run('traffic', '--quick', '--json', '--seconds', '0.001')
    const missing = /the backend webgpu cannot be started: .*/.exec(stderr)
    if (missing && !inject('required').includes('webgpu')) skip(missing[0])
    expect(JSON.parse(stdout)).toMatchObject({ what: 'traffic', of: 'train', steps: 1 })
  })

  it('traffic of a forward pass has its dispatches, none of AdamW', async ({ skip }) => {
    const { stdout, stderr } = await run('traffic', '--quick', '--json', '--what', 'forward')
    const missing = /the backend webgpu cannot be started: .*/.exec(stderr)
    if (missing && !inject('required').includes('webgpu')) skip(missing[0])
    const { of, totals, rows } = documents.traffic.extend({ totals: z.looseObject({ dispatches: count }) }).parse(JSON.parse(stdout))
    expect(of).toBe('forward')
    expect(totals.dispatches).toBeGreaterThan(10)
    const kinds = rows.map(({ kind }) => kind)
    expect(kinds.some((kind) => kind.includes('learngene product'))).toBe(true)
    expect(kinds.filter((kind) => /adam/i.test(kind))).toEqual([])
  })

  it('compares mixed precision with float32 where the GPU has units for it, and says what is missing elsewhere', async ({ skip }) => {
    const { stdout, stderr } = await run('precision', '--quick', '--json')
    const missing = /the backend webgpu cannot be started: .*/.exec(stderr)
    if (missing && !inject('required').includes('webgpu')) skip(missing[0])
    if (stdout === '')
      return expect(stderr).toContain("precision.mjs: precision 'mixed' needs webgpu on a GPU with matrix units for float16")
    const error = z.number().nonnegative().max(0.02)
    const rows = z.array(z.strictObject({ product: z.string(), result: error, ofInput: error, ofWeight: error })).length(3)
    const step = z.strictObject({ loss: error, gradients: z.strictObject({ parameters: count, median: error, most: error }) })
    const document = z.looseObject({ what: z.literal('precision'), step, rows })
    expect(document.safeParse(JSON.parse(stdout)).error?.message).toBeUndefined()
  })

  it('lists the programs of a forward pass with what the driver tells of them, and keeps its binaries', async ({ skip }) => {
    const binaries = join(cache, 'binaries')
    const { stdout, stderr } = await run('programs', '--quick', '--json', '--what', 'forward', '--binaries', binaries)
    const missing = /the backend webgpu cannot be started: .*|programs.c cannot be compiled; .*/.exec(stderr)
    if (missing && !(missing[0].startsWith('the') && inject('required').includes('webgpu'))) skip(missing[0])
    const { rows } = z
      .strictObject({
        ...{ what: z.literal('programs'), of: z.literal('forward'), ...head },
        rows: z.array(z.object({ number: count, program: z.string().min(1) }).catchall(z.number())).min(9),
      })
      .parse(JSON.parse(stdout))
    expect(rows.map(({ program }) => program).filter((program) => program.includes('learngene product'))).not.toEqual([])
    expect(rows.map(({ number }) => number)).toEqual(rows.map((_, i) => i))
    expect((await readdir(binaries)).length).toBe(rows.length)
    // SwiftShader, for one, has no statistics.
    if (rows.every((row) => Object.keys(row).length === 2)) expect(stderr).toContain('the driver tells nothing of its programs')
  })

  it('refuses what it does not know', async () => {
    expect((await run('encode', '--model', 'deit-huge')).stderr).toContain(
      '--model must be deit-tiny, deit-small, deit-base; got deit-huge',
    )
    expect((await run('sweep', '--quick', '--seconds', '-1')).stderr).toMatch(/--seconds must be a number above 0|argument is ambiguous/)
  })
})
