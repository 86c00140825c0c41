import type { z } from 'zod'

export type Schema = z.core.$ZodType

/** What a schema says of the values inside of a value. */
export type Inside =
  | {
      readonly kind: 'object'
      readonly shape: { readonly [key: string]: Schema }
      /** Of keys that the shape does not name; none are let in where it is missing. */
      readonly rest?: Schema
    }
  | { readonly kind: 'record'; readonly value: Schema }
  | { readonly kind: 'array'; element(index: number): Schema | undefined }
  | { readonly kind: 'leaf' }

/** What may be inside of `value`, which decides between the options of a union. */
export function insideOf(schema: Schema, value: unknown): Inside {
  const { def } = (schema as z.core.$ZodTypes)._zod
  switch (def.type) {
    case 'object': {
      const rest = def.catchall && (def.catchall as z.core.$ZodTypes)._zod.def.type !== 'never' ? def.catchall : undefined
      return { kind: 'object', shape: def.shape, ...(rest && { rest }) }
    }
    case 'record':
      return { kind: 'record', value: def.valueType }
    case 'array':
      return { kind: 'array', element: () => def.element }
    case 'tuple':
      return { kind: 'array', element: (index) => def.items[index] ?? def.rest ?? undefined }
    case 'optional':
    case 'nullable':
    case 'default':
    case 'prefault':
    case 'nonoptional':
    case 'readonly':
    case 'catch':
      return insideOf(def.innerType, value)
    case 'pipe':
      return insideOf(def.in, value)
    case 'lazy':
      return insideOf(def.getter(), value)
    case 'union':
      return insideOfUnion(def, value)
    default:
      return { kind: 'leaf' }
  }
}

/** That of the option which the value means: by its discriminator, else the one that has most of its keys. */
function insideOfUnion({ options, ...def }: z.core.$ZodUnionDef, value: unknown): Inside {
  if (Array.isArray(value)) return options.map((option) => insideOf(option, value)).find(({ kind }) => kind === 'array') ?? { kind: 'leaf' }
  if (!isPlainObject(value)) return { kind: 'leaf' }
  if ('discriminator' in def) {
    const { discriminator } = def as z.core.$ZodDiscriminatedUnionDef
    const option = options.find(({ _zod }) => _zod.propValues?.[discriminator]?.has(value[discriminator] as z.core.util.Primitive))
    return option ? insideOf(option, value) : { kind: 'leaf' }
  }
  const known = (inside: Inside) =>
    inside.kind === 'object'
      ? Object.keys(value).filter((key) => Object.hasOwn(inside.shape, key)).length
      : inside.kind === 'record'
        ? 0
        : -1
  const [best] = options.map((option) => insideOf(option, value)).sort((a, b) => known(b) - known(a))
  return best && known(best) >= 0 ? best : { kind: 'leaf' }
}

/** Whether it was written as `{ … }`, and is no instance of a class. */
export function isPlainObject(value: unknown): value is { readonly [key: string]: unknown } {
  if (typeof value !== 'object' || value === null) return false
  const prototype = Object.getPrototypeOf(value)
  // That of another realm has no prototype either.
  return prototype === null || Object.getPrototypeOf(prototype) === null
}
