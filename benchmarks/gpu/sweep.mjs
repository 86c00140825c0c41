// Times every plan, tile and parts, of every product of a training step on this GPU: what the efficiencies of tile.ts and the device model are to be corrected by.
// Keeps nothing; `learngene tune` does.
//
//   npm run build && node benchmarks/gpu/sweep.mjs [--model deit-tiny|deit-small|deit-base] [--batch 64] [--seconds 60] [--precision float32|mixed] [--quick] [--json]
import { productsOf, tune } from '@learngene/ops/webgpu'
import { tidy } from '@tensorflow/tfjs-core'
import { print, readOptions, startGpu, trainingStep } from './work.mjs'

const options = readOptions()
const { adapter, features } = await startGpu(options)
const { step, inputs } = trainingStep(options.config, options.batch)
const found = productsOf(() => tidy(() => void step(inputs())))
const shapes = options.quick ? found.slice(0, 1) : found
const rows = []
const onMeasured = (product, plans) => {
  const [, rowCount, columns, depth] = /(\d+)x(\d+)x(\d+)$/.exec(product).map(Number)
  for (const plan of plans) {
    const tflops = (2 * rowCount * columns * depth) / (plan.ms * 1e9)
    rows.push({ product, tile: `${plan.rows}x${plan.columns}`, parts: plan.parts, ms: plan.ms, tflops })
  }
}
const { plans } = await tune(shapes, { seconds: options.seconds, onMeasured })
const products = Object.fromEntries(
  shapes.map(({ shape, count }) => [`${shape.left} ${shape.right} ${shape.rows}x${shape.columns}x${shape.depth}`, count]),
)
const { model, batch, precision } = options
print(options, { what: 'sweep', adapter, features, model, batch, precision, products, best: plans, rows }, rows)
