import { type ChildProcess, execFile, fork, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Participant, Turn } from '../participant.js'
import { planDistillation, planStitch } from '../plan.js'
import type { Assignment, Task } from '../task.js'
import { type Conversation, type ConversationOptions, converse } from './conversation.js'
import type { Reply, Request } from './messages.js'

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
  const ready = await child.ask<Reply & { kind: 'ready' }>(request)
  return { ...participantOf(child), relaxedSimd: ready.relaxedSimd }
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
  task: Task,
  { python, threads, device, ...options }: PyTorchOptions,
): Promise<RemoteParticipant & { readonly device: string }> {
  const child = spawn(python, [SCRIPT, '--serve'], { stdio: ['pipe', 'pipe', 'pipe'] })
  const conversation = converse(child, jsonLines(child), options)
  const { what, model, batch } = task
  const plan = what === 'distill' ? planDistillation(model) : what === 'stitch' ? planStitch(model) : {}
  const ready = await conversation.ask<{ device: string }>({ kind: 'start', what, model, batch, threads, device, ...plan })
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
