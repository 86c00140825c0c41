import type { Rng } from '@learngene/interfaces'
import { countIn } from '../config.js'
import { prefixTokensOf } from '../embedding.js'
import { gridOf, type Size, sizeIn, sizeText } from '../geometry.js'
import { type FloatTensor, SafetensorsError } from '../safetensors/index.js'
import type { NetworkStructure } from '../structure.js'
import { resamplePositions } from './resample-positions.js'

/** Another use of a checkpoint than the one it was trained for. */
export interface AdaptOptions {
  /** Pixels per side, or height and width; the position embeddings are resampled where the patches are not the checkpoint's. */
  readonly imageSize?: Size
  /** C; where it is not the checkpoint's, or the checkpoint has no head, a fresh head is drawn with `rng`. 0 leaves the head out: features alone. */
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

/** @throws SafetensorsError when a fresh head is needed and no generator was given, or a size is no positive integer */
export function planAdaptation(stored: NetworkStructure, options: AdaptOptions, name: string): Adaptation {
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
export function adaptValues(
  values: ReadonlyMap<string, FloatTensor>,
  stored: NetworkStructure,
  { structure }: Adaptation,
): Map<string, FloatTensor> {
  const sameHead = structure.classes === stored.classes
  const adapted = new Map([...values].filter(([parameter]) => sameHead || !isHead(parameter)))
  const grid = { from: gridOf(stored.geometry), to: gridOf(structure.geometry) }
  if (grid.from.join() !== grid.to.join()) {
    const leading = prefixTokensOf(stored)
    const data = resamplePositions(values.get('pos_embed')!.data, stored.embeddingWidth, grid, leading)
    adapted.set('pos_embed', { shape: [1, leading + grid.to[0] * grid.to[1], stored.embeddingWidth], data })
  }
  return adapted
}
