import { once } from 'node:events'
import { parentPort, workerData } from 'node:worker_threads'
import type { MemberData } from './run-group.js'
import { portableError, runMember } from './run-member.js'

// What each thread of runGroup executes.
const port = parentPort!
const { module, ...start } = workerData as MemberData
try {
  const { main } = await import(module)
  if (typeof main !== 'function')
    throw new Error(`runGroup: the module must export a function main(group, input, report); ${module} does not`)
  await runMember(start, main, {
    send: (message) => port.postMessage(message),
    next: async () => (await once(port, 'message'))[0],
  })
} catch (error) {
  throw portableError(error)
}
