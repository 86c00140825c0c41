import type { KernelBackend, NamedAttrMap, Tensor, TensorInfo } from '@tensorflow/tfjs-core'

/** An attribute of a native operation. */
interface Attribute {
  readonly name: string
  readonly type: number
  readonly value: number | boolean | string | readonly number[]
}

/** What we use of tfjs-node's backend (4.22): any operation of TensorFlow by name. */
export interface TensorFlowBackend extends KernelBackend {
  readonly binding: {
    readonly TF_FLOAT: number
    readonly TF_INT32: number
    readonly TF_ATTR_BOOL: number
    readonly TF_ATTR_INT: number
    readonly TF_ATTR_SHAPE: number
    readonly TF_ATTR_STRING: number
    readonly TF_ATTR_TYPE: number
  }
  /** True while a step is being recorded as a graph (`@learngene/compile-step`): what is computed may not be read, and resources must be made anew. */
  readonly isRecording?: boolean
  incRef(dataId: object): void
  executeSingleOutput(name: string, attributes: readonly Attribute[], inputs: readonly TensorInfo[]): Tensor
  executeMultipleOutputs(name: string, attributes: readonly Attribute[], inputs: readonly TensorInfo[], outputs: number): Tensor[]
}

/** The tensors that a kernel is given, by name. */
export type Inputs = { readonly [name: string]: TensorInfo }

/** What a kernel computes. */
export type Run = (inputs: Inputs, attributes: NamedAttrMap) => Tensor | Tensor[]
