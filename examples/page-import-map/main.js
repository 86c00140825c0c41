// Imports packages by their names; the import map of index.html says where they are.
import { useBackend } from '@learngene/backends'
import { channelStatistics, imageSource } from '@learngene/datasets'
import { loadTest, loadTrain, readAncestor } from '@learngene/fashion-mnist'
import { forward, loadModel } from '@learngene/vit-blocks'
import { argMax, dispose, tidy } from '@tensorflow/tfjs-core'

const wasmPaths = '/node_modules/@tensorflow/tfjs-backend-wasm/dist/'

/** Starts a backend, loads the model and classifies the first pictures. Nothing of this happens before somebody asks for it. */
export async function classify(pictures) {
  const { name, tried } = await useBackend('auto', { wasmPaths })
  const [train, test, file] = await Promise.all([loadTrain(), loadTest(), readAncestor()])
  const { network } = await loadModel(file)
  const source = imageSource(test, await channelStatistics(train))
  const { images, targets } = await source.batch(Array.from({ length: pictures }, (_, i) => i))
  const likeliest = tidy(() => argMax(forward(network, images).logits, -1))
  const labels = [...(await likeliest.data())]
  dispose([images, targets, likeliest])
  return { backend: name, tried, answers: labels.map((label, i) => ({ says: test.classes[label], shows: test.classes[test.labels[i]] })) }
}
