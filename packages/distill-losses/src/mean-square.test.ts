import { it } from 'vitest'
import { meanSquare } from './mean-square.js'
import { describeBackends } from './testing/backends.js'
import { checkLoss } from './testing/check-loss.js'
import { randomTensors } from './testing/random.js'

describeBackends(() => {
  it.each([[[3, 4]], [[2, 3, 4]], [[2, 2, 3, 2]]])('has the gradient of its values for %j', (shape) => {
    checkLoss(meanSquare, [randomTensors(1)(...shape)])
  })
})
