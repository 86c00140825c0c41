import { expectClose, randomTensors, TOLERANCES, valuesOf } from '@learngene/testing'
import { dispose, engine, tensor2d } from '@tensorflow/tfjs-core'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { describeWebGPU, poisonBuffers } from '../../testing/compare-modes.js'
import type { WebGPUBackend } from '../backend.js'
import { dispatch, newTensor } from '../dispatch.js'
import { LARGEST_FLOAT16 } from './halves.js'
import { emulatedMatrices } from './matrix-unit.js'
import { MIXED_TILES, type MixedTile, mixedProductProgram } from './mixed-product.js'
import { type Product, productProgram } from './product.js'
import { SLICE, TILES } from './tile.js'

/** Sizes below, at and above the edge of a tile, those that divide by 4 as often as others. */
const outer = fc.oneof(fc.integer({ min: 1, max: 130 }), fc.integer({ min: 1, max: 33 }).map(times(4)))
const depth = fc.oneof(fc.integer({ min: 1, max: 70 }), fc.integer({ min: 1, max: 3 }).map(times(32)))
const layout = fc.constantFrom('depth' as const, 'outer' as const)

const isLarge = ({ rows, columns }: MixedTile) => rows * columns > 64 * 64

/** Matrices and the threads that hold them: all kinds on small tiles, which take less time. */
const unitsFor = (tile: MixedTile) =>
  isLarge(tile) ? [[16, 16, 16, 32] as const] : [[16, 16, 16, 32] as const, [8, 16, 16, 32] as const, [8, 8, 8, 16] as const]

/** The tiles of both programs; the mixed one in its float32 emulation. */
const VARIANTS = [
  ...TILES.map((tile) => ({
    name: `${tile.rows} x ${tile.columns}`,
    size: tile,
    slice: SLICE,
    scale: 1,
    numRuns: 3,
    program: (product: Omit<Product, 'tile'>) => productProgram({ ...product, tile }),
  })),
  ...MIXED_TILES.flatMap((tile) =>
    unitsFor(tile).map(([m, n, k, subgroup]) => {
      // In float32 a slice takes twice the memory.
      const size = isLarge(tile) ? { ...tile, slice: 16 } : tile
      return {
        name: `${tile.rows} x ${tile.columns} of emulated matrices ${m} x ${n} x ${k}, held by ${subgroup} threads`,
        size,
        slice: size.slice,
        scale: 1024,
        numRuns: 2,
        program: (product: Omit<Product, 'tile'>) => mixedProductProgram(product, size, emulatedMatrices({ m, n, k }, subgroup)),
      }
    }),
  ),
]

describeWebGPU(() => {
  test.each(VARIANTS)('by $name equals sums in double precision, whatever the layouts, sizes and parts', async (variant) => {
    const { size, slice, scale, numRuns } = variant
    await fc.assert(
      fc.asyncProperty(
        fc.nat(),
        ...([outer, outer, depth, layout, layout, fc.boolean()] as const),
        async (seed, rows, columns, depth, leftLayout, rightLayout, split) => {
          const backend = engine().backend as WebGPUBackend
          const random = randomTensors(seed)
          const left = random(leftLayout === 'depth' ? [rows, depth] : [depth, rows])
          const right = random(rightLayout === 'depth' ? [columns, depth] : [depth, columns])
          const [frozen_begin, frozen_end] = [Math.floor(rows / 3), Math.floor((2 * rows) / 3)]
          const share = split ? slice : depth
          const parts = Math.ceil(depth / share)
          await poisonBuffers([
            [parts, rows, columns],
            [parts, rows],
          ])
          const [result, sums] = [newTensor(backend, [parts, rows, columns]), newTensor(backend, [parts, rows])]
          const whole = depth % slice === 0
          const program = variant.program({
            left: { name: 'left', contiguous: leftLayout, wide: left.shape[1]! % 4 === 0, whole },
            right: { name: 'right', contiguous: rightLayout, wide: right.shape[1]! % 4 === 0, whole },
            wide: columns % 4 === 0,
            epilogue: {},
            sums: true,
          })
          const uniforms = { rows, columns, depth, share, scale, beyond: LARGEST_FLOAT16, first_part: 0, frozen_begin, frozen_end }
          const groups = [Math.ceil(columns / size.columns), Math.ceil(rows / size.rows), parts] as const
          dispatch(backend, program, { left, right, result, sums }, uniforms, groups)

          const [a, b] = [await valuesOf(left), await valuesOf(right)]
          const at = (layout: 'depth' | 'outer', count: number, outer: number, k: number) =>
            layout === 'depth' ? outer * depth + k : k * count + outer
          const expected = new Float64Array(parts * rows * columns)
          const expectedSums = new Float64Array(parts * rows)
          for (let k = 0; k < depth; k++) {
            const part = Math.floor(k / share)
            for (let r = 0; r < rows; r++) {
              const value = a[at(leftLayout, rows, r, k)]!
              if (r < frozen_begin || r >= frozen_end) expectedSums[part * rows + r]! += value
              for (let c = 0; c < columns; c++) expected[(part * rows + r) * columns + c]! += value * b[at(rightLayout, columns, c, k)]!
            }
          }
          const outputs = [result, sums].map((info) => engine().makeTensorFromTensorInfo(info))
          await expectClose(outputs[0]!, expected, TOLERANCES.webgpu.float64, 'product')
          await expectClose(outputs[1]!, expectedSums, TOLERANCES.webgpu.float64, 'sums')
          const frozen = (await valuesOf(outputs[1]!)).slice(frozen_begin, frozen_end)
          expect(frozen.every((sum) => sum === 0)).toBe(true)
          dispose([left, right, outputs])
        },
      ),
      { numRuns },
    )
  })

  const LEFT = { name: 'left', contiguous: 'depth', wide: false, whole: false } as const
  const RIGHT = { name: 'right', contiguous: 'depth', wide: false, whole: false } as const

  test.each([
    ['saturate', LARGEST_FLOAT16, [65504, 10, -65504, 65504, Number.NaN]],
    ['are infinite', Number.POSITIVE_INFINITY, [Number.POSITIVE_INFINITY, 10, Number.NEGATIVE_INFINITY, 65504, Number.NaN]],
  ] as const)('factors beyond float16 %s on the left, and saturate on the right', async (_, beyond, expected) => {
    const backend = engine().backend as WebGPUBackend
    const left = tensor2d([[70_000], [10], [-1e30], [1], [Number.NaN]])
    const right = tensor2d([[1], [1e6]])
    const result = newTensor(backend, [5, 2])
    const [tile] = MIXED_TILES
    const unit = emulatedMatrices({ m: 16, n: 16, k: 16 }, 32)
    const program = mixedProductProgram({ left: LEFT, right: RIGHT, wide: false, epilogue: {}, sums: false }, tile!, unit)
    dispatch(backend, program, { left, right, result }, { rows: 5, columns: 2, depth: 1, share: 1, scale: 1, beyond }, [1, 1, 1])
    const product = engine().makeTensorFromTensorInfo(result)
    const values = await valuesOf(product)
    // The last factor of the right column is 65,504.
    const first = [0, 1, 2, 4].map((row) => values[2 * row])
    expect([first[0], first[1], first[2], values[2 * 3 + 1], first[3]]).toEqual(expected)
    dispose([left, right, product])
  })
})

function times(factor: number) {
  return (value: number) => factor * value
}
