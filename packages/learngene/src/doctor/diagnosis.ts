import { BACKEND_NAMES, type BackendName } from '@learngene/backends'
import type { Reporter } from '@learngene/interfaces'
import type { Io } from '../io.js'
import { version } from '../version.js'
import { type CheckOptions, check } from './check.js'
import { describeMachine, type Machine } from './machine.js'
import { type Remedy, remedyOf, surroundings } from './remedy.js'

/** What `learngene doctor` found: with `--json` as it stands. */
export interface Diagnosis {
  readonly learngene: string
  readonly machine: Machine
  /** In the order in which `auto` tries them. */
  readonly backends: readonly BackendDiagnosis[]
  /** The backend that `auto` takes: the first that computes and is no software WebGPU; null where none does. */
  readonly auto: BackendName | null
  readonly images: ImageDiagnosis
}

export interface BackendDiagnosis {
  readonly name: BackendName
  readonly computes: boolean
  readonly version: string | null
  readonly device: string | null
  readonly features: readonly string[]
  /** From the start of its process to its numbers, or to its end. */
  readonly seconds: number
  /** Why it does not compute, and the command that would change that; null where it computes, or no command would. */
  readonly reason: string | null
  readonly fix: string | null
}

export interface ImageDiagnosis {
  readonly decodes: boolean
  /** Of sharp. */
  readonly version: string | null
  readonly formats: readonly string[]
  readonly reason: string | null
  readonly fix: string | null
}

/** Looks at the machine, and computes on each backend and decodes images in processes of their own, one after the other. */
export async function diagnose({ env }: Pick<Io, 'env'>, report: Reporter, options: CheckOptions): Promise<Diagnosis> {
  const machine = await describeMachine(env)
  const around = surroundings(env)
  const backends: BackendDiagnosis[] = []
  const total = BACKEND_NAMES.length + 1
  report({ kind: 'stage', name: 'try what computes and decodes here', total })
  for (const name of BACKEND_NAMES) {
    const checked = await check({ backend: name }, options)
    const { seconds } = checked
    backends.push(
      checked.works
        ? {
            name,
            computes: true,
            version: checked.version,
            device: checked.device,
            features: checked.features,
            seconds,
            reason: null,
            fix: null,
          }
        : { name, computes: false, version: null, device: null, features: [], seconds, ...remedyOf(name, checked.reason, around) },
    )
    report({ kind: 'progress', done: backends.length, total })
  }
  const images = await check({ images: true }, options)
  report({ kind: 'progress', done: total, total })
  return {
    learngene: version,
    machine,
    backends,
    auto: backends.find(({ computes, device }) => computes && !device?.endsWith('(software)'))?.name ?? null,
    images: images.works
      ? { decodes: true, version: images.version, formats: images.features, reason: null, fix: null }
      : { decodes: false, version: null, formats: [], ...imageRemedy(images.reason) },
  }
}

function imageRemedy(said: string): Remedy {
  const missing = /Cannot find (package|module)|could not load the "?sharp|needs the package sharp/i.test(said)
  return { reason: said, fix: missing ? 'npm install sharp' : null }
}
