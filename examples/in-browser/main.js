// Runs bundled (index.html) and as it stands (import-map.html): it imports packages by their names only.
import { useBackend } from '@learngene/backends'
import { channelStatistics, imageSource, subset } from '@learngene/datasets'
import { loadTest, loadTrain, readAncestor } from '@learngene/fashion-mnist'
import { accuracies, distill } from '@learngene/learngene-pool'
import { createRng } from '@learngene/training'
import { disposeNetwork, forward, loadModel } from '@learngene/vit-blocks'
import { argMax, dispose, tidy } from '@tensorflow/tfjs-core'
import { drawImage, drawLosses } from './draw.js'

const query = new URLSearchParams(location.search)
const shown = 24
const tested = Number(query.get('tested') ?? 500)
const steps = Number(query.get('steps') ?? 300)
const batchSize = 32

const element = (id) => document.getElementById(id)
const range = (length) => Array.from({ length }, (_, i) => i)
const percent = (fraction) => `${(100 * fraction).toFixed(1)} %`
/** Some time for the page to paint: the backends compute on this thread. */
const painted = () => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)))

async function classify(ancestor, test, source) {
  const indices = range(shown)
  const { images, targets } = await source.batch(indices)
  const classes = tidy(() => argMax(forward(ancestor, images).logits, -1))
  const predictions = await classes.data()
  dispose([images, targets, classes])
  for (const i of indices) {
    const { data } = await test.picture(i)
    element('images').append(drawImage(data, test.classes[predictions[i]], predictions[i] === test.labels[i]))
  }
}

/** Cuts a model of a fiftieth of the ancestor's MACs out of it and distils it; few steps, to show that training works here. */
async function distilSmall(ancestor, source) {
  const losses = []
  const report = ({ kind, metrics }) => {
    if (kind !== 'progress' || !metrics) return
    losses.push(metrics.loss)
    drawLosses(element('losses'), losses, steps)
  }
  const plan = { epochs: 1, batchSize, learningRate: 1e-3, weights: { logit: 1, block: 0, attn: 0 }, report }
  const { tier } = await distill(ancestor, { width: 12, depth: 12, heads: 3 }, source, plan, createRng(0))
  return { network: tier.network, losses }
}

async function run(wasmPaths) {
  const { name, version, tried } = await useBackend(query.get('backend') ?? 'auto', { wasmPaths })
  element('backend').textContent = `${name} ${version}`
  element('tried').textContent = tried.map(({ name, reason }) => `not ${name}: ${reason}`).join('\n')

  const [train, test, file] = await Promise.all([loadTrain(), loadTest(), readAncestor()])
  const normalisation = await channelStatistics(train)
  const { network: ancestor } = await loadModel(file)
  const testSource = imageSource(subset(test, range(tested)), normalisation)
  await classify(ancestor, test, testSource)
  await painted()
  const [before] = await accuracies([ancestor], testSource)
  element('ancestor').textContent = percent(before)
  await painted()

  const start = performance.now()
  const { network, losses } = await distilSmall(ancestor, imageSource(subset(train, range(steps * batchSize)), normalisation))
  element('speed').textContent = `${Math.round((steps * batchSize) / ((performance.now() - start) / 1000))} images/s`
  const [after] = await accuracies([network], testSource)
  element('small').textContent = percent(after)
  disposeNetwork(network)
  return { backend: name, tried, ancestor: before, small: after, losses, crossOriginIsolated }
}

/** @param {string | { [file: string]: string }} wasmPaths where the wasm backend's binaries are served */
export async function start(wasmPaths) {
  try {
    window.result = await run(wasmPaths)
  } catch (error) {
    element('error').textContent = error.message
    window.result = { error: error.message }
  }
}
