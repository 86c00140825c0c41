import type { Parameters } from '@learngene/interfaces/tensors'
import { identityMap, isIdentity, type SpaceRegistry, type StitchedFamily, type Tier, type Transformation } from '@learngene/stitch'
import { createRng } from '@learngene/training'
import {
  buildNetwork,
  checkTensors,
  disposeNetwork,
  type ExpectedShapes,
  encodeSafetensors,
  type FloatDtype,
  type FloatTensor,
  loadParameters,
  type Network,
  openSafetensors,
  type PartRegistry,
  parametersOf,
  readAllFloat32,
  readParameters,
  structureOf,
  withoutWeights,
} from '@learngene/vit-blocks'
import { buildPool, disposePool, type Pool, poolParameters } from './pool.js'
import { type FileEntry, MANIFEST, type Manifest, readManifest, SCHEMA, type TierEntry, type TransformationEntry } from './pool-manifest.js'
import { sha256 } from './sha256.js'

const STITCHES = 'stitches.safetensors'

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
    tiers.push({
      ...entry,
      name: tier.name,
      structure: structureOf(tier.network),
      transformations: tier.transformations.map(entryOf),
      ...(tier.standsFor && { standsFor: tier.standsFor }),
    })
  }
  const entry = await add(STITCHES, encodeSafetensors(await readParameters(poolParameters(pool).stitches), options))
  const stitches = { ...entry, ...pool.stitchSpec }
  const manifest: Manifest = { format: 'learngene-pool', schema: SCHEMA, space: pool.spaceSpec, details: pool.details, tiers, stitches }
  const bytes = new TextEncoder().encode(`${JSON.stringify(manifest, null, 2)}\n`)
  // What is written is read again.
  inFile(MANIFEST, () => readManifest(bytes))
  files.set(MANIFEST, bytes)
  return files
}

/**
 * Reads a pool. Manifest and structures are checked whole, and each file against them, before anything is allocated for it.
 *
 * @param read gives the bytes of a file by its name, which never leads out of the pool's folder
 * @param options factories of parts and path spaces besides the standard ones
 * @throws Error of one line when the manifest is of another format or version or says what no pool has, a file's hash differs from the manifest's,
 * or a tensor is missing, extra, misshapen or not finite
 */
export async function decodePool(
  read: (file: string) => Promise<Uint8Array>,
  options: PoolKinds & { readonly name?: string } = {},
): Promise<Pool> {
  const { name = 'pool', ...kinds } = options
  const bytes = await read(MANIFEST)
  const [manifest, shapes] = inFile(`${name}/${MANIFEST}`, () => {
    const manifest = readManifest(bytes)
    return [manifest, shapesOf(manifest, kinds)] as const
  })
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
    for (const [i, entry] of manifest.tiers.entries()) {
      const file = await readChecked(entry)
      const matrices = Object.assign({}, ...entry.transformations.map(matrixShapes))
      checkTensors(file, { ...shapes.tiers[i], ...matrices })
      const values = await readAllFloat32(file, matrices, { allowExtra: true })
      const transformations = entry.transformations.map((transformation) => transformationFrom(transformation, values))
      const network = buildNetwork(entry.structure, kinds.parts)
      tiers.push({ name: entry.name, network, transformations, ...(entry.standsFor && { standsFor: entry.standsFor }) })
      await loadParameters(parametersOf(network), file, { allowExtra: true })
    }
    const stitchFile = await readChecked(manifest.stitches)
    checkTensors(stitchFile, shapes.stitches)
    const pool = buildPool(tiers, poolOptions(manifest, kinds), createRng(0))
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

/** Kinds of one's own that a pool's manifest may name. */
export interface PoolKinds {
  /** Factories of kinds besides the standard ones. */
  readonly parts?: PartRegistry
  readonly spaces?: SpaceRegistry
}

const poolOptions = ({ space, details, stitches: { kind, config } }: Manifest, kinds: PoolKinds) => ({
  space,
  details,
  stitch: { kind, config },
  ...kinds,
})

/**
 * The shapes of all weights of the pool that a manifest describes, of each tier and of the stitches. Nothing is allocated.
 *
 * @throws when there is no such pool: a block kind is unknown or its configuration impossible, tiers or path space do not fit
 */
function shapesOf(manifest: Manifest, kinds: PoolKinds): { tiers: ExpectedShapes[]; stitches: ExpectedShapes } {
  const tiers: Tier[] = []
  let stitches: StitchedFamily['stitches'] = new Map()
  try {
    return withoutWeights(() => {
      for (const { name, structure, standsFor } of manifest.tiers) {
        tiers.push({ name, network: buildNetwork(structure, kinds.parts), transformations: [], ...(standsFor && { standsFor }) })
      }
      for (const [i, { name, transformations }] of manifest.tiers.entries()) {
        for (const entry of transformations) checkTransformation(entry, name, tiers[i]!.network)
      }
      const pool = buildPool(tiers, poolOptions(manifest, kinds), createRng(0))
      stitches = pool.stitches
      return { tiers: tiers.map(({ network }) => shapesIn(parametersOf(network))), stitches: shapesIn(poolParameters(pool).stitches) }
    })
  } finally {
    // Of block kinds that allocate nonetheless.
    disposePool({ tiers, stitches })
  }
}

const shapesIn = (parameters: Parameters): ExpectedShapes =>
  Object.fromEntries(Object.entries(parameters).map(([name, { shape }]) => [name, shape]))

function checkTransformation({ side, position, inputs, outputs }: TransformationEntry, tier: string, { blocks }: Network): void {
  const block = blocks[position]
  if (!block)
    throw new Error(`the transformations of tier ${tier} must be of its blocks 0 to ${blocks.length - 1}; got position ${position}`)
  const width = side === 'student' ? inputs : outputs
  if (width !== block.outputWidth) {
    throw new Error(
      `the transformation of tier ${tier} at block ${position} must have ${block.outputWidth} ${side === 'student' ? 'inputs' : 'outputs'}, the block's width; got ${width}`,
    )
  }
}

/** Names the file in what goes wrong, in one line. */
function inFile<T>(file: string, action: () => T): T {
  try {
    return action()
  } catch (error) {
    throw new Error(`${file}: ${(error as Error).message.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')}`, { cause: error })
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

const matrixShapes = (entry: TransformationEntry): ExpectedShapes => {
  const prefix = transformationPrefix(entry)
  return entry.identity ? {} : { [`${prefix}weight`]: [entry.outputs, entry.inputs], [`${prefix}bias`]: [entry.outputs] }
}

function transformationFrom(entry: TransformationEntry, values: ReadonlyMap<string, FloatTensor>): Transformation {
  const { side, position, ancestorPosition, inputs, outputs, identity } = entry
  const prefix = transformationPrefix(entry)
  const value = (part: string) => values.get(prefix + part)!.data
  const map = identity ? identityMap(inputs) : { inputs, outputs, weight: value('weight'), bias: value('bias') }
  return { side, position, ancestorPosition, map }
}

const short = (hash: unknown) => `${String(hash).slice(0, 12)}…`
