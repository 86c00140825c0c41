import { describe } from './arguments.js'

/** What a model makes of each of some images, in the same order for all models. */
export interface Answers {
  /** Of one image. */
  readonly macs: number
  /** How sure it is of its answer; higher is surer. */
  readonly confidence: ArrayLike<number>
  /** 1 where its answer is right, else 0. */
  readonly correct: ArrayLike<number>
}

/** A cascade of two models: the large one answers where the small one's confidence is below the threshold. */
export interface CascadeScore {
  /** Share of the images that the large model answers. */
  readonly passedOn: number
  /** Share of the images whose answer is right. */
  readonly score: number
  /** Of one image, on average. */
  readonly macs: number
}

export interface CascadeCandidate extends CascadeScore {
  /** Positions in the list of models. */
  readonly small: number
  readonly large: number
  readonly threshold: number
}

export interface CascadeOptions {
  /** MACs that two models share where one goes on from where they part; default none. */
  readonly shared?: (small: number, large: number) => number
  /** Which pairs are looked at; default all. */
  readonly pairs?: (small: number, large: number) => boolean
}

/**
 * All cascades of two models that are worth looking at, told from what each makes of the same images: of every pair whose small model is the cheaper one, the thresholds that are right
 * more often than every lower one and than the small model alone. Sorts once for each small model; takes O(n) for a pair.
 *
 * @throws when the models do not have the same number of images, or a confidence is no number
 */
export function* cascadeCandidates(models: readonly Answers[], options: CascadeOptions = {}): Generator<CascadeCandidate> {
  const { shared = () => 0, pairs = () => true } = options
  const images = models[0]?.confidence.length ?? 0
  for (const [i, model] of models.entries()) requireAnswers(model, images, `models[${i}]`)
  for (const [small, a] of models.entries()) {
    const larger = models.flatMap((b, large) => (b.macs > a.macs && pairs(small, large) ? [large] : []))
    if (larger.length === 0) continue
    const order = Uint32Array.from({ length: images }, (_, i) => i).sort((i, j) => a.confidence[i]! - a.confidence[j]! || i - j)
    const alone = sumOf(a.correct)
    for (const large of larger) {
      const b = models[large]!
      const added = b.macs - shared(small, large)
      let [right, best] = [alone, alone]
      // Passed on are the images up to the k-th in the order of confidence.
      for (let k = 1; k < images; k++) {
        const [last, next] = [order[k - 1]!, order[k]!]
        right += b.correct[last]! - a.correct[last]!
        if (right <= best || a.confidence[last] === a.confidence[next]) continue
        best = right
        yield {
          ...{ small, large, threshold: shortestBetween(a.confidence[last]!, a.confidence[next]!) },
          ...{ passedOn: k / images, score: right / images, macs: a.macs + (k / images) * added },
        }
      }
    }
  }
}

/**
 * What a cascade comes to on other images.
 *
 * @param shared MACs that the two share
 * @throws as {@link cascadeCandidates}
 */
export function scoreCascade(small: Answers, large: Answers, threshold: number, shared = 0): CascadeScore {
  const images = small.confidence.length
  requireAnswers(small, images, 'small')
  requireAnswers(large, images, 'large')
  let [passed, right] = [0, 0]
  for (let i = 0; i < images; i++) {
    const stays = small.confidence[i]! >= threshold
    if (!stays) passed++
    right += (stays ? small : large).correct[i]!
  }
  const passedOn = passed / images
  return { passedOn, score: right / images, macs: small.macs + passedOn * (large.macs - shared) }
}

function requireAnswers({ macs, confidence, correct }: Answers, images: number, name: string): void {
  if (!(macs >= 0)) throw new Error(`${name}.macs must be a number of at least 0; got ${describe(macs)}`)
  if (images === 0 || confidence.length !== images || correct.length !== images)
    throw new Error(
      `${name} must have a confidence and an outcome for each of the same images, at least one; got ${confidence.length} and ${correct.length} for ${images}`,
    )
  for (let i = 0; i < images; i++)
    if (Number.isNaN(confidence[i])) throw new Error(`${name}.confidence must be numbers; that of image ${i} is ${confidence[i]}`)
}

function sumOf(values: ArrayLike<number>): number {
  let sum = 0
  for (let i = 0; i < values.length; i++) sum += values[i]!
  return sum
}

/** The number of the fewest digits between two, nearest to their middle; the higher one where they are neighbours. */
function shortestBetween(low: number, high: number): number {
  for (let digits = 1; digits <= 17; digits++) {
    const middle = Number(((low + high) / 2).toPrecision(digits))
    if (middle > low && middle < high) return middle
  }
  return high
}
