import { describe } from '../safetensors/errors.js'
import { SafetensorsError } from '../safetensors/index.js'

/**
 * Class names in order, from a list (timm's `label_names`) or from Hugging Face's `id2label`; numbers become text.
 *
 * @returns undefined where none are stated
 * @throws SafetensorsError when they are not one non-empty name for each of the classes from 0 on
 */
export function readClassNames(labels: unknown, name: string): readonly string[] | undefined {
  if (labels === undefined || labels === null) return undefined
  if (typeof labels !== 'object') throw new SafetensorsError(`${name} must be names by class, found ${describe(labels)}`)
  // Keys that are integers come in ascending order.
  const gap = Object.keys(labels).findIndex((key, i) => key !== String(i))
  if (gap >= 0) throw new SafetensorsError(`${name} must name the classes 0, 1, 2 and so on, found no class ${gap}`)
  const names = Object.values(labels).map((label) => (typeof label === 'number' ? String(label) : label))
  const wrong = names.findIndex((label) => !isName(label))
  if (wrong >= 0) throw new SafetensorsError(`${name} must be non-empty texts, found ${describe(names[wrong])} for class ${wrong}`)
  return names as readonly string[]
}

/** What is wrong with the `classNames` of a model's details, as a sentence; undefined where nothing is, or there are none. */
export function faultInClassNames(names: unknown, classes: number): string | undefined {
  if (names === undefined) return undefined
  const rule = `class names must be one non-empty text for each of the ${classes} classes of the classifier`
  if (!Array.isArray(names)) return `${rule}, found ${describe(names)}`
  const wrong = names.findIndex((label) => !isName(label))
  if (wrong >= 0) return `${rule}, found ${describe(names[wrong])} for class ${wrong}`
  if (names.length === classes) return undefined
  return `${rule}, found ${names.length} (${names.slice(0, 3).join(', ')}${names.length > 3 ? ', ...' : ''})`
}

/** Names that several classes share, as a note. */
export function sharedNames(names: readonly string[], name: string): readonly string[] {
  const shared = [...new Set(names.filter((label, i) => names.indexOf(label) !== i))]
  return shared.length === 0 ? [] : [`${name} gives several classes one name: ${shared.slice(0, 5).join(', ')}`]
}

function isName(label: unknown): boolean {
  return typeof label === 'string' && label.trim() !== ''
}
