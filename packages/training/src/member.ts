import { once } from 'node:events'
import { parentPort, workerData } from 'node:worker_threads'
import { alone, type Group } from './group.js'
import type { MemberData, MemberMessage } from './run-group.js'
import { leaveGroup, threadGroup } from './thread-group.js'
import { throttle } from './throttle.js'

// What each thread of runGroup executes.
const port = parentPort!
const { module, input, rank, size, memory } = workerData as MemberData

const send = (message: MemberMessage) => port.postMessage(message)

let lastShare: Promise<unknown> = Promise.resolve()
const share: Group['share'] = (name, byteLength) => {
  const buffer = lastShare.then(async () => {
    const reply = once(port, 'message')
    send({ kind: 'share', name, byteLength })
    return (await reply)[0] as SharedArrayBuffer
  })
  lastShare = buffer
  return buffer
}

async function run(): Promise<void> {
  const { main } = await import(module)
  if (typeof main !== 'function')
    throw new Error(`runGroup: the module must export a function main(group, input, report); ${module} does not`)
  const report = rank === 0 ? throttle((event) => send({ kind: 'report', event }), 100) : () => {}
  const result = await main(size === 1 ? alone : threadGroup(rank, size, memory, share), input, report)
  send({ kind: 'done', result: rank === 0 ? result : undefined })
  leaveGroup(memory, rank)
}

try {
  await run()
} catch (error) {
  // A DOMException (an abort, a value that cannot be cloned) loses its message on its way to another thread.
  throw error instanceof DOMException ? Object.assign(new Error(error.message), { name: error.name }) : error
}
