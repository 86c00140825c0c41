import { disposePool } from '@learngene/learngene-pool'
import { cascade, descendantOf } from '@learngene/stitch'
import { startBackend } from '@learngene/testing'
import { costOf, disposeNetwork } from '@learngene/vit-blocks'
import { beforeAll, expect, it } from 'vitest'
import { type ModelCardOptions, modelCard } from './model-card.js'
import { livelyViT, tinyPool } from './testing/networks.js'

beforeAll(() => startBackend('wasm'))

it('tells size, cost, what was measured on which images, and how the model was made', () => {
  const pool = tinyPool()
  const network = descendantOf(pool, [...pool.space.enumerate()].find(({ stitches }) => stitches.length > 0)!)
  const card = modelCard(network, {
    name: 'small shoes',
    details: { path: 'w8[0-0]>w12[1-2]', dataset: 'Fashion-MNIST', classNames: ['a', 'b', 'c', 'd', 'e'] },
    files: [{ name: 'onnx/model.onnx', bytes: 12345 }],
    accuracy: [
      { value: 0.8925, split: 'test', images: 2000 },
      { value: 0.9, split: 'validation', images: 1000, note: 'by which it was chosen' },
    ],
    latency: [{ milliseconds: 1.2345, interval: [1.1, 1.5], backend: 'wasm', batch: 1, device: 'a laptop', note: 'warm' }],
    made: ['Cut out of an ancestor.'],
    recipe: { seed: 0 },
    use: { language: 'js', text: 'run()' },
  })
  const { macs, parameters } = costOf(network)
  for (const text of [
    '---\npipeline_tag: image-classification\n',
    '\n# small shoes\n',
    'x transformer of width 8, 1 x stitch 8 to 12, ',
    `| parameters | ${parameters.toLocaleString('en-US')} |`,
    `| multiply-accumulates of an image | ${macs.toLocaleString('en-US')} |`,
    '| `onnx/model.onnx` | 12,345 bytes |',
    '| 2,000 of test | 89.3 % |  |',
    '| 1,000 of validation | 90.0 % | by which it was chosen |',
    '| wasm | 1 | 1.23 | 1.10 to 1.50 | a laptop | warm |',
    '```js\nrun()\n```',
    '0: a, 1: b',
    'Descendant `w8[0-0]>w12[1-2]` of a learngene pool',
    'Cut out of an ancestor.',
    '```json\n{\n  "seed": 0\n}\n```',
    '## Licence\n\nNot stated.',
  ]) {
    expect(card).toContain(text)
  }
  disposePool(pool)
})

it('tells both parts of a cascade, and how often the large one answers', () => {
  const pool = tinyPool()
  const [small, large] = ['w8', 'w12'].map((tier) => pool.tiers.find(({ name }) => name === tier)!.network)
  const model = cascade(small!, large!, 0.7, 'margin')
  const path = 'cascade(w8[0-2], w12[0-2], 0.7, margin)'
  const card = modelCard(model, { name: 'pair', details: { path }, passedOn: { share: 0.25, split: 'validation', images: 1000 } })
  const [a, b] = [costOf(small!).macs, costOf(large!).macs]
  for (const text of [
    '| small | 3 x transformer of width 8; ',
    '| large | 3 x transformer of width 12; ',
    '| the small one answers | where its confidence, by margin, is at least 0.7; else the large one |',
    '| passed on | 25.0 % of 1,000 validation images |',
    `| multiply-accumulates of an image | ${Math.round(a + b / 4).toLocaleString('en-US')} on average |`,
    `| ${a.toLocaleString('en-US')}, ${(a + b).toLocaleString('en-US')} |`,
    '`cascade(w8[0-2], w12[0-2], 0.7, margin)`: two descendants of a learngene pool',
  ]) {
    expect(card).toContain(text)
  }
  expect(modelCard(model, { name: 'pair' })).not.toContain('passed on |')
  disposePool(pool)
})

it('leaves out what is not known, and lets no text break out of its place', () => {
  const network = livelyViT({ classes: 0, channels: 1 })
  const card = modelCard(network, {
    name: 'a\n# b',
    use: { language: 'md', text: '```\nx\n```' },
    accuracy: [{ value: 1, split: 'a|b\nc', images: 1 }],
  })
  for (const absent of ['Latency', 'How it was made', 'Classes', '\n# b', 'undefined']) expect(card).not.toContain(absent)
  expect(card).toContain('pipeline_tag: image-feature-extraction')
  expect(card).toContain('| takes | grey images of 12 x 12 pixels |')
  expect(card).toContain('1 of a\\|b c')
  expect(card).toContain('````md\n```\nx\n```\n````')
  disposeNetwork(network)
})

it.each<[object, string]>([
  [{}, "modelCard: 'name' must be a non-empty text; got undefined"],
  [{ name: 'x', accuracy: [{ value: 89, split: 'test', images: 1 }] }, "modelCard: an accuracy must be from 0 to 1; got 89 for 'test'"],
  [{ name: 'x', licence: 'MIT' }, "modelCard: there is no option 'licence'"],
])('refuses %j', (options, message) => {
  const network = livelyViT()
  expect(() => modelCard(network, options as ModelCardOptions)).toThrow(message)
  disposeNetwork(network)
})
