import { isWeight } from '../safetensors/elements.js'
import { describeList, describe as quote } from '../safetensors/errors.js'
import { SafetensorsError } from '../safetensors/index.js'
import { type Convention, conventions, parameterReader, parameterWriter, timm } from './naming.js'
import type { TensorFile } from './weight-files.js'

/** A checkpoint's tensors by the parameters that they hold. */
export interface NamedTensors {
  /** The convention in words, for messages. */
  readonly title: string
  readonly convention: Convention
  /** Whether at least one of the tensors that would hold a parameter is there. */
  has(parameter: string): boolean
  /** The tensors that, stacked along their first dimension, hold a parameter or would hold it. */
  tensorsOf(parameter: string): readonly string[]
  /** Parameters that are there, by timm's names; tensors that are none of the convention's go by their own. */
  readonly parameters: ReadonlySet<string>
  /** Rows of the position embeddings; undefined where there are none. */
  readonly positions: number | undefined
  /** Tensors that classification does not run, with the reason. */
  readonly unused: ReadonlyMap<string, string>
  /** Which prefixes were stripped. */
  readonly notes: readonly string[]
}

/** What is left out, and what a note says of it. A tensor that holds a parameter is never one of these. */
const leftOut: readonly (readonly [RegExp, string])[] = [
  [/(^|\.)num_batches_tracked$/, 'counters of batch normalisation, which are no weights'],
  [/(^|\.)position_ids$/, 'position ids, which are no weights'],
  [
    /(^|\.)(rotary_emb|rotary_pos_emb|rope)\.(inv_freq|freqs_cos|freqs_sin|freqs|cos_cached|sin_cached)$/,
    'rotary buffers, which a ViT with learned positions does not use',
  ],
  [/(^|\.)mask_token$/, 'the mask token, which only pretraining uses'],
  [/(^|\.)pooler\./, 'the pooler, which classification does not use'],
  [/(^|\.)decoder[._]/, 'the decoder, which only pretraining uses'],
  [
    /(^|\.)(visual_projection\.weight|visual\.proj|visual\.head\.proj\.weight)$/,
    'the projection into the space that images and texts share',
  ],
  [/^(.*\.)?(text_model|text)\./, 'the text tower'],
  [/^(.*\.)?(text_projection(\.weight)?|logit_scale|logit_bias)$/, 'the text tower'],
  [
    /^(module\.|model\.|_orig_mod\.)*(transformer\.resblocks\.|token_embedding\.|positional_embedding$|ln_final\.|attn_mask$)/,
    'the text tower',
  ],
]

interface Candidate {
  readonly convention: Convention
  readonly prefix: string
  readonly named: ReadonlyMap<string, string>
}

/**
 * Recognises the naming of a checkpoint: the convention and the prefix that explain most of its tensors.
 *
 * @param complete whether every tensor is a parameter, as in files of ours, whose parts may have any names
 * @throws SafetensorsError when it is no ViT's in any naming that is read, or holds two of them, or two tensors for one parameter
 */
export function readNames(file: TensorFile, complete = false): NamedTensors {
  const candidates = conventions.flatMap((convention) =>
    prefixesIn(file, convention).map((prefix) => candidateOf(file, convention, prefix)),
  )
  // An embedding of one's own has other names than a ViT's.
  if (complete && candidates.length === 0) candidates.push(candidateOf(file, timm, ''))
  const [best, ...others] = candidates.sort((a, b) => b.named.size - a.named.size)
  if (!best) throw new SafetensorsError(`${file.name}: ${whatItHolds(file)}`)
  const twin = others.find(({ convention, prefix }) => convention === best.convention && prefix !== best.prefix)
  if (twin) {
    throw new SafetensorsError(
      `${file.name}: must hold one network; it holds ${quote(best.prefix)} and ${quote(twin.prefix)}: keep the tensors of one of them in a file of their own`,
    )
  }
  return namedTensors(file, best, complete ? [] : leftOut)
}

