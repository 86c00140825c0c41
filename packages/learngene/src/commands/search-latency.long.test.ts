import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { descendantsOf, disposePool } from '@learngene/learngene-pool'
import { loadPool } from '@learngene/learngene-pool/node'
import type { RunReport } from '@learngene/recipe/reports'
import { costOfPath, formatPath } from '@learngene/stitch'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { run } from '../io.fixture.js'
import { sampleProfile } from '../latency/profile.fixture.js'
import { poolHash, profileFolder, storeProfile } from '../latency/profile-store.js'
import { sampleReport } from '../report/sample.fixture.js'
import { temporaryDirectory, writeRun } from '../run.fixture.js'

let root: string
let dir: string
let profile: string
beforeAll(async () => {
  root = await temporaryDirectory()
  dir = join(root, 'run')
  await writeRun(dir)
  const pool = await loadPool(join(dir, 'pool'))
  const paths = [...pool.space.enumerate()]
  const [first] = sampleReport().descendants
  // The more MACs, the better.
  const rows = paths.map((path, id) => ({ ...first!, id, path: formatPath(path.path), ...costOfPath(pool, path), bytes: 1000 + id }))
  const ranks = rows.map(({ macs }) => rows.filter((other) => other.macs < macs).length)
  const descendants = rows.map((row, i) => ({ ...row, validationAccuracy: 0.5 + ranks[i]! / 100, testAccuracy: 0.4 + ranks[i]! / 100 }))
  await writeFile(join(dir, 'report.json'), JSON.stringify({ ...sampleReport(), descendants } satisfies RunReport))
  profile = join(root, 'phone.json')
  await writeFile(profile, JSON.stringify(sampleProfile(descendantsOf(pool, paths))))
  disposePool(pool)
})
afterAll(() => rm(root, { recursive: true }))

describe('a search for a device that is not here', () => {
  // Two blocks, an embedding, a head and the reading take a millisecond each, the overhead half of one; a stitch takes one more.
  it('composes the latency of all descendants from its profile, and says that nothing was measured', async () => {
    const search = (cap: string) =>
      run(['search', dir, '--budget', `latency=${cap}@webgpu,batch=1`, '--profile', profile, '--json', '--quiet'])
    const loose = JSON.parse((await search('6.6ms')).stdout)
    expect(loose.chosen).toMatchObject({ path: 'l[0-1]', latency: 5.5 })
    expect(loose.latency).toMatchObject({ backend: 'webgpu', device: 'a phone', batch: 1, from: 'file', fresh: null, composedMs: 5.5 })
    expect(loose.latency.compositionError).toMatchObject({ paths: 1 })
    const { code, stderr } = await search('5.4ms')
    expect(stderr).toMatch(
      /^learngene: no candidate fits the budget latency=5.4ms: the smallest by latency is l\[0-1\] with 5.5ms; [^\n]*; latency is that on webgpu 4\.22\.0, a phone, batch 1\n$/,
    )
    const bytes = await run(['search', dir, '--budget', 'latency=9ms,bytes=1', '--profile', profile, '--quiet'])
    expect(bytes.stderr).toMatch(/the smallest by bytes is \S+ with 1KB; raise the cap to at least that\n$/)
    expect(code).toBe(1)
  })

  it('keeps the other caps too, and shows the latency beside them', async () => {
    const { stdout } = await run(['search', dir, '--budget', 'latency=9ms,bytes=1000', '--profile', profile, '--quiet'])
    expect(stdout).toMatch(/path +params +MACs +latency +untrained/)
    expect(stdout).toContain('\nchosen: s[0-1]\n')
    expect(stdout).toContain(
      '\nlatency on webgpu 4.22.0, a phone, batch 1\n  composed 5.5 ms of parts of a file; error of composition: median 2.0 %, ',
    )
    expect(stdout).toContain('\n  not measured: the profile is of a device that is not here\n')
  })

  it('extracts what it finds', async () => {
    const out = join(root, 'small.safetensors')
    const { code, stdout } = await run(['extract', dir, '--budget', 'latency=6ms', '--profile', profile, '--out', out, '--quiet'])
    expect(code).toBe(0)
    expect(stdout).toMatch(/^chosen within latency=6ms@auto,batch=1 on 1000 validation images: l\[0-1\]\n/)
    expect(existsSync(out)).toBe(true)
  })

  it('refuses a profile of another backend, batch or family, and what is none', async () => {
    const search = async (budget: string, file: string) =>
      (await run(['search', dir, '--budget', budget, '--profile', file, '--quiet'])).stderr
    expect(await search('latency=9ms@wasm', profile)).toContain(
      'must be a profile of wasm, batch 1; it is of webgpu 4.22.0, a phone, batch 1',
    )
    expect(await search('latency=9ms,batch=4', profile)).toContain('must be a profile of auto, batch 4; it is of')
    const other = join(root, 'other.json')
    await writeFile(other, JSON.stringify(sampleProfile([])))
    expect(await search('latency=9ms', other)).toContain("must have the part 'embedding images 28 x 28 x 1")
    expect(await search('latency=9ms', join(root, 'none.json'))).toContain('there is no latency profile')
  })
})

