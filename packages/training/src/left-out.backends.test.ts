import { describeEachBackend, valuesOf } from '@learngene/testing'
import { fill, tensor2d } from '@tensorflow/tfjs-core'
import { expect, test } from 'vitest'
import { adamW } from './adamw.js'
import { averaging } from './averaging.js'
import { type Optimizer, takeStep } from './optimizer.js'
import { createRegression } from './regression.fixture.js'
import { sgd } from './sgd.js'

describeEachBackend(() => {
  test.each<[string, Optimizer]>([
    ['adamW', adamW()],
    ['sgd', sgd()],
    ['sgd with momentum', sgd({ momentum: 0.9 })],
    ['averaged adamW', averaging(adamW(), 0.9)],
  ])(
    '%s: a step with a factor of 0 keeps every bit of parameters, moments and averages, whatever the gradients are',
    async (_, optimizer) => {
      const { parameters } = createRegression()
      const state = optimizer.init(parameters)
      const gradientsOf = (value: number) =>
        Object.fromEntries(Object.entries(parameters).map(([name, { shape }]) => [name, fill(shape, value)]))
      const all = () => [...Object.values(parameters), ...Object.values(state).flatMap(({ tensors }) => Object.values(tensors))]
      const values = () => Promise.all(all().map(valuesOf))
      for (const value of [0.1, -0.3]) takeStep(optimizer, parameters, gradientsOf(value), state, 0.05)
      const before = await values()
      const { data, shape } = optimizer.scalars(parameters, state, 0.05)
      const scalars = tensor2d([...data, ...new Array(data.length).fill(0)], [2 * shape[0], shape[1]])
      optimizer.update(parameters, gradientsOf(Number.NaN), state, scalars)
      expect(await values()).toEqual(before)
      takeStep(optimizer, parameters, gradientsOf(0.1), state, 0.05)
      expect(await values()).not.toEqual(before)
    },
  )
})
