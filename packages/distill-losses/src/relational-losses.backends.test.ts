import { describeEachBackend, expectClose, uniformTensors, valuesOf } from '@learngene/testing'
import { matMul, mul, reshape, type Tensor, type Tensor2D, tensor2d, tidy } from '@tensorflow/tfjs-core'
import { describe, expect, it } from 'vitest'
import { linearCka, pkt, rkdAngle, rkdDistance, similarityPreserving } from './relational-losses.js'
import { checkLoss, checkTeacherIsData } from './testing/check-loss.js'
import { itMatchesPyTorch } from './testing/golden.js'

const ofBatches = { rkdDistance, rkdAngle, similarityPreserving, pkt }
/** What leaves each loss at 0 though the features are others. */
const stretchedBy = { rkdDistance: 7, rkdAngle: 7, similarityPreserving: 7, pkt: 7, linearCka: 7 }
/** Radians. */
const TURN = tensor2dOf(Math.cos(1), -Math.sin(1), Math.sin(1), Math.cos(1))

function tensor2dOf(...values: number[]): () => Tensor2D {
  return () => tensor2d(values, [2, 2])
}

describeEachBackend(({ tolerances }) => {
  describe.each(Object.entries({ ...ofBatches, linearCka }))('%s', (name, loss) => {
    const shapes = name === 'linearCka' ? [[4, 5, 3], [4, 5, 6]] : [[4, 3], [4, 2, 3]] // biome-ignore format: pairs
    const [student, teacher] = shapes as [number[], number[]]
    itMatchesPyTorch(tolerances.golden, name, ({ student, teacher }) => loss(student!, teacher!))

    it('has the gradient of its values', async () => {
      const random = uniformTensors(1)
      const fixed = random(teacher)
      await checkLoss((x) => loss(x, fixed), [random(student)], tolerances.numericGradient)
      fixed.dispose()
    })

    it('passes no gradient to the teacher', () => {
      const random = uniformTensors(2)
      checkTeacherIsData(loss, random(student), random(teacher))
    })

    it('is 0 where the teacher is the student turned and stretched', async () => {
      const shape = name === 'linearCka' ? [3, 5, 2] : [5, 2]
      const x = uniformTensors(3)<Tensor>(shape)
      const turned = mul(reshape(matMul(reshape(x, [-1, 2]) as Tensor2D, TURN()), shape), stretchedBy[name as keyof typeof stretchedBy])
      await expectClose(loss(x, turned), new Array(shape[0]).fill(0), 1e-6)
    })

    it('refuses what does not agree in one line', () =>
      tidy(() => {
        const random = uniformTensors(0)
        const other = [3, ...teacher.slice(1)]
        expect(() => loss(random(student), random(other))).toThrow(new RegExp(`^${name}: .*agree in B.*got student`))
        if (name !== 'linearCka') expect(() => loss(random([1, 3]), random([1, 3]))).toThrow(/of at least 2 examples/)
      }))
  })

  it('stay finite where examples are the same', async () => {
    const same = tensor2d([[1, 2], [1, 2], [3, 4]]) // biome-ignore format: rows
    for (const loss of Object.values(ofBatches)) await expectClose(loss(same, same), [0, 0, 0], 1e-6)
    const random = uniformTensors(4)
    const teacher = random<Tensor>([3, 2])
    for (const loss of Object.values(ofBatches)) {
      expect((await valuesOf(loss(same, teacher))).every(Number.isFinite)).toBe(true)
    }
  })

  it('alignment of a batch is that of the tokens of one image', async () => {
    const random = uniformTensors(5)
    const [x, y] = [random<Tensor>([6, 3]), random<Tensor>([6, 4])]
    const one = linearCka(reshape(x, [1, 6, 3]), reshape(y, [1, 6, 4]))
    expect(one.shape).toEqual([1])
    const [value] = await valuesOf(one)
    expect(value! > 0 && value! < 1).toBe(true)
  })
})
