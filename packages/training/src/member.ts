import { once } from 'node:events'
import { parentPort, workerData } from 'node:worker_threads'
import { alone, type Group } from './group.js'
import type { MemberData, MemberMessage } from './run-group.js'
import { type GroupMemory, leaveGroup, threadGroup } from './thread-group.js'
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

const { main } = await import(module)
if (typeof main !== 'function')
  throw new Error(`runGroup: the module must export a function main(group, input, report); ${module} does not`)
const report = rank === 0 ? throttle((event) => send({ kind: 'report', event }), 100) : () => {}
const result = await main(size === 1 ? alone : threadGroup(rank, size, memory as GroupMemory, share), input, report)
send({ kind: 'done', result: rank === 0 ? result : undefined })
leaveGroup(memory, rank)
