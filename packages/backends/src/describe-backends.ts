import { assertBackendName, BACKEND_NAMES, type BackendName } from './backend-names.js'
import { firstLine } from './import-package.js'
import { serialise } from './serialise.js'
import type { BackendOptions } from './starter.js'
import { STARTERS } from './starters.js'

export interface BackendDescription {
  readonly name: BackendName
  readonly available: boolean
  /** Why it is not available; null where it is. */
  readonly reason: string | null
  /** Of the backend's package; for tensorflow and tensorflow-gpu of the TensorFlow library. Null where it is not available. */
  readonly version: string | null
  /** The device's own name, where the backend tells it. */
  readonly device: string | null
  readonly features: readonly string[]
}

/**
 * All five backends in the order of `auto`, each with what it has, or why it is not available here. Available means started, not guessed:
 * every backend that can run is loaded into this process. The backend that was current stays current.
 */
export function describeBackends(options: BackendOptions = {}): Promise<BackendDescription[]> {
  return serialise(async () => {
    const descriptions: BackendDescription[] = []
    for (const name of BACKEND_NAMES) descriptions.push(await describe(name, options))
    return descriptions
  })
}

/** One of {@link describeBackends}; no other is loaded. @throws where there is no backend of that name */
export function describeBackend(name: BackendName, options: BackendOptions = {}): Promise<BackendDescription> {
  return serialise(async () => {
    assertBackendName(name)
    return describe(name, options)
  })
}

async function describe(name: BackendName, options: BackendOptions): Promise<BackendDescription> {
  try {
    return { name, available: true, reason: null, ...(await STARTERS[name].start(options)) }
  } catch (error) {
    return { name, available: false, reason: firstLine(error), version: null, device: null, features: [] }
  }
}
