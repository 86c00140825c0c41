import { type ChildProcess, execFile, fork, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { BackendDescription } from '@learngene/backends'
import type { Participant, Turn } from '../participant.js'
import { planDistillation, planStitch } from '../plan.js'
import type { Assignment, Task } from '../task.js'

/** A participant in a process of its own. */
export interface RemoteParticipant extends Participant {
  end(): void
}

/** A child process of this package. */
export function openChild(options: ConversationOptions): Conversation {
  // Nothing that a library prints reaches this process's output.
  const child = fork(fileURLToPath(new URL('./process.js', import.meta.url)), { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] })
  return converse(child, { send: (message) => child.send(message), listen: (receive) => void child.on('message', receive) }, options)
}

export interface StartOptions extends ConversationOptions {
  readonly workers: number
  readonly relaxedSimd: boolean
}

/** Starts a formulation on a backend in a process of its own. Tells whether wasm has relaxed SIMD there. */
export async function startChild(
  assignment: Assignment,
  { workers, relaxedSimd, ...options }: StartOptions,
): Promise<RemoteParticipant & { readonly relaxedSimd: boolean }> {
  const child = openChild(options)
  const request: Request = { kind: 'start', assignment, workers, relaxedSimd }
  const ready = await begin<Reply & { kind: 'ready' }>(child, request)
  return { ...participantOf(child), relaxedSimd: ready.relaxedSimd }
}

/** The answer of a child that is to start. One that cannot is ended: nobody holds it, and it would keep this process alive. */
async function begin<Ready>(child: Conversation, request: object): Promise<Ready> {
  try {
    return await child.ask<Ready>(request)
  } catch (error) {
    child.end()
    throw error
  }
}

function participantOf(child: Conversation): RemoteParticipant {
  return {
    async turn(steps, leadIn) {
      const request: Request = { kind: 'turn', steps, leadIn }
      return (await child.ask<{ turn: Turn }>(request)).turn
    },
    end: child.end,
  }
}

/** The version of PyTorch that a Python has, or undefined. */
export async function pytorchVersion(python: string): Promise<string | undefined> {
  try {
    const { stdout } = await promisify(execFile)(python, ['-c', 'import torch; print(torch.__version__)'], { timeout: 60_000 })
    return stdout.trim()
  } catch {
    return undefined
  }
}

const SCRIPT = fileURLToPath(new URL('../pytorch/vit_step.py', import.meta.url))

export interface PyTorchOptions extends ConversationOptions {
  readonly python: string
  readonly threads: number
  /** CUDA where it is there, or the CPU. */
  readonly device: 'auto' | 'cpu'
}

/** Starts the same work in PyTorch. Tells what it runs on. */
export async function startPyTorch(
  task: Task & Pick<Assignment, 'precision'>,
  { python, threads, device, ...options }: PyTorchOptions,
): Promise<RemoteParticipant & { readonly device: string }> {
  const child = spawn(python, [SCRIPT, '--serve'], { stdio: ['pipe', 'pipe', 'pipe'] })
  const conversation = converse(child, jsonLines(child), options)
  const { what, model, batch, precision } = task
  const plan = what === 'distill' ? planDistillation(model) : what === 'stitch' ? planStitch(model) : {}
  const request = { kind: 'start', what, model, batch, precision, threads, device, ...plan }
  const ready = await begin<{ device: string }>(conversation, request)
  return { ...participantOf(conversation), device: ready.device }
}

function jsonLines(child: ChildProcess) {
  // A child that is gone answers by its end, not by an error of the pipe.
  child.stdin!.on('error', () => {})
  return {
    send: (message: object) => void child.stdin!.write(`${JSON.stringify(message)}\n`),
    listen: (receive: (message: unknown) => void) =>
      void createInterface({ input: child.stdout! }).on('line', (line) => receive(JSON.parse(line))),
  }
}

/** What a child process is asked, one question at a time. */
export type Request =
  | { readonly kind: 'describe' }
  | { readonly kind: 'start'; readonly assignment: Assignment; readonly workers: number; readonly relaxedSimd: boolean }
  | { readonly kind: 'turn'; readonly steps: number; readonly leadIn: number }

export type Reply =
  | { readonly kind: 'described'; readonly backends: readonly BackendDescription[] }
  | { readonly kind: 'ready'; readonly relaxedSimd: boolean }
  | { readonly kind: 'turn'; readonly turn: Turn }
  | { readonly kind: 'error'; readonly message: string }

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

  const stop = () => {
    child.kill('SIGKILL')
    // What it has started in turn may live on and hold its pipes open, which would keep this process alive.
    child.stdout?.destroy()
    child.stderr?.destroy()
  }
  const fail = (error: Error) => {
    failure ??= error
    waiting?.reject(failure)
    stop()
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
      stop()
    },
  }
}

function lastLine(text: string): string {
  const line = text.trim().split('\n').at(-1)
  return line ? `: ${line}` : ''
}
