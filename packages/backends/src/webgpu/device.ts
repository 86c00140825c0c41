/** Limits that are asked for at the adapter's maximum: the defaults are those of the weakest phone. */
const LIMITS = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
  'maxComputeWorkgroupSizeY',
  'maxComputeWorkgroupsPerDimension',
] as const

/** What is asked for where the adapter has it, and how it is called in lists. */
const FEATURES: { readonly [feature: string]: string } = {
  'shader-f16': 'f16',
  subgroups: 'subgroups',
  'subgroup-size-control': 'subgroups of a chosen size',
  'chromium-experimental-subgroup-matrix': 'subgroup matrices',
  'timestamp-query': 'timestamps',
}

/** A device with the adapter's own limits and the features that kernels make use of. */
export async function requestDevice(adapter: GPUAdapter): Promise<GPUDevice> {
  const requiredFeatures = Object.keys(FEATURES).filter((feature) => adapter.features.has(feature)) as GPUFeatureName[]
  const requiredLimits = Object.fromEntries(LIMITS.map((limit) => [limit, adapter.limits[limit]]))
  try {
    return await adapter.requestDevice({ requiredFeatures, requiredLimits })
  } catch (error) {
    throw new Error(`the adapter gives no device: ${(error as Error).message}`)
  }
}

export function describeDevice({ features, limits }: GPUDevice): string[] {
  const named = Object.entries(FEATURES).flatMap(([feature, name]) => (features.has(feature) ? [name] : []))
  return [...named, `${limits.maxStorageBuffersPerShaderStage} storage buffers`, `buffer limit ${gibibytes(limits.maxBufferSize)} GiB`]
}

const gibibytes = (bytes: number) => Math.round((bytes / 2 ** 30) * 100) / 100
