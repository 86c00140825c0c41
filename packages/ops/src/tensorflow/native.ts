import { type DataType, engine, type Tensor, type TensorInfo } from '@tensorflow/tfjs-core'
import type { TensorFlowBackend } from './backend.js'

export type Native = ReturnType<typeof nativeOperations>

/**
 * TensorFlow's own operations on float32 tensors, one native call each, without the checks, casts and scalars that TensorFlow.js's operations bring.
 * Numbers, axes and shapes are constants which are uploaded once.
 */
export function nativeOperations(backend: TensorFlowBackend) {
  const { binding } = backend
  const type = (name: string, value: number) => ({ name, type: binding.TF_ATTR_TYPE, value })
  const flag = (name: string, value: boolean) => ({ name, type: binding.TF_ATTR_BOOL, value })
  const count = (name: string, value: number) => ({ name, type: binding.TF_ATTR_INT, value })
  const float = type('T', binding.TF_FLOAT)
  const float32 = type('dtype', binding.TF_FLOAT)

  const constants = new Map<string, TensorInfo>()
  const constant = (values: Float32Array | Int32Array, shape: number[], dtype: DataType): TensorInfo => {
    const key = `${dtype} [${shape}] ${values}`
    const known = constants.get(key) ?? { dataId: backend.write(values, shape, dtype), shape, dtype }
    constants.set(key, known)
    return known
  }
  const integers = (values: readonly number[]) => constant(Int32Array.from(values), [values.length], 'int32')
  const integer = (value: number) => constant(Int32Array.of(value), [], 'int32')
  const number = (value: number) => constant(Float32Array.of(value), [], 'float32')
  const operand = (value: TensorInfo | number) => (typeof value === 'number' ? number(value) : value)

  const unary = (name: string) => (x: TensorInfo) => backend.executeSingleOutput(name, [float], [x])
  const binary = (name: string) => (a: TensorInfo | number, b: TensorInfo | number) =>
    backend.executeSingleOutput(name, [float], [operand(a), operand(b)])
  const nothing = (name: string, attributes: Parameters<TensorFlowBackend['executeSingleOutput']>[1], inputs: readonly TensorInfo[]) =>
    void backend.executeMultipleOutputs(name, attributes, inputs, 0)

  return {
    number,
    numbers: (values: readonly number[]) => constant(Float32Array.from(values), [values.length], 'float32'),
    add: binary('AddV2'),
    sub: binary('Sub'),
    mul: binary('Mul'),
    /** The product, 0 where b is 0, whatever a is. */
    mulNoNan: binary('MulNoNan'),
    greater: binary('Greater'),
    /** a where the condition holds, and b elsewhere. */
    select: (condition: TensorInfo, a: TensorInfo | number, b: TensorInfo | number) =>
      backend.executeSingleOutput('SelectV2', [float], [condition, operand(a), operand(b)]),
    square: unary('Square'),
    /** Half the sum of all squares, a scalar. */
    halfSquaredNorm: unary('L2Loss'),
    rsqrt: unary('Rsqrt'),
    exp: unary('Exp'),
    erf: unary('Erf'),
    /** Over the last dimension. */
    softmax: unary('Softmax'),
    /** [M, N] -> [N] */
    columnSums: unary('BiasAddGrad'),

    product: (a: TensorInfo, b: TensorInfo, transposeA = false, transposeB = false) =>
      backend.executeSingleOutput('MatMul', [float, flag('transpose_a', transposeA), flag('transpose_b', transposeB)], [a, b]),
    batchProduct: (a: TensorInfo, b: TensorInfo, transposeA = false, transposeB = false) =>
      backend.executeSingleOutput('BatchMatMulV2', [float, flag('adj_x', transposeA), flag('adj_y', transposeB)], [a, b]),
    /** Over the last dimension, which stays with length 1. */
    rowSums: (x: TensorInfo) =>
      backend.executeSingleOutput('Sum', [float, type('Tidx', binding.TF_INT32), flag('keep_dims', true)], [x, integers([-1])]),
    rowMeans: (x: TensorInfo) =>
      backend.executeSingleOutput('Mean', [float, type('Tidx', binding.TF_INT32), flag('keep_dims', true)], [x, integers([-1])]),
    transpose: (x: TensorInfo, order: readonly number[]) =>
      backend.executeSingleOutput('Transpose', [float, type('Tperm', binding.TF_INT32)], [x, integers(order)]),
    reshape: (x: TensorInfo, shape: readonly number[]) =>
      backend.executeSingleOutput('Reshape', [float, type('Tshape', binding.TF_INT32)], [x, integers(shape)]),
    /** Along the first dimension, without copying. */
    unpack: (x: TensorInfo): Tensor[] =>
      backend.executeMultipleOutputs('Unpack', [float, count('num', x.shape[0]!), count('axis', 0)], [x], x.shape[0]!),
    /** Along a new first dimension. */
    pack: (parts: readonly TensorInfo[]) => backend.executeSingleOutput('Pack', [float, count('N', parts.length), count('axis', 0)], parts),

    /** Of tensors of one shape. */
    addAll: (terms: readonly TensorInfo[]) => backend.executeSingleOutput('AddN', [float, count('N', terms.length)], terms),

    /** Vectors, one after the other. */
    join: (parts: readonly TensorInfo[]) =>
      backend.executeSingleOutput('ConcatV2', [float, count('N', parts.length), type('Tidx', binding.TF_INT32)], [...parts, integer(0)]),
    /** A vector cut into parts of the given lengths. */
    separate: (x: TensorInfo, lengths: readonly number[]) =>
      backend.executeMultipleOutputs(
        'SplitV',
        [float, count('num_split', lengths.length), type('Tlen', binding.TF_INT32)],
        [x, integers(lengths), integer(0)],
        lengths.length,
      ),
    /** The same tensor once more, as an output. */
    again: ({ dataId, shape, dtype }: TensorInfo) => {
      backend.incRef(dataId)
      return engine().makeTensorFromTensorInfo({ dataId, shape, dtype }, backend)
    },
    /** Whether the calls become a graph, which cannot read values. */
    isRecording: () => backend.isRecording === true,
    /** On the host. */
    values: (x: TensorInfo) => backend.readSync(x.dataId) as Float32Array,

    /** A place for values, which operations may change. Lives as long as the backend; its tensor may be disposed. */
    place: (name: string, shape: readonly number[]): TensorInfo =>
      backend.executeSingleOutput(
        'VarHandleOp',
        [
          float32,
          { name: 'shape', type: binding.TF_ATTR_SHAPE, value: shape },
          { name: 'container', type: binding.TF_ATTR_STRING, value: '' },
          { name: 'shared_name', type: binding.TF_ATTR_STRING, value: name },
        ],
        [],
      ),
    /** The same tensor, which nothing disposes. */
    hold: (x: TensorInfo): TensorInfo => {
      backend.incRef(x.dataId)
      return x
    },
    assign: (place: TensorInfo, value: TensorInfo) => nothing('AssignVariableOp', [float32], [place, value]),
    read: (place: TensorInfo) => backend.executeSingleOutput('ReadVariableOp', [float32], [place]),
    /** Values that others still hold are copied before they are changed. */
    applyAdam: (inputs: readonly TensorInfo[]) =>
      nothing('ResourceApplyAdam', [float, flag('use_locking', false), flag('use_nesterov', false)], inputs),
  }
}
