import { isNode, nodeBuiltin } from './node-builtin.js'

/** Of all TensorFlow.js packages: the last that there is. */
export const TFJS_VERSION = '4.22.0'

/** Where Node finds a package's main file, seen from here; undefined where it is not installed. */
export function resolvePackage(packageName: string): string | undefined {
  try {
    return nodeBuiltin('node:module')
      .createRequire(import.meta.url)
      .resolve(packageName)
  } catch {
    return undefined
  }
}

export const firstLine = (error: unknown): string => {
  const message = (error as { message?: unknown } | null)?.message
  return (typeof message === 'string' ? message : String(error)).trim().split('\n')[0]!.trim()
}

/**
 * Runs `load`, the dynamic import of an optional peer. Throws one line: how to install the package where it is missing,
 * what its import said where it is there and does not load.
 *
 * @param version the one to install; default that of the TensorFlow.js packages
 */
export async function importPackage<T>(packageName: string, load: () => Promise<T>, version = TFJS_VERSION): Promise<T> {
  if (isNode() && resolvePackage(packageName) === undefined) {
    throw new Error(`${packageName} is not installed; get it with: npm install ${packageName}@${version}`)
  }
  try {
    return await load()
  } catch (error) {
    if (isNode()) throw new Error(`${packageName} is installed but does not load: ${firstLine(error)}`)
    throw new Error(`${packageName} does not load (${firstLine(error)}); get it with: npm install ${packageName}@${version}`)
  }
}
