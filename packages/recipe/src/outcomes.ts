import type { Outcomes } from '@learngene/learngene-pool'
import { encodeSafetensors, type NamedFloatTensor, openSafetensors, readAllFloat32, SafetensorsError } from '@learngene/vit-blocks'

/** The file of the stage `evaluate` with what every descendant made of each image, from which all cascades can be told. */
export const OUTCOMES = 'outcomes.safetensors'

const PARTS = ['validation', 'test'] as const

type Part = (typeof PARTS)[number]

const CORRECT = 'correct'

/** What each descendant made of each image; a part that was not evaluated is empty. */
export interface RunOutcomes extends Readonly<Record<Part, readonly Outcomes[]>> {
  /** In the order of the outcomes. */
  readonly paths: readonly string[]
}

/** As a safetensors file: `PART.correct` and `PART.CONFIDENCE` [paths, images]. */
export function encodeOutcomes({
  paths,
  ...parts
}: { readonly paths: readonly string[] } & { readonly [part in Part]?: readonly Outcomes[] }): Uint8Array {
  const tensors = PARTS.flatMap((part): NamedFloatTensor[] => {
    const rows = parts[part] ?? []
    if (rows.length === 0) return []
    const shape = [rows.length, rows[0]!.correct.length]
    const table = (name: string, values: (row: Outcomes) => ArrayLike<number>) => {
      const data = new Float32Array(shape[0]! * shape[1]!)
      rows.forEach((row, i) => {
        data.set(values(row), i * shape[1]!)
      })
      return { name: `${part}.${name}`, shape, data }
    }
    const measures = Object.keys(rows[0]!.confidence)
    return [table(CORRECT, (row) => row.correct), ...measures.map((name) => table(name, (row) => row.confidence[name]!))]
  })
  return encodeSafetensors(tensors, { metadata: { paths: JSON.stringify(paths) } })
}

/** @throws SafetensorsError when the bytes are not of {@link encodeOutcomes} */
export async function decodeOutcomes(bytes: Uint8Array, name = OUTCOMES): Promise<RunOutcomes> {
  const file = await openSafetensors(bytes, { name })
  const paths: unknown = JSON.parse(file.metadata.paths ?? 'null')
  if (!Array.isArray(paths) || !paths.every((path) => typeof path === 'string'))
    throw new SafetensorsError(`${name}: its metadata must list the paths that were evaluated; they do not`)
  const tables = await readAllFloat32(file, Object.fromEntries(Array.from(file.tensors, ([tensor, { shape }]) => [tensor, shape])))
  const partOf = (part: Part): Outcomes[] => {
    const own = [...tables].filter(([tensor]) => tensor.startsWith(`${part}.`))
    if (own.length === 0) return []
    const row = (tensor: string, i: number) => {
      const table = tables.get(`${part}.${tensor}`)
      if (table?.shape.length !== 2 || table.shape[0] !== paths.length)
        throw new SafetensorsError(`${name}: ${part}.${tensor} must be a table with a row for each of ${paths.length} paths; it is not`)
      const images = table.shape[1]!
      return table.data.subarray(i * images, (i + 1) * images)
    }
    const measures = own.map(([tensor]) => tensor.slice(part.length + 1)).filter((measure) => measure !== CORRECT)
    return paths.map((_, i) => ({
      correct: Uint8Array.from(row(CORRECT, i)),
      confidence: Object.fromEntries(measures.map((measure) => [measure, Float64Array.from(row(measure, i))])),
    }))
  }
  return { paths: paths as string[], validation: partOf('validation'), test: partOf('test') }
}

/** The share of the images that are right. */
export const accuracyOf = ({ correct }: Outcomes): number => correct.reduce((sum, each) => sum + each, 0) / correct.length
