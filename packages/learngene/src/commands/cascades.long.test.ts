import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { temporaryDirectory, writeRun } from '../run.fixture.js'
import { evaluateRun } from './cascades.fixture.js'

const bin = fileURLToPath(new URL('../../dist/bin.js', import.meta.url))
const reason = existsSync(bin) ? '' : ' (skipped: packages/learngene/dist is not built, run npm run build)'

describe.skipIf(reason !== '')(`cascades on this device${reason}`, () => {
  let root: string
  let dir: string
  beforeAll(async () => {
    root = await temporaryDirectory()
    dir = join(root, 'run')
    await writeRun(dir)
    await evaluateRun(dir)
  })
  afterAll(() => rm(root, { recursive: true }))

  it('are measured in both cases, of which the mean counts', async () => {
    const args = ['search', dir, '--cascades', '--budget', 'latency=10000ms@wasm', '--json', '--quiet']
    const { stdout } = await promisify(execFile)(process.execPath, [bin, ...args], {
      env: { ...process.env, XDG_CACHE_HOME: join(root, 'cache') },
    })
    const { chosen, latency } = JSON.parse(stdout)
    expect(chosen.path).toMatch(/^cascade\(/)
    const { fresh, worst } = latency
    expect(worst.fresh.median).toBeGreaterThan(fresh.median)
    expect(fresh.interval[0]).toBeLessThanOrEqual(fresh.median)
    expect(fresh.interval[1]).toBeGreaterThanOrEqual(fresh.median)
    expect(chosen.worstLatency).toBeGreaterThan(chosen.latency)
  })
})
