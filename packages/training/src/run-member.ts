import { alone, type Group } from './group.js'
import type { GroupProgram, MemberMessage, MemberStart } from './host-group.js'
import { leaveGroup, threadGroup } from './thread-group.js'
import { throttle } from './throttle.js'

/** A worker's connection to who started it. */
export interface HostPort {
  send(message: MemberMessage): void
  /** The next message from there. */
  next(): Promise<unknown>
}

/** Runs the program as one member of a group and sends what it returns. */
export async function runMember<Input>(start: MemberStart, program: GroupProgram<Input, unknown>, port: HostPort): Promise<void> {
  const { rank, size, memory } = start
  let lastShare: Promise<unknown> = Promise.resolve()
  const share: Group['share'] = (name, byteLength) => {
    const buffer = lastShare.then(() => {
      const reply = port.next()
      port.send({ kind: 'share', name, byteLength })
      return reply as Promise<SharedArrayBuffer>
    })
    lastShare = buffer
    return buffer
  }
  const report: Parameters<typeof program>[2] = rank === 0 ? throttle((event) => port.send({ kind: 'report', event }), 100) : () => {}
  const result = await program(memory ? threadGroup(rank, size, memory, share) : alone, start.input as Input, report)
  port.send({ kind: 'done', result: rank === 0 ? result : undefined })
  if (memory) leaveGroup(memory, rank)
}

/** A DOMException (an abort, a value that cannot be cloned) loses its message on its way to another thread. */
export const portableError = (error: unknown): unknown =>
  error instanceof DOMException ? Object.assign(new Error(error.message), { name: error.name }) : error
