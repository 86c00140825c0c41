import type { Rng } from '@learngene/interfaces'
import { integerIn } from '../config.js'
import { type FloatTensor, SafetensorsError } from '../safetensors/index.js'
import type { NetworkStructure } from '../structure.js'
import type { CheckpointStructure } from './infer-structure.js'
import { resamplePositions } from './resample-positions.js'

/** Another use of a checkpoint than the one it was trained for. */
export interface AdaptOptions {
  /** Pixels per side; the position embeddings are resampled where it is not the checkpoint's. Must be a multiple of the patch size. */
  readonly imageSize?: number
  /** C; where it is not the checkpoint's, or the checkpoint has no head, a fresh head is drawn with `rng`. */
  readonly classes?: number
  /** Draws a fresh head. Give it only with `classes`. */
  readonly rng?: Rng
}

/** What has to change of a checkpoint. */
export interface Adaptation {
  readonly structure: NetworkStructure
  readonly freshHead: boolean
  readonly notes: readonly string[]
}

const isHead = (parameter: string) => /^head(_dist)?\./.test(parameter)

/** @throws SafetensorsError when a fresh head is needed and was not asked for, or a size is no positive integer */
export function planAdaptation(stored: CheckpointStructure, options: AdaptOptions, name: string): Adaptation {
  const { imageSize: storedSize, patchSize } = stored.geometry
  const notes: string[] = []
  const imageSize = sizeFrom(options, 'imageSize', storedSize, name)
  if (imageSize !== storedSize) {
    const grid = (size: number) => `${size / patchSize} x ${size / patchSize}`
    notes.push(
      `position embeddings resampled from ${grid(storedSize)} to ${grid(imageSize)} patches (${storedSize} to ${imageSize} pixels)`,
    )
  }
  const structure = { ...stored, geometry: { ...stored.geometry, imageSize } }
  if (options.classes === undefined && stored.classes !== undefined) {
    return { structure: { ...structure, classes: stored.classes }, freshHead: false, notes }
  }
  const found = stored.classes === undefined ? 'no head' : `a head of ${stored.classes} classes`
  if (options.classes === undefined) {
    throw new SafetensorsError(`${name}: the checkpoint has ${found}; ask for a fresh one: { classes, rng }`)
  }
  const classes = sizeFrom(options, 'classes', 1, name)
  if (classes === stored.classes) return { structure: { ...structure, classes }, freshHead: false, notes }
  if (!options.rng) {
    throw new SafetensorsError(
      `${name}: the checkpoint has ${found}, so that a head of ${classes} must be drawn afresh; ask for it by giving its generator: { classes: ${classes}, rng }`,
    )
  }
  notes.push(`a fresh head of ${classes} classes was drawn; the checkpoint has ${found}`)
  return { structure: { ...structure, classes }, freshHead: true, notes }
}

function sizeFrom(options: AdaptOptions, key: 'imageSize' | 'classes', fallback: number, name: string): number {
  try {
    return integerIn(options, key, fallback)
  } catch (error) {
    throw new SafetensorsError(`${name}: ${(error as Error).message}`)
  }
}

/** The checkpoint's values for the adapted structure, by parameter; those of a fresh head are left out. */
export function adaptValues(
  values: ReadonlyMap<string, FloatTensor>,
  stored: CheckpointStructure,
  { structure, freshHead }: Adaptation,
): Map<string, FloatTensor> {
  const adapted = new Map([...values].filter(([parameter]) => !freshHead || !isHead(parameter)))
  const { imageSize, patchSize } = structure.geometry
  if (imageSize !== stored.geometry.imageSize) {
    const leading = stored.distillationToken ? 2 : 1
    const grid = { from: stored.geometry.imageSize / patchSize, to: imageSize / patchSize }
    const data = resamplePositions(values.get('pos_embed')!.data, stored.embeddingWidth, grid, leading)
    adapted.set('pos_embed', { shape: [1, leading + grid.to ** 2, stored.embeddingWidth], data })
  }
  return adapted
}

/** Leaves a head's shapes out where there is none. */
export function withoutHead<T>(shapes: { readonly [parameter: string]: T }): { [parameter: string]: T } {
  return Object.fromEntries(Object.entries(shapes).filter(([parameter]) => !isHead(parameter)))
}
