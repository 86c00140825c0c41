import { isNode, nodeBuiltin } from '../node-builtin.js'

/** Variables that name drivers themselves, for the loader. */
const NAMED = ['VK_DRIVER_FILES', 'VK_ICD_FILENAMES', 'VK_ADD_DRIVER_FILES']

/**
 * Whether Vulkan's loader would find the manifest of a driver where it looks on Linux (its LoaderDriverInterface.md, "Linux Driver Discovery"). Dawn asked in vain prints
 * a trace of its own to stderr, which nothing can take back. True where that cannot be told: in browsers and on other systems.
 */
export function mayHaveVulkan(
  env: { readonly [variable: string]: string | undefined } = globalThis.process?.env ?? {},
  platform: string = globalThis.process?.platform ?? '',
): boolean {
  if (!isNode() || platform !== 'linux') return true
  if (NAMED.some((name) => env[name])) return true
  const { join } = nodeBuiltin('node:path')
  const home = nodeBuiltin('node:os').homedir()
  const listOf = (name: string, fallback: string) => (env[name] || fallback).split(':')
  const folders = [
    ...[env.XDG_CONFIG_HOME || join(home, '.config'), ...listOf('XDG_CONFIG_DIRS', '/etc/xdg'), '/etc', '/usr/local/etc'],
    ...[env.XDG_DATA_HOME || join(home, '.local/share'), ...listOf('XDG_DATA_DIRS', '/usr/local/share:/usr/share')],
  ]
  return folders.some((folder) => {
    try {
      return nodeBuiltin('node:fs').readdirSync(join(folder, 'vulkan', 'icd.d')).length > 0
    } catch {
      return false
    }
  })
}
