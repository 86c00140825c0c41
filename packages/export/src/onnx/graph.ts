import { type Activation, activations } from '@learngene/ops'
import type { Tensor } from '@tensorflow/tfjs-core'
import { type AttributeProto, type ElementType, elementTypes, type NodeProto, type ValueInfoProto } from './schema.js'
import { type Layout, type StoredTensor, scaleName, storeAs, type WeightType } from './store.js'

/** Attributes of an operation: numbers are floats, bigints integers. */
export type Attributes = { readonly [name: string]: number | bigint | string | readonly bigint[] }

/** Tensors by name, of a part of a network. */
type Weights = { readonly [name: string]: Tensor }

/**
 * An ONNX graph that is being written. Values go by name: what an operation gives is the name of its output. Weights are read when the graph is finished, so that
 * writing is synchronous.
 */
export interface Graph {
  /** The version of ONNX's operators, 17 to 20. */
  readonly opset: number
  /** The same graph; names of weights and operations begin with the scope. */
  within(scope: string): Graph
  /** Adds an operation of ONNX with one output. */
  operation(type: string, inputs: readonly string[], attributes?: Attributes): string
  /** A weight as it is, in float32. */
  weight(name: string, value: Tensor): string
  /** x W^T + b with the weights PREFIX`weight` [out, in], which is stored as [in, out] in the type of the weights, and PREFIX`bias` [out]. */
  linear(x: string, prefix: string, weights: Weights): string
  /** Layer normalisation of the last dimension by PREFIX`weight` and PREFIX`bias`. */
  layerNorm(x: string, prefix: string, weights: Weights, epsilon: number): string
  /** Convolution without overlap by PREFIX`weight` [out, in, height, width], in the type of the weights, and PREFIX`bias`. */
  patches(x: string, prefix: string, weights: Weights): string
  activation(x: string, activation: Activation): string
  /** Mean over one dimension, which goes. */
  mean(x: string, axis: number): string
  /** Equal parts of the last dimension. */
  split(x: string, parts: number, size: number): readonly string[]
  /** The axes in another order. */
  transpose(x: string, order: readonly number[]): string
  /** 0 keeps the dimension of that place, -1 takes what is left. */
  reshape(x: string, shape: readonly number[]): string
  /** One integer as a value. */
  index(value: number): string
  /** A list of integers as a value. */
  integers(values: readonly number[]): string
  /** Floats as a value; a scalar where no shape is given. */
  floats(values: readonly number[], shape?: readonly number[]): string
}

/** What is collected, and how weights become tensors of the file. */
export interface GraphFile {
  readonly graph: Graph
  readonly nodes: readonly NodeProto[]
  /** Reads all weights, one after the other. */
  store(): AsyncGenerator<StoredTensor>
}

