import type { ReportEvent, Reporter } from '@learngene/interfaces'
import type { Group } from './group.js'
import { createShares } from './shares.js'
import { type GroupMemory, groupMemory } from './thread-group.js'

/** What a worker of a group runs. Every member runs it with equal input; they differ in `group.rank` only. */
export type GroupProgram<Input, Result> = (group: Group, input: Input, report: Reporter) => Promise<Result> | Result

/** What all kinds of workers have in common. */
export interface HostOptions {
  /** Number of workers. */
  readonly size: number
  /** Given to each program; anything that structured clone can copy. */
  readonly input: unknown
  /** Gets the events of rank 0: stages and messages all, progress about ten times a second and when done. */
  readonly report?: Reporter
  /** Ends all workers at once. */
  readonly signal?: AbortSignal
}

/** What a worker is told at its start. */
export interface MemberStart {
  readonly input: unknown
  readonly rank: number
  readonly size: number
  /** Missing where the group has one member, which shares with nobody. */
  readonly memory?: GroupMemory
}

export type MemberMessage =
  | { readonly kind: 'report'; readonly event: ReportEvent }
  | { readonly kind: 'share'; readonly name: string; readonly byteLength: number }
  | { readonly kind: 'done'; readonly result: unknown }
  | { readonly kind: 'failed'; readonly error: unknown }

/** A running worker. */
export interface MemberHandle {
  post(message: unknown): void
  /** Names what receives the worker's messages, and what is called when it fails or ends without one. */
  listen(onMessage: (message: MemberMessage) => void, onFailure: (error: unknown) => void): void
  terminate(): unknown
}

/**
 * Starts the members of a group and serves them until all are done.
 *
 * @returns what rank 0 returned
 * @throws the error of the first member that fails, with its rank as the property `rank`; the signal's reason. The others are ended then
 */
export async function hostGroup<Result>(options: HostOptions, start: (member: MemberStart) => MemberHandle): Promise<Result> {
  const { size, input, report, signal } = options
  if (!Number.isInteger(size) || size < 1) throw new Error(`runGroup: size must be a positive integer; got ${size}`)
  signal?.throwIfAborted()
  const memory = size === 1 ? undefined : groupMemory(size)
  const share = createShares(size)
  const members: MemberHandle[] = []
  let abort = () => {}
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(signal!.reason)
  })
  signal?.addEventListener('abort', abort)
  try {
    for (let rank = 0; rank < size; rank++) members.push(start({ input, rank, size, memory }))
    const results = members.map((member, rank) => resultOf(member, rank, share, report))
    const [result] = await Promise.race([aborted, Promise.all(results)])
    return result as Result
  } finally {
    signal?.removeEventListener('abort', abort)
    await Promise.all(members.map((member) => member.terminate()))
  }
}

function resultOf(member: MemberHandle, rank: number, share: ReturnType<typeof createShares>, report?: Reporter): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const fail = (error: unknown) => reject(Object.assign(error instanceof Error ? error : new Error(String(error)), { rank }))
    member.listen((message) => {
      if (message.kind === 'done') resolve(message.result)
      else if (message.kind === 'report') report?.(message.event)
      else if (message.kind === 'failed') fail(message.error)
      else {
        try {
          member.post(share(rank, message.name, message.byteLength))
        } catch (error) {
          fail(error)
        }
      }
    }, fail)
  })
}
