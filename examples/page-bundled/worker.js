import { useBackend } from '@learngene/backends'
import { channelStatistics, imageSource, subset } from '@learngene/datasets'
import { loadTest, loadTrain, readAncestor } from '@learngene/fashion-mnist'
import { accuracies, inheritTiers } from '@learngene/learngene-pool'
import { costOf, loadModel } from '@learngene/vit-blocks'
import plain from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm.wasm?url'
import simd from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm?url'
import threaded from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-threaded-simd.wasm?url'

const wasmPaths = { 'tfjs-backend-wasm.wasm': plain, 'tfjs-backend-wasm-simd.wasm': simd, 'tfjs-backend-wasm-threaded-simd.wasm': threaded }
const first = (count) => Array.from({ length: count }, (_, i) => i)

/** Cuts a narrower model out of the ancestor, without labels and without training, and evaluates both. */
async function cut(width) {
  const { name } = await useBackend('auto', { wasmPaths })
  postMessage(`on ${name}`)
  const [train, test, file] = await Promise.all([loadTrain(), loadTest(), readAncestor()])
  const normalisation = await channelStatistics(train)
  const { network: ancestor } = await loadModel(file)
  const [tier] = await inheritTiers(ancestor, [{ width }], imageSource(subset(train, first(128)), normalisation))
  const networks = [ancestor, tier.network]
  const found = await accuracies(networks, imageSource(subset(test, first(200)), normalisation))
  for (const [i, network] of networks.entries()) {
    postMessage(
      `${i === 0 ? 'ancestor' : `width ${width}`}: ${(found[i] * 100).toFixed(1)} % right, ${(costOf(network).macs / 1e6).toFixed(2)} M MACs`,
    )
  }
}

self.onmessage = ({ data }) => cut(data.width).catch((error) => postMessage(`failed: ${error.message}`))
