import type { BlockRegistry, Parameters } from '@learngene/interfaces/tensors'
import { disposeNetwork, parametersOf } from '../network.js'
import { type ExpectedShapes, SafetensorsError } from '../safetensors/index.js'
import { buildNetwork, type NetworkStructure } from '../structure.js'
import { withoutWeights } from '../without-weights.js'
import type { Naming } from './naming.js'

/** Where a parameter lies in a file: tensors of one shape, stacked along their first dimension. */
export interface Placement {
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

/** Shapes of all parameters of a structure that somebody's file describes. */
export function shapesOf(structure: NetworkStructure, name: string, blocks?: BlockRegistry): ExpectedShapes {
  try {
    const planned = withoutWeights(() => buildNetwork(structure, blocks))
    const shapes = shapesIn(parametersOf(planned))
    disposeNetwork(planned)
    return shapes
  } catch (error) {
    throw new SafetensorsError(`${name}: ${(error as Error).message}`)
  }
}

export function shapesIn(parameters: Parameters): ExpectedShapes {
  return Object.fromEntries(Object.entries(parameters).map(([name, { shape }]) => [name, shape]))
}