/** Prefixes before the convention's probe: one, or the first two of networks that cannot both be read. */
function prefixesIn({ tensors }: TensorFile, { probe, title }: Convention): string[] {
  const found = [...tensors.keys()].filter((tensor) => tensor === probe || tensor.endsWith(`.${probe}`))
  const prefixes = found.map((tensor) => tensor.slice(0, -probe.length))
  // A name as short as that of OpenCLIP's probe is also one of other networks.
  const own = title === 'OpenCLIP' ? prefixes.filter((prefix) => tensors.has(`${prefix}transformer.resblocks.0.ln_1.weight`)) : prefixes
  return own.slice(0, 2)
}

function candidateOf({ tensors }: TensorFile, convention: Convention, prefix: string): Candidate {
  const inTower = parameterReader(convention.tower)
  const beside = parameterReader(convention.outside)
  const wrappers = wrappersOf(prefix)
  const named = new Map<string, string>()
  for (const tensor of tensors.keys()) {
    const parameter =
      (tensor.startsWith(prefix) ? inTower(tensor.slice(prefix.length)) : undefined) ??
      wrappers.flatMap((wrapper) => (tensor.startsWith(wrapper) ? (beside(tensor.slice(wrapper.length)) ?? []) : [])).at(0)
    if (parameter !== undefined) named.set(tensor, parameter)
  }
  return { convention, prefix, named }
}

/** `module.vit.` -> `module.vit.`, `module.` and nothing. */
function wrappersOf(prefix: string): string[] {
  const parts = prefix.split('.').slice(0, -1)
  return Array.from({ length: parts.length + 1 }, (_, i) =>
    parts
      .slice(0, parts.length - i)
      .map((part) => `${part}.`)
      .join(''),
  )
}

function namedTensors(file: TensorFile, { convention, prefix, named }: Candidate, ignored: typeof leftOut): NamedTensors {
  const holders = new Map<string, string[]>()
  const unused = new Map<string, string>()
  for (const [tensor, { dtype }] of file.tensors) {
    const parameter = named.get(tensor)
    const reason =
      parameter === undefined
        ? (ignored.find(([pattern]) => pattern.test(tensor))?.[1] ??
          (isWeight(dtype) ? undefined : `tensors of the type ${dtype}, which are no weights`))
        : undefined
    if (reason !== undefined) unused.set(tensor, reason)
    else {
      const name = parameter ?? (convention === timm && tensor.startsWith(prefix) ? tensor.slice(prefix.length) : tensor)
      holders.set(name, [...(holders.get(name) ?? []), tensor])
    }
  }
  const writeTower = parameterWriter(convention.tower)
  const writeOutside = parameterWriter(convention.outside)
  const tensorsOf = (parameter: string): readonly string[] => {
    const names = writeTower(parameter)?.map((tensor) => prefix + tensor) ?? writeOutside(parameter) ?? [parameter]
    return names.length === 1 ? (holders.get(parameter) ?? names) : names
  }
  for (const [parameter, tensors] of holders) {
    const parts = Math.max(writeTower(parameter)?.length ?? 1, writeOutside(parameter)?.length ?? 1)
    if (tensors.length > parts) {
      throw new SafetensorsError(`${file.name}: must hold one tensor for '${parameter}'; it holds ${tensors.map(quote).join(' and ')}`)
    }
  }
  return {
    title: convention.title,
    convention,
    has: (parameter) => holders.has(parameter),
    tensorsOf,
    parameters: new Set(holders.keys()),
    positions: file.tensors.get(tensorsOf('pos_embed')[0]!)?.shape.at(-2),
    unused,
    notes: strippedFrom(prefix, convention),
  }
}

function strippedFrom(prefix: string, { prefixes }: Convention): string[] {
  const own = prefixes
    .filter((each) => prefix === each || prefix.endsWith(`.${each}`) || each === '')
    .sort((a, b) => b.length - a.length)[0]!
  const stripped = prefix.slice(0, prefix.length - own.length)
  return stripped === '' ? [] : [`the names of the tensors begin with '${stripped}', which was stripped`]
}

function whatItHolds({ tensors }: TensorFile): string {
  const hint =
    "'patch_embed.proj.weight' (timm), '[vit.|deit.]embeddings.patch_embeddings.projection.weight' (Hugging Face), " +
    "'embeddings.patch_embedding.weight' (Hugging Face's CLIP and SigLIP) or 'visual.conv1.weight' (OpenCLIP)"
  return `a ViT checkpoint must hold ${hint}; it holds ${describeList([...tensors.keys()].map(quote)) || 'no tensors'}`
}
