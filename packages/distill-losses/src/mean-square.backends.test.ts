import { describeEachBackend, uniformTensors } from '@learngene/testing'
import { it } from 'vitest'
import { meanSquare } from './mean-square.js'
import { checkLoss } from './testing/check-loss.js'

describeEachBackend(({ tolerances }) => {
  it.each([[[3, 4]], [[2, 3, 4]], [[2, 2, 3, 2]]])('has the gradient of its values for %j', async (shape) => {
    await checkLoss(meanSquare, [uniformTensors(1)(shape)], tolerances.numericGradient)
  })
})
