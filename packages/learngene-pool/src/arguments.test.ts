import { expectRefusal, startBackend } from '@learngene/testing'
import { createRng } from '@learngene/training'
import { disposeNetwork, type Network, structureOf } from '@learngene/vit-blocks'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as api from './index.js'
import { tinyAncestor, tinyImages } from './testing/tiny.js'

const spec = { width: 8, depth: 3, heads: 2 }
const plan = { epochs: 1, batchSize: 4, learningRate: 1e-2 }
const source = tinyImages(8)
const rng = createRng(0)
/** Whatever stands where something else belongs. */
const wrong = (value: unknown) => value as never
const none = wrong(undefined)

let ancestor: Network
let pool: api.Pool
beforeAll(async () => {
  await startBackend('cpu')
  ancestor = tinyAncestor()
  pool = api.buildPool(
    [8, 16].map((width) => api.createAuxiliary(ancestor, { width, depth: 2, heads: 2 }, createRng(1))),
    {},
    createRng(2),
  )
})
afterAll(() => {
  disposeNetwork(ancestor)
  api.disposePool(pool)
})

const RNG = 'rng must be a generator of random numbers, for example createRng(0); got undefined'
const SOURCE = 'source must be a source of images: { length, classes, batch(indices) }; got'
const NETWORK = 'must be a network, for example of loadModel or createViT; got'
const FAMILY = 'must be a pool or another stitched family; got an object with embedding, blocks, head'
const PATH = "must be a path with its stitches: of a space's enumerate(), sample(rng) or find(parsePath('ti9[0-5]>ba9[6-8]')); got"

