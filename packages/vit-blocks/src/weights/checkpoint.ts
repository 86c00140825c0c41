import type { BlockRegistry } from '@learngene/interfaces/tensors'
import { sidesOf } from '../geometry.js'
import { type ModelDetails, readMetadata } from '../model-metadata.js'
import { type FloatTensor, readAllFloat32, SafetensorsError } from '../safetensors/index.js'
import type { NetworkStructure } from '../structure.js'
import { type AdaptOptions, adaptValues, planAdaptation } from './adapt.js'
import { faultInClassNames } from './class-names.js'
import { fitPreprocessing } from './fit-preprocessing.js'
import type { StructureHints } from './infer-structure.js'
import { shapesOf } from './layout.js'
import { type NamedTensors, readNames } from './read-names.js'
import type { recogniseCheckpoint } from './recognise-checkpoint.js'
import { openTensors } from './shards.js'
import { sourcesOf } from './stored-values.js'
import type { TensorFile } from './tensor-file.js'
import type { WeightFiles } from './weight-files.js'

export interface CheckpointOptions extends StructureHints, AdaptOptions {
  /** Factories of block kinds besides the standard ones. */
  readonly blocks?: BlockRegistry
  /** The hub's repository `owner/name` of which the files are a copy, where source and path do not tell. Its known errors are corrected. */
  readonly origin?: string
  /** Keys of `config.json` that are not understood and that you know not to change the outputs. */
  readonly ignoreConfig?: readonly string[]
}

/** All of a model, read and checked, before anything is allocated on a backend. */
export interface Checkpoint {
  readonly structure: NetworkStructure
  /** By parameter name; those of a fresh head are not there. */
  readonly values: ReadonlyMap<string, FloatTensor>
  readonly freshHead: boolean
  readonly details: ModelDetails
  /** What was corrected, assumed, resampled, drawn afresh or left out: one sentence each. */
  readonly notes: readonly string[]
}

/**
 * Reads a model in any naming that is known, from one file or several.
 *
 * @throws SafetensorsError when a file is missing or broken, its structure is not possible, its configuration states what cannot be run here, or a tensor is
 * missing, extra, misshapen or not finite, naming it
 */
export async function readCheckpoint(files: WeightFiles, options: CheckpointOptions): Promise<Checkpoint> {
  const { name } = files
  const tensors = await openTensors(files)
  const own = readMetadata(tensors)
  const named = readNames(tensors, own !== undefined)
  const recognised = own ? { ...own, notes: [] } : await recognise(files, tensors, named, options)
  const { structure: stored, details } = recognised
  const adaptation = planAdaptation(stored, options, name)
  shapesOf(adaptation.structure, name, options.blocks)
  const { values, notes } = await readValues(tensors, named, stored, own !== undefined, options.blocks)
  const { classNames, ...headless } = details
  const sameHead = adaptation.structure.classes === stored.classes && stored.classes > 0
  const fault = sameHead ? faultInClassNames(classNames, stored.classes) : undefined
  if (fault !== undefined) {
    throw new SafetensorsError(`${name}: ${fault}; correct ${own ? 'its details' : 'config.json'}, or draw a fresh head: { classes, rng }`)
  }
  const size = sidesOf(adaptation.structure.geometry.imageSize)
  const fitted = fitPreprocessing(sameHead ? details : headless, size, options.imageSize !== undefined)
  return {
    structure: adaptation.structure,
    values: adaptValues(values, stored, adaptation),
    freshHead: adaptation.freshHead,
    details: fitted.details,
    notes: [...files.notes, ...named.notes, ...recognised.notes, ...notes, ...adaptation.notes, ...fitted.notes],
  }
}

/** A file of others is read by code that is fetched when the first of them comes: a page that loads files of ours alone does without. */
const recognise: typeof recogniseCheckpoint = async (...given) => (await import('./recognise-checkpoint.js')).recogniseCheckpoint(...given)

/** Parameters that belong to a part which a model may have and its use does not run, with the reason. */
const idle: readonly (readonly [RegExp, string])[] = [[/^attn_pool\./, 'attention pooling, which its classifier does not use']]

/** All parameters' values by name, put together from the tensors that hold them. */
async function readValues(file: TensorFile, named: NamedTensors, stored: NetworkStructure, complete: boolean, blocks?: BlockRegistry) {
  const shapes = shapesOf(stored, file.name, blocks)
  const { sources, notes } = sourcesOf(shapes, named, file, complete)
  const expected = Object.assign({}, ...sources.map(({ tensors }) => tensors))
  const unused = new Map(named.unused)
  for (const parameter of named.parameters) {
    const reason = idle.find(([pattern]) => pattern.test(parameter))?.[1]
    for (const tensor of reason ? named.tensorsOf(parameter) : []) if (!Object.hasOwn(expected, tensor)) unused.set(tensor, reason!)
  }
  const needed = new Map([...file.tensors].filter(([tensor]) => !unused.has(tensor)))
  const read = await readAllFloat32({ ...file, tensors: needed }, expected)
  const values = new Map(
    sources.map(({ parameter, shape, tensors, value }) => [
      parameter,
      { shape, data: value(Object.keys(tensors).map((tensor) => read.get(tensor)!.data)) },
    ]),
  )
  const left = [...new Set(unused.values())].map((what) => `the checkpoint also holds ${what}: left out`)
  return { values, notes: [...notes, ...left] }
}
