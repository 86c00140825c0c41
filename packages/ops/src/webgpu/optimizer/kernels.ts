import type { TensorInfo } from '@tensorflow/tfjs-core'
import type { AdamWConstants } from '../../adamw.js'
import type { WebGPUBackend } from '../backend.js'
import { writable } from '../in-place.js'
import { type Kernels, kernelSet } from '../kernel-set.js'
import { dispatchSlots, type SlotsProgram } from '../slots.js'

export function optimizerKernels(backend: WebGPUBackend): Kernels {
  return kernelSet(backend, {
    LearngeneAdamWSlots(inputs, attributes) {
      const { rows, beta1, beta2, epsilon } = attributes as unknown as AdamWConstants & { rows: number[] }
      const slots = rows.map((row, i) => {
        const [parameter, m, v] = (['parameter', 'm', 'v'] as const).map((name) => writable(backend, inputs[`${name}${i}`]!)) as Three
        return { row, tensors: { parameter, gradient: inputs[`gradient${i}`]!, m, v } }
      })
      const constants = { beta1, rest1: 1 - beta1, beta2, rest2: 1 - beta2, epsilon }
      dispatchSlots(backend, ADAMW, slots, constants, inputs.scalars!)
      return slots.flatMap(({ tensors: { parameter, m, v } }) => [parameter, m, v])
    },

    LearngeneAverageSlots(inputs, attributes) {
      const { rows, decay } = attributes as { rows: number[]; decay: number }
      const slots = rows.map((row, i) => {
        return { row, tensors: { average: writable(backend, inputs[`average${i}`]!), parameter: inputs[`parameter${i}`]! } }
      })
      dispatchSlots(backend, AVERAGE, slots, { decay, rest: 1 - decay }, inputs.scalars!)
      return slots.map(({ tensors: { average } }) => average)
    },

    LearngeneAccumulateSlots(inputs, attributes) {
      const slots = Array.from({ length: (attributes as { slots: number }).slots }, (_, i) => {
        return { tensors: { total: writable(backend, inputs[`total${i}`]!), value: inputs[`value${i}`]! } }
      })
      dispatchSlots(backend, ACCUMULATE, slots, {})
      return slots.map(({ tensors: { total } }) => total)
    },

    LearngeneClearSlots(inputs, attributes) {
      const slots = Array.from({ length: (attributes as { slots: number }).slots }, (_, i) => {
        return { tensors: { total: writable(backend, inputs[`total${i}`]!) } }
      })
      dispatchSlots(backend, CLEAR, slots, {})
      return slots.map(({ tensors: { total } }) => total)
    },
  })
}

type Three = [TensorInfo, TensorInfo, TensorInfo]

const ADAMW: SlotsProgram = {
  name: 'adamW',
  operands: { parameter: true, gradient: false, m: true, v: true },
  table: true,
  constants: ['beta1', 'rest1', 'beta2', 'rest2', 'epsilon'],
  code: (of, row) => `
        let f = factor(${row});
        if (f > 0.0) {
          let g = f * ${of('gradient')};
          let nextM = u.beta1 * ${of('m')} + u.rest1 * g;
          let nextV = u.beta2 * ${of('v')} + u.rest2 * g * g;
          ${of('m')} = nextM;
          ${of('v')} = nextV;
          let change = number(${row}, 0u) * number(${row}, 2u) * nextM / (sqrt(nextV * number(${row}, 3u)) + u.epsilon);
          ${of('parameter')} = number(${row}, 1u) * ${of('parameter')} - change;
        }
      `,
}

const AVERAGE: SlotsProgram = {
  name: 'average',
  operands: { average: true, parameter: false },
  table: true,
  constants: ['decay', 'rest'],
  code: (of, row) => `
        if (factor(${row}) > 0.0) { ${of('average')} = ${of('average')} * u.decay + ${of('parameter')} * u.rest; }
      `,
}

const ACCUMULATE: SlotsProgram = {
  name: 'accumulate',
  operands: { total: true, value: false },
  table: false,
  constants: [],
  code: (of) => ` ${of('total')} += ${of('value')}; `,
}

const CLEAR: SlotsProgram = {
  name: 'clear',
  operands: { total: true },
  table: false,
  constants: [],
  code: (of) => ` ${of('total')} = 0.0; `,
}
