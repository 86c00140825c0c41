import { expectClose } from '@learngene/testing'
import { dispose, grads, type Tensor, tensor, tensor1d } from '@tensorflow/tfjs-core'
import { expect, it } from 'vitest'
import golden from '../golden.json' with { type: 'json' }

type Inputs = { readonly [name: string]: Tensor }
type FlatTensors = { readonly [name: string]: { readonly shape: number[]; readonly values: number[] } | undefined }
type FlatGradients = { readonly [name: string]: number[] | undefined }

/** Tests a loss against the values and gradients of `scripts/make-golden.py`, one test for each of its cases. */
export function itMatchesPyTorch<Options>(tolerance: number, loss: string, compute: (inputs: Inputs, options: Options) => Tensor): void {
  const cases = golden.cases.filter((candidate) => candidate.loss === loss)
  expect(cases.length, `golden cases of ${loss}`).toBeGreaterThan(0)
  for (const { options, inputs, values, gradients } of cases) {
    it(`equals PyTorch in values and gradients ${JSON.stringify(options)}`, async () => {
      const tensors: { [name: string]: Tensor } = {}
      for (const [name, flat] of Object.entries(inputs as FlatTensors)) {
        if (flat) tensors[name] = tensor(flat.values, flat.shape)
      }
      const expected = Object.entries(gradients as FlatGradients).filter((entry): entry is [string, number[]] => entry[1] !== undefined)
      const upstream = tensor1d(golden.upstream.slice(0, values.length))
      const actual = compute(tensors, options as Options)
      const backward = grads((...changed) => {
        const replaced = Object.fromEntries(expected.map(([name], i) => [name, changed[i]!]))
        return compute({ ...tensors, ...replaced }, options as Options)
      })
      const actualGradients = backward(
        expected.map(([name]) => tensors[name]!),
        upstream,
      )

      expect(actual.shape).toEqual([values.length])
      await expectClose(actual, values, tolerance, 'values')
      for (const [i, [name, gradient]] of expected.entries()) {
        expect(actualGradients[i]!.shape).toEqual(tensors[name]!.shape)
        await expectClose(actualGradients[i]!, gradient, tolerance, `gradient of ${name}`)
      }
      dispose([tensors, upstream, actual, actualGradients])
    })
  }
}
