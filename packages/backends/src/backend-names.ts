/** Every backend there is, in the order in which `auto` tries them: fastest first. */
export const BACKEND_NAMES = ['tensorflow-gpu', 'webgpu', 'tensorflow', 'wasm', 'cpu'] as const

export type BackendName = (typeof BACKEND_NAMES)[number]

/** Throws an error that lists the names unless `name` is `auto` or one of them. */
export function assertBackendName(name: string): asserts name is BackendName | 'auto' {
  const names: readonly string[] = ['auto', ...BACKEND_NAMES]
  if (!names.includes(name)) throw new Error(`a backend's name must be one of ${names.join(', ')}, got '${name}'`)
}
