import type { Rng } from '@learngene/interfaces'
import type { Parameters } from '@learngene/interfaces/tensors'
import { countIn } from '../config.js'
import { prefixTokensOf } from '../embedding.js'
import { gridOf, type Size, sidesOf, sizeIn, sizeText } from '../geometry.js'
import { disposeNetwork, parametersOf } from '../network.js'
import { withoutWeights } from '../parameters.js'
import { type ExpectedShapes, type FloatTensor, readAllFloat32, SafetensorsError } from '../safetensors/index.js'
import { buildNetwork, type ModelDetails, type NetworkStructure, type PartRegistry, readMetadata } from '../structure.js'
import { faultInClassNames, fitPreprocessing } from './details.js'
import type { StructureHints } from './infer-structure.js'
import { dequantised } from './int8-weights.js'
import { type Naming, timm } from './naming.js'
import { type NamedTensors, readNames } from './read-names.js'
import type { recogniseCheckpoint } from './recognise-checkpoint.js'
import { resamplePositions } from './resample-positions.js'
import { sourcesOf } from './stored-values.js'
import { openTensors, type TensorFile, type WeightFiles } from './weight-files.js'

export interface CheckpointOptions extends StructureHints, AdaptOptions {
  /** Factories of kinds besides the standard ones. */
  readonly parts?: PartRegistry
  /** The hub's repository `owner/name` of which the files are a copy, where source and path do not tell. Its known errors are corrected. */
  readonly origin?: string
  /** Keys of `config.json` that are not understood and that you know not to change the outputs. */
  readonly ignoreConfig?: readonly string[]
}

/** All of a model, read and checked, before anything is allocated on a backend. */
interface Checkpoint {
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
  const opened = await openTensors(files)
  const own = readMetadata(opened)
  if (own) requireStatedHeads(own.structure, options, name)
  const tensors = own && 'read' in opened ? dequantised(opened) : opened
  const named = readNames(tensors, own !== undefined)
  const recognised = own ? await withFilesBeside(own, files, named, options) : await recognise(files, tensors, named, options)
  const { structure: stored, details } = recognised
  const adaptation = planAdaptation(stored, options, name)
  plannedOf(adaptation.structure, name, options.parts)
  const { shapes, classifier } = plannedOf(stored, name, options.parts)
  const { values, notes } = await readValues(tensors, named, shapes, own !== undefined)
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
    values: adaptValues(values, stored, { ...adaptation, name, classifier }),
    freshHead: adaptation.freshHead,
    details: fitted.details,
    notes: [...files.notes, ...named.notes, ...recognised.notes, ...notes, ...adaptation.notes, ...fitted.notes],
  }
}

/** @throws SafetensorsError where a file of ours is to have other heads than it states */
function requireStatedHeads({ blocks }: NetworkStructure, { heads }: StructureHints, name: string): void {
  // Stitches and kinds of the user's may have none.
  const stated = [...new Set(blocks.flatMap(({ config }) => (typeof config.heads === 'number' ? [config.heads] : [])))]
  if (heads === undefined || stated.every((each) => each === heads)) return
  throw new SafetensorsError(
    `${name}: heads are given only where the files do not tell them; this one states ${stated.join(' and ')}, got ${heads}: leave them out`,
  )
}

/** A file of others is read by code that is fetched when the first of them comes: a page that loads files of ours alone does without. */
const recognise: typeof recogniseCheckpoint = async (...given) => (await import('./recognise-checkpoint.js')).recogniseCheckpoint(...given)

/** Files of ours in the names of Hugging Face may have JSON files beside them. */
async function withFilesBeside(
  own: Pick<Checkpoint, 'structure' | 'details'>,
  files: WeightFiles,
  { convention }: NamedTensors,
  options: CheckpointOptions,
): Promise<Pick<Checkpoint, 'structure' | 'details' | 'notes'>> {
  if (convention === timm || !files.configured) return { ...own, notes: [] }
  return (await import('./recognise-checkpoint.js')).correctedBeside(own, files, options)
}

/** Parameters that belong to a part which a model may have and its use does not run, with the reason. */
const idle: readonly (readonly [RegExp, string])[] = [[/^attn_pool\./, 'attention pooling, which its classifier does not use']]

