import type { DescendantRow, QuickstartReport } from '../quickstart/report.js'

/** Invented numbers of a plausible shape: two tiers of depth 6 with the 16 stitched paths between them. */
export function sampleReport(): QuickstartReport {
  const pairs = Array.from({ length: 6 }, (_, j) => [j - 1, j, j + 1].filter((m) => m >= 0 && m < 6).map((m) => [j, m] as const)).flat()
  const paths = ['w48d6[0-5]', 'w96d6[0-5]', ...pairs.map(([j, m]) => `w48d6[0-${j}]>w96d6[${m}-5]`)]
  const cost = (small: number, large: number) => ({
    macs: 40_000 + small * 497_000 + large * 1_934_000,
    parameters: 5_000 + small * 28_272 + large * 111_840,
  })
  const rows = paths.map((path, id): DescendantRow => {
    const [j, m] = pairs[id - 2] ?? []
    const small = id === 0 ? 6 : id === 1 ? 0 : j! + 1
    const large = id === 0 ? 0 : id === 1 ? 6 : 6 - m!
    const accuracy = 0.79 + 0.09 * (1 - Math.exp(-(small + 3 * large) / 7)) + 0.006 * Math.sin(id * 2.4)
    const { macs, parameters } = cost(small, large)
    return {
      id,
      path,
      macs,
      parameters,
      memory: 4 * (parameters + 60_000),
      stitched: id > 1,
      validationAccuracy: Math.round(accuracy * 1000) / 1000,
      testAccuracy: Math.round((accuracy - 0.007 + 0.004 * Math.cos(id)) * 2000) / 2000,
      pareto: false,
    }
  })
  const descendants = rows.map((row) => ({
    ...row,
    pareto: !rows.some((other) => other !== row && other.macs <= row.macs && other.validationAccuracy >= row.validationAccuracy),
  }))
  const chosen = descendants.filter(({ macs }) => macs <= 8e6).sort((a, b) => b.validationAccuracy - a.validationAccuracy)
  const initialiser = (name: string, meanAccuracy: number, meanResidual: number) => ({
    name,
    meanAccuracy,
    meanResidual,
    descendants: descendants
      .filter(({ stitched }) => stitched)
      .map(({ path }, i) => ({ path, accuracy: Math.min(1, Math.max(0, meanAccuracy + 0.06 * Math.sin(i * 1.7))) })),
  })
  const auxiliary = (name: string, width: number, heads: number, of: number) => ({
    name,
    width,
    depth: 6,
    heads,
    ...descendants[of]!,
    firstLoss: 31.4 - width / 8,
    lastLoss: 6.2 - width / 48,
    steps: 420,
  })
  return {
    schema: 1,
    command: 'quickstart',
    version: '0.1.0',
    seed: 0,
    backend: { name: 'wasm', version: '4.22.0' },
    workers: 2,
    config: { validationImages: 1000, distillation: { epochs: 3, batchSize: 64, learningRate: 0.0015 }, budget: { macs: 8e6 } },
    images: { training: 9000, validation: 1000, test: 2000 },
    ancestor: { parameters: 1_351_000, macs: 23_300_000, width: 96, depth: 12, testAccuracy: 0.9045 },
    auxiliaries: [auxiliary('w48d6', 48, 3, 0), auxiliary('w96d6', 96, 3, 1)].map(
      ({ name, width, depth, heads, parameters, macs, firstLoss, lastLoss, steps }) => ({
        name,
        width,
        depth,
        heads,
        parameters,
        macs,
        firstLoss,
        lastLoss,
        steps,
      }),
    ),
    initialisers: {
      images: 256,
      rows: [initialiser('learned', 0.71, 0.41), initialiser('leastSquares', 0.74, 0.35), initialiser('random', 0.11, 1.62)],
    },
    fineTuning: { steps: 420, firstLoss: 1.21, lastLoss: 0.63, initialiser: 'learned' },
    descendants,
    evaluation: { sharedMacs: 68_000_000, separateMacs: 141_000_000 },
    storage: {
      pool: { parameters: 864_000, smallest: { parameters: 174_632, macs: 3_022_000 }, models: descendants.length },
      snnet: { parameters: 1_740_000, smallest: { parameters: 344_264, macs: 6_004_000 }, models: 36, anchors: 'w48d12 + w96d12' },
    },
    choice: {
      budget: { macs: 8e6 },
      path: chosen[0]!.path,
      runnerUp: chosen[1]!.path,
      why: `${chosen[1]!.path} lost: its score is ${chosen[1]!.validationAccuracy}, that of ${chosen[0]!.path} is ${chosen[0]!.validationAccuracy}`,
      file: 'best.safetensors',
      logitDifference: 1.3e-7,
      comparedImages: 64,
    },
    times: {
      'ancestor: features': 21.3,
      'distil w48d6': 31.2,
      'distil w96d6': 44.9,
      'compare stitches': 7.4,
      'fine-tune the pool': 38.6,
      evaluate: 12.2,
      total: 158.1,
    },
  }
}