describe('an objective', () => {
  it('is the least of a measure among those that are accurate enough', async () => {
    const search = (objective: string, share: string) => {
      const device = objective === 'latency' ? ['--profile', profile] : []
      return run(['search', dir, '--objective', objective, '--min-accuracy', share, '--json', '--quiet', ...device])
    }
    const { chosen, runnerUp, why } = JSON.parse((await search('macs', '51%')).stdout)
    expect(chosen.validationAccuracy).toBeGreaterThanOrEqual(0.51)
    expect(runnerUp.macs).toBeGreaterThanOrEqual(chosen.macs)
    expect(why).toMatch(/ lost: its macs is /)
    expect(JSON.parse((await search('bytes', '0.5')).stdout).chosen.bytes).toBe(1000)
    expect(JSON.parse((await search('latency', '0.5')).stdout).chosen).toMatchObject({ latency: 5.5 })
    expect((await search('macs', '99%')).stderr).toMatch(
      /no descendant reaches the validation accuracy 99.0 %: the most is s\[0-1\]>l\[0-1\] with /,
    )
  })

  it('in bytes says where a report does not tell them', async () => {
    const old = join(root, 'old')
    await mkdir(old)
    const report = JSON.parse(await readFile(join(dir, 'report.json'), 'utf8')) as { descendants: { bytes?: number }[] }
    for (const row of report.descendants) delete row.bytes
    await writeFile(join(old, 'report.json'), JSON.stringify(report))
    const { stderr } = await run(['search', old, '--budget', 'bytes=1MB'])
    expect(stderr).toMatch(
      /^learngene: the report of .*old must tell the bytes of each descendant; an earlier version wrote it: make the run again/,
    )
  })
})

const bin = fileURLToPath(new URL('../../dist/bin.js', import.meta.url))
const reason = existsSync(fileURLToPath(new URL('../../dist/latency/measure-process.js', import.meta.url)))
  ? ''
  : ' (skipped: packages/learngene/dist is not built, run npm run build)'

