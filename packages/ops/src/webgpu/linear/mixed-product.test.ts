import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { shader } from '../dispatch.js'
import type { Epilogue } from './epilogue.js'
import { lacks, subgroupMatrices } from './matrix-unit.js'
import { MIXED_TILES, mixedProductProgram } from './mixed-product.js'

/** Every layout that linear maps need, with what is done to its results. */
const PRODUCTS: readonly [name: string, left: 'depth' | 'outer', right: 'depth' | 'outer', epilogue: Epilogue, sums: boolean][] = [
  ['forward', 'depth', 'depth', { bias: true, keep: true, gelu: true, residual: true }, false],
  ['input gradient', 'depth', 'outer', { geluDerivative: true }, false],
  ['weight gradient', 'outer', 'outer', {}, true],
]

function programs() {
  return PRODUCTS.flatMap(([name, left, right, epilogue, sums]) =>
    MIXED_TILES.flatMap((tile) =>
      [true, false].map((wide) => {
        const operands = { left: { name: 'left', contiguous: left, wide }, right: { name: 'right', contiguous: right, wide } } as const
        const program = mixedProductProgram({ ...operands, wide, epilogue, sums }, tile, subgroupMatrices)
        return { name: `${name}, ${tile.rows} x ${tile.columns}, ${wide ? 'four values' : 'one value'} at once`, program }
      }),
    ),
  )
}

describe('on a device that checks shaders and runs nothing', () => {
  let gpu: GPU | undefined
  let device: GPUDevice

  beforeAll(async () => {
    const { create, globals } = await import('webgpu')
    for (const [name, value] of Object.entries(globals)) (globalThis as Record<string, unknown>)[name] ??= value
    gpu = create(['backend=null', 'enable-dawn-features=allow_unsafe_apis,vulkan_enable_f16_on_nvidia,use_vulkan_memory_model'])
    const adapter = await gpu.requestAdapter()
    const requiredFeatures = ['shader-f16', 'chromium-experimental-subgroup-matrix'] as unknown as GPUFeatureName[]
    device = await adapter!.requestDevice({ requiredFeatures })
  })
  afterAll(() => {
    device.destroy()
    gpu = undefined
  })

  async function compile(code: string): Promise<{ readonly module: GPUShaderModule; readonly messages: string[] }> {
    device.pushErrorScope('validation')
    const module = device.createShaderModule({ code })
    const info = await module.getCompilationInfo()
    await device.popErrorScope()
    const errors = info.messages.filter(({ type }) => type === 'error')
    return { module, messages: errors.map(({ lineNum, message }) => `${code.split('\n')[lineNum - 1]}: ${message}`) }
  }

  test.each(programs())('makes a pipeline within the limits of any device: $name', async ({ program }) => {
    const { module, messages } = await compile(shader(program))
    expect(messages).toEqual([])
    device.pushErrorScope('validation')
    device.createComputePipeline({ layout: 'auto', compute: { module, entryPoint: 'main' } })
    expect((await device.popErrorScope())?.message).toBeUndefined()
  })

  test('a mistake would be found', async () => {
    const { program } = programs()[0]!
    expect((await compile(shader({ ...program, code: program.code.replace('f16(', 'f17(') }))).messages).not.toEqual([])
  })

  test('is told from one that has them', () => {
    expect(lacks(device)).toMatch(/subgroups of \d+ to \d+ threads instead of 32/)
  })
})

const config = { componentType: 'f16', resultComponentType: 'f32', M: 16, N: 16, K: 16 }
const features = ['shader-f16', 'chromium-experimental-subgroup-matrix']

test.each<[string, string[], object, string | undefined]>([
  ['all it needs', features, { subgroupMinSize: 32, subgroupMaxSize: 32, subgroupMatrixConfigs: [{ ...config, M: 8 }, config] }, undefined],
  ['no features', [], {}, 'the GPU device lacks shader-f16 and chromium-experimental-subgroup-matrix'],
  ['no float16', features.slice(1), {}, 'the GPU device lacks shader-f16'],
  [
    'other subgroups',
    features,
    { subgroupMinSize: 16, subgroupMaxSize: 32, subgroupMatrixConfigs: [config] },
    'the GPU has subgroups of 16 to 32 threads instead of 32',
  ],
  [
    'other matrices',
    features,
    { subgroupMinSize: 32, subgroupMaxSize: 32, subgroupMatrixConfigs: [{ ...config, resultComponentType: 'f16' }] },
    'the GPU has no subgroup matrices of float16, 16 x 16, summed in float32',
  ],
])('a device with %s: %#', (_, features, adapterInfo, missing) => {
  expect(lacks({ features: new Set(features), adapterInfo } as unknown as GPUDevice)).toBe(missing)
})
