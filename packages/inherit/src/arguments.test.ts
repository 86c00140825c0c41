import { expectRefusal, startBackend } from '@learngene/testing'
import { disposeNetwork, type Network } from '@learngene/vit-blocks'
import { mul, type Tensor4D } from '@tensorflow/tfjs-core'
import { afterAll, beforeAll, it } from 'vitest'
import * as api from './index.js'
import { livelyViT, patternImages } from './testing/lively.js'

/** Whatever stands where something else belongs. */
const wrong = (value: unknown) => value as never
const source = patternImages(8)
const none = wrong(undefined)

let ancestor: Network
let rotated: api.RotatedAncestor
let other: api.RotatedAncestor
let half: api.Cut
beforeAll(async () => {
  await startBackend('cpu')
  ancestor = livelyViT({ depth: 2 })
  rotated = await api.rotate(ancestor, source)
  other = await api.rotate(ancestor, source)
  half = api.cut(rotated, { width: 8 })
})
afterAll(() => {
  for (const network of [ancestor, rotated.network, other.network, half.network]) disposeNetwork(network)
})

const NETWORK = 'must be a network, for example of loadModel or createViT; got'
const ROTATED = 'rotated must be a network in principal order, of rotate or rotatedFrom; got'
const WIDTH = "keptEnergy: the width must be an integer from 2 to the ancestor's, 16; got"
const withEnergies = (places: number) => ({ ...rotated, order: { ...rotated.order, energies: rotated.order.energies.slice(0, places) } })
const scaled = (factor: number) => ({
  ...source,
  async batch(indices: ArrayLike<number>) {
    const { images, targets } = await source.batch(indices)
    const changed = mul(images, factor)
    images.dispose()
    return { images: changed as Tensor4D, targets }
  },
})

it.each<[string, () => unknown, string]>([
  ['rotate of a file', () => api.rotate(wrong('vit.safetensors'), source), `rotate: ancestor ${NETWORK} 'vit.safetensors'`],
  ['rotate of a loaded model', () => api.rotate(wrong({ network: ancestor }), source), `${NETWORK} an object with network`],
  [
    'rotate without images',
    () => api.rotate(ancestor, none),
    'source must be a source of images: { length, classes, batch(indices) }; got undefined',
  ],
  ['rotate, null for options', () => api.rotate(ancestor, source, wrong(null)), 'rotate: options must be an object; got null'],
  [
    'rotate, a misspelt option',
    () => api.rotate(ancestor, source, wrong({ blockorder: false })),
    "rotate: there is no option 'blockorder'",
  ],
  [
    'rotate, text for a number',
    () => api.rotate(ancestor, source, { batchSize: wrong('8') }),
    "batchSize must be a positive integer; got '8'",
  ],
  [
    'rotate, a number for a list',
    () => api.rotate(ancestor, source, { indices: wrong(5) }),
    'indices must be a list of whole numbers; got 5',
  ],
  ['rotate, no such image', () => api.rotate(ancestor, source, { indices: [8] }), 'indices must be whole numbers from 0 to 7'],
  ['rotate, images of NaN', () => api.rotate(ancestor, scaled(Number.NaN)), 'images and weights must give finite numbers'],
  ['rotate, infinite images', () => api.rotate(ancestor, scaled(Number.POSITIVE_INFINITY)), 'images and weights must give finite numbers'],
  ['cut of a network', () => api.cut(wrong(ancestor), {}), `cut: ${ROTATED} an object with embedding, blocks, head`],
  ['cut without a size', () => api.cut(rotated, none), 'cut: options must be an object; got undefined'],
  [
    'cut, a misspelt size',
    () => api.cut(rotated, wrong({ widht: 12 })),
    "cut: there is no option 'widht'; the options are width, depth, blocks",
  ],
  ['cut, text for a width', () => api.cut(rotated, { width: wrong('8') }), "from 2 to the ancestor's, 16; got '8'"],
  ['cut, a negative number of heads', () => api.cut(rotated, { width: 8, heads: -1 }), 'got width 8 and -1 heads'],
  ['cut, heads and a half', () => api.cut(rotated, { width: 9, heads: 1.5 }), 'got width 9 and 1.5 heads'],
  [
    'cut, a number for blocks',
    () => api.cut(rotated, { blocks: wrong(1) }),
    'cut: blocks must be a list of indices, for example [0, 2]; got 1',
  ],
  ['cut, blocks and another depth', () => api.cut(rotated, { blocks: [0], depth: 2 }), 'a depth of 2 and 1 blocks by index disagree'],
  [
    'cut, too many units',
    () => api.cut(rotated, { width: 8, mlpRatio: 9 }),
    "mlpRatio must be a number above 0 and at most 8, the ancestor's 64 units",
  ],
  [
    'cut, the order of another',
    () => api.cut(withEnergies(3), { width: 8 }),
    'energies of its 5 layer norms in 15 directions; got 3 layer norms',
  ],
  ['keptEnergy of a width of 0', () => api.keptEnergy(rotated.order, 0), `${WIDTH} 0`],
  ['keptEnergy of a fraction', () => api.keptEnergy(rotated.order, 2.5), `${WIDTH} 2.5`],
  ['keptEnergy beyond the ancestor', () => api.keptEnergy(rotated.order, 17), `${WIDTH} 17`],
  ['keptEnergy of no order', () => api.keptEnergy(wrong(rotated), 8), 'order must be the order that rotate or rotatedFrom gave'],
  [
    'orderDetails of nothing',
    () => api.orderDetails(none),
    'orderDetails: order must be the order that rotate or rotatedFrom gave; got undefined',
  ],
  ['rotatedFrom a network', () => api.rotatedFrom(wrong(ancestor)), 'loaded must be what loadModel gave: { network, details }'],
  ['blockOrder without images', () => api.blockOrder(ancestor, none), 'blockOrder: source must be a source of images'],
  ['refine of a network', () => api.refine(wrong(ancestor), half, source), `refine: ${ROTATED} an object with embedding`],
  ['refine, a network for a cut', () => api.refine(rotated, wrong(half.network), source), 'cut must be what cut gave'],
  [
    'refine, the cut of a twin',
    () => api.refine(other, half, source),
    'the cut must be one of this ancestor; it was cut out of another network',
  ],
  [
    'refine of the ancestor before it was rotated',
    () => api.refine({ ...rotated, network: ancestor }, half, source),
    'out of another network',
  ],
  ['refine, blocks of nothing', () => api.refine(rotated, { ...half, standsFor: [0, Number.NaN] }, source), 'blocks stand for [0, NaN]'],
  ['refine, images of NaN', () => api.refine(rotated, half, scaled(Number.NaN)), 'images and weights must give finite numbers'],
])('%s is told in one line, and no tensor stays', (_, call, message) => expectRefusal(call, message))
