import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import type { Dataset } from '@learngene/interfaces'
import { disposePool } from '@learngene/learngene-pool'
import { loadPool } from '@learngene/learngene-pool/node'
import { familyFiles, pageFolder, type ServedStudio, serveStudio, writeStudio } from '@learngene/studio'
import { UsageError } from '../errors.js'
import { poolOfRun, readRun } from '../read-run.js'
import type { RunConfig } from '../run/config.js'
import { findStoredRun } from '../run/run-folder.js'
import { startBackend } from '../start-backend.js'

/** The run that is named, once at most. @throws UsageError where two are */
export function oneRun(argument: string | undefined, option: string | undefined): string | undefined {
  if (argument !== undefined && option !== undefined)
    throw new UsageError(`studio takes one run; got ${argument} and --run ${option}; learngene studio --help tells more`)
  return argument ?? option
}

/** Writes a run's page as a folder; without a run the built-in family's. @throws as `readRun`, `loadPool` and `writeStudio` do */
export async function buildStudio(run: string | undefined, dir: string): Promise<{ readonly run: string | null; readonly page: string }> {
  await writeStudio(dir, run === undefined ? undefined : await filesOf(run))
  return { run: run ?? null, page: resolve(dir) }
}

/** Serves a run's page out of a folder of its own, which goes when the page is closed. */
export async function openStudio(run: string | undefined, options: { readonly port?: number }): Promise<ServedStudio> {
  if (run === undefined) return serveStudio(pageFolder, options)
  const dir = await mkdtemp(join(tmpdir(), 'learngene-studio-'))
  try {
    await writeStudio(dir, await filesOf(run))
    const { url, close } = await serveStudio(dir, options)
    return { url, close: () => close().finally(() => rm(dir, { recursive: true, force: true })) }
  } catch (error) {
    await rm(dir, { recursive: true, force: true })
    throw error
  }
}

/** The family of a finished run, with samples of its images where they are still there. */
async function filesOf(run: string): Promise<Map<string, Uint8Array>> {
  const report = await readRun(run)
  const dir = await poolOfRun(run, report)
  await startBackend('wasm')
  const pool = await loadPool(dir)
  try {
    const samples = await samplesOf(run, report.config as unknown as Partial<RunConfig>)
    return await familyFiles({ name: basename(resolve(run)), pool, report, ...(samples && { samples }) })
  } finally {
    disposePool(pool)
  }
}

/** Test images of a run, else its training images; undefined where they have gone, or a module of the user's gives them. */
async function samplesOf(run: string, config: Partial<RunConfig>): Promise<Dataset | undefined> {
  const images = (await findStoredRun(run))?.config.images ?? config.images
  if (!images || images.training === 'own') return undefined
  const { readImages } = await import('../run/build-recipe.js')
  const found = await readImages({ images }).catch(() => undefined)
  return found && (found.test ?? found.training)
}
