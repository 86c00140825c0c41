import { type OpsMode, setOps } from '@learngene/ops'
import { describeEachBackend, readFile } from '@learngene/testing'
import { memory } from '@tensorflow/tfjs-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { checkReference } from './check-reference.js'

const golden = await readFile(new URL('../testing/reference/timm-vit-golden.safetensors', import.meta.url))

describeEachBackend(() => {
  describe.each<OpsMode>(['reference', 'auto'])("with ops '%s'", (ops) => {
    beforeAll(() => setOps(ops))
    afterAll(() => setOps('auto'))

    it("computes PyTorch's outputs, gradients and AdamW steps, and leaves no tensor behind", async () => {
      const before = memory().numTensors
      const { errors, tolerances, pass, worst } = await checkReference(golden)
      expect(tolerances).toEqual({ outputs: 1e-5, gradients: 1e-4, adamw: 1 })
      expect(errors.outputs, worst.outputs).toBeLessThanOrEqual(1e-5)
      expect(errors.gradients, worst.gradients).toBeLessThanOrEqual(1e-4)
      expect(errors.adamw, worst.adamw).toBeLessThanOrEqual(1)
      expect(pass).toBe(true)
      // Float32 has its rounding: an error of zero would mean that nothing was compared.
      for (const error of Object.values(errors)) expect(error).toBeGreaterThan(1e-9)
      expect(memory().numTensors).toBe(before)
    })
  })
})
