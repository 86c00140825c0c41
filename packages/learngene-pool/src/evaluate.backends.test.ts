import type { Block, ImageSource } from '@learngene/interfaces/tensors'
import { type Cascade, confidences } from '@learngene/stitch'
import { describeEachBackend, watchPrograms } from '@learngene/testing'
import { alone } from '@learngene/training'
import type { Network } from '@learngene/vit-blocks'
import {
  cast,
  clone,
  matMul,
  memory,
  mul,
  oneHot,
  reshape,
  type Tensor3D,
  type Tensor4D,
  tensor1d,
  tensor2d,
  tensor4d,
} from '@tensorflow/tfjs-core'
import { expect, it } from 'vitest'
import { accuracies, evaluate, evaluateCascade, outcomes } from './evaluate.js'

const C = 7
const n = 60

/** A network whose logits are its images, turned by so many classes; counts how often its trunk runs. */
function readingNetwork(parts = partsOf(C), turn = 0): Network {
  const head = {
    classes: C,
    forward: (x: Tensor3D) => {
      const [B] = x.shape
      const shuffled = Array.from({ length: C }, (_, c) => (c + turn) % C)
      return turn === 0 ? reshape(x, [B, C]) : matMul(reshape(x, [B, C]), cast(oneHot(tensor1d(shuffled, 'int32'), C), 'float32'))
    },
  }
  return { ...parts, head } as unknown as Network
}

function partsOf(width: number) {
  const runs = { count: 0 }
  const block = {
    kind: 'counting',
    inputWidth: width,
    outputWidth: width,
    parameters: {},
    forward(x: Tensor3D) {
      runs.count++
      return clone(x)
    },
  } as unknown as Block
  const embedding = { forward: (images: Tensor4D) => reshape(images, [images.shape[0], 1, width]) }
  return { embedding: embedding as unknown as Network['embedding'], blocks: [block], runs }
}

/** Rows of logits as images, with their labels. */
const sourceOf = (logits: readonly (readonly number[])[], labels: readonly number[], classes: readonly string[]): ImageSource => ({
  length: logits.length,
  classes,
  async batch(indices) {
    const rows = Array.from(indices, (i) => logits[i]!)
    const images = tensor4d(rows.flat(), [rows.length, 1, 1, classes.length])
    const targets = Array.from(indices, (i) => classes.map((_, c) => (c === labels[i] ? 0.9 : 0.1 / (classes.length - 1))))
    return { images, targets: tensor2d(targets, [rows.length, classes.length]) }
  },
})

/**
 * numpy, float64: z = 4 sin(1.7 i + 2.3 c + 0.1 i c), the labels as below; p = softmax(z), conf = p.max(1), pred = p.argmax(1), b = ceil(15 conf),
 * sum(mean(b == m) * abs(mean(pred[b == m] == y[b == m]) - mean(conf[b == m])) for m in 1..15)
 */
const logits = Array.from({ length: n }, (_, i) => Array.from({ length: C }, (_, c) => 4 * Math.sin(1.7 * i + 2.3 * c + 0.1 * i * c)))
const labels = logits.map((row, i) => (i % 3 === 0 ? i ** 2 : row.indexOf(Math.max(...row))) % (C - 1))
const classes = [...'abcdefg']
const source = sourceOf(logits, labels, classes)
const confusion = [
  [9, 1, 2, 1, 0, 0, 12],
  [0, 6, 0, 0, 0, 0, 0],
  [0, 0, 5, 0, 0, 0, 0],
  [1, 2, 1, 7, 0, 2, 2],
  [0, 0, 0, 0, 5, 0, 0],
  [0, 0, 0, 0, 0, 4, 0],
  [0, 0, 0, 0, 0, 0, 0],
]
const CALIBRATION_ERROR = 0.1699923593038247