export function createGraph(opset: number, weights: WeightType): GraphFile {
  const nodes: NodeProto[] = []
  const constants = new Map<string, StoredTensor>()
  const pending = new Map<string, { readonly value: Tensor; readonly layout: Layout; readonly given: string }>()
  const add = (scope: string, type: string, inputs: readonly string[], attributes: Attributes, outputs = 1): readonly string[] => {
    const name = `${scope}${type}_${nodes.length}`
    const output = Array.from({ length: outputs }, (_, i) => (outputs === 1 ? `${name}_out` : `${name}_out${i}`))
    nodes.push({ name, opType: type, input: inputs, output, attribute: Object.entries(attributes).map(attributeOf) })
    return output
  }
  const constant = (elements: ElementType, dims: readonly number[], data: Float32Array | BigInt64Array) => {
    const name = `${elements}[${dims}]:${data.join()}`
    constants.set(name, { name, elements, dims, bytes: new Uint8Array(data.buffer) })
    return name
  }

  function within(scope: string): Graph {
    const operation = (type: string, inputs: readonly string[], attributes: Attributes = {}) => add(scope, type, inputs, attributes)[0]!
    const store = (name: string, value: Tensor | undefined, layout: Layout) => {
      if (value === undefined) throw new Error(`ONNX: '${scope}' has no weight '${name}'; name one of its parameters`)
      const full = scope + name
      const known = pending.get(full)
      if (known && (known.value !== value || known.layout !== layout))
        throw new Error(`ONNX: two weights are named '${full}'; name one differently`)
      const given = known?.given ?? restored(full, layout)
      pending.set(full, { value, layout, given })
      return given
    }
    /** The weight in float32. */
    const restored = (name: string, layout: Layout) => {
      if (layout === 'plain' || weights === 'float32') return name
      if (weights === 'float16') return operation('Cast', [name], { to: BigInt(elementTypes.float32) })
      // One scale per output channel.
      return operation('DequantizeLinear', [name, scaleName(name)], { axis: layout === 'matrix' ? 1n : 0n })
    }
    const floats = (values: readonly number[], shape: readonly number[] = []) => constant('float32', shape, Float32Array.from(values))
    const integers = (values: readonly number[]) => constant('int64', [values.length], BigInt64Array.from(values, BigInt))
    const product = (x: string, factor: number) => operation('Mul', [x, floats([factor])])
    /** x sigmoid(slope x + cube x^3), of which the tanh form of GELU is one. */
    const forms: { readonly [activation in Activation]: (x: string) => string } = {
      gelu(x) {
        if (opset >= 20) return operation('Gelu', [x])
        const erf = operation('Erf', [product(x, Math.SQRT1_2)])
        return product(operation('Mul', [x, operation('Add', [erf, floats([1])])]), 0.5)
      },
      geluTanh(x) {
        if (opset >= 20) return operation('Gelu', [x], { approximate: 'tanh' })
        const cube = operation('Mul', [x, operation('Mul', [x, x])])
        const inner = product(operation('Add', [x, product(cube, 0.044715)]), Math.sqrt(2 / Math.PI))
        return product(operation('Mul', [x, operation('Add', [operation('Tanh', [inner]), floats([1])])]), 0.5)
      },
      quickGelu: (x) => operation('Mul', [x, operation('Sigmoid', [product(x, 1.702)])]),
    }
    return {
      opset,
      within: (inner) => within(scope + inner),
      operation,
      weight: (name, value) => store(name, value, 'plain'),
      linear(x, prefix, { [`${prefix}weight`]: weight, [`${prefix}bias`]: bias }) {
        const product = operation('MatMul', [x, store(`${prefix}weight`, weight, 'matrix')])
        return operation('Add', [product, store(`${prefix}bias`, bias, 'plain')])
      },
      layerNorm(x, prefix, { [`${prefix}weight`]: weight, [`${prefix}bias`]: bias }, epsilon) {
        const scale = store(`${prefix}weight`, weight, 'plain')
        return operation('LayerNormalization', [x, scale, store(`${prefix}bias`, bias, 'plain')], { axis: -1n, epsilon })
      },
      patches(x, prefix, { [`${prefix}weight`]: weight, [`${prefix}bias`]: bias }) {
        const kernel = store(`${prefix}weight`, weight, 'kernel')
        const sides = weight!.shape.slice(2).map(BigInt)
        return operation('Conv', [x, kernel, store(`${prefix}bias`, bias, 'plain')], { kernel_shape: sides, strides: sides })
      },
      activation(x, activation) {
        if (Object.hasOwn(forms, activation)) return forms[activation](x)
        throw new Error(`ONNX: the activation must be ${activations.join(' or ')}; got '${activation}'`)
      },
      mean: (x, axis) =>
        opset >= 18
          ? operation('ReduceMean', [x, integers([axis])], { keepdims: 0n })
          : operation('ReduceMean', [x], { axes: [BigInt(axis)], keepdims: 0n }),
      split: (x, parts, size) => add(scope, 'Split', [x, integers(Array(parts).fill(size))], { axis: -1n }, parts),
      transpose: (x, order) => operation('Transpose', [x], { perm: order.map(BigInt) }),
      reshape: (x, shape) => operation('Reshape', [x, integers(shape)]),
      index: (value) => constant('int64', [], BigInt64Array.of(BigInt(value))),
      integers,
      floats,
    }
  }

  return {
    graph: within(''),
    nodes,
    async *store() {
      yield* constants.values()
      for (const [name, { value, layout }] of pending) {
        yield* storeAs({ name, layout, dims: value.shape, values: await value.data<'float32'>() }, weights)
      }
    },
  }
}

const ATTRIBUTE_TYPES = { float: 1, integer: 2, text: 3, integers: 7 } as const

function attributeOf([name, value]: [string, Attributes[string]]): AttributeProto {
  if (typeof value === 'number') return { name, type: ATTRIBUTE_TYPES.float, f: value }
  if (typeof value === 'bigint') return { name, type: ATTRIBUTE_TYPES.integer, i: value }
  if (typeof value === 'string') return { name, type: ATTRIBUTE_TYPES.text, s: new TextEncoder().encode(value) }
  return { name, type: ATTRIBUTE_TYPES.integers, ints: value }
}

/** A value that goes into the graph or comes out of it; a text is a dimension that the user chooses. */
export function valueInfo(name: string, dims: readonly (number | string)[]): ValueInfoProto {
  const dim = dims.map((size) => (typeof size === 'string' ? { dimParam: size } : { dimValue: BigInt(size) }))
  return { name, type: { tensorType: { elemType: elementTypes.float32, shape: { dim } } } }
}
