import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ProfiledDevice } from '@learngene/bench/latency'
import type { MeasuredLatency } from '@learngene/export'
import { saveCascade } from '@learngene/stitch'
import { saveModel } from '@learngene/vit-blocks'
import type { LatencySetting } from '../../latency/budget.js'
import { type Measured, measureModel } from '../../latency/measure-run.js'
import { poolHash, profileFolder, storedProfiles } from '../../latency/profile-store.js'
import { isCascade } from '../../predict/classifier.js'
import { poolOfRun } from '../../read-run.js'
import { findStoredRun } from '../../run/run-folder.js'
import type { ExtractContext as Context } from '../extract-from-run.js'
import type { ExportOptions } from './formats.js'
import type { Exported } from './open-source.js'

/** Of one model, in seconds. */
const SECONDS = 3

/**
 * Measured latencies of what is exported, never composed ones: measured now where that is asked for, when it was chosen under a cap on latency, and with the whole models of profiles that are stored.
 *
 * @throws Error of one line where it cannot be measured
 */
export async function latencyOf(exported: Exported, options: ExportOptions, context: Context): Promise<ReturnType<typeof rowOf>[]> {
  const { choice, run, details } = exported
  const now = options.latency ? await measured(exported, options.latency, options, context) : []
  const { fresh, worst, ...device } = choice?.latency ?? {}
  const chosen = fresh && !worst ? [rowOf(device as ProfiledDevice, fresh, 'when it was chosen')] : []
  const stored = run ? await fromProfiles(options.model, run, details.path, context) : []
  const all = [...now, ...chosen, ...stored]
  // The same device and batch once, the latest.
  return all.filter((each, i) => all.findIndex((other) => keyOf(other) === keyOf(each)) === i || now.includes(each))
}

const keyOf = ({ backend, device, batch }: MeasuredLatency) => `${backend} ${device} ${batch}`

const ours = 'whole, by this library with float32 weights'

function rowOf(
  { backend, version, device, batch }: ProfiledDevice,
  { median, interval }: Pick<Measured, 'median' | 'interval'>,
  note: string,
) {
  return { milliseconds: median, interval, backend: `${backend} ${version}`, batch, device, note: `${ours}, ${note}` }
}

/** In a process of its own; of a cascade both cases. */
async function measured(
  { model }: Exported,
  { backend, batch }: LatencySetting,
  { model: address, config }: ExportOptions,
  { report, signal }: Context,
) {
  report({ kind: 'stage', name: `measure it on ${backend}, batch ${batch}` })
  const dir = await mkdtemp(join(tmpdir(), 'learngene-export-'))
  try {
    const file = join(dir, 'model.safetensors')
    await writeFile(file, await (isCascade(model) ? saveCascade(model) : saveModel(model)))
    const configFile = config ?? (await findStoredRun(address).catch(() => undefined))?.configFile
    const { device, measured } = await measureModel({ backend, batch, model: file, configFile, seconds: SECONDS }, signal)
    const { both, ...alone } = measured
    if (!both) return [rowOf(device, alone, 'for this card')]
    return [rowOf(device, alone, 'where the small one answers'), rowOf(device, both, 'where the image is passed on')]
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

async function fromProfiles(address: string, run: NonNullable<Exported['run']>, path: unknown, { env }: Context) {
  const profiles = await storedProfiles(profileFolder(env), await poolHash(await poolOfRun(address, run)))
  return profiles.flatMap((profile) =>
    (profile.whole ?? []).filter(({ name }) => name === path).map((each) => rowOf(profile, each, 'when its family was profiled')),
  )
}
