import { describe, expect, it } from 'vitest'
import { remedyOf, type Surroundings, surroundings } from './remedy.js'

const here: Surroundings = { platform: { os: 'linux', arch: 'x64', glibc: '2.36' }, nvidia: false, card: false, vulkan: true, apt: true }
const [noAdapter, install] = ['WebGPU gives no adapter: there is no GPU with a Vulkan driver', 'npx learngene install-tensorflow']

describe('a backend that does not compute', () => {
  it.each<[Parameters<typeof remedyOf>[0], string, Partial<Surroundings>, string, string | null]>([
    [
      'tensorflow',
      `@tensorflow/tfjs-node is not installed; get it with: ${install}`,
      {},
      '@tensorflow/tfjs-node is not installed',
      install,
    ],
    ['tensorflow', `x does not load (y); build one that does with: ${install}`, {}, 'x does not load (y)', install],
    [
      'tensorflow',
      `x; get it with: ${install}`,
      { platform: { os: 'darwin', arch: 'arm64', glibc: undefined } },
      'install-tensorflow supports Linux on x64 and arm64, not darwin on arm64',
      null,
    ],
    [
      'tensorflow',
      `x; get it with: ${install}`,
      { platform: { os: 'linux', arch: 'x64', glibc: undefined } },
      "TensorFlow's wheels need glibc, which this Linux does not have",
      null,
    ],
    ['tensorflow-gpu', `x; get it with: ${install} --gpu`, {}, 'there is no NVIDIA card with its driver', null],
    ['tensorflow-gpu', `x; get it with: ${install} --gpu`, { nvidia: true }, 'x', `${install} --gpu`],
    [
      'webgpu',
      'webgpu is not installed; get it with: npm install webgpu@0.6.2',
      {},
      'webgpu is not installed',
      'npm install webgpu@0.6.2 @tensorflow/tfjs-backend-webgpu@4.22.0',
    ],
    ['webgpu', noAdapter, { vulkan: false }, 'there is no Vulkan loader, libvulkan.so.1', 'apt-get install libvulkan1'],
    ['webgpu', noAdapter, { vulkan: false, apt: false }, 'there is no Vulkan loader, libvulkan.so.1', null],
    ['webgpu', noAdapter, { card: true }, 'a graphics card is there and its Vulkan driver is not', 'apt-get install mesa-vulkan-drivers'],
    [
      'webgpu',
      noAdapter,
      { card: true, nvidia: true },
      "NVIDIA's card is there and its Vulkan driver is not (in a container: NVIDIA_DRIVER_CAPABILITIES=all)",
      null,
    ],
    ['webgpu', noAdapter, {}, 'there is no graphics card', null],
    [
      'webgpu',
      noAdapter,
      { software: '/x.json' },
      "there is no graphics card; Chromium's software driver can stand in, slowly",
      'export VK_ADD_DRIVER_FILES=/x.json',
    ],
    ['webgpu', noAdapter, { platform: { os: 'darwin', arch: 'arm64', glibc: undefined } }, noAdapter, null],
    ['webgpu', 'its process fails (ended by SIGSEGV)', {}, 'its process fails (ended by SIGSEGV)', null],
    ['cpu', 'z is not installed; get it with: npm install z@1', {}, 'z is not installed', 'npm install z@1'],
  ])('%s: %s, where %o', (backend, said, around, reason, fix) => {
    expect(remedyOf(backend, said, { ...here, ...around })).toEqual({ reason, fix })
  })
})

it('finds libraries where the environment says', () => {
  expect(surroundings({}).platform.os).toBe(process.platform)
  expect(surroundings({ LD_LIBRARY_PATH: '/nowhere:' })).toEqual(surroundings({}))
})
