import { libraryConfig } from '../../tsup.config.ts'

// `member` is no entry of the package but the file that the worker threads of runGroup start with.
export default libraryConfig({ entry: ['src/index.ts', 'src/browser.ts', 'src/node.ts', 'src/member.ts'] })
