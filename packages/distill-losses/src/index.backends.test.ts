import type { Loss } from '@learngene/interfaces/tensors'
import { describeEachBackend, uniformTensors } from '@learngene/testing'
import type { Tensor } from '@tensorflow/tfjs-core'
import { expect, it } from 'vitest'
import * as facade from './index.js'

// Those that take more than two tensors, or are no losses.
const { attentionMapKl, decoupledKd, standardiseLogits, tokenWise, transformedMse, variationalInformation, ...losses } = facade
const tokens = ['featureMse', 'cosineDistance', 'relationMse', 'attentionTransfer', 'linearCka']

describeEachBackend(() => {
  it.each(Object.entries<Loss>(losses))('%s is a Loss: one value per example of tensors with one shape', (name, loss) => {
    const random = uniformTensors(1)
    const shape = tokens.includes(name) ? [3, 4, 5] : [3, 5]
    const values: Tensor = loss(random(shape), random(shape))
    expect(values.shape).toEqual([3])
  })
})

it('exports the losses and nothing else', () => {
  expect(Object.keys(facade).sort()).toEqual([
    ...['attentionMapKl', 'attentionTransfer', 'cosineDistance', 'decoupledKd', 'dist', 'featureMse', 'hardTarget', 'klDivergence'],
    ...['labelTarget', 'linearCka', 'pkt', 'relationMse', 'rkdAngle', 'rkdDistance', 'similarityPreserving', 'softTarget'],
    ...['standardiseLogits', 'tokenWise', 'transformedMse', 'variationalInformation'],
  ])
})
