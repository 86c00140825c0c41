#!/usr/bin/env node
import { processIo } from './io.js'
import { FAILURE, INTERRUPTED, main } from './main.js'

// Libraries that print go to stderr: stdout holds the command's own output and nothing else.
console.log = console.error
console.info = console.error
console.debug = console.error
// TensorFlow's library reads them when a thread first loads it, and threads other than this one cannot set them: errors only, and operations one after the
// other, each on all cores.
process.env.TF_CPP_MIN_LOG_LEVEL ??= '2'
process.env.TF_NUM_INTEROP_THREADS ??= '1'

// The reader of a pipe may have seen enough: the work goes on, and the exit code says how it ended.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE' || process.exitCode === FAILURE) return
  process.stderr.write(`learngene: stdout cannot be written: ${error.message}; what was to be read there is not whole\n`)
  process.exitCode = FAILURE
})
// Nobody is left to be told.
process.stderr.on('error', () => {})

/** 128 + SIGTERM. */
const TERMINATED = 143

// A configuration that is being loaded finds another in its place.
const exit = process.exit.bind(process)
const interruption = new AbortController()
let ended = INTERRUPTED
const interrupt = (code: number) => () => {
  if (interruption.signal.aborted) {
    process.stderr.write('learngene: ended at once; a hidden folder beside the output may be left, which the next run there removes\n')
    exit(code)
  }
  ended = code
  interruption.abort(new Error('interrupted'))
}
process.on('SIGINT', interrupt(INTERRUPTED))
// As batch systems end a job.
process.on('SIGTERM', interrupt(TERMINATED))

const code = await main(process.argv.slice(2), processIo(interruption.signal))
process.exitCode ||= code === INTERRUPTED ? ended : code
