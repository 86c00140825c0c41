import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { availableParallelism, cpus } from 'node:os'
import { join } from 'node:path'
import { describeBackend, type UsedBackend } from '@learngene/backends'
import { type MeasureOptions, measureNetworks, type NamedNetwork, profileNetworks } from '@learngene/bench/latency'
import { descendantsOf, type Pool } from '@learngene/learngene-pool'
import { loadPool } from '@learngene/learngene-pool/node'
import {
  descendantOf,
  findWithStitches,
  formatPath,
  isCascadeText,
  type Path,
  type PathSpace,
  parseCascade,
  parsePath,
} from '@learngene/stitch'
import { oneLine } from '../errors.js'
import { ownRegistry } from '../run/own-values.js'
import { startBackend } from '../start-backend.js'
import type { MeasureAnswer, Measured, MeasuredPath, MeasureRequest } from './measure-run.js'
import { readStoredProfile, storeProfile } from './profile-store.js'

/** Paths of a space that whole networks are taken from; a profile needs all parts, not all paths. */
const MOST_PATHS = 2000

async function answer(request: MeasureRequest): Promise<MeasureAnswer> {
  const { pool: dir, configFile, backend, batch, seconds } = request
  const used = await startBackend(backend)
  const device = await deviceOf(used)
  const registry = await ownRegistry(configFile)
  const pool = await loadPool(dir, { parts: registry, spaces: registry?.spaces })
  if ('paths' in request) {
    return { device: { ...device, batch }, measured: await measure(pool, request.paths, { batch, seconds }) }
  }
  const key = { ...device, batch, pool: await hashOf(dir) }
  const stored = request.anew ? undefined : await readStoredProfile(request.folder, key)
  if (stored) return { profile: stored, stored: true }
  const paths = some(pool.space)
  const networks = descendantsOf(pool, paths).map((network, i): NamedNetwork => ({ name: formatPath(paths[i]!.path), network }))
  const profile = await profileNetworks(networks, device, { batch, seconds, whole: request.whole })
  await storeProfile(request.folder, key, profile)
  return { profile, stored: false }
}

/** Whole paths and cascades, each case of them, in turns. */
async function measure(pool: Pool, texts: readonly string[], options: MeasureOptions): Promise<MeasuredPath[]> {
  const network = (path: Path) => descendantOf(pool, findWithStitches(pool.space, path)!)
  const cases = texts.map((text) => {
    if (!isCascadeText(text)) return [network(parsePath(text))]
    const { small, large } = parseCascade(text)
    const pair = { small: network(small), large: network(large) }
    return [false, true].map((both) => ({ ...pair, both }))
  })
  const latencies = (await measureNetworks(cases.flat(), options)).map(({ median, decile, interval, times }): Measured => {
    return { median, decile, interval, runs: times.length }
  })
  return texts.map((path, i) => {
    const [alone, both] = latencies.splice(0, cases[i]!.length)
    return { path, ...alone!, ...(both && { both }) }
  })
}

/** All paths, or many at equal distances. */
function some(space: PathSpace) {
  const count = space.count()
  if (count <= MOST_PATHS) return [...space.enumerate()]
  return Array.from({ length: MOST_PATHS }, (_, i) => space.at((BigInt(i) * (space.exactCount() - 1n)) / BigInt(MOST_PATHS - 1)))
}

async function deviceOf({ name, version }: UsedBackend) {
  const { device } = await describeBackend(name)
  const processor = `${cpus()[0]?.model.trim() ?? process.arch}, ${availableParallelism()} cores`
  return { backend: name, version, device: device ?? processor }
}

async function hashOf(dir: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(join(dir, 'manifest.json')))
    .digest('hex')
}

process.once('message', async (request: MeasureRequest) => {
  const reply = await answer(request).catch((error): MeasureAnswer => ({ error: oneLine(error) }))
  process.send!(reply, () => process.exit(0))
})
