import { describeEachBackend, expectClose, valuesOf } from '@learngene/testing'
import '@learngene/ops'
import { memory, type Scalar, square, sum, type Tensor3D, tensor, tidy, variableGrads } from '@tensorflow/tfjs-core'
import { describe, expect, it } from 'vitest'
import { assignStitch, createLoraStitch, createStitch, mergeLora } from './stitch-blocks.js'
import { createRng } from './testing/rng.js'

/** Uniform numbers in [-1, 1). */
function uniformArray(length: number, seed: number): Float32Array {
  const rng = createRng(seed)
  return Float32Array.from({ length }, () => 2 * rng.uniform() - 1)
}

const config = { inputWidth: 6, outputWidth: 10, rank: 2 }
const map = { inputs: 6, outputs: 10, weight: uniformArray(60, 1), bias: uniformArray(10, 2) }
const tokens = () => tensor(uniformArray(2 * 5 * 6, 3), [2, 5, 6]) as Tensor3D

/** A LoRA stitch of the map, with an update that is not zero. */
function trained() {
  const stitch = createLoraStitch(config, createRng(4))
  assignStitch(stitch, map)
  stitch.parameters.lora_b!.assign(tensor(uniformArray(20, 5), [10, 2]))
  return stitch
}

describeEachBackend(({ tolerances }) => {
  describe('a LoRA stitch', () => {
    it('starts as the map that it is given', async () => {
      const [lora, plain] = [createLoraStitch(config, createRng(4)), createStitch(config, createRng(6))]
      for (const stitch of [lora, plain]) assignStitch(stitch, map)
      expect(await valuesOf(lora.forward(tokens(), {}))).toEqual(await valuesOf(plain.forward(tokens(), {})))
    })

    it('maps by W0 + B A and c', async () => {
      const stitch = trained()
      const [a, b] = [await valuesOf(stitch.parameters.lora_a!), await valuesOf(stitch.parameters.lora_b!)]
      const x = await valuesOf(tokens())
      const expected = Array.from({ length: 10 }, (_, row) => {
        let y = map.bias[row]!
        for (let k = 0; k < 6; k++) {
          const update = b[2 * row]! * a[k]! + b[2 * row + 1]! * a[6 + k]!
          y += (map.weight[6 * row + k]! + update) * x[k]!
        }
        return y
      })
      const first = (await valuesOf(stitch.forward(tokens(), {}))).slice(0, 10)
      await expectClose(first, expected, tolerances.float64)
    })

    it('trains the update only, with its exact gradient', async () => {
      const stitch = trained()
      const loss = () => tidy(() => sum(square(stitch.forward(tokens(), {}))) as Scalar)
      const before = memory().numTensors
      const { grads, value } = variableGrads(loss, Object.values(stitch.parameters))
      expect(Object.keys(grads).sort()).toEqual([stitch.parameters.lora_a!.name, stitch.parameters.lora_b!.name].sort())
      for (const name of ['lora_a', 'lora_b'] as const) {
        const parameter = stitch.parameters[name]!
        const values = await valuesOf(parameter)
        const gradient = await valuesOf(grads[parameter.name]!)
        for (const i of values.keys()) {
          const at = async (step: number) => {
            const moved = tensor(
              values.map((value, at) => (at === i ? value + step : value)),
              parameter.shape,
            )
            parameter.assign(moved)
            moved.dispose()
            const value = loss()
            const [number] = await valuesOf(value)
            value.dispose()
            return number!
          }
          // The loss is a quadratic in each value, so the difference is exact but for rounding.
          expect(((await at(0.5)) - (await at(-0.5))) / gradient[i]!).toBeCloseTo(1, 3)
        }
        parameter.assign(tensor(values, parameter.shape))
      }
      value.dispose()
      for (const gradient of Object.values(grads)) gradient.dispose()
      expect(memory().numTensors - before).toBe(2)
    })

    it('counts the map, its update and the tokens', () => {
      const stitch = trained()
      expect(stitch.macs(5)).toBe(5 * 60 + 2 * 60)
      expect(Object.values(stitch.parameters).reduce((total, { size }) => total + size, 0)).toBe(60 + 10 + 2 * 6 + 10 * 2)
    })

    it.each([
      [{ ...config, rank: 0 }, "config: 'rank' must be a positive number; got 0"],
      [{ ...config, rank: 7 }, "loraStitch: 'rank' must be an integer from 1 to 6, the smaller of widths 6 and 10; got 7"],
      [{ ...config, rank: 1.5 }, "config: 'rank' must be a positive integer; got 1.5"],
      [{ inputWidth: 6, outputWidth: 10 }, "config: 'rank' must be a positive number; got nothing"],
      [{ ...config, inputWidth: 0 }, "config: 'inputWidth' must be a positive number; got 0"],
      [{ ...config, outputWidth: 1e9 }, "config: 'outputWidth' must be at most 16777216; got 1000000000"],
    ])('refuses %j', (config, message) => {
      expect(() => createLoraStitch(config, createRng(0))).toThrow(message)
    })
  })

  describe('mergeLora', () => {
    it('gives a plain stitch of the same values, with weights of its own', async () => {
      const stitch = trained()
      const merged = await mergeLora(stitch)
      expect([merged.kind, merged.macs(5)]).toEqual(['stitch', 5 * 60])
      await expectClose(merged.forward(tokens(), {}), stitch.forward(tokens(), {}), tolerances.identity)
      for (const parameter of Object.values(stitch.parameters)) parameter.dispose()
      expect(await valuesOf(merged.parameters.weight!)).toHaveLength(60)
    })

    it('refuses a block that is none', async () => {
      await expect(mergeLora(createStitch(config, createRng(0)))).rejects.toThrow(
        "mergeLora: the block must be a loraStitch; got a 'stitch'",
      )
    })
  })
})
