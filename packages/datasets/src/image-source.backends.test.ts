import { describeEachBackend, expectClose } from '@learngene/testing'
import { tensor } from '@tensorflow/tfjs-core'
import { expect, it } from 'vitest'
import { numberedDataset } from './dataset.fixture.js'
import { imageSource } from './image-source.js'
import { testRng } from './rng.fixture.js'

const asIs = { mean: [0, 0], std: [1 / 255, 1 / 255] }
const dataset = numberedDataset([0, 1, 2, 1])

describeEachBackend(({ tolerances }) => {
  it('gives images and targets, of what is not labelled targets without columns', async () => {
    const labelled = await imageSource(dataset, asIs).batch([3, 1])
    const expected = tensor(
      Array.from({ length: 24 }, (_, i) => (i < 12 ? 3 : 1)),
      [2, 2, 3, 2],
    )
    await expectClose(labelled.images, expected, tolerances.identity)
    expect(await labelled.targets.array()).toEqual([
      [0, 1, 0],
      [0, 1, 0],
    ])
    const unlabelled = await imageSource({ ...dataset, classes: [], labels: [] }, asIs).batch([3, 1])
    expect(unlabelled.targets.shape).toEqual([2, 0])
    expect(await unlabelled.targets.data()).toHaveLength(0)
    for (const each of [labelled, unlabelled]) for (const used of Object.values(each)) used.dispose()
    expected.dispose()
  })

  it('averages images with their counterparts', async () => {
    const { images, targets } = await imageSource(dataset, asIs, { augment: { mixup: 1 } }).batch([1, 2], { rng: testRng(1) })
    const [[, own]] = (await targets.array()) as [[number, number]]
    const values = await images.data()
    expect(values[0]).toBeCloseTo(own + 2 * (1 - own), 4)
    expect(values[12]).toBeCloseTo(2 * own + 1 - own, 4)
    images.dispose()
    targets.dispose()
  })
})
