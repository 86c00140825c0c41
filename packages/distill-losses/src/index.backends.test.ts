import type { Loss } from '@learngene/interfaces/tensors'
import { describeEachBackend, uniformTensors } from '@learngene/testing'
import type { Tensor } from '@tensorflow/tfjs-core'
import { expect, it } from 'vitest'
import * as facade from './index.js'

const { attentionMapKl, transformedMse, ...losses } = facade

describeEachBackend(() => {
  it.each(Object.entries<Loss>(losses))('%s is a Loss: one value per example of tensors with one shape', (name, loss) => {
    const random = uniformTensors(1)
    const shape = ['featureMse', 'cosineDistance', 'relationMse'].includes(name) ? [3, 4, 5] : [3, 5]
    const values: Tensor = loss(random(shape), random(shape))
    expect(values.shape).toEqual([3])
  })
})

it('exports the losses and nothing else', () => {
  expect(Object.keys(facade).sort()).toEqual([
    'attentionMapKl',
    'cosineDistance',
    'featureMse',
    'hardTarget',
    'klDivergence',
    'labelTarget',
    'relationMse',
    'softTarget',
    'transformedMse',
  ])
})