describe.skipIf(reason !== '')(`a search on this device${reason}`, () => {
  const built = (...args: string[]) =>
    promisify(execFile)(process.execPath, [bin, ...args], { env: { ...process.env, XDG_CACHE_HOME: join(root, 'cache') } })

  it('measures the parts, then the finalists whole, keeps the profile and takes it again', async () => {
    const args = ['search', dir, '--budget', 'latency=10000ms@wasm,batch=2', '--json', '--quiet']
    const first = JSON.parse((await built(...args)).stdout)
    expect(first.chosen.path).toBe('s[0-1]>l[0-1]')
    expect(first.latency).toMatchObject({ backend: 'wasm', batch: 2, from: 'measured', passedOver: [] })
    const { median, interval, runs } = first.latency.fresh
    expect(interval[0]).toBeLessThanOrEqual(median)
    expect(interval[1]).toBeLessThanOrEqual(10_000)
    expect(runs).toBeGreaterThanOrEqual(10)
    expect(await readdir(join(root, 'cache', 'learngene', 'latency'))).toEqual([expect.stringMatching(/^wasm-batch2-[0-9a-f]{32}\.json$/)])
    expect(JSON.parse((await built(...args)).stdout).latency.from).toBe('stored')
    expect(JSON.parse((await built(...args, '--anew')).stdout).latency.from).toBe('measured')
  })

  it('keeps the caps that it is given when the choice is measured', async () => {
    await built('profile', dir, '--backend', 'wasm', '--seconds', '1', '--quiet')
    for (const cap of [0.9, 1.5, 4]) {
      // A busy machine may keep none: then it says so, and chooses nothing.
      const { stdout } = await built('search', dir, '--budget', `latency=${cap}ms@wasm`, '--json', '--quiet').catch(({ stderr }) => {
        expect(stderr).toMatch(/^learngene: no (candidate fits|descendant keeps)/)
        return { stdout: '' }
      })
      if (stdout === '') continue
      const { fresh, passedOver } = JSON.parse(stdout).latency
      expect(fresh.interval[1]).toBeLessThanOrEqual(cap)
      for (const { interval } of passedOver) expect(interval[1]).toBeGreaterThan(cap)
    }
  })

  it('writes a profile that another machine can search by, and leaves other files alone', async () => {
    const out = join(root, 'here.json')
    const { stdout } = await built('profile', dir, '--backend', 'wasm', '--seconds', '0.5', '--out', out, '--quiet')
    expect(stdout).toMatch(/^wasm 4\.22\.0, .*, batch 1\n/)
    const { code, stdout: found } = await run(['search', dir, '--budget', 'latency=10000ms@wasm', '--profile', out, '--json', '--quiet'])
    expect(code).toBe(0)
    expect(JSON.parse(found).latency).toMatchObject({ from: 'file', backend: 'wasm' })
    await writeFile(out, 'mine')
    await expect(built('profile', dir, '--backend', 'wasm', '--out', out, '--quiet')).rejects.toThrow(
      /is no latency profile and is left as it is/,
    )
    expect(await readFile(out, 'utf8')).toBe('mine')
  })

  it('tells what it has measured where that cannot be kept', async () => {
    const nowhere = { env: { ...process.env, XDG_CACHE_HOME: join(dir, 'report.json') } }
    const built = (...args: string[]) => promisify(execFile)(process.execPath, [bin, ...args], nowhere)
    const found = await built('search', dir, '--budget', 'latency=10000ms@wasm', '--json')
    expect(JSON.parse(found.stdout).latency.from).toBe('measured')
    expect(found.stderr).toContain('the times are not kept for later searches: ')
    const out = join(root, 'new', 'here.json')
    await built('profile', dir, '--backend', 'wasm', '--seconds', '0.5', '--out', out)
    expect(JSON.parse(await readFile(out, 'utf8'))).toMatchObject({ backend: 'wasm', batch: 1 })
    await expect(built('profile', dir, '--backend', 'wasm', '--seconds', '0.5', '--quiet')).rejects.toThrow(
      /learngene: the profile must be kept, and is not: [^\n]+; name a file for it with --out\n$/,
    )
  })

  it('says in one line where nothing keeps the cap, and where the backend is not here', async () => {
    await expect(built('search', dir, '--budget', 'latency=0.000001ms@wasm', '--quiet')).rejects.toThrow(
      /learngene: no candidate fits the budget latency=0.000001ms: the smallest by latency is /,
    )
    const { stderr } = await built('search', dir, '--budget', 'latency=0.000001ms', '--quiet').catch((error) => error)
    const [, backend] = /; latency is that on (\S+) [^\n]+, batch 1\n$/.exec(stderr) ?? []
    expect(backend).toBeDefined()
    const remedy = `, or measure on another backend than ${backend}, which auto took: small models may be faster with latency=0.000001ms@wasm, and`
    expect(stderr.includes(remedy)).toBe(backend !== 'wasm' && backend !== 'cpu')
    await expect(built('search', dir, '--budget', 'latency=1ms@tensorflow-gpu', '--quiet')).rejects.toThrow(
      /learngene: latency cannot be measured on tensorflow-gpu with batch 1: the backend tensorflow-gpu cannot be started: /,
    )
  })

  it('goes into the card of what is exported where it is asked for, of that very model', async () => {
    const out = join(root, 'exported')
    const args = ['export', dir, '--path', 's[0-1]', '--format', 'onnx', '--out', out, '--latency', 'wasm,batch=2', '--json', '--quiet']
    const { latency } = JSON.parse((await built(...args)).stdout)
    expect(latency[0]).toMatchObject({ backend: 'wasm 4.22.0', batch: 2, note: expect.stringContaining('whole, by this library') })
    const { milliseconds, interval } = latency[0]
    expect(interval[0]).toBeLessThanOrEqual(milliseconds)
    expect(interval[1]).toBeGreaterThanOrEqual(milliseconds)
    const card = await readFile(join(out, 'README.md'), 'utf8')
    const [low, high] = interval.map((each: number) => each.toPrecision(3))
    expect(card).toContain(`| wasm 4.22.0 | 2 | ${milliseconds.toPrecision(3)} | ${low} to ${high} |`)
  })
})

describe('the card of what is exported', () => {
  const cardOf = async (env: { readonly [name: string]: string }, path: string, ...more: string[]) => {
    const out = join(root, `card-${path.replaceAll(/\W/g, '-')}`)
    const { code, stderr } = await run(['export', dir, '--path', path, '--format', 'onnx', '--out', out, '--quiet', ...more], { env })
    return code === 0 ? readFile(join(out, 'README.md'), 'utf8') : stderr
  }

  it('states the times of stored profiles in which the model itself was timed, and no composed ones', async () => {
    const env = { XDG_CACHE_HOME: join(root, 'cards') }
    const folder = profileFolder(env)
    const timing = { ms: 3, median: 3.5, interval: [3.25, 4] as const }
    const stored = { ...sampleProfile([]), backend: 'wasm' as const, device: 'this laptop', whole: [{ name: 's[0-1]', ...timing }] }
    await storeProfile(folder, { ...stored, pool: await poolHash(join(dir, 'pool')) }, stored)
    // Of another pool, by which nothing is known of this one.
    await storeProfile(folder, { ...stored, device: 'elsewhere', pool: 'b'.repeat(64) }, { ...stored, device: 'elsewhere' })
    const timed = await cardOf(env, 's[0-1]')
    expect(timed).toContain(
      '| wasm 4.22.0 | 1 | 3.50 | 3.25 to 4.00 | this laptop | whole, by this library with float32 weights, when its family was profiled |',
    )
    expect(timed).not.toContain('elsewhere')
    expect(await cardOf(env, 'l[0-1]')).not.toContain('## Latency')
  })

  it('needs a backend that latency is measured on', async () => {
    expect(await cardOf({}, 's[0-1]', '--latency', 'tpu')).toMatch(/^learngene: .*latency is measured on one of auto, /)
  })
})
