import type { JsonObject } from '@learngene/interfaces'
import type { BlockRegistry, Parameters } from '@learngene/interfaces/tensors'
import { type AffineMap, identityMap, type Side, type SpaceSpec, type Tier, type Transformation } from '@learngene/stitch'
import { createRng } from '@learngene/training'
import {
  type BlockSpec,
  buildNetwork,
  disposeNetwork,
  encodeSafetensors,
  type FloatDtype,
  loadParameters,
  type NetworkStructure,
  openSafetensors,
  parameter,
  parametersOf,
  prefixed,
  readParameters,
  structureOf,
} from '@learngene/vit-blocks'
import { buildPool, disposePool, type Pool, poolParameters } from './pool.js'
import { sha256 } from './sha256.js'

/** The name of the file that describes the others. */
export const MANIFEST = 'manifest.json'
const SCHEMA = 1
const STITCHES = 'stitches.safetensors'

interface Manifest {
  readonly format: 'learngene-pool'
  readonly schema: typeof SCHEMA
  readonly space: SpaceSpec
  readonly details: JsonObject
  readonly tiers: readonly TierEntry[]
  readonly stitches: FileEntry & BlockSpec
}

interface FileEntry {
  readonly file: string
  /** Hexadecimal. */
  readonly sha256: string
}

interface TierEntry extends FileEntry {
  readonly name: string
  readonly structure: NetworkStructure
  readonly transformations: readonly TransformationEntry[]
}

interface TransformationEntry {
  readonly side: Side
  readonly position: number
  readonly ancestorPosition: number
  readonly inputs: number
  readonly outputs: number
  /** Fixed to the identity; not stored. */
  readonly identity: boolean
}

/**
 * A pool as files by name: one safetensors file per tier (its weights under timm's names and its transformation matrices), one for the stitches,
 * and a manifest with schema version, configuration and hashes.
 */
export async function encodePool(pool: Pool, options: { readonly dtype?: FloatDtype } = {}): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>()
  const add = async (file: string, bytes: Uint8Array): Promise<FileEntry> => {
    files.set(file, bytes)
    return { file, sha256: await sha256(bytes) }
  }
  const tiers: TierEntry[] = []
  for (const tier of pool.tiers) {
    const tensors = [...(await readParameters(parametersOf(tier.network))), ...storedTransformations(tier.transformations)]
    const entry = await add(`tier-${tier.name}.safetensors`, encodeSafetensors(tensors, options))
    tiers.push({ ...entry, name: tier.name, structure: structureOf(tier.network), transformations: tier.transformations.map(entryOf) })
  }
  const entry = await add(STITCHES, encodeSafetensors(await readParameters(poolParameters(pool).stitches), options))
  const stitches = { ...entry, ...pool.stitchSpec }
  const manifest: Manifest = { format: 'learngene-pool', schema: SCHEMA, space: pool.spaceSpec, details: pool.details, tiers, stitches }
  files.set(MANIFEST, new TextEncoder().encode(`${JSON.stringify(manifest, null, 2)}\n`))
  return files
}

/**
 * Reads a pool.
 *
 * @param read gives the bytes of a file by its name
 * @param options.blocks factories of block kinds besides the standard ones
 * @throws when the manifest is of another format or version, a file's hash differs from the manifest's, or a tensor is missing, extra, misshapen or not finite
 */
