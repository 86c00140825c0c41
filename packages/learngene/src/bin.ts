#!/usr/bin/env node
import { processIo } from './io.js'
import { INTERRUPTED, main } from './main.js'

// Libraries that print go to stderr: stdout holds the command's own output and nothing else.
console.log = console.error
console.info = console.error
console.debug = console.error
// TensorFlow's library reads them when a thread first loads it, and threads other than this one cannot set them: errors only, and operations one after the
// other, each on all cores.
process.env.TF_CPP_MIN_LOG_LEVEL ??= '2'
process.env.TF_NUM_INTEROP_THREADS ??= '1'

// The reader of a pipe may have seen enough.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit()
    throw error
  })
}

const interruption = new AbortController()
process.on('SIGINT', () => {
  if (interruption.signal.aborted) {
    process.stderr.write('learngene: ended at once; a hidden folder beside the output may be left, which the next run there removes\n')
    process.exit(INTERRUPTED)
  }
  interruption.abort(new Error('interrupted'))
})

process.exitCode = await main(process.argv.slice(2), processIo(interruption.signal))