describe('mistaken arguments are told in one line, and no tensor stays', () => {
  it.each<[string, () => unknown, string]>([
    ['distill without a generator', () => api.distill(ancestor, spec, source, plan, none), `distill: ${RNG}`],
    ['distill without a plan', () => api.distill(ancestor, spec, source, none, rng), 'distill: options must be an object; got undefined'],
    [
      'distill of a path to a file',
      () => api.distill(wrong('deit.safetensors'), spec, source, plan, rng),
      `distill: ancestor ${NETWORK} 'deit.safetensors'`,
    ],
    [
      'distill of a loaded model',
      () => api.distill(wrong({ network: ancestor }), spec, source, plan, rng),
      `distill: ancestor ${NETWORK} an object with network`,
    ],
    ['distill with images only', () => api.distill(ancestor, spec, wrong([1, 2]), plan, rng), `distill: ${SOURCE} an array of 2`],
    [
      'distill, other names in the plan',
      () => api.distill(ancestor, spec, source, wrong({ epoch: 1, lr: 1 }), rng),
      "distill: there is no option 'epoch'; the options are epochs, batchSize, learningRate, weightDecay,",
    ],
    [
      'distill without epochs',
      () => api.distill(ancestor, spec, source, wrong({ batchSize: 4, learningRate: 1 }), rng),
      'training: epochs must be a number of at least 0; got undefined',
    ],
    [
      'distill, text for a number',
      () => api.distill(ancestor, spec, source, { ...plan, learningRate: wrong('1e-3') }, rng),
      "training: learningRate must be a number above 0; got '1e-3'",
    ],
    [
      'distill, batches of 0',
      () => api.distill(ancestor, spec, source, { ...plan, batchSize: 0 }, rng),
      'training: batchSize must be a positive integer; got 0',
    ],
    [
      'distill, a network for a teacher',
      () => api.distill(ancestor, spec, source, { ...plan, teacher: wrong(ancestor) }, rng),
      'training: teacher must be a function; got an object with embedding, blocks, head',
    ],
    ['createDistillation without a generator', () => api.createDistillation(ancestor, spec, {}, none), `createDistillation: ${RNG}`],
    ['createAuxiliary without a generator', () => api.createAuxiliary(ancestor, spec, none), `createAuxiliary: ${RNG}`],
    ['standardTerms without a generator', () => api.standardTerms([], { student: 8, ancestor: 16 }, {}, none), `standardTerms: ${RNG}`],
    [
      'supervisedPositions of numbers',
      () => api.supervisedPositions(wrong([1, 2]), 3, 4),
      'supervision: positions[0] must be an object; got 1',
    ],
    [
      'buildPool of one tier',
      () => api.buildPool(wrong(pool.tiers[0]), {}, rng),
      'buildPool: tiers must be a list, each a tier: { name, network, transformations }; got an object with name, network',
    ],
    [
      'buildPool of results of distill',
      () => api.buildPool(wrong([{ tier: pool.tiers[0], losses: [] }]), {}, rng),
      'buildPool: tiers[0] must be a tier: { name, network, transformations }; got an object with tier, losses',
    ],
    ['buildPool without a generator', () => api.buildPool(pool.tiers, {}, none), `buildPool: ${RNG}`],
    ['fineTune without a generator', () => api.fineTune(pool, source, plan, none), `fineTune: ${RNG}`],
    ['fineTune of a network', () => api.fineTune(wrong(ancestor), source, plan, rng), `fineTune: family ${FAMILY}`],
    [
      'fineTune, other names in the plan',
      () => api.fineTune(pool, source, wrong({ epochs: 1, lr: 1 }), rng),
      "fineTune: there is no option 'lr'; the options are epochs,",
    ],
    [
      'fineTune, unknown targets',
      () => api.fineTune(pool, source, { ...plan, targets: wrong('Hard') }, rng),
      "fineTune: targets must be 'soft' or 'hard'; got 'Hard'",
    ],
    [
      'fineTune, a policy that returns text',
      () => api.fineTune(pool, source, { ...plan, policy: wrong(() => 'w8d2[0-1]') }, rng),
      `fineTune: what the policy returns ${PATH} 'w8d2[0-1]'`,
    ],
    [
      'fineTune, a path for a policy',
      () => api.fineTune(pool, source, { ...plan, policy: wrong(pool.space.at(0)) }, rng),
      'fineTune: policy must be a function; got an object with path, stitches',
    ],
    [
      'fineTune, a multiplier of another name',
      () => api.fineTune(pool, source, { ...plan, learningRateScale: wrong({ stitch: 0 }) }, rng),
      "learningRateScale: there is no option 'stitch'; the options are instances, stitches",
    ],
    [
      'fineTune, a multiplier below 0',
      () => api.fineTune(pool, source, { ...plan, learningRateScale: { stitches: -1 } }, rng),
      'learningRateScale: a multiplier must be a number of at least 0; got -1',
    ],
    [
      'costBins of a pool',
      () => api.costBins(wrong(pool), () => 1),
      'costBins: space must be a path space, for example pool.space; got an object with tiers, space',
    ],
    ['costBins without costs', () => api.costBins(pool.space, none), 'costBins: macs must be a function; got undefined'],
    [
      'costBins, costs that are none',
      () =>
        api.costBins(
          pool.space,
          wrong(() => ({ macs: 1 })),
        ),
      'costBins: macs must give a number for every path; got an object with macs for w8d2[0-1]',
    ],
    ['costBins, half a bin', () => api.costBins(pool.space, () => 1, 0.5), 'costBins: bins must be a positive integer; got 0.5'],
    [
      'uniformPaths of a pool',
      () => api.uniformPaths(wrong(pool)),
      'uniformPaths: space must be a path space, for example pool.space; got an object',
    ],
    [
      'accuracies of one network',
      () => api.accuracies(wrong(ancestor), source),
      'accuracies: networks must be a list, each a network, for example of loadModel or createViT; got an object with embedding',
    ],
    [
      'accuracies of paths',
      () => api.accuracies(wrong([...pool.space.enumerate()]), source),
      `accuracies: networks[0] ${NETWORK} an object with path, stitches`,
    ],
    ['accuracies of nothing', () => api.accuracies([], source), 'accuracies: there must be at least one network; got none'],
    ['accuracies without images', () => api.accuracies([ancestor], none), `accuracies: ${SOURCE} undefined`],
    [
      'accuracies, batches of 0',
      () => api.accuracies([ancestor], source, { batchSize: 0 }),
      'accuracies: batchSize must be a positive integer; got 0',
    ],
    ['extractDescendant of text', () => api.extractDescendant(pool, wrong('w8d2[0-1]')), `extractDescendant: path ${PATH} 'w8d2[0-1]'`],
    ['extractDescendant of a path not found', () => api.extractDescendant(pool, none), `extractDescendant: path ${PATH} undefined`],
    ['extractDescendant of a network', () => api.extractDescendant(wrong(ancestor), pool.space.at(0)), `extractDescendant: pool ${FAMILY}`],
    [
      'descendantsOf one path',
      () => api.descendantsOf(pool, wrong(pool.space.at(0))),
      'descendantsOf: paths must be a list, each a path with its stitches',
    ],
    ['poolParameters of a network', () => api.poolParameters(wrong(ancestor)), `poolParameters: family ${FAMILY}`],
    ['storedParameters of a network', () => api.storedParameters(wrong(ancestor)), FAMILY],
    [
      'searchSpace of a space',
      () => api.searchSpace(wrong(pool.space)),
      'searchSpace: family must be a pool or another stitched family; got an object with kind, tiers',
    ],
    ['mergeStitches of a network', () => api.mergeStitches(wrong(ancestor)), `mergeStitches: pool ${FAMILY}`],
    ['disposePool of a network', () => api.disposePool(wrong(ancestor)), `disposePool: family ${FAMILY}`],
    ['liveTeacher of nothing', () => api.liveTeacher(none), `liveTeacher: ancestor ${NETWORK} undefined`],
    [
      'cachedTeacher without features',
      () => api.cachedTeacher(ancestor, wrong(source), source),
      "cachedTeacher: features must be a list of names, for example ['block.3']; got an object with length, classes, images, labels, batch",
    ],
    [
      'cachedTeacher of a feature as text',
      () => api.cachedTeacher(ancestor, wrong('block.3'), source),
      "cachedTeacher: features must be a list of names, for example ['block.3']; got 'block.3'",
    ],
    [
      'cachedTeacher without images',
      () => api.cachedTeacher(ancestor, [], none),
      'cachedTeacher: source must be a source of images: { length, classes, batch(indices) }; got undefined',
    ],
    [
      'cachedTeacher, batches of 0',
      () => api.cachedTeacher(ancestor, [], source, { batchSize: 0 }),
      'cachedTeacher: batchSize must be a positive integer; got 0',
    ],
    ['cacheBytes of nothing', () => api.cacheBytes(none, [], 8), `cacheBytes: ancestor ${NETWORK} undefined`],
    ['samePlan of a plan', () => api.samePlan(wrong(plan)), 'samePlan: plans must be a list, each an object; got an object with epochs'],
    ['distillSmall without a generator', () => api.distillSmall(ancestor, spec, source, plan, none), RNG],
    [
      'trainNetwork of a list',
      () => api.trainNetwork(wrong([ancestor]), source, plan, rng),
      `trainNetwork: network ${NETWORK} an array of 1`,
    ],
    [
      'trainFromScratch without a generator',
      () => api.trainFromScratch(structureOf(ancestor), source, plan, none),
      `trainFromScratch: ${RNG}`,
    ],
    [
      'trainFromScratch without a plan',
      () => api.trainFromScratch(structureOf(ancestor), source, none, rng),
      'trainFromScratch: options must be an object; got undefined',
    ],
    ['inheritLearngene without a generator', () => api.inheritLearngene(ancestor, { depth: 4 }, none), `learngene: ${RNG}`],
    ['trainLearngene without images', () => api.trainLearngene(ancestor, { depth: 4 }, none, plan, rng), `learngene: ${SOURCE} undefined`],
    [
      'trainLearngene without a plan',
      () => api.trainLearngene(ancestor, { depth: 4 }, source, none, rng),
      'trainNetwork: options must be an object; got undefined',
    ],
    [
      'trainAnchors of one',
      () => api.trainAnchors(ancestor, wrong(spec), source, plan, rng),
      'trainAnchors: specs must be a list, each an object; got an object with width',
    ],
    [
      'trainAnchors without a plan',
      () => api.trainAnchors(ancestor, [spec], source, none, rng),
      'trainAnchors: options must be an object; got undefined',
    ],
    [
      'buildSnNet of trained anchors',
      () => api.buildSnNet(wrong({ tiers: pool.tiers, losses: [] }), source, {}, rng),
      'buildSnNet: anchors must be a list, each a tier',
    ],
    ['trainSnNet of a network', () => api.trainSnNet(wrong(ancestor), source, wrong(plan), rng), `trainSnNet: family ${FAMILY}`],
  ])('%s', (_, call, message) => expectRefusal(call, message))
})

it('a plan may hold the options of both trainings', async () => {
  const shared = { ...plan, supervision: 'last', temperature: 2, labelWeight: 0.3 } as const
  const { tier } = await api.distill(ancestor, spec, source, shared, rng)
  await expect(api.fineTune(pool, source, shared, rng)).resolves.toHaveLength(2)
  disposeNetwork(tier.network)
})