export async function decodePool(
  read: (file: string) => Promise<Uint8Array>,
  options: { readonly blocks?: BlockRegistry; readonly name?: string } = {},
): Promise<Pool> {
  const { name = 'pool', blocks } = options
  const manifest = parseManifest(await read(MANIFEST), name)
  const readChecked = async ({ file, sha256: expected }: FileEntry) => {
    const bytes = await read(file)
    const found = await sha256(bytes)
    if (found !== expected) {
      throw new Error(
        `${name}: ${file} must have the SHA-256 that ${MANIFEST} states, ${short(expected)}; it has ${short(found)}. The file was changed or damaged; make the pool again`,
      )
    }
    return openSafetensors(bytes, { name: `${name}/${file}` })
  }
  const tiers: Tier[] = []
  try {
    for (const entry of manifest.tiers) {
      const file = await readChecked(entry)
      const network = buildNetwork(entry.structure, blocks)
      tiers.push({ name: entry.name, network, transformations: [] })
      const holders = entry.transformations.map(holderOf)
      try {
        await loadParameters({ ...parametersOf(network), ...Object.assign({}, ...holders.map(({ parameters }) => parameters)) }, file)
        const transformations = await Promise.all(holders.map(({ read }) => read()))
        tiers[tiers.length - 1] = { name: entry.name, network, transformations }
      } finally {
        for (const { parameters } of holders) for (const held of Object.values(parameters)) held.dispose()
      }
    }
    const stitchFile = await readChecked(manifest.stitches)
    const { space, details, stitches } = manifest
    const stitch = { kind: stitches.kind, config: stitches.config }
    const pool = inFile(`${name}/${MANIFEST}`, () => buildPool(tiers, { space, details, stitch, blocks }, createRng(0)))
    try {
      await loadParameters(poolParameters(pool).stitches, stitchFile)
    } catch (error) {
      disposePool({ ...pool, tiers: [] })
      throw error
    }
    return pool
  } catch (error) {
    for (const { network } of tiers) disposeNetwork(network)
    throw error
  }
}

function parseManifest(bytes: Uint8Array, name: string): Manifest {
  let manifest: Partial<Manifest> | null
  try {
    manifest = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (error) {
    throw new Error(`${name}: ${MANIFEST} must be JSON: ${(error as Error).message}`)
  }
  if (manifest?.format !== 'learngene-pool' || manifest.schema !== SCHEMA) {
    throw new Error(
      `${name}: ${MANIFEST} must have format 'learngene-pool' and schema ${SCHEMA}; got '${manifest?.format}' and ${manifest?.schema}. It is no pool or of another version`,
    )
  }
  if (!Array.isArray(manifest.tiers) || !manifest.stitches || !manifest.space) {
    throw new Error(`${name}: ${MANIFEST} must hold tiers, stitches and space; it holds ${Object.keys(manifest).join(', ')}`)
  }
  return manifest as Manifest
}

/** Names the file in what goes wrong. */
function inFile<T>(file: string, action: () => T): T {
  try {
    return action()
  } catch (error) {
    throw new Error(`${file}: ${(error as Error).message}`, { cause: error })
  }
}

function entryOf({ side, position, ancestorPosition, map }: Transformation): TransformationEntry {
  return { side, position, ancestorPosition, inputs: map.inputs, outputs: map.outputs, identity: isIdentity(map) }
}

const transformationPrefix = ({ side, position }: Pick<TransformationEntry, 'side' | 'position'>) => `transformation.${side}.${position}.`

function storedTransformations(transformations: readonly Transformation[]) {
  return transformations
    .filter(({ map }) => !isIdentity(map))
    .flatMap((transformation) => {
      const { map } = transformation
      const prefix = transformationPrefix(transformation)
      return [
        { name: `${prefix}weight`, shape: [map.outputs, map.inputs], data: map.weight },
        { name: `${prefix}bias`, shape: [map.outputs], data: map.bias },
      ]
    })
}

/** Tensors to load a transformation into, and how to read it from them. */
function holderOf(entry: TransformationEntry): { parameters: Parameters; read(): Promise<Transformation> } {
  const { side, position, ancestorPosition, inputs, outputs, identity } = entry
  if (identity) return { parameters: {}, read: async () => ({ side, position, ancestorPosition, map: identityMap(inputs) }) }
  const weight = parameter(new Float32Array(outputs * inputs), [outputs, inputs])
  const bias = parameter(new Float32Array(outputs), [outputs])
  return {
    parameters: prefixed(transformationPrefix(entry), { weight, bias }),
    read: async () => ({
      side,
      position,
      ancestorPosition,
      map: { inputs, outputs, weight: await weight.data<'float32'>(), bias: await bias.data<'float32'>() },
    }),
  }
}

function isIdentity({ inputs, outputs, weight, bias }: AffineMap): boolean {
  return inputs === outputs && bias.every((value) => value === 0) && weight.every((value, i) => value === (i % (inputs + 1) === 0 ? 1 : 0))
}

const short = (hash: unknown) => `${String(hash).slice(0, 12)}…`
