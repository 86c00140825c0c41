import { libraryConfig } from '../../tsup.config.ts'

// `process` and `member` are no entries of the package but the files that its child processes and their threads start with.
export default libraryConfig({ entry: ['src/index.ts', 'src/latency.ts', 'src/node.ts', 'src/process.ts', 'src/member.ts'] })
