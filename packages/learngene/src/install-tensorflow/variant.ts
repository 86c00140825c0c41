import { TENSORFLOW_PACKAGES, type TensorFlowName } from '@learngene/backends'

const MB = 1e6
const VERSION = '2.21.0'

/** What is installed for one of the two backends. */
export interface Variant {
  readonly name: TensorFlowName
  /** What pip downloads. */
  readonly requirement: string
  /** Names that the wheel's metadata may give. */
  readonly wheelNames: readonly string[]
  /** What npm downloads: the addon's source and the kernels, and what the kernels load besides TensorFlow.js' core. */
  readonly npmPackages: readonly { readonly name: string; readonly version: string }[]
  /** Bytes that pip's download takes, and that the installation takes besides the libraries of the wheel. */
  readonly space: { readonly wheel: number; readonly libraries: number; readonly rest: number }
}

const variant = (name: TensorFlowName, distribution: string, rest: Pick<Variant, 'wheelNames' | 'space'>): Variant => ({
  name,
  requirement: `${distribution}==${VERSION}`,
  npmPackages: [
    { name: TENSORFLOW_PACKAGES[name], version: '4.22.0' },
    { name: 'google-protobuf', version: '3.21.4' },
  ],
  ...rest,
})

export const VARIANTS: { readonly [name in TensorFlowName]: Variant } = {
  tensorflow: variant('tensorflow', 'tensorflow_cpu', {
    wheelNames: ['tensorflow_cpu', 'tensorflow'],
    space: { wheel: 275 * MB, libraries: 855 * MB, rest: 20 * MB },
  }),
  // Upper estimates: the CUDA libraries alone are several gigabytes.
  'tensorflow-gpu': variant('tensorflow-gpu', 'tensorflow', {
    wheelNames: ['tensorflow'],
    space: { wheel: 700 * MB, libraries: 2_000 * MB, rest: 7_000 * MB },
  }),
}
