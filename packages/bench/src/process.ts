import { describeBackends } from '@learngene/backends'
import { groupParticipant } from './node/group-participant.js'
import type { Reply, Request } from './node/messages.js'
import { setRelaxedSimd } from './node/relaxed-simd.js'
import { type Participant, startParticipant } from './participant.js'

// What each child process of a benchmark executes: one participant, or a look at the backends.
let participant: Participant

async function answer(request: Request): Promise<Reply> {
  switch (request.kind) {
    case 'describe':
      return { kind: 'described', backends: await describeBackends() }
    case 'start': {
      const relaxedSimd = setRelaxedSimd(request.relaxedSimd)
      participant = await (request.workers > 1
        ? groupParticipant(request.assignment, request.workers)
        : startParticipant(request.assignment))
      return { kind: 'ready', relaxedSimd }
    }
    case 'turn':
      return { kind: 'turn', turn: await participant.turn(request.steps, request.leadIn) }
  }
}

process.on('disconnect', () => process.exit())
process.on('message', async (request: Request) => {
  const reply = await answer(request).catch((error: unknown): Reply => {
    return { kind: 'error', message: error instanceof Error ? error.message : String(error) }
  })
  process.send!(reply)
})
