import { existsSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { packageRoot } from '../package-root.js'
import { temporaryDirectory } from '../temporary-directory.fixture.js'
import { type CheckOptions, check } from './check.js'

const signal = new AbortController().signal
const isBuilt = existsSync(join(packageRoot, 'dist', 'doctor', 'check-process.js'))

let root: string
beforeAll(async () => {
  root = await temporaryDirectory()
})
afterAll(() => rm(root, { recursive: true }))

/** Checks with a process of this source in place of the built one. */
async function checkWith(source: string, options: Partial<CheckOptions> = {}) {
  const file = join(root, `${Math.random()}.mjs`)
  await writeFile(file, source)
  return check({ backend: 'cpu' }, { signal, module: pathToFileURL(file), ...options })
}

describe('a process that fails is an answer', () => {
  it.each([
    ['crashes', 'process.abort()', /^its process fails \(ended by SIGABRT\)/],
    ['is killed', "process.kill(process.pid, 'SIGKILL')", /^its process fails \(ended by SIGKILL\)$/],
    ['throws', "throw new TypeError('no driver')", /^its process fails \(exit code 1\): TypeError: no driver$/],
    ['ends', '', /^its process fails \(exit code 0\)$/],
  ])('where it %s', async (_, source, reason) => {
    expect(await checkWith(source)).toEqual({ works: false, reason: expect.stringMatching(reason), seconds: expect.any(Number) })
  })

  it('where it hangs', async () => {
    const checked = await checkWith('for (;;);', { limitSeconds: 0.5 })
    expect(checked).toMatchObject({ works: false, reason: 'its process fails (no answer within 0.5 s)' })
    expect(checked.seconds).toBeGreaterThanOrEqual(0.5)
    expect(checked.seconds).toBeLessThan(10)
  })
})

it('an interruption is none', async () => {
  const interruption = new AbortController()
  const checked = checkWith('setInterval(() => {}, 1000)', { signal: interruption.signal })
  interruption.abort(new Error('interrupted'))
  await expect(checked).rejects.toThrow('interrupted')
})

describe.skipIf(!isBuilt)(
  `the built process${isBuilt ? '' : ' (skipped: packages/learngene/dist is not built, run npm run build)'}`,
  () => {
    it.each(['cpu', 'wasm'] as const)('computes on %s', async (backend) => {
      expect(await check({ backend }, { signal })).toMatchObject({ works: true, version: '4.22.0' })
    })

    it('says why not', async () => {
      expect(await check({ backend: 'cuda' as 'cpu' }, { signal })).toMatchObject({
        works: false,
        reason: expect.stringMatching(/must be one of .*, got 'cuda'$/),
      })
    })

    it('decodes images', async () => {
      expect(await check({ images: true }, { signal })).toMatchObject({ works: true, features: ['PNG', 'JPEG'] })
    })
  },
)
