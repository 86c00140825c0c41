/** What is compared, in counts. The command's --config FILE replaces values of it. */
export const full = {
  seeds: [0, 1, 2],
  /** The auxiliaries that become the pool's tiers. */
  tiers: [
    { width: 48, depth: 6, heads: 3 },
    { width: 96, depth: 6, heads: 3 },
  ],
  /** As many anchors as tiers: as deep as the ancestor, as SN-Net has them, and of the tiers' own sizes, which store as much as the pool. */
  snnets: [
    {
      name: 'SN-Net',
      anchors: [
        { width: 48, depth: 12, heads: 3 },
        { width: 96, depth: 12, heads: 3 },
      ],
    },
    {
      name: "SN-Net of the pool's size",
      anchors: [
        { width: 48, depth: 6, heads: 3 },
        { width: 96, depth: 6, heads: 3 },
      ],
    },
  ],
  /** Single models that get as many steps as a whole family. */
  single: { small: { width: 48, depth: 6, heads: 3 }, learngene: { depth: 6, inherited: 3 } },
  /** Held out from the training images; fronts are chosen on them and reported on the test images. */
  validationImages: 500,
  /** Of the others; half of them, so that three seeds take minutes rather than an hour. */
  trainingImages: 4500,
  /** All by default. */
  testImages: undefined,
  /** Of every auxiliary and every anchor. */
  training: { epochs: 3, batchSize: 64, learningRate: 1.5e-3, weightDecay: 0.05 },
  /** Of every family; of one batch size with the above, so that equal epochs are equal steps. */
  fineTuning: { epochs: 3, batchSize: 64, learningRate: 5e-4, weightDecay: 0.05 },
  initialisers: ['learned', 'paper', 'pinv', 'leastSquares', 'ridge', 'random'],
  /** Training images whose features least squares is fitted to. */
  featureImages: 100,
  /** Validation images on which the residuals of stitches are measured. */
  heldOutImages: 100,
  /** Caps at which accuracies are reported, as shares of the ancestor's MACs. */
  budgets: [0.1, 0.2, 0.3, 0.5, 1],
}

/** The same comparison in half a minute, on models that learn nothing worth reading. */
export const quick = {
  ...full,
  seeds: [0, 1],
  tiers: [
    { width: 12, depth: 2, heads: 3 },
    { width: 24, depth: 3, heads: 3 },
  ],
  snnets: [
    {
      name: 'SN-Net',
      anchors: [
        { width: 12, depth: 4, heads: 3 },
        { width: 24, depth: 4, heads: 3 },
      ],
    },
  ],
  single: { small: { width: 12, depth: 2, heads: 3 }, learngene: { depth: 3, inherited: 2 } },
  validationImages: 40,
  trainingImages: 120,
  testImages: 60,
  training: { ...full.training, epochs: 1, batchSize: 20 },
  fineTuning: { ...full.fineTuning, epochs: 1, batchSize: 20 },
  featureImages: 20,
  heldOutImages: 20,
}
