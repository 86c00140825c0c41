// Times one training step on the wasm backend, one thread: stock TensorFlow.js beside our kernels, then beside our reference form.
//
//   npm run build && node benchmarks/wasm-train-step.mjs [--model quickstart|deit-tiny|...] [--batch N] [--steps N]
import { main } from 'learngene/node'

for (const ops of ['auto', 'reference']) {
  console.log(ops === 'auto' ? 'our kernels' : '\nour reference form')
  const fixed = ['--backends', 'wasm', '--what', 'train', '--baseline', '--no-pytorch', '--ops', ops]
  const code = await main(['bench', '--model', 'quickstart', ...process.argv.slice(2), ...fixed])
  if (code !== 0) process.exit(code)
}
