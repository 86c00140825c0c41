import { readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { compositionError, deviceText, type LatencyProfile, parseProfile } from '@learngene/bench/latency'
import type { Reporter } from '@learngene/interfaces'
import { makeFolder, writeFileAtomically } from '@learngene/vit-blocks/node'
import type { LatencySetting } from '../latency/budget.js'
import { profilePool } from '../latency/measure-run.js'
import { profileFolder, profileText } from '../latency/profile-store.js'
import { readRun } from '../read-run.js'
import { formatShare, textTable } from '../report/text.js'
import { ms } from './choice-text.js'
import { measuredPool } from './choose-from-run.js'

interface ProfileOptions extends LatencySetting {
  readonly run: string
  /** What all timed runs take together. */
  readonly seconds: number
  readonly out?: string
  readonly force?: boolean
}

interface Context {
  readonly report: Reporter
  readonly env: { readonly [name: string]: string | undefined }
  readonly signal?: AbortSignal
}

/**
 * Profiles the family of a run anew, keeps the profile and writes it to `out` where there is one.
 *
 * @throws when the run cannot be read, the backend cannot be measured, or `out` is no profile and not to be replaced
 */
export async function profileRun(
  { run, out, force = false, ...setting }: ProfileOptions,
  { report, env, signal }: Context,
): Promise<LatencyProfile> {
  const pool = await measuredPool(await readRun(run), run)
  if (out !== undefined && !force) await assertReplaceable(out)
  report({ kind: 'stage', name: `time the parts of the family on ${setting.backend}, batch ${setting.batch}` })
  const { profile, notKept } = await profilePool({ ...pool, ...setting, folder: profileFolder(env), anew: true }, signal)
  if (out !== undefined) {
    await makeFolder(dirname(out))
    await writeFileAtomically(out, profileText(profile))
  }
  if (notKept !== undefined) {
    if (out === undefined) throw new Error(`the profile must be kept, and is not: ${notKept}; name a file for it with --out`)
    report({ kind: 'message', text: `the profile is in ${out} alone: ${notKept}` })
  }
  return profile
}

async function assertReplaceable(file: string): Promise<void> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined
    throw new Error(`${file} cannot be written: ${error.code === 'EISDIR' ? 'it is a folder; name a file' : error.message}`)
  })
  if (text === undefined) return
  try {
    parseProfile(text, file)
  } catch {
    throw new Error(`${file} is no latency profile and is left as it is; name another file, or replace it with --force`)
  }
}

/** A profile for people. */
export function profileLines(profile: LatencyProfile): string[] {
  const { parts, readBack, overheadMs, factor = 1, checked } = profile
  const rows = Object.entries(parts).map(
    ([
      key,
      {
        ms: time,
        median,
        interval: [low, high],
      },
    ]) => {
      return [key.length > 60 ? `${key.slice(0, 59)}…` : key, ms(time), ms(median), `${ms(low)} to ${ms(high)}`]
    },
  )
  const error = compositionError(checked)
  return [
    deviceText(profile),
    '',
    textTable(['part', 'evened', 'median', '95 % interval of the median'], rows, ['left', 'right', 'right', 'right']),
    '',
    `a whole model takes its parts and ${ms(readBack.ms)} to read the result${factor === 1 ? '' : `, both ${Number(factor.toPrecision(3))} times`}, and ${ms(overheadMs)} besides`,
    error
      ? `error of composition: median ${formatShare(error.median)}, largest ${formatShare(error.largest)} on ${checked.length} whole paths that nothing was fitted to`
      : 'the composition is not checked: too few paths',
  ]
}
