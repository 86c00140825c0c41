import type { Candidate, Measures, Rng, SearchSpace } from '@learngene/interfaces'

/** A small generator for tests: xorshift32 on a seed mixed with the labels of its forks. */
export const seededRng = (seed: number | string): Rng => {
  let state = 2166136261
  for (const letter of String(seed)) state = Math.imul(state ^ letter.charCodeAt(0), 16777619)
  const uniform = (): number => {
    state = state || 1
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 2 ** 32
  }
  const integer = (bound: number): number => Math.floor(uniform() * bound)
  return {
    uniform,
    normal: () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()),
    integer,
    permutation: (length) => {
      const order = Uint32Array.from({ length }, (_, i) => i)
      for (let i = length - 1; i > 0; i--) {
        const j = integer(i + 1)
        ;[order[i], order[j]] = [order[j]!, order[i]!]
      }
      return order
    },
    fork: (label) => seededRng(`${seed}/${label}`),
  }
}

/** One gene per dimension, each an integer in [0, bound). */
export type Genes = readonly number[]

interface GridOptions {
  readonly bounds: readonly number[]
  readonly cost: (genes: Genes) => Measures
}

/** One whose costs are known at once. */
export type PricedSpace = Omit<SearchSpace<Genes>, 'cost'> & { cost(genes: Genes): Measures }

const gridBasics = ({ bounds, cost }: GridOptions) => ({
  count: () => bounds.reduce((product, bound) => product * bound, 1),
  sample: (rng: Rng): Genes => bounds.map((bound) => rng.integer(bound)),
  mutate: (genes: Genes, rng: Rng): Genes => {
    const at = rng.integer(genes.length)
    const step = rng.uniform() < 0.5 ? -1 : 1
    return genes.map((gene, i) => (i === at ? Math.min(bounds[i]! - 1, Math.max(0, gene + step)) : gene))
  },
  cost,
  key: (genes: Genes) => genes.join('-'),
})

function* allGenes([bound, ...rest]: readonly number[]): Generator<number[]> {
  if (bound === undefined) {
    yield []
    return
  }
  for (let gene = 0; gene < bound; gene++) for (const tail of allGenes(rest)) yield [gene, ...tail]
}

/** A grid of genes whose neighbours differ by one step of one gene. */
export const gridSpace = (options: GridOptions): PricedSpace => ({
  ...gridBasics(options),
  enumerate: () => allGenes(options.bounds),
})

/** The same, but listing it is an error. */
export const unlistableSpace = (options: GridOptions): PricedSpace => ({
  ...gridBasics(options),
  enumerate: () => {
    throw new Error('this space must not be listed')
  },
})

/** macs and parameters grow linearly in the genes, with different weights, from a base of 10. */
export const linearCost = (genes: Genes): { macs: number; parameters: number } => ({
  macs: genes.reduce((sum, gene, i) => sum + gene * (3 + 2 * i), 10),
  parameters: genes.reduce((sum, gene, i) => sum + gene * (15 - i), 10),
})

/** Separable with falling returns: the more of a gene, the less another step of it adds. */
export const fallingReturns = (genes: Genes): number => genes.reduce((sum, gene, i) => sum + (1 + 0.37 * i) * Math.sqrt(gene), 0)

export const scored = (
  key: string,
  measures: { readonly [measure: string]: number },
  score: number,
): Candidate<string> & { score: number } => ({
  value: key,
  key,
  measures,
  score,
})
