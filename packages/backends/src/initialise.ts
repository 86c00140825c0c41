import { engine, type KernelBackend } from '@tensorflow/tfjs-core'

/**
 * The engine's instance of a registered backend, made if need be, without making it the current one.
 * The engine's own initialisation prints a failure to the console and keeps the reason to itself; here the factory's error is thrown.
 */
export async function initialise(engineName: string): Promise<KernelBackend> {
  const { registry, registryFactory } = engine()
  registry[engineName] ??= await registryFactory[engineName]!.factory()
  return registry[engineName]!
}

/** Makes an initialised backend the current one; does nothing where it is that already. */
export async function makeCurrent(engineName: string): Promise<void> {
  // The engine keeps the name of a backend that once failed to start; only the instance tells which one is in use.
  const { backendInstance } = engine() as unknown as { backendInstance: KernelBackend | null }
  if (backendInstance !== engine().registry[engineName]) await engine().setBackend(engineName)
}
