import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { availableParallelism, cpus } from 'node:os'
import { join } from 'node:path'
import { describeBackend, type UsedBackend } from '@learngene/backends'
import { measureNetworks, type NamedNetwork, profileNetworks } from '@learngene/bench/latency'
import { descendantsOf } from '@learngene/learngene-pool'
import { loadPool } from '@learngene/learngene-pool/node'
import { formatPath, type PathSpace, parsePath } from '@learngene/stitch'
import { oneLine } from '../errors.js'
import { ownRegistry } from '../run/own-values.js'
import { startBackend } from '../start-backend.js'
import type { MeasureAnswer, MeasuredPath, MeasureRequest } from './measure-run.js'
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
    const paths = request.paths.map((text) => pool.space.find(parsePath(text))!)
    const latencies = await measureNetworks(descendantsOf(pool, paths), { batch, seconds })
    const measured = latencies.map(({ median, decile, interval, times }, i): MeasuredPath => {
      return { path: request.paths[i]!, median, decile, interval, runs: times.length }
    })
    return { device: { ...device, batch }, measured }
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
