import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { run } from '../io.fixture.js'

const tiny = JSON.stringify({ imageSize: 8, patchSize: 4, channels: 1, width: 8, depth: 1, heads: 2, classes: 4 })

it.each([
  [['--seconds', '0'], 'It must be a number of seconds above 0'],
  [['--batch', '0'], 'It must be an integer from 1 to 65536'],
  [['--precision', 'half'], 'Allowed choices are float32, mixed'],
  [['--what', 'sleep'], "It must be train or forward; got 'sleep'"],
  [['deit-tiny', '--model', 'deit-small'], 'tune takes one model; got deit-tiny and --model deit-small'],
])('learngene tune %j is one line and exit code 2', async (argv, message) => {
  const { code, stdout, stderr } = await run(['tune', ...argv])
  expect([code, stdout]).toEqual([2, ''])
  expect(stderr).toMatch(/^learngene: [^\n]+\n$/)
  expect(stderr).toContain(message)
})

const available = JSON.parse((await run(['backends', '--json'])).stdout).backends[1].available as boolean

describe.skipIf(!available)('on webgpu', () => {
  let cache: string
  beforeAll(async () => {
    cache = await mkdtemp(join(tmpdir(), 'learngene-cache-'))
    vi.stubEnv('XDG_CACHE_HOME', cache)
  })
  afterAll(async () => {
    vi.unstubAllEnvs()
    await rm(cache, { recursive: true })
  })

  it('measures the products of a step and keeps what it finds', async () => {
    const { code, stdout, stderr } = await run(['tune', tiny, '--batch', '2', '--seconds', '20', '--what', 'forward', '--json'])
    expect([code, stderr.includes('Error')]).toEqual([0, false])
    const { shapes, plans, findingSeconds, file, device } = JSON.parse(stdout)
    expect(findingSeconds).toBeGreaterThan(0)
    expect(device).toMatch(/\S/)
    // Patches, q | k | v, projection, two of the perceptron, classifier.
    expect(shapes).toBe(6)
    for (const { ms, untunedMs } of Object.values<{ ms: number; untunedMs: number }>(plans)) expect(ms).toBeLessThanOrEqual(untunedMs)
    expect(await readdir(join(cache, 'learngene', 'webgpu'))).toEqual([file.split('/').at(-1)])
  })

  it('measures nothing where what it finds cannot be kept, and says so in one line', async () => {
    vi.stubEnv('XDG_CACHE_HOME', '/dev/null')
    try {
      const { code, stdout, stderr } = await run(['tune', tiny, '--batch', '2', '--seconds', '6'])
      expect([code, stdout]).toEqual([1, ''])
      expect(stderr).toMatch(
        /learngene: measured plans cannot be kept in \/dev\/null\S*: ENOTDIR: [^\n]*; give this user the right [^\n]*\n$/,
      )
      expect(stderr).not.toContain('are not used')
    } finally {
      vi.stubEnv('XDG_CACHE_HOME', cache)
    }
  })

  it('says how much of its time it took to find the products', async () => {
    const { code, stdout } = await run(['tune', tiny, '--batch', '2', '--seconds', '0.001', '--what', 'forward'])
    expect(code).toBe(0)
    expect(stdout).toMatch(/\n6 products found in \d+\.\d of 0\.001 s, 0 measured on /)
  })

  it('tells that measured plans are kept where it is interrupted', async () => {
    const { code, stderr } = await run(['tune', tiny, '--batch', '2'], { signal: AbortSignal.abort(new Error('interrupted')) })
    expect([code, stderr]).toEqual([130, expect.stringMatching(/learngene: interrupted; the plans that were measured by then are kept\n$/)])
  })

  it('tunes mixed precision where the GPU has units for it, and says what is missing where not', async () => {
    const { code, stderr, stdout } = await run(['tune', tiny, '--batch', '2', '--seconds', '5', '--precision', 'mixed', '--json'])
    if (code === 0) return expect(Object.keys(JSON.parse(stdout).plans).every((key) => key.startsWith('f16 '))).toBe(true)
    expect([code, stdout]).toEqual([1, ''])
    expect(stderr).toMatch(/learngene: tune: precision 'mixed' needs webgpu on a GPU with matrix units for float16; .*\n$/)
  })
})
