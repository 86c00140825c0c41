/** Kept: Dawn must not be collected while a device of it is in use. */
const instances: GPU[] = []

/** A device of Dawn that checks commands and executes none, on any machine, with the limits that WebGPU promises everywhere. */
export async function startNullDevice(): Promise<GPUDevice> {
  const { create, globals } = await import('webgpu')
  for (const [name, value] of Object.entries(globals)) (globalThis as Record<string, unknown>)[name] ??= value
  const gpu = create(['backend=null'])
  instances.push(gpu)
  return (await gpu.requestAdapter())!.requestDevice()
}
