import { libraryConfig } from '../../tsup.config.ts'

export default libraryConfig({
  entry: [
    'src/index.ts',
    'src/bin.ts',
    'src/quickstart/worker.ts',
    'src/quickstart/verify-process.ts',
    'src/quickstart/probe-process.ts',
    'src/doctor/check-process.ts',
  ],
})
