import { disposePool, type Pool } from '@learngene/learngene-pool'
import { type Cascade, cascade, confidences, descendantOf, forwardCascade } from '@learngene/stitch'
import { startBackend } from '@learngene/testing'
import type { Tensor4D } from '@tensorflow/tfjs-core'
import { gather, tensor1d } from '@tensorflow/tfjs-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { CASCADE_FILE, type CascadeRule, toCascadeParts } from './cascade.js'
import { toOnnx } from './onnx.js'
import { imagesFor, tinyPool } from './testing/networks.js'
import { largestDifference, runOnnx } from './testing/run-onnx.js'
import { toTransformersJs } from './transformers-js.js'

let pool: Pool
beforeAll(async () => {
  await startBackend('wasm')
  pool = tinyPool()
})
afterAll(() => disposePool(pool))

/** The smallest descendant and a stitched one that begins as it does. */
function pair() {
  const paths = [...pool.space.enumerate()]
  const small = descendantOf(pool, paths[0]!)
  const large = descendantOf(pool, paths.find(({ stitches }) => stitches.length > 0)!)
  return { small, large }
}

const onnx = async (network: Cascade['small']) => new Map([['model.onnx', (await toOnnx(network)).model]])

const ruleOf = (files: ReadonlyMap<string, Uint8Array>): CascadeRule => JSON.parse(new TextDecoder().decode(files.get(CASCADE_FILE)))

/** As somebody reads it who knows `cascade.json` alone. */
const confidenceOf = ({ confidence }: CascadeRule): ((p: readonly number[]) => number) =>
  new Function('p', `return ${confidence.of}`) as never

function softmax(logits: ArrayLike<number>): number[] {
  const highest = Math.max(...Array.from(logits))
  const powers = Array.from(logits, (value) => Math.exp(value - highest))
  const sum = powers.reduce((total, power) => total + power, 0)
  return powers.map((power) => power / sum)
}

it.each(['probability', 'margin', 'entropy'] as const)(
  'answers by its parts in onnxruntime-web as the cascade itself, by %s',
  async (name) => {
    const { small, large } = pair()
    const images = imagesFor(small, 64)
    const alone = await runOnnx({ model: (await onnx(small)).get('model.onnx')! } as never, images)
    const classes = small.head.classes
    const sure = Array.from({ length: 64 }, (_, i) => confidences[name](alone.values.slice(i * classes, (i + 1) * classes))).sort(
      (a, b) => a - b,
    )
    const model = cascade(small, large, (sure[31]! + sure[32]!) / 2, name)
    const own = await forwardCascade(model, images)
    expect(own.passedOn).toHaveLength(32)

    const files = await toCascadeParts(model, onnx)
    expect([...files.keys()]).toEqual(['small/model.onnx', 'large/model.onnx', CASCADE_FILE])
    const rule = ruleOf(files)
    expect(rule).toMatchObject({ format: 'learngene-cascade', schema: 1, threshold: model.threshold, confidence: { name } })
    const confidence = confidenceOf(rule)
    const run = (part: 'small' | 'large', some: Tensor4D) => runOnnx({ model: files.get(`${rule[part]}/model.onnx`)! } as never, some)
    const { values } = await run('small', images)
    const passedOn = Array.from({ length: 64 }, (_, i) => i).filter(
      (i) => !(confidence(softmax(values.slice(i * classes, (i + 1) * classes))) >= rule.threshold),
    )
    expect(passedOn).toEqual(own.passedOn)
    const answers = values.slice()
    const second = await run('large', gather(images, tensor1d(passedOn, 'int32')))
    for (const [k, i] of passedOn.entries()) answers.set(second.values.slice(k * classes, (k + 1) * classes), i * classes)
    expect(largestDifference(answers, await own.logits.data())).toBeLessThan(1e-4)
  },
)

it('says each confidence as the library computes it', async () => {
  const { small, large } = pair()
  for (const name of ['probability', 'margin', 'entropy'] as const) {
    const of = confidenceOf(ruleOf(await toCascadeParts(cascade(small, large, 0.5, name), async () => new Map())))
    for (const logits of [
      [0, 0, 0, 0, 0],
      [1, 2, 3, 4, 5.5],
      [50, 0, 0, 0, 0],
      [-900, 3, 3, 2, 0],
    ])
      expect(of(softmax(logits))).toBeCloseTo(confidences[name](logits), 12)
    expect(of(softmax([Number.NaN, 1]))).toBeNaN()
  }
})

it('writes any files of a part, and says where a confidence is the user’s own', async () => {
  const { small, large } = pair()
  const own = cascade(small, large, 0, { name: 'mine', of: () => 1 })
  const details = { classNames: ['a', 'b', 'c', 'd', 'e'], normalisation: { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] } }
  const files = await toCascadeParts(own, (network) => toTransformersJs(network, { details, quantised: false }))
  expect([...files.keys()].filter((name) => name.startsWith('large/'))).toEqual(
    ['config.json', 'preprocessor_config.json', 'onnx/model.onnx'].map((name) => `large/${name}`),
  )
  expect(ruleOf(files).confidence).toMatchObject({ name: 'mine', of: null })
})

it.each<[unknown, unknown, string]>([
  [{}, onnx, 'cascade.small must be a network'],
  [undefined, onnx, 'cascade.small must be a network'],
])('refuses %j', async (model, write, message) => {
  await expect(toCascadeParts(model as never, write as never)).rejects.toThrow(message)
})
