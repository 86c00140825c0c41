import type { DescendantRow, RunReport } from '@learngene/recipe/reports'

const DEPTH = 12

/** Invented accuracies of a plausible shape, by width: before and after training. */
const TIERS = [
  { width: 12, untrained: 0.448, trained: 0.795, energy: 0.738 },
  { width: 24, untrained: 0.871, trained: 0.8835, energy: 0.93 },
  { width: 48, untrained: 0.887, trained: 0.8915, energy: 0.99 },
  { width: 96, untrained: 0.8925, trained: 0.8925, energy: 1 },
]

const nameOf = (width: number) => `w${width}d${DEPTH}`

/** Of one image of 17 tokens. */
function cost(blocksByWidth: readonly (readonly [width: number, blocks: number])[]) {
  const [first, last] = [blocksByWidth[0]![0], blocksByWidth.at(-1)![0]]
  const sum = (of: (width: number) => number) => blocksByWidth.reduce((total, [width, blocks]) => total + blocks * of(width), 0)
  return {
    macs: 784 * first + 95 * last + (first === last ? 0 : 17 * first * last) + sum((d) => 204 * d * d + 748 * d),
    parameters: 67 * first + 12 * last + 10 + (first === last ? 0 : (first + 1) * last) + sum((d) => 12 * d * d + 13 * d),
  }
}

/** Three tiers cut out of the ancestor, the ancestor itself, and nine stitched paths between each two neighbours: 31 descendants. */
export function sampleReport(): RunReport {
  const singles = TIERS.map((tier) => ({ path: `${nameOf(tier.width)}[0-11]`, front: tier, back: tier, at: DEPTH }))
  const stitchedPaths = TIERS.slice(1).flatMap((back, t) =>
    Array.from({ length: 9 }, (_, i) => {
      const [front, at] = [TIERS[t]!, i + 2]
      return { path: `${nameOf(front.width)}[0-${at - 1}]>${nameOf(back.width)}[${at}-11]`, front, back, at }
    }),
  )
  const round = (share: number, of: number) => Math.round(share * of) / of
  const rows = [...singles, ...stitchedPaths].map(({ path, front, back, at }, id): DescendantRow => {
    const stitched = front !== back
    const between = (of: 'untrained' | 'trained', bend: number) => front[of] + (back[of] - front[of]) * (1 - at / DEPTH) ** bend
    const { macs, parameters } = cost(
      stitched
        ? [
            [front.width, at],
            [back.width, DEPTH - at],
          ]
        : [[front.width, DEPTH]],
    )
    const trained = stitched ? between('trained', 0.7) + 0.003 * Math.sin(id * 2.4) : front.trained
    return {
      id,
      path,
      macs,
      parameters,
      memory: 4 * (parameters + 60_000),
      stitched,
      validationAccuracy: round(trained + 0.004 + 0.002 * Math.cos(id), 1000),
      testAccuracy: round(trained, 2000),
      untrainedAccuracy: round(stitched ? between('untrained', 0.6) - 0.008 + 0.004 * Math.sin(id * 1.3) : front.untrained, 2000),
      pareto: false,
    }
  })
  const descendants = rows.map((row) => ({
    ...row,
    pareto: !rows.some((other) => other !== row && other.macs <= row.macs && other.validationAccuracy >= row.validationAccuracy),
  }))
  const within = (macs: number) =>
    descendants.filter((row) => row.macs <= macs).sort((a, b) => b.validationAccuracy - a.validationAccuracy || a.macs - b.macs)
  const [chosen, runnerUp] = within(8e6)
  const initialiser = (name: string, meanAccuracy: number, meanResidual: number) => ({
    name,
    meanAccuracy,
    meanResidual,
    descendants: descendants
      .filter(({ stitched }) => stitched)
      .map(({ path }, i) => ({ path, accuracy: Math.min(1, Math.max(0, meanAccuracy + 0.06 * Math.sin(i * 1.7))) })),
  })
  const ancestor = { ...cost([[96, DEPTH]]), width: 96, depth: DEPTH, testAccuracy: 0.8925 }
  return {
    schema: 2,
    command: 'quickstart',
    version: '0.1.0',
    seed: 0,
    backend: { name: 'wasm', version: '4.22.0' },
    workers: 2,
    config: { validationImages: 1000, distillation: { epochs: 1, batchSize: 64, learningRate: 0.0005 }, budget: { macs: 8e6 } },
    images: { training: 9000, validation: 1000, test: 2000 },
    ancestor,
    auxiliaries: TIERS.map(({ width, untrained, energy }) => ({
      name: nameOf(width),
      width,
      depth: DEPTH,
      heads: 3,
      ...cost([[width, DEPTH]]),
      start: width === 96 ? 'ancestor' : 'inherit',
      standsFor: Array.from({ length: DEPTH }, (_, i) => i),
      keptEnergy: energy,
      untrainedAccuracy: untrained,
      ...(width === 96
        ? { steps: 0, firstLoss: null, lastLoss: null }
        : { steps: 141, firstLoss: 8.4 - width / 12, lastLoss: 2.7 - width / 48 }),
    })),
    inheriting: {
      images: 128,
      energies: [12, 24, 36, 48, 72, 96].map((width, i) => ({ width, kept: [0.738, 0.93, 0.975, 0.99, 0.998, 1][i]! })),
    },
    initialisers: {
      images: 256,
      rows: [
        initialiser('learned', 0.862, 0.44),
        initialiser('leastSquares', 0.851, 0.33),
        initialiser('ridge', 0.866, 0.31),
        initialiser('learned, tiers from random weights', 0.118, 1.62),
      ],
    },
    fineTuning: { steps: 141, firstLoss: 0.71, lastLoss: 0.52, initialiser: 'ridge' },
    descendants,
    evaluation: { sharedMacs: 98_000_000, separateMacs: 216_000_000 },
    storage: {
      pool: { parameters: 1_810_000, smallest: cost([[12, DEPTH]]), models: descendants.length },
      snnet: { parameters: 1_840_000, smallest: cost([[12, DEPTH]]), models: 70, anchors: 'w12d12 + w24d12 + w48d12 + w96d12' },
    },
    comparison: [
      {
        name: 'w12d12 from random weights',
        macs: cost([[12, DEPTH]]).macs,
        testAccuracy: 0.6835,
        note: 'distilled with the same steps as w12d12',
      },
      {
        name: '6 of the 12 blocks',
        macs: cost([[96, 6]]).macs,
        testAccuracy: 0.8215,
        note: 'dropped one after the other, nothing trained',
      },
    ],
    choices: [8e6, 2e6, 6e5].map((macs) => {
      const best = within(macs)[0]!
      return { budget: { macs }, path: best.path, macs: best.macs, testAccuracy: best.testAccuracy }
    }),
    choice: {
      budget: { macs: 8e6 },
      path: chosen!.path,
      runnerUp: runnerUp!.path,
      why: `${runnerUp!.path} lost: its score is ${runnerUp!.validationAccuracy}, that of ${chosen!.path} is ${chosen!.validationAccuracy}`,
      file: 'descendant.safetensors',
      logitDifference: 1.3e-7,
      comparedImages: 64,
    },
    times: {
      'cut tiers out of the ancestor': 4.3,
      'stitch them, by several initialisers': 3.1,
      'evaluate the untrained family': 9.6,
      'ancestor: features': 11.3,
      'distil w12d12': 8.2,
      'distil w24d12': 10.9,
      'distil w48d12': 16.2,
      'compare stitches': 6.4,
      'fine-tune the pool': 24.6,
      evaluate: 15.2,
      total: 110.1,
    },
  }
}
