import type { ByteSource, Json, JsonObject } from '@learngene/interfaces'
import type { Parameters } from '@learngene/interfaces/tensors'
import {
  buildNetwork,
  bytesSource,
  disposeNetwork,
  disposeParameters,
  encodeSafetensors,
  type FloatDtype,
  json,
  loadParameters,
  METADATA_KEY,
  type ModelDetails,
  type Network,
  type NetworkStructure,
  openSafetensors,
  ownMetadata,
  type PartRegistry,
  parametersOf,
  prefixed,
  readOwnMetadata,
  readParameters,
  readStructure,
  requireArguments,
  SafetensorsError,
  type SafetensorsFile,
  structureOf,
} from '@learngene/vit-blocks'
import { type Cascade, type ConfidenceOf, cascade, confidenceNamed } from './cascade.js'

/** A cascade and what else its file says. */
export interface LoadedCascade {
  readonly cascade: Cascade
  readonly details: ModelDetails
}

export interface LoadCascadeOptions {
  /** Names the file in errors. */
  readonly name?: string
  /** Factories of kinds besides the standard ones. */
  readonly parts?: PartRegistry
  /** Confidences of the user's own, by the names that files have them by. */
  readonly confidences?: { readonly [name: string]: ConfidenceOf }
}

/** What two networks have in common, by identity: what is stored once. */
interface Common {
  readonly embedding: boolean
  readonly head: boolean
  /** Pairs of block numbers: of the small network, of the large one. */
  readonly blocks: readonly (readonly [number, number])[]
}

interface Described {
  readonly small: NetworkStructure
  readonly large: NetworkStructure
  readonly threshold: number
  readonly confidence: string
  readonly common: Common
}

/**
 * A cascade as one safetensors file: the small network's tensors as `small.NAME`, the large one's as `large.NAME` but for those that they share; structures, threshold and the name of the
 * confidence in the metadata. {@link loadCascade} reads it.
 */
export async function saveCascade(
  { small, large, threshold, confidence }: Cascade,
  options: { readonly dtype?: FloatDtype; readonly details?: ModelDetails } = {},
): Promise<Uint8Array> {
  requireArguments('saveCascade', { 'cascade.small': ['network', small], 'cascade.large': ['network', large] })
  const { dtype = 'F32', details = {} } = options
  const common = commonOf(small, large)
  const described = { small: structureOf(small), large: structureOf(large), threshold, confidence: confidence.name, common }
  const stored = storedParameters(small, large, common)
  return encodeSafetensors(await readParameters(stored), { dtype, metadata: ownMetadata({ cascade: described, details }) })
}

/** Whether a safetensors file's metadata say that it holds a cascade. */
export function isCascadeFile({ metadata }: Pick<SafetensorsFile, 'metadata'>): boolean {
  try {
    const value: unknown = JSON.parse(metadata[METADATA_KEY] ?? 'null')
    return typeof value === 'object' && value !== null && 'cascade' in value
  } catch {
    return false
  }
}

/**
 * Reads a file of {@link saveCascade}. What the networks share is there once. Nothing stays allocated when it fails.
 *
 * @throws SafetensorsError when the file is broken or holds no cascade, or a tensor is missing, extra, misshapen or not finite; Error when a block kind or the confidence is unknown
 */
export async function loadCascade(source: ByteSource | Uint8Array, options: LoadCascadeOptions = {}): Promise<LoadedCascade> {
  const { name = 'cascade', parts, confidences } = options
  const file = await openSafetensors(source instanceof Uint8Array ? bytesSource(source) : source, { name })
  const { described, details } = readDescribed(file)
  const confidence = confidenceNamed(described.confidence, confidences)
  const small = buildNetwork(described.small, parts)
  const freed: { dispose(): void }[] = [{ dispose: () => disposeNetwork(small) }]
  try {
    const large = shareParts(small, buildNetwork(described.large, parts), described.common, freed)
    await loadParameters(storedParameters(small, large, described.common), file)
    return { cascade: cascade(small, large, described.threshold, confidence), details }
  } catch (error) {
    for (const each of freed) each.dispose()
    throw error
  }
}

