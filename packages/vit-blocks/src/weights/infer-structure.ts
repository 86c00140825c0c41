import type { JsonObject } from '@learngene/interfaces'
import type { Activation } from '@learngene/ops'
import { gridOf, type Size, sidesOf, sizeText } from '../geometry.js'
import type { Pooling } from '../head.js'
import { describe, describeList } from '../safetensors/errors.js'
import { SafetensorsError } from '../safetensors/index.js'
import type { NetworkStructure } from '../structure.js'
import type { TransformerBlockConfig } from '../transformer-block.js'
import { huggingFaceClip } from './naming.js'
import type { NamedTensors } from './read-names.js'
import { registersIn } from './stored-values.js'
import type { TensorFile } from './weight-files.js'

/** What the shapes of a checkpoint do not tell, and who uses it may say. */
export interface StructureHints {
  /** H; default D / 64, as in DeiT and in ViT-Ti/S/B/L, for D up to 1024. Wider ones differ: ViT-H has 16 heads of 80. */
  readonly heads?: number
  /** Of the layer norms; default 1e-6, in CLIP 1e-5. */
  readonly epsilon?: number
  /** Of the blocks' MLPs; default `gelu`, in SigLIP of transformers `geluTanh`, in CLIP of transformers `quickGelu`. */
  readonly activation?: Activation
}

/** What the configuration beside a checkpoint may say besides. */
export interface ConfigHints extends StructureHints {
  /** Dh, where H is not stated. */
  readonly headWidth?: number
  readonly imageSize?: Size
  readonly pooling?: Pooling
}

/** A structure as a checkpoint shows it, and what had to be assumed. */
export interface Inferred {
  /** Without a classifier it has 0 classes. */
  readonly structure: NetworkStructure
  readonly notes: readonly string[]
}

/**
 * The structure of a ViT from the tensor shapes of its checkpoint.
 *
 * @param wanted the image size to be used, tried where nothing else tells the grid of the positions
 * @throws SafetensorsError when the shapes are not those of a ViT that can be run here, naming the tensor, or do not go with the hints
 */
export function inferStructure(file: TensorFile, named: NamedTensors, hints: ConfigHints = {}, wanted?: Size): Inferred {
  const { has } = named
  const fail = (problem: string): never => {
    throw new SafetensorsError(`${file.name}: ${problem}`)
  }
  const shape = (parameter: string, ...ranks: readonly number[]): readonly number[] => {
    const [tensor] = named.tensorsOf(parameter) as [string]
    const found = file.tensors.get(tensor)?.shape ?? fail(`a ViT checkpoint in ${named.title} naming must hold '${tensor}'; it does not`)
    if (!ranks.includes(found.length)) fail(`'${tensor}' must have ${ranks.join(' or ')} dimensions; got [${found.join(', ')}]`)
    if (found.includes(0)) fail(`'${tensor}' must have no dimension of 0; got [${found.join(', ')}]`)
    return found
  }
  const [width, channels, p, q] = shape('patch_embed.proj.weight', 4) as [number, number, number, number]
  const patchSize: Size = p === q ? p : [p, q]
  const classToken = has('cls_token')
  const distillationToken = has('dist_token')
  if (has('reg_token')) shape('reg_token', 3)
  const registerTokens = registersIn(named, file)
  const rows = shape('pos_embed', 2, 3).at(-2)!
  const imageSize = imageSizeOf({ rows, patchSize, prefixes: prefixesWithPositions(named, registerTokens), hints, wanted }, (problem) =>
    fail(`'${named.tensorsOf('pos_embed')[0]}' ${problem}`),
  )
  const { heads, epsilon, activation, notes } = assumed(hints, { width, imageSize, named, fail })
  let depth = 0
  while (has(`blocks.${depth}.mlp.fc1.weight`)) depth++
  const strange = [...named.parameters].filter((parameter) => /(^|\.)0\./.test(parameter))
  if (depth === 0 && strange.length > 0) {
    const [wanted] = named.tensorsOf('blocks.0.mlp.fc1.weight') as [string]
    fail(
      `blocks of a ViT in ${named.title} naming must hold '${wanted}'; these hold ${describeList(strange.map(describe))}, which cannot be run here`,
    )
  }
  const blocks = Array.from({ length: depth }, (_, i) => {
    const [hidden] = shape(`blocks.${i}.mlp.fc1.weight`, 2) as [number]
    const [outputs, inputs] = has(`blocks.${i}.mlp.fc2.weight`) ? shape(`blocks.${i}.mlp.fc2.weight`, 2) : [width, hidden]
    if (outputs === width && inputs! * 2 === hidden) {
      fail(`the perceptrons are gated (SwiGLU: ${hidden} values made, ${inputs} used), which cannot be run here`)
    }
    const qkv = named.tensorsOf(`blocks.${i}.attn.qkv.weight`)
    const third = file.tensors.get(qkv[0]!)?.shape[0] ?? width
    const attended = qkv.length === 1 ? third / 3 : third
    const inner = Number.isInteger(attended / heads) && attended !== width
    const spec = {
      width,
      heads,
      ...(inner && { headWidth: attended / heads }),
      mlpRatio: hidden / width,
      epsilon,
      ...(activation !== 'gelu' && { activation }),
    }
    return { kind: 'transformer', config: spec satisfies TransformerBlockConfig as JsonObject }
  })
  if (named.convention === huggingFaceClip && classToken && has('head.weight')) {
    fail(
      "the classifier of CLIPForImageClassification reads tokens that no layer norm has seen, which cannot be run here; its tower alone can, without 'classifier'",
    )
  }
  const classes = has('head.weight') ? shape('head.weight', 2)[0]! : 0
  const pooling = hints.pooling ?? poolingOf(named, has('head.weight') ? shape('head.weight', 2)[1]! : width, width)
  const structure: NetworkStructure = {
    geometry: { imageSize, patchSize, channels },
    classes,
    epsilon,
    blocks,
    embeddingWidth: width,
    headWidth: width,
    ...(!classToken && { classToken }),
    ...(distillationToken && { distillationToken }),
    ...(registerTokens > 0 && { registerTokens }),
    ...(has('norm_pre.weight') && { embeddingNorm: true }),
    ...(has('head_dist.weight') && { distillationHead: true }),
    ...(pooling !== 'token' && { pooling }),
    ...(has('fc_norm.weight') && pooling !== 'token' && { normAfterPooling: true }),
    ...(pooling === 'attention' && {
      attentionPool: {
        heads,
        mlpRatio: shape('attn_pool.mlp.fc1.weight', 2)[0]! / width,
        ...(activation !== 'gelu' && { activation }),
      },
    }),
  }
  return { structure, notes }
}

