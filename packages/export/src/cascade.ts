import type { Cascade, ConfidenceName } from '@learngene/stitch'
import { describe, type Network, requireArguments } from '@learngene/vit-blocks'
import { jsonFile, type ModelFiles } from './files.js'

/** The file that says how the parts of an exported cascade answer together. */
export const CASCADE_FILE = 'cascade.json'

/** What is in {@link CASCADE_FILE}. */
export interface CascadeRule {
  readonly format: 'learngene-cascade'
  readonly schema: 1
  /** The folders of the parts. */
  readonly small: 'small'
  readonly large: 'large'
  readonly threshold: number
  readonly confidence: {
    readonly name: string
    /** What `p` is. */
    readonly p: string
    /** An expression of JavaScript in `p`, a list of numbers; null of a confidence of the user's own. */
    readonly of: string | null
  }
  /** In words, the same. */
  readonly rule: string
}

/** Confidences from the probabilities `p` of all classes. */
const expressions: { readonly [name in ConfidenceName]: string } = {
  probability: 'Math.max(...p)',
  margin: '(([first, second = 0]) => first - second)([...p].sort((a, b) => b - a))',
  entropy: '1 + p.reduce((sum, each) => sum + (each === 0 ? 0 : each * Math.log(each)), 0) / Math.log(Math.max(2, p.length))',
}

/**
 * A cascade part by part, for engines that know no cascades: the files of each network in a folder of its own, `small/` and `large/`, and `cascade.json`, which says when the large one is
 * asked. What the two begin with is in both, and runs twice where an image is passed on.
 *
 * @param write gives a part's files, for example `(network) => toTransformersJs(network, { details })`
 * @throws what `write` throws
 */
export async function toCascadeParts(
  cascade: Cascade,
  write: (network: Network, part: 'small' | 'large') => Promise<ModelFiles>,
): Promise<ModelFiles> {
  const { small, large, threshold, confidence } = cascade ?? {}
  requireArguments('toCascadeParts', {
    'cascade.small': ['network', small],
    'cascade.large': ['network', large],
    write: ['function', write],
  })
  if (!Number.isFinite(threshold) || typeof confidence?.name !== 'string')
    throw new Error(`toCascadeParts: the cascade must be one of cascade(small, large, threshold); got ${describe(cascade)}`)
  const { name } = confidence
  const rule: CascadeRule = {
    ...{ format: 'learngene-cascade', schema: 1, small: 'small', large: 'large', threshold },
    confidence: {
      name,
      p: "the softmax of the small model's logits",
      of: Object.hasOwn(expressions, name) ? expressions[name as ConfidenceName] : null,
    },
    rule: 'The small model answers where its confidence is at least the threshold; otherwise, and where the confidence is not a number, the large one does.',
  }
  const files = new Map<string, Uint8Array>()
  for (const part of ['small', 'large'] as const) {
    for (const [file, bytes] of await write(cascade[part], part)) files.set(`${part}/${file}`, bytes)
  }
  return files.set(CASCADE_FILE, jsonFile({ ...rule }))
}
