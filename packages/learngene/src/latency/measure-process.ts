import { readFile } from 'node:fs/promises'
import { availableParallelism, cpus } from 'node:os'
import { describeBackend, type UsedBackend } from '@learngene/backends'
import { type MeasureOptions, measureNetworks, type NamedNetwork, profileNetworks } from '@learngene/bench/latency'
import { descendantsOf, type Pool } from '@learngene/learngene-pool'
import { loadPool } from '@learngene/learngene-pool/node'
import {
  type Cascade,
  descendantOf,
  findWithStitches,
  formatPath,
  isCascadeFile,
  isCascadeText,
  loadCascade,
  type Path,
  type PathSpace,
  parseCascade,
  parsePath,
} from '@learngene/stitch'
import { loadModel, type Network, openSafetensors, type PartRegistry } from '@learngene/vit-blocks'
import { oneLine } from '../errors.js'
import { ownRegistry } from '../run/own-values.js'
import { startBackend } from '../start-backend.js'
import type { MeasureAnswer, Measured, MeasuredPath, MeasureRequest } from './measure-run.js'
import { poolHash, readStoredProfile, storeProfile } from './profile-store.js'

/** Paths of a space that whole networks are taken from; a profile needs all parts, not all paths. */
const MOST_PATHS = 2000

async function answer(request: MeasureRequest): Promise<MeasureAnswer> {
  const { configFile, backend, batch, seconds } = request
  const used = await startBackend(backend)
  const device = await deviceOf(used)
  const registry = await ownRegistry(configFile)
  if ('model' in request) {
    const [alone, both] = await timesOf(await casesIn(request.model, registry), { batch, seconds })
    return { device: { ...device, batch }, measured: [{ path: request.model, ...alone!, ...(both && { both }) }] }
  }
  const { pool: dir } = request
  const pool = await loadPool(dir, { parts: registry, spaces: registry?.spaces })
  if ('paths' in request) {
    return { device: { ...device, batch }, measured: await measure(pool, request.paths, { batch, seconds }) }
  }
  const key = { ...device, batch, pool: await poolHash(dir) }
  const stored = request.anew ? undefined : await readStoredProfile(request.folder, key)
  if (stored) return { profile: stored, stored: true }
  const paths = some(pool.space)
  const networks = descendantsOf(pool, paths).map((network, i): NamedNetwork => ({ name: formatPath(paths[i]!.path), network }))
  const profile = await profileNetworks(networks, device, { batch, seconds, whole: request.whole })
  const notKept = await storeProfile(request.folder, key, profile).then(() => undefined, oneLine)
  return { profile, stored: false, ...(notKept !== undefined && { notKept }) }
}

type Case = Parameters<typeof measureNetworks>[0][number]

/** A network; of a cascade both cases. */
const casesOf = (model: Network | Pick<Cascade, 'small' | 'large'>): Case[] =>
  'small' in model ? [false, true].map((both) => ({ small: model.small, large: model.large, both })) : [model]

const timesOf = async (cases: readonly Case[], options: MeasureOptions): Promise<Measured[]> =>
  (await measureNetworks(cases, options)).map(({ median, decile, interval, times }) => ({ median, decile, interval, runs: times.length }))

/** Whole paths and cascades, each case of them, in turns. */
async function measure(pool: Pool, texts: readonly string[], options: MeasureOptions): Promise<MeasuredPath[]> {
  const network = (path: Path) => descendantOf(pool, findWithStitches(pool.space, path)!)
  const cases = texts.map((text) => {
    if (!isCascadeText(text)) return casesOf(network(parsePath(text)))
    const { small, large } = parseCascade(text)
    return casesOf({ small: network(small), large: network(large) })
  })
  const times = await timesOf(cases.flat(), options)
  return texts.map((path, i) => {
    const [alone, both] = times.splice(0, cases[i]!.length)
    return { path, ...alone!, ...(both && { both }) }
  })
}

async function casesIn(file: string, parts: PartRegistry | undefined): Promise<Case[]> {
  const bytes = await readFile(file)
  const isOfTwo = isCascadeFile(await openSafetensors(bytes, { name: file }))
  return casesOf(
    isOfTwo ? (await loadCascade(bytes, { name: file, parts })).cascade : (await loadModel(bytes, { name: file, parts })).network,
  )
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

process.once('message', async (request: MeasureRequest) => {
  const reply = await answer(request).catch((error): MeasureAnswer => ({ error: oneLine(error) }))
  process.send!(reply, () => process.exit(0))
})
