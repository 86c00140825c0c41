import type { BackendName } from '@learngene/backends'
import type { Command } from 'commander'
import { type Io, printJson } from '../io.js'
import { backendOption, example, integer, jsonOption, quietOption, seedOption } from '../options.js'
import { withProgress } from '../progress/progress-reporter.js'
import { nextText } from '../report/next.js'

interface Given {
  readonly port: number
  readonly host: string
  readonly queue: number
  readonly batchSize: number
  readonly maxBytes: number
  readonly timeout: number
  readonly backend: BackendName | 'auto'
  readonly json?: boolean
  readonly quiet?: boolean
}

export function addServe(program: Command, io: Io): void {
  program
    .command('serve')
    .description(
      'Answer HTTP requests: POST /classify a picture, get its classes; GET /models; GET /health. Of a run every descendant is at hand, and a request may name its budget.',
    )
    .argument(
      '<model>',
      "a safetensors file, a folder, 'hf:owner/name', 'embedded', or a finished run, whose descendants share one pool's weights",
    )
    .option('--port <number>', 'where to listen; 0 for any that is free', integer(0, 65535), 8080)
    .option('--host <address>', 'who may ask: 127.0.0.1 for this machine alone, 0.0.0.0 for everyone who reaches it', '127.0.0.1')
    .option('--queue <number>', 'requests that are taken at a time; further ones are refused at once', integer(1), 64)
    .option('--batch-size <number>', 'pictures that are computed at a time', integer(1), 16)
    .option('--max-bytes <number>', 'bytes of a request, such as 10000000', integer(1), 10_000_000)
    .option('--timeout <ms>', 'milliseconds in which a request is answered or refused', integer(1, 2 ** 31 - 1), 10_000)
    .addOption(backendOption())
    .addOption(quietOption())
    .addOption(seedOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      example(
        'learngene serve runs/quickstart --port 8080',
        "$ curl --data-binary @shoe.jpg 'http://127.0.0.1:8080/classify?latency=10ms&top=3'",
      ),
    )
    .addHelpText('after', '\nSIGTERM and Ctrl-C end it in order: what was taken is answered, and the exit code is 0.')
    .action(async (model: string, { json, quiet, host, port, queue, batchSize, maxBytes, timeout, backend }: Given) => {
      const [{ serve }, { servingText, servedJson, nextOfServing }] = await Promise.all([
        import('../serve/server.js'),
        import('../serve/text.js'),
      ])
      const options = { host, port, queue, batchSize, maxBytes, timeout, backend }
      const serving = await withProgress(io, (report) => serve(model, { ...options, report, signal: io.signal }), quiet)
      if (json) printJson(io, servedJson(serving))
      else io.stdout.write(`${servingText(serving)}\n${nextText([nextOfServing(serving)], quiet)}`)
      const asked = new Promise<void>((resolve) => {
        if (io.signal.aborted) resolve()
        io.signal.addEventListener('abort', () => resolve(), { once: true })
      })
      const failure = await Promise.race([asked, serving.failed])
      if (!failure && !quiet) io.stderr.write('shutting down: answering what was taken\n')
      await serving.close()
      if (failure) throw failure
    })
}
