import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type BackendName, WEBGPU_PACKAGES } from '@learngene/backends'
import { oneLine } from '../errors.js'
import { assertPlatform, hasNvidia, type Platform, thisPlatform } from '../install-tensorflow/assert-platform.js'

/** What decides which command would help a backend. */
export interface Surroundings {
  readonly platform: Platform
  /** Whether NVIDIA's driver shows a card. */
  readonly nvidia: boolean
  /** Whether any graphics card is shown. */
  readonly card: boolean
  /** Whether the system has the library through which WebGPU finds Vulkan's drivers. */
  readonly vulkan: boolean
  /** Whether packages come by apt. */
  readonly apt: boolean
  /** The description of Chromium's software driver, where it is installed. */
  readonly software?: string
}

/** Why a backend does not compute, and the command that would change it, where there is one. */
export interface Remedy {
  readonly reason: string
  readonly fix: string | null
}

const SOFTWARE_DRIVERS = ['/usr/lib/chromium/vk_swiftshader_icd.json', '/usr/lib64/chromium-browser/vk_swiftshader_icd.json']
const LIBRARY_FOLDERS = ['/usr/lib/x86_64-linux-gnu', '/usr/lib/aarch64-linux-gnu', '/usr/lib64', '/usr/lib', '/usr/local/lib']

export function surroundings(env: { readonly [name: string]: string | undefined }): Surroundings {
  const software = SOFTWARE_DRIVERS.find((file) => existsSync(file))
  const folders = [...(env.LD_LIBRARY_PATH ?? '').split(':').filter(Boolean), ...LIBRARY_FOLDERS]
  return {
    platform: thisPlatform(),
    nvidia: hasNvidia(),
    card: hasNvidia() || existsSync('/dev/dri'),
    vulkan: folders.some((folder) => existsSync(join(folder, 'libvulkan.so.1'))),
    apt: existsSync('/usr/bin/apt-get'),
    ...(software !== undefined && { software }),
  }
}

/** @param said why the backend does not compute, as it or its process said */
export function remedyOf(backend: BackendName, said: string, around: Surroundings): Remedy {
  const [, reason = said, advised = null] =
    /^(.*?)[;,(]? *(?:get it with|build one that does with|build it again with): (.+)$/.exec(said) ?? []
  switch (backend) {
    case 'tensorflow-gpu':
    case 'tensorflow': {
      const wrong = platformProblem(around.platform)
      if (wrong !== undefined) return { reason: wrong, fix: null }
      if (backend === 'tensorflow-gpu' && !around.nvidia) return { reason: 'there is no NVIDIA card with its driver', fix: null }
      return { reason, fix: advised }
    }
    case 'webgpu': {
      if (advised !== null) {
        const packages = Object.entries(WEBGPU_PACKAGES).map(([name, version]) => `${name}@${version}`)
        return { reason, fix: `npm install ${packages.join(' ')}` }
      }
      return said.includes('gives no adapter') ? withoutAdapter(said, around) : { reason, fix: null }
    }
    default:
      return { reason, fix: advised }
  }
}

function platformProblem(platform: Platform): string | undefined {
  try {
    assertPlatform(platform)
    return undefined
  } catch (error) {
    return oneLine(error).split(';')[0]
  }
}

function withoutAdapter(said: string, { platform, nvidia, card, vulkan, apt, software }: Surroundings): Remedy {
  if (platform.os !== 'linux') return { reason: said, fix: null }
  const install = (packageName: string) => (apt ? `apt-get install ${packageName}` : null)
  if (!vulkan) return { reason: 'there is no Vulkan loader, libvulkan.so.1', fix: install('libvulkan1') }
  if (card) {
    return nvidia
      ? { reason: "NVIDIA's card is there and its Vulkan driver is not (in a container: NVIDIA_DRIVER_CAPABILITIES=all)", fix: null }
      : { reason: 'a graphics card is there and its Vulkan driver is not', fix: install('mesa-vulkan-drivers') }
  }
  const reason = 'there is no graphics card'
  if (software === undefined) return { reason, fix: null }
  return { reason: `${reason}; Chromium's software driver can stand in, slowly`, fix: `export VK_ADD_DRIVER_FILES=${software}` }
}