describeEachBackend(({ name, tolerances }) => {
  it('gives numbers computed by numpy, in batches of any size, and frees what it used', async () => {
    const before = memory().numTensors
    for (const batchSize of [7, 60, 100]) {
      const [found, ...others] = await evaluate([readingNetwork()], source, { batchSize })
      expect(others).toEqual([])
      expect(found).toMatchObject({ images: 60, top1: 36 / 60, top5: 51 / 60, confusion })
      expect(Math.abs(found!.calibrationError - CALIBRATION_ERROR)).toBeLessThan(tolerances.float64)
      expect(found!.perClass.map(({ images }) => images)).toEqual([25, 6, 5, 15, 5, 4, 0])
      expect(found!.perClass[0]).toEqual({ class: 'a', images: 25, correct: 9, accuracy: 9 / 25 })
      expect(found!.perClass[6]).toEqual({ class: 'g', images: 0, correct: 0, accuracy: null })
    }
    expect(await accuracies([readingNetwork()], source)).toEqual([36 / 60])
    expect(memory().numTensors).toBe(before)
  })

  it('runs what networks share once, and counts for each network', async () => {
    const parts = partsOf(C)
    const [first, turned] = await evaluate([readingNetwork(parts), readingNetwork(parts, 1)], source, { batchSize: 20 })
    expect(parts.runs.count).toBe(3)
    expect(first).toMatchObject({ top1: 36 / 60, confusion })
    expect(turned!.confusion).toEqual(confusion.map((row) => [row.at(-1), ...row.slice(0, -1)]))
    expect(Math.abs(turned!.calibrationError - CALIBRATION_ERROR)).toBeGreaterThan(0.1)
  })

  it('records whole batches where they come often, on webgpu', async () => {
    const parts = partsOf(C)
    expect(await accuracies([readingNetwork(parts)], source, { batchSize: 7 })).toEqual([36 / 60])
    expect(parts.runs.count).toBe(name === 'webgpu' ? 2 + 1 : 9)
  })

  it.skipIf(name !== 'webgpu')('compiles the programs of each kind of batch all at once', async () => {
    // Whole batches that are recorded, those that are not, and short ones.
    for (const batchSize of [7, 25]) {
      const programs = watchPrograms()
      try {
        const [found] = await evaluate([readingNetwork(partsOf(C), 1)], source, { batchSize })
        expect(found).toMatchObject({ images: 60 })
        expect(programs.ahead.length).toBeGreaterThan(5)
        expect(programs.waiting).toEqual([])
      } finally {
        programs.end()
      }
    }
  })

  it('makes the images of a batch while the one before it computes, one batch at a time, and frees them where that one fails', async () => {
    const before = memory().numTensors
    const order: string[] = []
    const told: ImageSource = {
      ...source,
      async batch(indices, options) {
        order.push(`make ${indices[0]}`)
        return source.batch(indices, options)
      },
    }
    await evaluate([readingNetwork()], told, { batchSize: 20, onBatch: (done) => void order.push(`done ${done}`) })
    expect(order).toEqual(['make 0', 'make 20', 'done 1', 'make 40', 'done 2', 'done 3'])
    const onBatch = () => {
      throw new Error('enough')
    }
    await expect(evaluate([readingNetwork()], told, { batchSize: 20, onBatch })).rejects.toThrow('enough')
    const stop = new AbortController()
    const stopping = evaluate([readingNetwork()], told, {
      batchSize: 20,
      signal: stop.signal,
      onBatch: () => stop.abort(new Error('stop')),
    })
    await expect(stopping).rejects.toThrow('stop')
    const failing: ImageSource = {
      ...source,
      batch: async (indices) => (indices[0] === 20 ? Promise.reject(new Error('cat.png: cannot be decoded')) : source.batch(indices)),
    }
    await expect(evaluate([readingNetwork()], failing, { batchSize: 20 })).rejects.toThrow('cat.png: cannot be decoded')
    expect(memory().numTensors).toBe(before)
  })

  it('counts among five, of equal logits the first ones, and what lies on the border of two bins in the lower', async () => {
    // Two classes of equal logits: a confidence of 1/2 lies in ((8 - 1)/15, 8/15], and of one image that is right |1 - 1/2| remains.
    const pairs = { ...readingNetwork(partsOf(2)), head: { ...readingNetwork().head, classes: 2, forward: asLogits } } as unknown as Network
    const [even] = await evaluate([pairs], sourceOf([[1, 1], [1, 1]], [0, 1], ['yes', 'no'])) // biome-ignore format: short
    expect(even).toMatchObject({ top1: 0.5, top5: 1, calibrationError: 0 })
    // One network that is sure: 2/3 right at a confidence of 1.
    const rows = [0, 1, 2].map((c) => (c === 0 ? [50, 0] : [0, 50]))
    const [sure] = await evaluate([pairs], sourceOf(rows, [0, 1, 0], ['yes', 'no']))
    expect(sure!.confusion).toEqual([[1, 1], [0, 1]]) // biome-ignore format: short
    expect(sure!.calibrationError).toBeCloseTo(1 / 3, 6)
    // All logits are equal: the classes a to e are the five highest.
    const [flat] = await evaluate([readingNetwork()], sourceOf(classes.map(() => new Array(C).fill(2)), [0, 1, 2, 3, 4, 5, 6], classes)) // biome-ignore format: short
    expect(flat).toMatchObject({ top5: 5 / 7 })
  })
})