/** The numbers of prefix tokens that may have positions: all; those before the registers; none. */
function prefixesWithPositions({ has }: NamedTensors, registers: number): number[] {
  const first = ['cls_token', 'dist_token'].filter(has).length
  return [...new Set([first + registers, first, 0])]
}

interface Positions {
  /** Position embeddings in the file. */
  readonly rows: number
  readonly patchSize: Size
  /** How many of them may belong to prefix tokens. */
  readonly prefixes: readonly number[]
  readonly hints: ConfigHints
  readonly wanted: Size | undefined
}

/** The image size that was stated, confirmed by the number of positions; else the square one that they tell, or the wanted one. */
function imageSizeOf({ rows, patchSize, prefixes, hints, wanted }: Positions, fail: (problem: string) => never): Size {
  const patchesOf = (imageSize: Size) => gridOf({ imageSize, patchSize }).reduce((a, b) => a * b)
  const fits = (imageSize: Size) => prefixes.includes(rows - patchesOf(imageSize))
  const choice = prefixes.map((prefix) => (prefix === 0 ? '' : `${prefix} + `)).join('or ')
  if (hints.imageSize !== undefined) {
    if (fits(hints.imageSize)) return hints.imageSize
    const [rowsOfPatches, columns] = gridOf({ imageSize: hints.imageSize, patchSize })
    fail(
      `must hold ${choice}${rowsOfPatches} x ${columns} positions for images of ${sizeText(hints.imageSize)}, as config.json states, and patches of ${sizeText(patchSize)}; got ${rows}`,
    )
  }
  const sides = prefixes.map((prefix) => Math.sqrt(rows - prefix)).filter((side) => Number.isInteger(side) && side >= 1)
  if (sides.length === 1) return squareOf(sides[0]!, patchSize)
  if (wanted !== undefined && fits(wanted)) return wanted
  if (sides.length > 1) {
    fail(`may hold the positions of ${sides.map((side) => `${side} x ${side}`).join(' or ')} patches; a config.json with image_size tells`)
  }
  return fail(`must hold ${choice}a square number of positions where no config.json tells the image size; got ${rows}`)
}

function squareOf(side: number, patchSize: Size): Size {
  const [height, width] = sidesOf(patchSize).map((pixels) => side * pixels) as [number, number]
  return height === width ? height : [height, width]
}

function poolingOf({ has, convention }: NamedTensors, classified: number, width: number): Pooling {
  if (has('head.weight') && convention.classifies) return convention.classifies
  if (has('attn_pool.latent')) return 'attention'
  if (has('fc_norm.weight') || !has('cls_token')) return 'average'
  return classified === 2 * width ? 'tokenAverage' : 'token'
}

/** What no shape tells: stated, or as in the models that use these names. */
function assumed(
  hints: ConfigHints,
  found: { readonly width: number; readonly imageSize: Size; readonly named: NamedTensors; readonly fail: (problem: string) => never },
): Required<StructureHints> & { readonly notes: readonly string[] } {
  const { width, imageSize, named, fail } = found
  const said = hints.heads ?? (hints.headWidth === undefined ? undefined : width / hints.headWidth)
  const heads = said ?? width / 64
  if (!Number.isInteger(heads) || (said === undefined && width > 1024)) {
    fail(
      `give the number of heads, { heads }: it is inferred, as D / 64, only where 64 divides D and D is at most 1024; got width ${width}`,
    )
  }
  const usual = named.convention.usual(named.has)
  const { epsilon = usual.epsilon, activation = usual.activation } = hints
  const unsaid = [
    ...(said === undefined ? [`${heads} ${heads === 1 ? 'head' : 'heads'} of width 64`] : []),
    ...(hints.activation === undefined ? [`the activation ${activation}`] : []),
    ...(hints.epsilon === undefined ? [`layer norms of ${epsilon.toExponential()}`] : []),
    ...(hints.imageSize === undefined ? [`images of ${sizeText(imageSize)}`] : []),
  ]
  const say = [
    ...(said === undefined ? ['heads'] : []),
    ...(['activation', 'epsilon', 'imageSize'] as const).filter((key) => hints[key] === undefined),
  ]
  const notes =
    unsaid.length === 0 ? [] : [`the files do not tell, so were assumed: ${unsaid.join(', ')}; say otherwise with { ${say.join(', ')} }`]
  return { heads, epsilon, activation, notes }
}
