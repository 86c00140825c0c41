import type { ChildProcess } from 'node:child_process'

export interface ConversationOptions {
  /** The time that all answers together may take, in ms. */
  readonly timeoutMs: number
  readonly signal?: AbortSignal
}

/** Questions to a child process and its answers, one at a time. */
export interface Conversation {
  /** @throws what the child answers with `{ kind: 'error', message }`; that it ended, crashed or took too long */
  ask<Answer>(question: object): Promise<Answer>
  end(): void
}

/** How messages go to a child and come from it. */
export interface Line {
  send(message: object): void
  listen(receive: (message: unknown) => void): void
}

export function converse(child: ChildProcess, line: Line, { timeoutMs, signal }: ConversationOptions): Conversation {
  let remaining = timeoutMs
  let failure: Error | undefined
  let waiting: { resolve(answer: unknown): void; reject(error: Error): void } | undefined
  let complaints = ''

  const fail = (error: Error) => {
    failure ??= error
    waiting?.reject(failure)
    child.kill('SIGKILL')
  }
  const abort = () => fail(signal!.reason)
  child.stderr?.on('data', (chunk) => {
    complaints = (complaints + chunk).slice(-4000)
  })
  child.on('error', (error) => fail(new Error(`its process cannot be started: ${error.message}`)))
  child.on('close', (code, killedBy) => fail(new Error(`its process ended with ${killedBy ?? `exit code ${code}`}${lastLine(complaints)}`)))
  signal?.addEventListener('abort', abort)
  if (signal?.aborted) abort()

  line.listen((message) => {
    const { kind, message: text } = message as { kind?: unknown; message?: string }
    if (kind === 'error') waiting?.reject(new Error(text))
    else waiting?.resolve(message)
  })

  return {
    async ask<Answer>(question: object) {
      if (failure) throw failure
      const started = performance.now()
      const timer = setTimeout(() => fail(new Error(`it took longer than ${timeoutMs / 1000} s`)), remaining)
      try {
        return await new Promise<Answer>((resolve, reject) => {
          waiting = { resolve: resolve as (answer: unknown) => void, reject }
          line.send(question)
        })
      } finally {
        waiting = undefined
        clearTimeout(timer)
        remaining -= performance.now() - started
      }
    },
    end() {
      signal?.removeEventListener('abort', abort)
      child.kill('SIGKILL')
    },
  }
}

function lastLine(text: string): string {
  const line = text.trim().split('\n').at(-1)
  return line ? `: ${line}` : ''
}
