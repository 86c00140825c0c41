import { tensor } from '@tensorflow/tfjs-core'
import { type LossAndGradients, replaceEach } from './gradients.js'
import type { Group } from './group.js'

/** Replaces the gradients by their mean over the group. Returns the mean loss. */
export async function averageOverGroup(group: Group, { loss, gradients }: LossAndGradients): Promise<number> {
  if (group.size === 1) return (await loss.data())[0]!
  const values = await Promise.all([loss, ...Object.values(gradients)].map((tensor) => tensor.data<'float32'>()))
  const packed = new Float32Array(values.reduce((length, { length: next }) => length + next, 0))
  let offset = 0
  for (const value of values) {
    packed.set(value, offset)
    offset += value.length
  }
  group.mean(packed)
  offset = 1
  replaceEach(gradients, ({ size, shape }) => {
    offset += size
    return tensor(packed.subarray(offset - size, offset), shape, 'float32')
  })
  return packed[0]!
}
