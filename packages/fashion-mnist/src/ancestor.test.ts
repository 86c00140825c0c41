import { existsSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { ancestorUrl, readAncestor } from './ancestor.js'

const missing = !existsSync(ancestorUrl)

describe('readAncestor', () => {
  it.skipIf(missing)(`reads a safetensors file${missing ? ' (skipped: data/ancestor.safetensors is not there yet)' : ''}`, async () => {
    const bytes = await readAncestor()
    const headerLength = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true))
    expect(headerLength).toBeLessThan(bytes.length)
    expect(() => JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + headerLength)))).not.toThrow()
  })
})
