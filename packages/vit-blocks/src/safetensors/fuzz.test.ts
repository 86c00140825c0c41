import fc from 'fast-check'
import { expect, it } from 'vitest'
import { encodeSafetensors, openSafetensors, SafetensorsError } from './index.js'
import { rawFile } from './testing/raw-file.js'

const valid = encodeSafetensors(
  [
    { name: 'blocks.0.attn.qkv.weight', shape: [3, 2], data: Float32Array.of(1, -2, 3.5, 1e-7, 0, 65504) },
    { name: 'cls_token', shape: [1, 1, 4], data: Float32Array.of(0.1, 0.2, 0.3, 0.4) },
    { name: 'empty', shape: [0], data: Float32Array.of() },
    { name: 'scale', shape: [], data: Float32Array.of(-1) },
  ],
  { dtype: 'F16', metadata: { format: 'pt', config: '{"depth":1}' } },
)
const headerEnd = valid.length - 22

/** Opens and reads everything. Whatever opens must cover the file exactly; whatever does not must say so in one line. */
async function digest(bytes: Uint8Array): Promise<'read' | 'refused'> {
  try {
    const file = await openSafetensors(bytes, { name: 'fuzzed' })
    let covered = 0
    for (const [name, { dtype, shape, begin, end }] of file.tensors) {
      const tensor = await file.read(name)
      expect(tensor).toMatchObject({ dtype, shape })
      expect(tensor.data.length).toBe(shape.reduce((product, dimension) => product * dimension, 1))
      covered += end - begin
    }
    expect(covered).toBe(bytes.length - 8 - Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true)))
    return 'read'
  } catch (error) {
    if (!(error instanceof SafetensorsError)) throw error
    expect(error.message).toMatch(/^fuzzed: .+$/)
    return 'refused'
  }
}

it('reads the file that is fuzzed below', async () => {
  expect(await digest(valid)).toBe('read')
})

it('refuses every truncation and every extension', async () => {
  for (let length = 0; length < valid.length; length++) expect(await digest(valid.subarray(0, length))).toBe('refused')
  const longer = new Uint8Array(valid.length + 1)
  longer.set(valid)
  expect(await digest(longer)).toBe('refused')
})

it('reads or refuses every change of one bit', async () => {
  for (let bit = 0; bit < 8 * valid.length; bit++) {
    const changed = valid.slice()
    changed[bit >> 3]! ^= 1 << (bit & 7)
    const outcome = await digest(changed)
    if (bit < 8 * 8) expect(outcome, `bit ${bit} of the length`).toBe('refused')
    if (bit >= 8 * headerEnd) expect(outcome, `bit ${bit} in the data`).toBe('read')
  }
})

it('reads or refuses random changes of several bytes, truncated or not', async () => {
  const change = fc.record({
    at: fc.nat({ max: headerEnd - 1 }),
    to: fc.oneof(fc.nat({ max: 255 }), fc.constantFrom(...Buffer.from('{}[]",:0123456789-e \\'))),
  })
  await fc.assert(
    fc.asyncProperty(
      fc.array(change, { minLength: 1, maxLength: 6 }),
      fc.option(fc.nat({ max: valid.length })),
      async (changes, length) => {
        const changed = valid.slice(0, length ?? valid.length)
        for (const { at, to } of changes) if (at < changed.length) changed[at] = to
        await digest(changed)
      },
    ),
    { seed: 1, numRuns: 2000 },
  )
})

it('reads or refuses random JSON as header', async () => {
  const field = fc.oneof(
    fc.jsonValue(),
    fc.constantFrom('F32', 'F16', 'I64', 'U8'),
    fc.array(fc.integer({ min: -1, max: 9 }), { maxLength: 3 }),
  )
  const entry = fc.oneof(fc.jsonValue(), fc.record({ dtype: field, shape: field, data_offsets: field }, { requiredKeys: [] }))
  const name = fc.oneof(fc.constant('__metadata__'), fc.constantFrom('a', 'b', '__proto__'), fc.string())
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.jsonValue(), fc.dictionary(name, entry)), fc.nat({ max: 40 }), async (header, dataBytes) => {
      await digest(rawFile(JSON.stringify(header), dataBytes))
    }),
    { seed: 1, numRuns: 1000 },
  )
})

it('refuses nesting of a million levels without running out of stack', async () => {
  expect(await digest(rawFile(`{"a":${'['.repeat(1e6)}${']'.repeat(1e6)}}`))).toBe('refused')
  expect(await digest(rawFile('{"a":'.repeat(1e6)))).toBe('refused')
})
