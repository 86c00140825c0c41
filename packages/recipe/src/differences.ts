import type { Json } from '@learngene/interfaces'
import { canonicalJson } from './canonical-json.js'

/**
 * Paths to the innermost properties that differ, such as `fineTuning.epochs`. Arrays are compared as wholes.
 *
 * @param path of the two values themselves, which begins every other
 */
export function differences(before: Json | undefined, after: Json | undefined, path = ''): string[] {
  const text = (value: Json | undefined) => (value === undefined ? undefined : canonicalJson(value))
  if (text(before) === text(after)) return []
  if (!isObject(before) || !isObject(after)) return [path]
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort()
  return keys.flatMap((key) => differences(before[key], after[key], path ? `${path}.${key}` : key))
}

const isObject = (value: Json | undefined): value is { readonly [key: string]: Json } =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
