import { describeEachBackend, valuesOf } from '@learngene/testing'
import { dispose, memory } from '@tensorflow/tfjs-core'
import { describe, expect, it } from 'vitest'
import { loadModel } from '../model-file.js'
import { disposeNetwork, forward } from '../network.js'
import { relativeError } from '../reference/check-reference.js'
import { filesOf, readLibraryModels } from './testing/library.js'

const models = await readLibraryModels()

describeEachBackend(() => {
  describe.each(models)('$name', (model) => {
    it('computes what its library computes', async () => {
      const before = memory().numTensors
      const { network } = await loadModel(filesOf(model), model.options)
      const images = model.images()
      const { logits, features } = forward(network, images, { features: ['pooled'] })
      expect(relativeError(await valuesOf(features.pooled!), model.pooled)).toBeLessThan(1e-5)
      expect(logits.shape).toEqual([2, network.head.classes])
      if (model.logits) expect(relativeError(await valuesOf(logits), model.logits)).toBeLessThan(1e-5)
      else expect(network.head.classes).toBe(0)
      dispose([images, logits, features.pooled!])
      disposeNetwork(network)
      expect(memory().numTensors).toBe(before)
    })
  })
})
