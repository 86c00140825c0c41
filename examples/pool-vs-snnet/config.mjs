/**
 * What is compared, in counts. The command's --config FILE replaces values of it. Learning rates are the better of two, and so is how the inherited pool's steps are divided, by the
 * validation images of seed 100, which is not among the seeds; the rate of the inherited pool's tuning is the only one tried.
 */
export const full = {
  seeds: [0, 1, 2],
  /** Sizes of every family and of the single models: as deep as the ancestor and with its heads. */
  widths: [12, 18, 24, 36, 48],
  /** A path leaves its narrower tier after every so many blocks; the same paths for every stitched family. */
  stride: 3,
  /** Blocks that greedy dropping leaves of the ancestor. */
  depths: [11, 10, 9, 8, 7, 6, 5, 4, 3],
  /** Held out from the training images; models are chosen on them and reported on the test images. */
  validationImages: 500,
  /** Of the others; half of them, so that three seeds take minutes rather than an hour. */
  trainingImages: 4500,
  /** All by default. */
  testImages: undefined,
  /** Training images that the ancestor is watched on where models are cut out of it. */
  calibrationImages: 128,
  /** Training images whose features stitches are fitted to. */
  featureImages: 100,
  /** Of every training: a step is one batch of one model. */
  batchSize: 64,
  /**
   * Tiers cut out of the ancestor, and single models cut alike: how long and how fast by width, logits alone. A tier of no steps stays as it was cut, in the tuning too: the wide
   * ones follow the ancestor already. Single models have all steps at the learning rate of their width.
   */
  inherited: {
    initialisers: ['learned', 'leastSquares', 'ridge'],
    steps: [186, 60, 0, 0, 0],
    learningRates: [2e-3, 5e-4, 2e-4, 1e-4, 1e-4],
    tuning: { steps: 36, learningRate: 2e-4 },
    weightDecay: 0.02,
    labelWeight: 0.2,
  },
  /** Auxiliaries from random weights: wide ones need as many steps as narrow ones. */
  random: {
    initialisers: ['learned', 'ridge'],
    steps: [42, 42, 42, 42, 42],
    learningRate: 4e-3,
    tuning: { steps: 72, learningRate: 1.5e-3 },
    weightDecay: 0.05,
  },
  /** Anchors, and their joint training. */
  snnet: { steps: [42, 42, 42, 42, 42], learningRate: 1.5e-3, tuning: { steps: 72, learningRate: 5e-4 }, weightDecay: 0.05 },
  /** Three models in each of its steps: a third of the steps for as many images seen. */
  nested: { steps: 94, sizesPerStep: 3, learningRates: { random: 4e-3, rotated: 1e-3 }, weightDecay: 0.02, labelWeight: 0.2 },
  /** MACs under which accuracies are reported: just above each size. */
  budgets: [0.5e6, 1e6, 1.7e6, 3.6e6, 6.2e6],
}

/** The same comparison in a minute, on models that learn nothing worth reading. */
export const quick = {
  ...full,
  seeds: [0, 1],
  widths: [6, 12, 18],
  stride: 1,
  depths: [2, 1],
  validationImages: 40,
  trainingImages: 120,
  testImages: 60,
  calibrationImages: 20,
  featureImages: 20,
  batchSize: 20,
  inherited: { ...full.inherited, steps: [7, 5, 0], learningRates: [1e-3, 5e-4, 2e-4], tuning: { steps: 6, learningRate: 2e-4 } },
  random: { ...full.random, steps: [4, 4, 4], tuning: { steps: 6, learningRate: 5e-4 } },
  snnet: { ...full.snnet, steps: [4, 4, 4], tuning: { steps: 6, learningRate: 5e-4 } },
  nested: { ...full.nested, steps: 6 },
  budgets: [50_000, 200_000, 50_000_000],
}

const sum = (values) => values.reduce((total, value) => total + value, 0)

/** Batches of one model that each family sees, and each single model: the images seen by any model over the batch size. */
export function stepsOf({ inherited, random, snnet, nested }) {
  const ofStitched = ({ steps, tuning }) => sum(steps) + tuning.steps
  return {
    inherited: ofStitched(inherited),
    random: ofStitched(random),
    snnet: ofStitched(snnet),
    nested: nested.steps * nested.sizesPerStep,
  }
}
