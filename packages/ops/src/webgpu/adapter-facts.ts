import { isSoftwareAdapter } from '../software-adapter.js'
import { adapterInfoOf, type WebGPUBackend } from './backend.js'
import { describeMatrix } from './linear/matrix-unit.js'

/** What an adapter tells of itself. */
export interface AdapterFacts {
  /** What the adapter leaves out is ''. */
  readonly adapter: { readonly vendor: string; readonly architecture: string; readonly device: string; readonly description: string }
  /** Whether it computes on the CPU. */
  readonly software: boolean
  /** Fewest and most threads of a subgroup; null where it does not tell. */
  readonly subgroups: readonly [least: number, most: number] | null
  /** The matrices that a subgroup multiplies at once, such as `16x16x16 of f16 in f32`: rows, columns and depth, and the types of factors and result; null where it does not tell. */
  readonly matrices: readonly string[] | null
}

export function factsOf(backend: Pick<WebGPUBackend, 'device' | 'learngeneAdapterInfo'>): AdapterFacts {
  const info = adapterInfoOf(backend)
  const { vendor = '', architecture = '', device = '', description = '', subgroupMinSize, subgroupMaxSize, subgroupMatrixConfigs } = info
  return {
    adapter: { vendor, architecture, device, description },
    software: isSoftwareAdapter(info),
    subgroups: subgroupMinSize && subgroupMaxSize ? [subgroupMinSize, subgroupMaxSize] : null,
    matrices: subgroupMatrixConfigs ? [...subgroupMatrixConfigs].map(describeMatrix) : null,
  }
}