function commonOf(small: Network, large: Network): Common {
  return {
    embedding: small.embedding === large.embedding,
    head: small.head === large.head,
    blocks: large.blocks.flatMap((block, i) => {
      const same = small.blocks.indexOf(block)
      return same < 0 ? [] : [[same, i] as const]
    }),
  }
}

/** The large network with the small one's parts in place of those that are the same, which are freed. */
function shareParts(small: Network, large: Network, common: Common, freed: { dispose(): void }[]): Network {
  const own = {
    embedding: !common.embedding,
    head: !common.head,
    blocks: large.blocks.map((_, i) => !common.blocks.some(([, at]) => at === i)),
  }
  const keepOrFree = (isOwn: boolean, parameters: Parameters) => {
    if (isOwn) freed.push({ dispose: () => disposeParameters(parameters) })
    else disposeParameters(parameters)
  }
  keepOrFree(own.embedding, large.embedding.parameters)
  keepOrFree(own.head, large.head.parameters)
  for (const [i, { parameters }] of large.blocks.entries()) keepOrFree(own.blocks[i]!, parameters)
  const same = new Map(common.blocks.map(([from, at]) => [at, small.blocks[from]!]))
  return {
    embedding: common.embedding ? small.embedding : large.embedding,
    blocks: large.blocks.map((block, i) => same.get(i) ?? block),
    head: common.head ? small.head : large.head,
  }
}

/** All tensors of the file by their names. */
function storedParameters(small: Network, large: Network, common: Common): Parameters {
  const { embedding, head } = common
  const shared = [...(embedding ? [large.embedding] : []), ...(head ? [large.head] : []), ...common.blocks.map(([, i]) => large.blocks[i]!)]
  const without = new Set(shared.flatMap(({ parameters }) => Object.values(parameters)))
  const own = Object.fromEntries(Object.entries(parametersOf(large)).filter(([, parameter]) => !without.has(parameter)))
  return { ...prefixed('small.', parametersOf(small)), ...prefixed('large.', own) }
}

function readDescribed(file: SafetensorsFile): { readonly described: Described; readonly details: JsonObject } {
  if (!isCascadeFile(file))
    throw new SafetensorsError(`${file.name} must hold a cascade, as saveCascade writes it; it does not: read other models with loadModel`)
  return readOwnMetadata(file, ({ cascade, details = {} }) => {
    const { small, large, threshold, confidence, common } = json.object(cascade, 'cascade')
    if (typeof threshold !== 'number' || typeof confidence !== 'string')
      throw new Error('cascade.threshold must be a number and cascade.confidence a name')
    const structures = { small: readStructure(small, 'cascade.small'), large: readStructure(large, 'cascade.large') }
    return {
      described: { ...structures, threshold, confidence, common: readCommon(common, structures) },
      details: json.object(details, 'details'),
    }
  })!
}

/** @throws where parts that are said to be the same are not alike */
function readCommon(value: Json | undefined, { small, large }: Pick<Described, 'small' | 'large'>): Common {
  const common = json.object(value, 'cascade.common')
  const blocks = json.list(common.blocks, 'cascade.common.blocks', large.blocks.length, (pair, name): readonly [number, number] => {
    const [from, at] = Array.isArray(pair) && pair.length === 2 ? (pair as unknown[]) : []
    const numbers = Number.isInteger(from) && Number.isInteger(at)
    const [own, other] = numbers ? [small.blocks[from as number], large.blocks[at as number]] : []
    if (!own || !other || JSON.stringify(own) !== JSON.stringify(other))
      throw new Error(`${name} must be the numbers of two blocks that are alike; got ${json.describe(pair as Json)}`)
    return [from as number, at as number]
  })
  const [embedding, head] = [json.flag(common.embedding, 'cascade.common.embedding'), json.flag(common.head, 'cascade.common.head')]
  const frame = ({ blocks: _, embeddingWidth, headWidth, ...rest }: NetworkStructure) => JSON.stringify(rest)
  const alike = frame(small) === frame(large)
  if ((embedding && !(alike && small.embeddingWidth === large.embeddingWidth)) || (head && !(alike && small.headWidth === large.headWidth)))
    throw new Error('cascade.common: embeddings and heads that are the same must be alike; they are not')
  return { embedding, head, blocks }
}