describeEachBackend(() => {
  it('tells what each network made of each image, in batches of any size and in the order of the indices', async () => {
    const before = memory().numTensors
    const parts = partsOf(C)
    const indices = [59, 3, 0, 17, 17]
    const mine = (row: ArrayLike<number>) => row[0]!
    for (const batchSize of [2, 60]) {
      const [found, turned] = await outcomes([readingNetwork(parts), readingNetwork(parts, 1)], source, {
        indices,
        batchSize,
        confidences: { mine },
      })
      const highest = indices.map((i) => logits[i]!.indexOf(Math.max(...logits[i]!)))
      expect([...found!.correct]).toEqual(indices.map((i, k) => Number(highest[k] === labels[i])))
      expect([...turned!.correct]).toEqual(indices.map((i, k) => Number((highest[k]! + 1) % C === labels[i])))
      for (const [name, of] of Object.entries({ ...confidences, mine })) {
        for (const [k, i] of indices.entries()) expect(found!.confidence[name]![k]).toBeCloseTo(of(logits[i]!), 4)
      }
    }
    expect(parts.runs.count).toBe(3 + 1)
    expect(memory().numTensors).toBe(before)
  })

  it('evaluates a cascade as its networks answer, and tells what was passed on', async () => {
    const parts = { ...partsOf(C), macs: 0 }
    const cost = { macs: () => 1, liveFloats: () => 1, tokens: 1, parameters: {} }
    const costing = (turn: number): Network => {
      const network = readingNetwork(parts, turn)
      const { embedding, blocks, head } = network
      return {
        embedding: Object.assign(embedding, cost),
        blocks: blocks.map((block) => Object.assign(block, cost)),
        head: Object.assign(head, cost),
      }
    }
    const [small, large] = [costing(1), costing(0)]
    const sure = logits.map((row) => confidences.probability(row))
    const threshold = 0.9
    const cascade: Cascade = { small, large, threshold, confidence: { name: 'probability', of: confidences.probability } }
    const found = await evaluateCascade(cascade, source, { batchSize: 7 })
    const answers = logits.map((row, i) => (row.indexOf(Math.max(...row)) + (sure[i]! < threshold ? 0 : 1)) % C)
    const passedOn = sure.filter((each) => each < threshold).length / n
    expect(found).toMatchObject({ images: n, passedOn, top1: answers.filter((answer, i) => answer === labels[i]).length / n })
    // The embedding, the block and a head for all; for those that are passed on another head.
    expect(found.macs).toBeCloseTo(3 + passedOn, 12)
    expect(passedOn).toBeGreaterThan(0.1)
  })
})

const asLogits = (x: Tensor3D) => reshape(x, [x.shape[0], x.shape[2]])

