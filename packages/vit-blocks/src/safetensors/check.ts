import { describe, describeList, describeShape } from './describe.js'
import type { SafetensorsFile } from './open.js'
import { SafetensorsError } from './safetensors-error.js'
import { sameShape } from './shape.js'

/** Tensor shapes by name. */
export type ExpectedShapes = { readonly [tensor: string]: readonly number[] }

export interface CheckOptions {
  /** Whether the file may hold tensors that are not expected. Default false. */
  readonly allowExtra?: boolean
}

/**
 * Checks that a file holds exactly the expected tensors.
 *
 * @throws SafetensorsError with all missing, misshapen and extra tensors in one line: the first of each kind by name, the others counted.
 */
export function checkTensors(
  file: Pick<SafetensorsFile, 'name' | 'tensors'>,
  expected: ExpectedShapes,
  { allowExtra = false }: CheckOptions = {},
): void {
  const missing: string[] = []
  const misshapen: string[] = []
  for (const [tensor, shape] of Object.entries(expected)) {
    const found = file.tensors.get(tensor)
    if (!found) missing.push(`${describe(tensor)} ${describeShape(shape)}`)
    else if (!sameShape(found.shape, shape)) {
      misshapen.push(`${describe(tensor)} (expected ${describeShape(shape)}, found ${describeShape(found.shape)})`)
    }
  }
  const extra = allowExtra ? [] : [...file.tensors].filter(([tensor]) => !Object.hasOwn(expected, tensor))
  const problems = [
    ...report('missing', missing),
    ...report('of another shape', misshapen),
    ...report(
      'not expected',
      extra.map(([tensor, { shape }]) => `${describe(tensor)} ${describeShape(shape)}`),
    ),
  ]
  if (problems.length > 0) {
    throw new SafetensorsError(
      `${file.name}: the tensors must be the ${Object.keys(expected).length} that the model has: ${problems.join('; ')}; does the file belong to this model?`,
    )
  }
}

function report(kind: string, tensors: readonly string[]): string[] {
  return tensors.length === 0 ? [] : [`${tensors.length} ${kind}: ${describeList(tensors)}`]
}