/** All parameters' values by name, put together from the tensors that hold them. */
async function readValues(file: TensorFile, named: NamedTensors, shapes: ExpectedShapes, complete: boolean) {
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

/** Another use of a checkpoint than the one it was trained for. */
interface AdaptOptions {
  /** Pixels per side, or height and width; the position embeddings are resampled where the patches are not the checkpoint's. */
  readonly imageSize?: Size
  /** C; where it is not the checkpoint's, or the checkpoint has no head, a fresh head is drawn with `rng`. 0 leaves the head out: features alone. */
  readonly classes?: number
  /** Draws a fresh head. Give it only with `classes`. */
  readonly rng?: Rng
}

/** What has to change of a checkpoint. */
interface Adaptation {
  readonly structure: NetworkStructure
  readonly freshHead: boolean
  readonly notes: readonly string[]
}

/** @throws SafetensorsError when a fresh head is needed and no generator was given, or a size is no positive integer */
function planAdaptation(stored: NetworkStructure, options: AdaptOptions, name: string): Adaptation {
  const { geometry } = stored
  const notes: string[] = []
  const imageSize = options.imageSize === undefined ? geometry.imageSize : read(() => sizeIn(options, 'imageSize'), name)
  const structure = { ...stored, geometry: { ...geometry, imageSize } }
  if (sizeText(imageSize) !== sizeText(geometry.imageSize)) {
    const [before, after] = [gridOf(geometry), gridOf(structure.geometry)].map((grid) => grid.join(' x '))
    const pixels = [geometry.imageSize, imageSize].map((size) => (typeof size === 'number' ? size : sizeText(size))).join(' to ')
    if (before !== after) notes.push(`position embeddings resampled from ${before} to ${after} patches (${pixels} pixels)`)
  }
  const classes = options.classes === undefined ? stored.classes : read(() => countIn(options, 'classes'), name)
  if (classes === stored.classes) {
    if (classes === 0)
      notes.push('the checkpoint has no classifier: the network gives features alone; ask for a fresh head with { classes, rng }')
    return { structure, freshHead: false, notes }
  }
  const found = stored.classes === 0 ? 'no head' : `a head of ${stored.classes} classes`
  if (classes === 0) {
    notes.push(`${found} was left out: the network gives features alone`)
    const { distillationHead: _, ...headless } = structure
    return { structure: { ...headless, classes }, freshHead: false, notes }
  }
  if (!options.rng) {
    throw new SafetensorsError(
      `${name}: the checkpoint has ${found}, so that a head of ${classes} must be drawn afresh; ask for it by giving its generator: { classes: ${classes}, rng }`,
    )
  }
  notes.push(`a fresh head of ${classes} classes was drawn; the checkpoint has ${found}`)
  return { structure: { ...structure, classes }, freshHead: true, notes }
}

function read<T>(value: () => T, name: string): T {
  try {
    return value()
  } catch (error) {
    throw new SafetensorsError(`${name}: ${(error as Error).message}`)
  }
}

/** The checkpoint's values for the adapted structure, by parameter; those of another head are left out. */
function adaptValues(
  values: ReadonlyMap<string, FloatTensor>,
  stored: NetworkStructure,
  { structure, name, classifier }: Pick<Adaptation, 'structure'> & { readonly name: string; readonly classifier: readonly string[] },
): Map<string, FloatTensor> {
  const sameHead = structure.classes === stored.classes
  const adapted = new Map([...values].filter(([parameter]) => sameHead || !classifier.includes(parameter)))
  const grid = { from: gridOf(stored.geometry), to: gridOf(structure.geometry) }
  if (grid.from.join() !== grid.to.join()) {
    if (stored.embedding !== undefined) {
      throw new SafetensorsError(
        `${name}: only positions of the standard embedding can be resampled; its embedding is a '${stored.embedding.kind}': leave imageSize out`,
      )
    }
    const leading = prefixTokensOf(stored)
    const width = stored.projectedFrom ?? stored.embeddingWidth
    const data = resamplePositions(values.get('pos_embed')!.data, width, grid, leading)
    adapted.set('pos_embed', { shape: [1, leading + grid.to[0] * grid.to[1], width], data })
  }
  return adapted
}

/** Where a parameter lies in a file: tensors of one shape, stacked along their first dimension. */
interface Placement {
  readonly parameter: string
  readonly tensors: readonly string[]
  readonly tensorShape: readonly number[]
}

/** Where a naming puts parameters of the given shapes. */
export function placementsOf(shapes: ExpectedShapes, naming: Naming): Placement[] {
  return Object.entries(shapes).map(([parameter, shape]) => {
    const tensors = naming.tensorsOf(parameter)
    if (!tensors) throw new SafetensorsError(`parameter '${parameter}' has no name in ${naming.title} naming; use timm's`)
    const [rows, ...rest] = shape
    return { parameter, tensors, tensorShape: tensors.length === 1 ? shape : [rows! / tensors.length, ...rest] }
  })
}

/** Shapes of all parameters of a structure that somebody's file describes, and the names of its classifier's. */
function plannedOf(
  structure: NetworkStructure,
  name: string,
  parts?: PartRegistry,
): { readonly shapes: ExpectedShapes; readonly classifier: readonly string[] } {
  try {
    const planned = withoutWeights(() => buildNetwork(structure, parts))
    const shapes = shapesIn(parametersOf(planned))
    disposeNetwork(planned)
    return { shapes, classifier: planned.head.classifier }
  } catch (error) {
    throw new SafetensorsError(`${name}: ${(error as Error).message}`)
  }
}

export function shapesIn(parameters: Parameters): ExpectedShapes {
  return Object.fromEntries(Object.entries(parameters).map(([name, { shape }]) => [name, shape]))
}
