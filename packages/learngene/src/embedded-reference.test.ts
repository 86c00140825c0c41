import { readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { embeddedReference } from './embedded-reference.js'

it('is the reference that the tests of @learngene/vit-blocks use', async () => {
  const original = new URL('../../vit-blocks/src/testing/reference/timm-vit-golden.safetensors', import.meta.url)
  expect((await readFile(embeddedReference)).equals(await readFile(original))).toBe(true)
})
