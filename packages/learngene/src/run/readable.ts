import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { checkPictures, subset, type UnreadablePicture } from '@learngene/datasets'
import type { Dataset, Reporter } from '@learngene/interfaces'
import { writeFileAtomically } from '@learngene/vit-blocks/node'
import { z } from 'zod'
import type { NamedDatasets } from './config.js'

/** Indices of pictures that cannot be read, by part. */
export type LeftOut = { readonly [part in keyof NamedDatasets]?: readonly number[] }

/** By part: what was looked at, and what cannot be read of it. */
type Checked = { readonly [part: string]: { readonly fingerprint: string; readonly unreadable: readonly UnreadablePicture[] } }

const checked: z.ZodType<Checked> = z.record(
  z.string(),
  z.object({
    fingerprint: z.string(),
    unreadable: z.array(z.object({ index: z.int().nonnegative(), name: z.string(), reason: z.string() })),
  }),
)

/** The file of a run's folder that remembers which pictures were looked at. */
const CHECKED = 'pictures.json'

const SHOWN = 10

/**
 * Decodes every picture once before anything is trained, and finds those that cannot be read; what was found is remembered for the same pictures.
 *
 * @returns those to leave out
 * @throws Error that names the unreadable ones of all parts, unless they are to be skipped
 */
export async function findUnreadable(
  dir: string,
  datasets: NamedDatasets,
  { skip, report, signal }: { readonly skip: boolean; readonly report: Reporter; readonly signal: AbortSignal },
): Promise<LeftOut> {
  const found = await lookAtPictures(dir, datasets, { report, signal })
  return goOnWithout(dir, datasets, found, { skip, report })
}

/** The first half of {@link findUnreadable}: what it finds, which is not remembered yet. */
export async function lookAtPictures(
  dir: string,
  datasets: NamedDatasets,
  { report, signal }: { readonly report: Reporter; readonly signal: AbortSignal },
): Promise<Checked> {
  const parts = Object.entries(datasets).filter((entry): entry is [keyof NamedDatasets, Dataset] => entry[1] !== undefined)
  const known = await readKnown(join(dir, CHECKED))
  const found: { [part: string]: Checked[string] } = {}
  for (const [part, dataset] of parts) {
    if (isAtHand(dataset)) continue
    report({ kind: 'stage', name: `look at the ${part} pictures`, total: dataset.length })
    const fingerprint = await dataset.fingerprint()
    const before = known[part]
    found[part] =
      before?.fingerprint === fingerprint ? before : { fingerprint, unreadable: await checkPictures(dataset, { report, signal }) }
  }
  return found
}

/** The other half: remembers what was found, and refuses it or says it. */
export async function goOnWithout(
  dir: string,
  datasets: NamedDatasets,
  found: Checked,
  { skip, report }: { readonly skip: boolean; readonly report: Reporter },
): Promise<LeftOut> {
  await writeFileAtomically(join(dir, CHECKED), `${JSON.stringify(found, null, 2)}\n`)
  const all = Object.values(found).flatMap(({ unreadable }) => unreadable)
  if (all.length === 0) return indicesOf(found)
  const pictures = all.length === 1 ? '1 picture' : `${all.length} pictures`
  const names = all.slice(0, SHOWN).map(({ name, reason }) => (reason.includes(name) ? reason : `${name}: ${reason}`))
  const list = `${names.join('; ')}${all.length > SHOWN ? `; and ${all.length - SHOWN} more` : ''}`
  if (!skip)
    throw new Error(
      `${pictures} cannot be read: ${list}. Mend or remove them, or go on without them: --skip-unreadable of learngene run, or images.skipUnreadable in a configuration`,
    )
  requireClasses(datasets, indicesOf(found))
  report({ kind: 'message', text: `goes on without ${pictures} that cannot be read: ${list}` })
  return indicesOf(found)
}

/** @throws Error where no picture of a class can be read */
function requireClasses(datasets: NamedDatasets, leftOut: LeftOut): void {
  for (const [part, dataset] of Object.entries(withoutUnreadable(datasets, leftOut))) {
    const there = new Set(Array.from(dataset?.labels ?? []))
    const lost = dataset?.classes.filter((_, label) => !there.has(label)) ?? []
    if (lost.length > 0)
      throw new Error(`every class must have a picture that can be read; of the ${part} pictures none of ${lost.join(', ')} can: mend some`)
  }
}

/** What {@link findUnreadable} found before. */
export async function knownUnreadable(dir: string): Promise<LeftOut> {
  return indicesOf(await readKnown(join(dir, CHECKED)))
}

const indicesOf = (found: Checked): LeftOut =>
  Object.fromEntries(Object.entries(found).map(([part, { unreadable }]) => [part, unreadable.map(({ index }) => index)]))

/** Fingerprints of the pictures that {@link findUnreadable} has looked at, by part. */
export async function knownFingerprints(dir: string): Promise<{ readonly [part: string]: string }> {
  return fingerprintsOf(await readKnown(join(dir, CHECKED)))
}

const fingerprintsOf = (found: Checked): { readonly [part: string]: string } =>
  Object.fromEntries(Object.entries(found).map(([part, { fingerprint }]) => [part, fingerprint]))

/** The datasets as {@link findUnreadable} found them: with the fingerprints of then, and without what cannot be read. */
export async function asLookedAt(dir: string, datasets: NamedDatasets): Promise<NamedDatasets> {
  return asFound(datasets, await readKnown(join(dir, CHECKED)))
}

/** The same of what is not remembered yet. */
export function asFound(datasets: NamedDatasets, found: Checked): NamedDatasets {
  return withoutUnreadable(withFingerprints(datasets, fingerprintsOf(found)), indicesOf(found))
}

/** The datasets with fingerprints that are known already: computing one reads every file. */
export function withFingerprints(datasets: NamedDatasets, known: { readonly [part: string]: string }): NamedDatasets {
  const parts = Object.entries(datasets).map(([part, dataset]) => {
    const fingerprint = known[part]
    return [part, dataset && fingerprint !== undefined ? { ...dataset, fingerprint: async () => fingerprint } : dataset]
  })
  return Object.fromEntries(parts)
}

/** The datasets without what cannot be read. */
export function withoutUnreadable(datasets: NamedDatasets, leftOut: LeftOut): NamedDatasets {
  const parts = Object.entries(datasets).map(([part, dataset]) => {
    const gone = new Set(leftOut[part as keyof NamedDatasets] ?? [])
    if (!dataset || gone.size === 0) return [part, dataset]
    const stay = Array.from({ length: dataset.length }, (_, i) => i).filter((i) => !gone.has(i))
    return [part, subset(dataset, stay)]
  })
  return Object.fromEntries(parts)
}

/** Whether pictures need no decoding. */
function isAtHand(dataset: Dataset): boolean {
  const first = dataset.picture(0)
  if (!('then' in first)) return true
  first.catch(() => {}) // is told when all are looked at
  return false
}

/** Nothing is known where the file is missing or damaged: the pictures are looked at anew. */
async function readKnown(file: string): Promise<Checked> {
  try {
    return checked.parse(JSON.parse(await readFile(file, 'utf8')))
  } catch {
    return {}
  }
}
