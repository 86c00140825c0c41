import type { GroupProgram, MemberStart } from './host-group.js'
import { portableError, runMember } from './run-member.js'

/** What we use of a Web Worker's global scope. */
interface WorkerScope {
  postMessage(message: unknown): void
  addEventListener(type: 'message', listener: (event: MessageEvent) => void, options: { once: true }): void
}

/** Makes a Web Worker a member of a group: its script calls this once, at its start, with what `runGroup` shall run. */
export function serveGroup<Input, Result>(program: GroupProgram<Input, Result>): void {
  const scope = globalThis as unknown as WorkerScope
  const next = () => new Promise<unknown>((resolve) => scope.addEventListener('message', ({ data }) => resolve(data), { once: true }))
  next()
    .then((start) => runMember(start as MemberStart, program, { send: (message) => scope.postMessage(message), next }))
    .catch((error) => {
      const portable = portableError(error)
      scope.postMessage({ kind: 'failed', error: portable instanceof Error ? portable : new Error(String(portable)) })
    })
}
