import { libraryConfig } from '../../tsup.config.ts'

export default libraryConfig({
  entry: [
    'src/index.ts',
    'src/node.ts',
    'src/bin.ts',
    'src/run/worker.ts',
    'src/study/worker.ts',
    'src/run/verify-process.ts',
    'src/run/probe-process.ts',
    'src/run/tune-process.ts',
    'src/latency/measure-process.ts',
    'src/doctor/check-process.ts',
    'src/serve/engine-thread.ts',
  ],
})
