import { expectRefusal, startBackend } from '@learngene/testing'
import { describe, disposeNetwork } from '@learngene/vit-blocks'
import { afterAll, beforeAll, expect, describe as group, it } from 'vitest'
import {
  assignStitch,
  collectGrams,
  comparePaths,
  costOfPath,
  createLoraStitch,
  createPath,
  createSpace,
  createStitch,
  createStitches,
  descendantOf,
  formatPath,
  forwardShared,
  initialiseStitches,
  leastSquares,
  mergeLora,
  parsePath,
  type StitchedFamily,
  shapeOfTier,
  sharedMacs,
  slidingWindow,
} from './index.js'
import { smallFamily } from './testing/family.js'
import { weightRng } from './testing/paths.js'

let family: StitchedFamily
/** Whatever stands where something else belongs. */
const wrong = (value: unknown) => value as never

beforeAll(async () => {
  await startBackend('cpu')
  family = smallFamily({ depth: 2, width: 8 })
})
afterAll(() => {
  for (const { network } of family.tiers) disposeNetwork(network)
})

group('mistaken arguments are told in one line', () => {
  const first = () => family.space.at(0)
  it.each<[string, () => unknown, string]>([
    [
      "space.find('text')",
      () => family.space.find(wrong('w4[0-1]')),
      "find: path must be a path: parsePath('ti9[0-5]>ba9[6-8]') reads one; got 'w4[0-1]'",
    ],
    ['space.find(stitched path)', () => family.space.find(wrong(first())), 'reads one; got an object with path, stitches'],
    ['space.nearest()', () => family.space.nearest(wrong(undefined)), 'nearest: path must be a path'],
    [
      'space.sample()',
      () => family.space.sample(wrong(undefined)),
      'sample: rng must be a generator of random numbers, for example createRng(0); got undefined',
    ],
    [
      'space.mutate(path)',
      () => family.space.mutate(wrong(parsePath('w4[0-1]')), weightRng(0)),
      'mutate: value must be a path with its stitches',
    ],
    ['space.key(path)', () => family.space.key(wrong(parsePath('w4[0-1]'))), 'key: value must be a path with its stitches'],
    ['formatPath(stitched path)', () => formatPath(wrong(first())), 'formatPath: path must be a path'],
    [
      'parsePath(path)',
      () => parsePath(wrong(first())),
      "parsePath: a path's text reads like ti9[0-5]>ba9[6-8]; got an object with path, stitches",
    ],
    ["createPath('text')", () => createPath(wrong('w4[0-1]')), "createPath: segments must be a list, each an object; got 'w4[0-1]'"],
    ['createPath([text])', () => createPath(wrong(['w4'])), "createPath: segments[0] must be an object; got 'w4'"],
    ['comparePaths', () => comparePaths(parsePath('w4[0-1]'), wrong('w4[0-1]')), 'comparePaths: b must be a path'],
    [
      'slidingWindow(tier)',
      () => slidingWindow(wrong({ name: 'a', width: 4, depth: 2 })),
      'path space: tiers must be a list, each an object; got an object with name, width, depth',
    ],
    ['createSpace()', () => createSpace(wrong(undefined), []), 'createSpace: spec must be an object; got undefined'],
    [
      'shapeOfTier(network)',
      () => shapeOfTier(wrong(family.tiers[0]!.network)),
      'shapeOfTier: tier must be a tier: { name, network, transformations }; got an object with embedding, blocks, head',
    ],
    [
      "descendantOf(family, 'text')",
      () => descendantOf(family, wrong('w4[0-1]')),
      "descendantOf: path must be a path with its stitches: of a space's enumerate(), sample(rng) or find(parsePath('ti9[0-5]>ba9[6-8]')); got 'w4[0-1]'",
    ],
    [
      'descendantOf(network)',
      () => descendantOf(wrong(family.tiers[0]!.network), first()),
      'descendantOf: family must be a pool or another stitched family; got an object with embedding, blocks, head',
    ],
    ['costOfPath(family, path)', () => costOfPath(family, wrong(first().path)), 'costOfPath: path must be a path with its stitches'],
    ['createStitches(space)', () => createStitches(family.space, wrong(undefined)), 'createStitches: rng must be a generator'],
    [
      'createStitch(config)',
      () => createStitch({ inputWidth: 2, outputWidth: 2 }, wrong(undefined)),
      'createStitch: rng must be a generator',
    ],
    ['createStitch()', () => createStitch(wrong(undefined), weightRng(0)), 'stitch: config must be an object; got undefined'],
    [
      'createLoraStitch(config)',
      () => createLoraStitch({ inputWidth: 2, outputWidth: 2, rank: 1 }, wrong(undefined)),
      'loraStitch: rng must be a generator',
    ],
    ['mergeLora()', () => mergeLora(wrong(undefined)), 'mergeLora: stitch must be an object; got undefined'],
    [
      'assignStitch(stitch)',
      () => assignStitch(family.stitches.values().next().value!, wrong(undefined)),
      'assignStitch: map must be an object; got undefined',
    ],
    [
      'forwardShared(network)',
      () => forwardShared(wrong(family.tiers[0]!.network), wrong(undefined), () => {}),
      'forwardShared: networks must be a list, each a network',
    ],
    [
      'sharedMacs([path])',
      () => sharedMacs(wrong([first()])),
      'networks[0] must be a network, for example of loadModel or createViT; got an object with path, stitches',
    ],
    [
      'initialiseStitches(family, initialiser)',
      () => initialiseStitches(family, leastSquares(), wrong(undefined)),
      'initialiseStitches: options must be an object; got undefined',
    ],
    [
      'initialiseStitches without rng',
      () => initialiseStitches(family, leastSquares(), wrong({})),
      'initialiseStitches: options.rng must be a generator',
    ],
    [
      "initialiseStitches(family, 'learned')",
      () => initialiseStitches(family, wrong('learned'), { rng: weightRng(0) }),
      "initialiser must be a function; got 'learned'",
    ],
    [
      'initialiseStitches(family, leastSquares)',
      () => initialiseStitches(family, wrong(leastSquares), { rng: weightRng(0) }),
      'must return an affine map { inputs, outputs, weight, bias }; got a function; call it first, for example leastSquares()',
    ],
    [
      'collectGrams(network)',
      () => collectGrams(wrong(family.tiers[0]!.network), wrong({}), []),
      'collectGrams: family must be a pool or another stitched family',
    ],
    [
      'collectGrams(family)',
      () => collectGrams(family, wrong(undefined), []),
      'collectGrams: source must be a source of images: { length, classes, batch(indices) }; got undefined',
    ],
    [
      'collectGrams of no images',
      () => collectGrams(family, { length: 3, classes: [], batch: wrong(() => {}) }, []),
      'collectGrams: there must be at least one image; got none',
    ],
  ])('%s', (_, call, message) => expectRefusal(call, message))
})

it.each<[unknown, string]>([
  [undefined, 'undefined'],
  [Number.NaN, 'NaN'],
  ['x'.repeat(50), `'${'x'.repeat(40)}…'`],
  [[1, 2], 'an array of 2'],
  [{}, 'an empty object'],
  [{ a: 1, b: 2, c: 3, d: 4, e: 5, f: 6, g: 7 }, 'an object with a, b, c, d, e, f, …'],
  [() => 1, 'a function'],
])('describes %j', (value, text) => {
  expect(describe(value)).toBe(text)
})
