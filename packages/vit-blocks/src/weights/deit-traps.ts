import { imageNetNormalisation, type Normalisation } from './preprocessing.js'
import type { WeightFiles } from './weight-files.js'

/** What a configuration states and may state wrongly. */
interface Stated {
  readonly epsilon: number
  readonly normalisation: Normalisation | undefined
}

const trained = 1e-6

/** The repository that files come from: told by their source, or by a path as the hub and its cache write it, `facebook/deit-...`, `facebook--deit-...`. */
export function originOf({ origin, name }: Pick<WeightFiles, 'origin' | 'name'>): string | undefined {
  if (origin !== undefined) return origin
  const [, model] = /(?:^|[/\\]|--)facebook(?:[/\\]|--)(deit-[\w.-]*\w)/.exec(name) ?? []
  return model && `facebook/${model}`
}

/**
 * Corrects the configurations of facebook/deit-*: they state layer norms of 1e-12 and a mean and std of 0.5, but the weights were trained with
 * 1e-6 and ImageNet's mean and std. Other models' statements hold:
 * google/vit-* really use 0.5.
 */
export function correctDeit(
  stated: Stated,
  { origin, files, modelType }: { origin: string | undefined; files: WeightFiles; modelType: string },
): Stated & { readonly notes: readonly string[] } {
  const { epsilon, normalisation } = stated
  const halves = normalisation === undefined || [...normalisation.mean, ...normalisation.std].every((value) => value === 0.5)
  if (origin === undefined || !/^facebook\/deit-/.test(origin)) {
    const suspicious = origin === undefined && epsilon < trained && (modelType === 'deit' || /deit/i.test(files.name))
    const note = `config.json states layer_norm_eps ${epsilon}, which holds for fine-tuned models; if this is a copy of facebook/deit-*, trained with 1e-6 and ImageNet's mean and std, say so: { origin: 'facebook/deit-...' }`
    return { ...stated, notes: suspicious ? [note] : [] }
  }
  const notes: string[] = []
  if (epsilon !== trained) {
    notes.push(`layer_norm_eps corrected from ${epsilon}, as config.json states, to 1e-6, with which ${origin} was trained`)
  }
  if (!halves) return { epsilon: trained, normalisation, notes }
  const given = normalisation ? 'from mean and std 0.5, as preprocessor_config.json states,' : 'from nothing stated'
  const { mean, std } = imageNetNormalisation
  notes.push(
    `normalisation corrected ${given} to ImageNet's mean ${mean.join(' ')} and std ${std.join(' ')}, with which ${origin} was trained`,
  )
  return { epsilon: trained, normalisation: imageNetNormalisation, notes }
}