const onOneBackend = it.skipIf(typeof window !== 'undefined')

onOneBackend('is sure of nothing where logits are no numbers, and refuses confidences that are none', async () => {
  const broken = {
    ...readingNetwork(),
    head: { classes: C, forward: (x: Tensor3D) => mul(reshape(x, [x.shape[0], C]), Number.NaN) },
  } as unknown as Network
  const [found] = await outcomes([broken], source)
  for (const values of Object.values(found!.confidence)) expect([...new Set(values)]).toEqual([0])
  await expect(outcomes([readingNetwork()], source, { confidences: { mine: () => Number.NaN } })).rejects.toThrow(
    "outcomes: the confidence 'mine' must be a finite number; of networks[0] and image 0 it is NaN",
  )
  await expect(evaluateCascade(readingNetwork() as never, source)).rejects.toThrow('evaluateCascade: cascade.small must be a network')
})

onOneBackend('gives members of a group the sum over their shares', async () => {
  const recorded: Float64Array[] = []
  const record = (values: Float64Array) => void recorded.push(values.slice())
  await evaluate([readingNetwork()], source, { batchSize: 8, group: { ...alone, rank: 1, size: 2, sum: record } })
  const add = (values: Float64Array) => {
    const others = recorded.shift()!
    values.forEach((value, i) => {
      values[i] = value + others[i]!
    })
  }
  const [shared] = await evaluate([readingNetwork()], source, { batchSize: 8, group: { ...alone, size: 2, sum: add } })
  const [whole] = await evaluate([readingNetwork()], source, { batchSize: 8 })
  expect(recorded).toEqual([])
  expect(shared).toEqual({ ...whole, calibrationError: expect.closeTo(whole!.calibrationError, 12) })
})

onOneBackend('reads the named images, tells batches, and ends where its signal aborts', async () => {
  const told: [number, number][] = []
  const onBatch = (done: number, total: number) => void told.push([done, total])
  const [some] = await evaluate([readingNetwork()], source, { indices: [1, 2, 4, 5, 7], batchSize: 2, onBatch })
  expect(some).toMatchObject({ images: 5 })
  expect(told).toEqual([[1, 3], [2, 3], [3, 3]]) // biome-ignore format: short
  const before = memory().numTensors
  await expect(evaluate([readingNetwork()], source, { signal: AbortSignal.abort(new Error('stop')) })).rejects.toThrow('stop')
  expect(memory().numTensors).toBe(before)
})

onOneBackend('refuses logits that are not finite, other classes, networks without a classifier and unknown options', async () => {
  const before = memory().numTensors
  const broken = sourceOf(logits.map((row, i) => (i === 41 ? row.map(() => Number.NaN) : row)), labels, classes) // biome-ignore format: short
  await expect(evaluate([readingNetwork()], broken, { batchSize: 20 })).rejects.toThrow(
    'evaluate: the logits of networks[0] must be finite; those of image 41 are not',
  )
  const featureOnly = { ...readingNetwork(), head: { ...readingNetwork().head, classes: 0 } } as unknown as Network
  await expect(evaluate([featureOnly], { ...source, classes: [] })).rejects.toThrow(
    'evaluate: every network must have a classifier; networks[0] gives features alone',
  )
  await expect(evaluate([readingNetwork()], { ...source, classes: ['a', 'b'] })).rejects.toThrow(
    'evaluate: the images must show the classes that the network tells apart, 7; they show 2 (a, b)',
  )
  await expect(evaluate([readingNetwork()], source, { batch: 7 } as never)).rejects.toThrow(
    "evaluate: there is no option 'batch'; the options are indices, batchSize, group, onBatch, signal",
  )
  await expect(evaluate([], source)).rejects.toThrow('evaluate: there must be at least one network; got none')
  await expect(evaluate([readingNetwork()], source, { indices: [] })).rejects.toThrow(
    'evaluate: there must be at least one image; got none',
  )
  expect(memory().numTensors).toBe(before)
})
