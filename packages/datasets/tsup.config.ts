import { libraryConfig } from '../../tsup.config.ts'

// The workers are no entries of the package but the files with which threads of `nodePool` and `pagePool` start.
export default libraryConfig({
  entry: {
    index: 'src/index.ts',
    node: 'src/node.ts',
    'node-worker': 'src/off-thread/node-worker.ts',
    'page-worker': 'src/off-thread/page-worker.ts',
  },
})
