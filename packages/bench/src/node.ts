export { pytorchVersion } from './node/children.js'
export { type BenchOptions, runBenchmark } from './node/run-benchmark.js'
