import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { disposePool, extractDescendant } from '@learngene/learngene-pool'
import { loadPool } from '@learngene/learngene-pool/node'
import { costOfPath, formatPath, type Path, type PathSpace, parsePath, type StitchedPath } from '@learngene/stitch'
import { writeFileAtomically } from '@learngene/vit-blocks/node'
import { asUsage } from '../errors.js'
import { poolOfRun } from '../read-run.js'
import { registryOfRun } from '../run/own-values.js'
import { startBackend } from '../start-backend.js'
import { assertModelReplaceable } from './assert-model-replaceable.js'

export interface ExtractOptions {
  readonly run: string
  readonly path: string
  readonly out: string
  readonly dtype: 'f32' | 'f16'
  readonly force?: boolean
  readonly json?: boolean
}

/**
 * Extracts a descendant of a run's pool into a file.
 *
 * @throws UsageError when the path is malformed; an error when the pool cannot be read or does not have the path, or when the file is somebody else's
 */
export async function extractFromRun({ run, path: text, out, dtype, force = false }: ExtractOptions) {
  const wanted = asUsage(() => parsePath(text))
  if (!force) await assertModelReplaceable(out, { name: 'extracted descendant', key: 'path' })
  const dir = await poolOfRun(run)
  await startBackend('wasm')
  const own = await registryOfRun(run)
  const pool = await loadPool(dir, { blocks: own?.blocks, spaces: own?.spaces })
  try {
    const path = findPath(pool.space, wanted, run)
    const bytes = await extractDescendant(pool, path, { dtype: dtype === 'f16' ? 'F16' : 'F32' })
    await mkdir(dirname(out), { recursive: true })
    await writeFileAtomically(out, bytes)
    return { path: formatPath(path.path), file: out, bytes: bytes.length, dtype, ...costOfPath(pool, path) }
  } finally {
    disposePool(pool)
  }
}

function findPath(space: PathSpace, wanted: Path, run: string): StitchedPath {
  const found = space.find(wanted)
  if (found) return found
  const nearest = formatPath(space.nearest(wanted).path)
  throw new Error(`the pool of ${run} has no path ${formatPath(wanted)}; of its ${space.count()} paths the nearest is ${nearest}`)
}
