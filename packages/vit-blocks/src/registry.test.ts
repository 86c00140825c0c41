import '@tensorflow/tfjs-backend-cpu'
import { expect, it } from 'vitest'
import { disposeParameters } from './parameters.js'
import { createBlock, standardBlocks } from './registry.js'
import { createRng } from './testing/rng.js'

const spec = { kind: 'transformer', config: { width: 4, heads: 1 } }

it('builds the standard kinds, unless one of the same name is given', () => {
  const block = createBlock(spec, createRng(0))
  expect(block.kind).toBe('transformer')
  disposeParameters(block.parameters)
  const other = { ...block, parameters: {} }
  expect(createBlock(spec, createRng(0), { transformer: () => other })).toBe(other)
  expect(Object.keys(standardBlocks)).toEqual(['transformer', 'stitch', 'loraStitch'])
})

it.each(['mixer', 'constructor', '__proto__'])("refuses the unknown kind '%s' and says what is known", (kind) => {
  expect(() => createBlock({ kind, config: {} }, createRng(0), { other: () => expect.fail('built') })).toThrow(
    `unknown block kind '${kind}'; known are transformer, stitch, loraStitch, other. Pass its factory: { blocks: { '${kind}': factory } }`,
  )
})
